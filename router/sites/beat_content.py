"""What a site says of itself in each beat, as far as its tables know it."""

from collections.abc import Sequence
from typing import Any, Final  # Any: JSON

from config.plan import Plan
from router.journal import stream
from router.journal.connection import Connection
from router.sites.ownership import owner_of
from router.sites.service_states import NORMAL, effective, takes_work
from router.sites.status import readiness_key, status_of

_WAITING: Final = """
    SELECT count(*), coalesce(min(accepted_at_ms), 0) FROM interaction
    WHERE closed_seq = 0 AND state = 'waiting' AND traffic = 'real'
"""
_HERE: Final = "SELECT count(*) FROM agent WHERE desk_ids <> '[]'"
_FREE: Final = """
    SELECT count(*) FROM agent WHERE desk_ids <> '[]' AND available = 1 AND agent_id NOT IN
        (SELECT agent_id FROM interaction WHERE closed_seq = 0 AND state = 'assigned')
    AND agent_id NOT IN (SELECT agent_id FROM offer WHERE outcome = 'outstanding')
"""
_STATE: Final = "SELECT observed, override FROM site_state WHERE site = :site"


def beat_content(
    own: Connection, copy: Connection, *, plan: Plan, domains: Sequence[str], release: str, now_ms: int
) -> dict[str, Any]:
    """docs/architecture.md §12.4, without what Beats adds. now_ms: a time before it looks."""
    head, there = stream.read_head(own), stream.read_head(copy)
    said = own.row(_STATE, site=head.site) or ("", "")
    state = effective(said[0] or NORMAL, said[1])
    owners = {domain: owner_of(own, domain) for domain in domains}
    problems = status_of(own, readiness_key(head.site)).data.get("problems", [])
    return {
        "site": head.site,
        "incarnation": head.incarnation,
        "last_seq": head.seq,
        "looked_ms": now_ms,
        "head_hash": head.hash.hex(),
        "copy_of_you": {
            "incarnation": there.incarnation,
            "seq": there.seq,
            "head_hash": there.hash.hex(),
        },
        "state": state,
        "accepts": takes_work(state),
        "plan": plan.digest,
        "release": release,
        "domains": {domain: [owner.n, owner.site] for domain, owner in owners.items()},
        **figures_of(own, now_ms=now_ms),
        "limits_waiting": plan.limits.waiting_alarm,
        "ready": [each for each in problems if isinstance(each, dict)],
    }


def figures_of(own: Connection, *, now_ms: int) -> dict[str, int]:
    """How many serve here, and how many wait: what people compare two sites by."""
    waiting, oldest_ms = own.row(_WAITING) or (0, 0)
    return {
        "agents_here": _count(own, _HERE),
        "agents_free": _count(own, _FREE),
        "waiting": waiting,
        "longest_wait_ms": max(0, now_ms - oldest_ms) if waiting else 0,
    }


def _count(db: Connection, sql: str) -> int:
    found = db.row(sql)
    return int(found[0]) if found else 0
