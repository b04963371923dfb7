"""What contradicts what in the plan of a pair of sites. How contradictions are gathered is plan_check.py."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from config.plan import ActionPlan, Pair, Plan, SitePlan
from config.positions import Path
from config.words import ACTIONS, MOVES, SIGNATURES, TAKE_OVERS

Found = tuple[Path, str]

SITES: Final = 2

_TAKE_OVER_MS: Final = range(30_000, 60_001)
"""Sooner a short outage of a line would move a centre; later people have waited too long."""

_WAIT_MS_MAX: Final = 1_000
"""Providers and customers wait for the answer meanwhile."""

_TIMEOUT_MS_MAX: Final = 60_000
_SHARES: Final = range(10, 101, 10)
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_METHODS: Final = ("POST", "PUT", "PATCH", "GET", "DELETE")
_FILLED: Final = frozenset({"site", "to", "url", "number"})
_BRACES: Final = re.compile(r"\{([a-z_]+)\}")
_DIALLED: Final = re.compile(r"\+?[0-9]{3,15}")
_BY_SIP: Final = re.compile(
    r"sip:[A-Za-z0-9+*#._-]+@(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:;transport=(?:tcp|udp))?"
)
_SECRET: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def contradictions(plan: Plan) -> Iterator[Found]:
    """Every contradiction of the plan's pair; none where there is no pair."""
    if plan.pair is None:
        return
    pair, path = plan.pair, ("pair",)
    if len(pair.sites) != SITES:
        yield (*path, "sites"), f"a pair is exactly two [[pair.sites]], not {len(pair.sites)}"
    for index, site in enumerate(pair.sites):
        yield from _site(site, (*path, "sites", index))
    yield from _alike(pair)
    yield from _times(pair, path)
    if pair.take_over not in TAKE_OVERS:
        yield (*path, "take_over"), f"take_over is {' or '.join(TAKE_OVERS)}, not {pair.take_over!r}"
    if pair.third and (wrong := address_problem(pair.third, path=True)):
        yield (*path, "third"), wrong
    for index, number in enumerate(pair.overflow):
        if not _DIALLED.fullmatch(plain_number(number)):
            words = f"{number!r} is no number that can be called; one is +15550100555"
            yield (*path, "overflow", index), words
    for index, action in enumerate(pair.actions):
        yield from _action(plan, pair, action, (*path, "actions", index))


def address_problem(url: str, *, path: bool = False) -> str:
    """What is wrong with the address of a site; empty when nothing is. With path it may have one."""
    example = "https://muster-a.example.org"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"{url!r} is no address; one is {example}"
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return f"{url!r} is no address; one is {example}"
    if parts.username is not None or parts.fragment or (not path and (parts.path.strip("/") or parts.query)):
        return f"{url!r} must be no more than https://, a host and perhaps a port"
    return ""


def plain_number(number: str) -> str:
    """A number without what people put between its digits."""
    return re.sub(r"[\s()/.-]", "", number)


def is_plain(url: str) -> bool:
    """Whether what is sent there could be read on the way: not encrypted, and not on this machine."""
    parts = urlsplit(url)
    return parts.scheme != "https" and (parts.hostname or "") not in _LOOPBACK


def _site(site: SitePlan, path: Path) -> Iterator[Found]:
    if not site.name.strip():
        yield (*path, "name"), "the site needs a name that people can say"
    for name in ("url", "peer"):
        url = getattr(site, name)
        if wrong := address_problem(url):
            yield (*path, name), wrong
        elif is_plain(url):
            yield (*path, name), f"{url!r} could be read on the way: use https (`muster site keys`)"
    if site.sip and not _BY_SIP.fullmatch(site.sip) and not _DIALLED.fullmatch(plain_number(site.sip)):
        yield (
            (*path, "sip"),
            f"{site.sip!r} is nowhere to call; sip:112@muster-b.example.org:5060 and a number are",
        )


def _alike(pair: Pair) -> Iterator[Found]:
    for name in ("url", "peer", "name"):
        values = [getattr(site, name).rstrip("/").casefold() for site in pair.sites]
        for index, value in enumerate(values):
            if value in values[:index]:
                yield ("pair", "sites", index, name), f"both sites have the {name} {value!r}"


