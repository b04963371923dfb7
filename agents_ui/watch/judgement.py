"""What is wrong, told from what is known. Pure: times are given, nothing is read or written.

Each function answers for this moment; that a trouble is told once, and again when it lasts, is watch.py's.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from agents_ui.admin.roles import RoleHealth

SILENCE: Final = "silence"
"""Neither a contact nor a probe came through this way."""
ALL_SILENT: Final = "all_silent"
"""... through none of them: the mistake is in the middle."""
SIGNATURES: Final = "signatures_refused"
"""Requests of an account are refused as not genuine: forged, or our secret is no longer the right one."""
ROLE_GONE: Final = "role_gone"
NOT_OFFERED: Final = "not_offered"
"""Somebody waits and an agent who could serve is free, and nothing happens."""
NOT_ROUTED: Final = "not_routed"
"""Accepted, past its time, and not in anybody's line."""
UNREAD_LONG: Final = "unread_long"

CODES: Final = (SILENCE, ALL_SILENT, SIGNATURES, ROLE_GONE, NOT_OFFERED, NOT_ROUTED, UNREAD_LONG)

NO_SECRET: Final = "no_secret"
"""Problem of an account that cannot be used at all: that has an alarm of its own (account_unusable)."""

GRACE_MS: Final = 50_000
"""On top of the interval between two probes: a first one that failed, and a second that had 20 s. With the
interval of 60 s silence is told after 110 s."""

AGAIN_MS: Final = 20_000
"""After a probe that did not come through: one may be lost, two are a sign."""

WAVE: Final = 20
"""Refusals within about two minutes: more than somebody who tries out an address makes by hand."""
WAVE_MS: Final = 120_000

FEW: Final = 3
LATELY_MS: Final = 900_000
"""So few in this time are enough where not one real contact came beside them: on a quiet account a wrong
secret shows itself by nothing else, because our own probes are signed with it."""

ROLE_GONE_MS: Final = 15_000
"""A role that was restarted is back by then, also on a busy machine."""

ROLE_MISSING_MS: Final = 60_000
"""One that nobody has seen yet may be on its way: a centre starts its roles one after the other."""

UNOFFERED_MS: Final = 15_000
"""The router offers within a quarter of a second; fifteen are no rush hour but a mistake."""

UNROUTED_MS: Final = 20_000
UNREAD_MS: Final = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way in. Shape: watched is the account's id, or /chat; provider is empty for our own page."""

    watched: str
    channel: str
    provider: str


@dataclass(slots=True, kw_only=True)
class Known:
    """What is known of a way; times as the judge's clock has them, 0 where it never happened."""

    through_ms: int
    real_ms: int = 0
    probe_ms: int = 0
    assumed: bool = True
    """Whether through_ms is only when we began: nobody was seen to come through yet."""
    problem: str = ""
    """Why the last probe was not taken; empty where it was."""


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """Something that people should know: what an alarm says."""

    code: str
    ref: str
    detail: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """By what it is the same trouble as before, whatever its figures are now."""
        return self.code, self.ref


def probe_due(known: Known, now_ms: int, every_ms: int) -> bool:
    """Whether to try this way now. While contacts come by it there is nothing to prove."""
    if not every_ms or now_ms - known.through_ms < every_ms:
        return False
    lost = known.probe_ms > known.through_ms or known.problem
    return now_ms - known.probe_ms >= (min(AGAIN_MS, every_ms) if lost else every_ms)


def silent(
    ways: Mapping[str, Known], now_ms: int, every_ms: int, *, since_ms: int, site_id: str
) -> list[Trouble]:
    """The ways by which nothing came through. Shape: since_ms is when we began to watch."""
    if not every_ms:
        return []
    limit_ms = every_ms + GRACE_MS
    found = [
        Trouble(SILENCE, watched, known.problem or "not_through")
        for watched, known in sorted(ways.items())
        if now_ms - max(known.through_ms, since_ms) >= limit_ms and known.problem != NO_SECRET
    ]
    if len(found) > 1 and len(found) == sum(known.problem != NO_SECRET for known in ways.values()):
        problems = sorted({each.detail for each in found})
        return [Trouble(ALL_SILENT, site_id, f"{len(found)}: {', '.join(problems)}")]
    return found


def forged(
    ways: Mapping[str, Known], refused: Mapping[str, int], lately: Mapping[str, int], now_ms: int
) -> list[Trouble]:
    """Accounts whose requests are refused. Shape: refused in about two minutes, lately in fifteen."""
    found = []
    for account, count in sorted(lately.items()):
        known = ways.get(account)
        quiet = known is None or not known.real_ms or now_ms - known.real_ms > LATELY_MS
        if refused.get(account, 0) >= WAVE or (quiet and count >= FEW):
            found.append(Trouble(SIGNATURES, account, str(count)))
    return found


def roles_gone(
    roles: Sequence[RoleHealth], gone_since: Mapping[str, int], served: AbstractSet[str], now_ms: int
) -> list[Trouble]:
    """Roles that do not serve, and have not for a while. Shape: served are those that ever did."""
    return [
        Trouble(ROLE_GONE, each.role, str(each.behind) if each.behind else "")
        for each in roles
        if not each.ok
        and now_ms - gone_since.get(each.role, now_ms)
        >= (ROLE_GONE_MS if each.role in served else ROLE_MISSING_MS)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unoffered:
    """Somebody waits, and this agent could serve: seen at one moment."""

    interaction_id: str
    offer_count: int
    agent_id: str


def not_offered(seen: Sequence[Unoffered], first_seen: Mapping[Unoffered, int], now_ms: int) -> list[Trouble]:
    """The first of those who have been waiting like that for longer than any offer takes."""
    for each in seen:
        if now_ms - first_seen.get(each, now_ms) >= UNOFFERED_MS:
            return [Trouble(NOT_OFFERED, each.interaction_id, each.agent_id)]
    return []


def left_behind(unrouted: tuple[int, str], unread: tuple[int, str], site_id: str) -> list[Trouble]:
    """What was accepted and not routed, or not read, in time. Shape: (how many, the first of them)."""
    found = []
    if unrouted[0]:
        found.append(Trouble(NOT_ROUTED, site_id, f"{unrouted[0]}: {unrouted[1]}"))
    if unread[0]:
        found.append(Trouble(UNREAD_LONG, site_id, f"{unread[0]}: {unread[1]}"))
    return found
