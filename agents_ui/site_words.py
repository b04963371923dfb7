"""What `muster site` prints and the console shows: sentences for somebody who has never done it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final  # Any: JSON of router/sites/standing.py and its kin

from router.sites.acts import Taken
from router.sites.dry_run_words import seconds
from router.sites.ground import Ground
from router.sites.returning import Returned, besides_lines
from router.sites.service_states import takes_work

_WAS_SO: Final = " It was so; nothing changes."


def is_this_site(ground: Ground, typed: str) -> bool:
    """Whether what somebody typed is this site's id or name: asked before it is changed who serves whom."""
    names = {ground.site.casefold(), ground.name_of(ground.site).casefold()}
    return typed.strip().casefold() in names


def standing_lines(report: Mapping[str, Any]) -> list[str]:
    """How the pair stands."""
    names = {each["site"]: each["name"] for each in report["sites"]}
    return [
        *(line for each in report["sites"] for line in _site_lines(each, report["site"])),
        *(_domain_line(each, names) for each in report["domains"]),
        _peer_line(report, names[report["other"]]),
        _copy_line(report["copy"], names[report["other"]]),
        *_foreign_lines(report, names[report["other"]]),
        *(
            f"Moved to the other site: {each['share_pct']} % of {each['scope']}, since "
            f"{clock(each['since_ms'])} by {each['agent_id']} ({each['why']})."
            for each in report["reroutes"]
        ),
        *(run_line(each) for each in report["actions"] if each["status"] != "done"),
    ]


def problem_lines(problems: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each problem, and under it what to do."""
    return [line for each in problems for line in (f"- {each['text']}", f"    {each['todo']}")]


def run_line(run: Mapping[str, Any]) -> str:
    """One action."""
    words = {"due": "not done yet", "done": "done", "failed": "FAILED"}
    tries = f", {run['attempts']} tries" if run["attempts"] else ""
    return (
        f"Provider {run['run_id']}: {words[run['status']]}{tries}{': ' * bool(run['detail'])}{run['detail']}"
    )


def first_line(domain: str, first: Mapping[str, Any]) -> str:
    """Who did it before."""
    who = "by itself" if first["automatic"] else f"by {first['agent_id'] or 'somebody'}"
    why = f" ({first['why']})" if first["why"] else ""
    return f"Site {domain}: this was done at {clock(first['since_ms'])} {who}{why}; nothing changes."


def taken_lines(ground: Ground, taken: Taken) -> list[str]:
    """What a take-over by this site came to."""
    here = ground.name_of(ground.site)
    whose = " and of ".join(ground.name_of(domain) for domain in taken.domains)
    return [
        *(first_line(domain, asdict(owner)) for domain, owner in taken.first.items()),
        f"{here} serves the traffic of {whose}. {taken.adopted} interactions came here, "
        f"each at its place in line, in {taken.took_ms} ms.",
        *([_orders_line(ground, taken.orders)] if taken.orders else []),
    ]


def _orders_line(ground: Ground, count: int) -> str:
    there, here = ground.name_of(ground.peer), ground.name_of(ground.site)
    what, them = f"{count} answers of conversations that are over", "them"
    if count == 1:
        what, them = "1 answer of a conversation that is over", "it"
    return f"{what}, or here already, had not left {there}: {here} sends {them}."


def returned_lines(ground: Ground, done: Returned) -> list[str]:
    """What a return came to."""
    home, here = ground.name_of(done.domain), ground.name_of(ground.site)
    first, left = first_line(done.domain, asdict(done.first)) if done.first else "", done.left
    return [
        first or f"{home} serves its own traffic again.",
        f"Of it here still: {left.waiting} that are handed over, {left.held} with agents who finish them.",
        *besides_lines(home, here, left),
    ]


def rerouted_line(there: str, scope: str, share_pct: int, *, changed: bool) -> str:
    """What moving a share came to."""
    return f"{share_pct} % of {scope} goes to {there}.{'' if changed else _WAS_SO}"


def override_line(ground: Ground, site: str, state: str) -> str:
    """What saying a site's state would do."""
    name = ground.name_of(site)
    said = f"{name} would count as {state or 'what is observed of it'}."
    if site == ground.site or not state:
        return said
    if takes_work(state):
        return f"{said} That is shown at this site only; what {name} takes is its own decision."
    return (
        f"{said} From here nothing is sent there, and nothing goes home there, until that is taken back. "
        f"{name} itself does not hear of it."
    )


def overridden_line(name: str, state: str, *, changed: bool) -> str:
    """What saying a site's state came to."""
    return f"{name} counts as {state or 'what is observed of it'}.{'' if changed else _WAS_SO}"


def clock(at_ms: int) -> str:
    """A moment as people say it to each other on the telephone, with its zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _site_lines(site: Mapping[str, Any], here: str) -> list[str]:
    mark = " (this site)" if site["site"] == here else ""
    why = f" ({site['observed_why']})" if site["observed_why"] else ""
    seen = f"observed {site['observed'] or 'nothing yet'}{why}"
    found = [f"{site['name']}, site {site['site']}{mark}: {site['effective']}; {seen}"]
    if site["override"]:
        said = f"{site['override_by']} said {site['override']} at {clock(site['override_ms'])}"
        found.append(f"  {said}: {site['override_why']}")
    if not site["readiness_ms"]:
        return [*found, "  readiness: not known"]
    count = len(site["readiness"])
    things = "ready" if not count else f"{count} {'thing is' if count == 1 else 'things are'} not ready"
    return [*found, f"  {things} (asked at {clock(site['readiness_ms'])}; `muster site readiness`)"]


def _domain_line(domain: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if not domain["n"]:
        return f"Traffic of {names[domain['domain']]}: served at home."
    who = "by itself" if domain["automatic"] else f"by {domain['agent_id'] or 'somebody'}"
    return (
        f"Traffic of {names[domain['domain']]}: served by {names[domain['owner']]} since "
        f"{clock(domain['since_ms'])}, {who} ({domain['why'] or 'no reason given'})."
    )


def _peer_line(report: Mapping[str, Any], other: str) -> str:
    peer = report["peer"]
    heard = "was never heard here" if peer["heard_ms"] < 0 else f"was heard {seconds(peer['heard_ms'])} ago"
    watcher = "" if peer["watch_fresh"] else "; the role `peer` does not run here, so this is old"
    suspect = "; CLOCK SUSPECT" if peer["clock"] == "suspect" else ""
    return f"{other} {heard} and counts as {peer['watch']}{suspect}{watcher}."


def _copy_line(copy: Mapping[str, Any], other: str) -> str:
    here = f"here are {copy['of_other_seq']} rows of {other}"
    if "behind_rows" not in copy:
        return f"Copies: {here}; how far {other} has ours is not known."
    lag = f"{other} is behind by {copy['behind_rows']} rows ({seconds(copy['behind_ms'])})"
    return f"Copies: {here}; {lag}; {copy['single_copies']} contacts are at this site only."


def _foreign_lines(report: Mapping[str, Any], other: str) -> list[str]:
    foreign = report["foreign"]
    if not foreign["waiting"] and not foreign["held"]:
        return []
    return [f"Of {other} are here: {foreign['waiting']} waiting, {foreign['held']} with agents."]