def _times(pair: Pair, path: Path) -> Iterator[Found]:
    if pair.take_over_after_ms not in _TAKE_OVER_MS:
        first, last = _TAKE_OVER_MS.start, _TAKE_OVER_MS.stop - 1
        words = f"a site takes over after {first} to {last} ms of silence, not {pair.take_over_after_ms}"
        yield (*path, "take_over_after_ms"), words
    if pair.assigned_after_ms and pair.assigned_after_ms < pair.take_over_after_ms:
        words = "what agents hold is adopted later than what nobody holds (0: only when somebody says so)"
        yield (*path, "assigned_after_ms"), words
    if not 1 <= pair.wait_ms <= _WAIT_MS_MAX:
        yield (*path, "wait_ms"), f"wait_ms is 1 to {_WAIT_MS_MAX}, not {pair.wait_ms}"
    if pair.drill_every_days < 0:
        yield (*path, "drill_every_days"), "drill_every_days is 0 (no drill is ever due) or more"
    if pair.drill_share_pct not in _SHARES:
        yield (*path, "drill_share_pct"), f"drill_share_pct is 10, 20 … 100, not {pair.drill_share_pct}"


def _action(plan: Plan, pair: Pair, action: ActionPlan, path: Path) -> Iterator[Found]:
    sites = [site.site_id for site in pair.sites]
    words: dict[str, tuple[str, ...]] = {"when": MOVES, "kind": ACTIONS, "site": tuple(sites)}
    for name, known in words.items():
        if getattr(action, name) not in known:
            yield (*path, name), f"{name} is {', '.join(known)}, not {getattr(action, name)!r}"
    if not 1 <= action.timeout_ms <= _TIMEOUT_MS_MAX:
        yield (*path, "timeout_ms"), f"timeout_ms is 1 to {_TIMEOUT_MS_MAX}, not {action.timeout_ms}"
    filled = (action.url, action.body, *action.command, *(str(value) for _, value in action.headers))
    for each in (name for text in filled for name in _BRACES.findall(text)):
        if each not in _FILLED:
            yield path, f"nothing is filled in for {{{each}}}; there are {', '.join(sorted(_FILLED))}"
    yield from _of_kind(plan, action, path)


def _of_kind(plan: Plan, action: ActionPlan, path: Path) -> Iterator[Found]:
    """What its kind needs, and what it has nothing to do with."""
    if action.kind == "http":
        yield from _http(action, path)
    if action.kind == "twilio_number":
        accounts = {each.account_id: each.provider for each in plan.accounts}
        if accounts.get(action.account) not in ("twilio", "twilio-voice"):
            yield (*path, "account"), f"{action.account!r} is no account of this plan at twilio"
        if action.url and is_plain(action.url):
            yield (*path, "url"), f"{action.url!r} could be read on the way: use https"
    if action.kind == "command" and not (action.command and action.command[0].startswith("/")):
        yield (*path, "command"), "command is a list: the whole path of a program, then its arguments"
    strange = {
        "http": ("account", "command"),
        "twilio_number": ("command", "body", "headers", "secret", "sign"),
        "command": ("account", "url", "body", "headers", "secret", "sign"),
    }
    for name in strange.get(action.kind, ()):
        if getattr(action, name):
            yield (*path, name), f"an action of kind {action.kind!r} has no {name}"


def _http(action: ActionPlan, path: Path) -> Iterator[Found]:
    if wrong := address_problem(_BRACES.sub("x", action.url), path=True):
        yield (*path, "url"), wrong
    elif is_plain(action.url):
        yield (*path, "url"), f"{action.url!r} could be read on the way: use https"
    if action.method not in _METHODS:
        yield (*path, "method"), f"method is {', '.join(_METHODS)}, not {action.method!r}"
    if bool(action.secret) != bool(action.sign):
        yield (*path, "sign"), "secret and sign belong together: say both, or neither"
    elif action.sign and action.sign not in SIGNATURES:
        yield (*path, "sign"), f"sign is {', '.join(SIGNATURES)}, not {action.sign!r}"
    if action.secret and not _SECRET.fullmatch(action.secret):
        yield (*path, "secret"), "the name of a secret is small letters, digits and hyphens; never the secret"
