"""Which roles live, told from the tables alone: leases, and how long events have waited for the router.

Nothing here asks another process anything: what can be told is what that process last wrote.
"""

from typing import Final

import msgspec

from config.plan import Plan
from router.journal.database import Connection
from router.journal.stream import OWN_ROWS
from router.records import EVENT_KINDS
from router.run.lease import NOW_MS
from router.run.voice.plans import has_calls

BEHIND_MS: Final = 3_000
"""A router that has left an event unread for so long is not serving: an offer is on a desk within 250 ms."""

LEASED: Final = ("web", "worker", "mail", "voice")
"""Roles whose processes each renew a row `<role>/<id>`."""

ROUTER: Final = "router"

MAIL: Final = ("smtp", "imap")
"""The providers of accounts that the role mail takes mail for: without one nobody needs it."""

_EVENTS: Final = ", ".join(f"'{kind}'" for kind in sorted(EVENT_KINDS))
_ALIVE: Final = "SELECT name FROM lease WHERE name LIKE '%/%' AND until_ms >= {now} AND owner <> 'voice'"
"""A voice process has a web's lease as well, by which the router hears of its end; it is no web."""

_ROUTER: Final = "SELECT until_ms - {now} FROM lease WHERE name = 'router'"
_BEHIND: Final = (
    f"SELECT count(*), coalesce(min(at_ms), 0) FROM journal WHERE {OWN_ROWS}"
    f" AND seq > (SELECT coalesce(max(read_through), 0) FROM position WHERE reader = 'router')"
    f" AND kind IN ({_EVENTS})"
)
_NOW: Final = "SELECT {now}"


class RoleHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One role. `ok` says whether it serves; count is its living processes, -1 where that cannot be told."""

    role: str
    ok: bool
    count: int = -1
    behind: int = 0
    """Of the router: events it has not read although they are BEHIND_MS old or older."""

    behind_since_ms: int = 0


def roles_now(db: Connection, plan: Plan) -> tuple[RoleHealth, ...]:
    """Router, web and worker; mail and voice where an account of the plan needs them, or one runs."""
    now = NOW_MS[db.dialect]
    alive = [name.partition("/")[0] for (name,) in db.rows(_ALIVE.format(now=now))]
    needed = {*alive, "web", "worker", *(["mail"] if any(a.provider in MAIL for a in plan.accounts) else [])}
    needed |= {"voice"} if has_calls(plan) else set()
    leased = (
        RoleHealth(role=role, ok=role in alive, count=alive.count(role)) for role in LEASED if role in needed
    )
    return (_router(db, now, alive.count(ROUTER)), *leased)


def _router(db: Connection, now: str, alive: int) -> RoleHealth:
    """It serves when one says that it lives, and nothing has waited for it for long."""
    count, since_ms = db.row(_BEHIND) or (0, 0)
    now_ms = (db.row(_NOW.format(now=now)) or (0,))[0]
    late = bool(count) and now_ms - since_ms > BEHIND_MS
    lease = db.row(_ROUTER.format(now=now)) if db.dialect == "postgresql" else (1,)
    return RoleHealth(
        role="router",
        ok=bool(alive) and not late and lease is not None and lease[0] > 0,
        count=alive,
        behind=count if late else 0,
        behind_since_ms=since_ms if late else 0,
    )
