"""What a take-over would do, before anybody does it: counts, names and sentences. Reads only.

The same figures are shown by the console and printed by `muster site dry-run`; its `lines` (dry_run_words.py)
are the words for a person who has never done it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final  # Any: JSON for console and command line

from config.plan import ActionPlan
from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.journal.stream import read_head
from router.sites.adopting import adoptable
from router.sites.dry_run_words import lines
from router.sites.ground import Ground
from router.sites.handed_unseen import handed_unseen
from router.sites.ownership import TAKE_OVER, Owner, owner_of
from router.sites.refusals import refusals
from router.sites.status import PEER, WATCH, readiness_key, status_of
from router.sites.unsent import unsent

OLDEST: Final = 5
"""Interactions named one by one: those that wait longest."""


def dry_run(ground: Ground, domains: Sequence[str]) -> dict[str, Any]:
    """What taking over the traffic of these sites comes to. Raises DatabaseGone, NoStream."""
    now_ms = ground.clock()
    with ground.copy.reading() as copy, ground.own.reading() as own:
        found = _moves(ground, copy, own, now_ms)
        head = read_head(copy)
        beat, watch = status_of(own, PEER), status_of(own, WATCH)
        ready = status_of(own, readiness_key(ground.site))
        peer_seq = max(beat.number("last_seq"), head.seq)
        report = {
            "mode": TAKE_OVER,
            "site": ground.site,
            "name": ground.name_of(ground.site),
            "other": ground.peer,
            "other_name": ground.name_of(ground.peer),
            "at_ms": now_ms,
            "domains": [_domain(own, each, ground.site) for each in domains],
            "peer": {
                "heard_ms": now_ms - beat.at_ms if beat.at_ms else -1,
                "state": watch.text("peer") or "unknown",
            },
            "copy": {
                "through_seq": head.seq,
                "newest_ms": head.at_ms,
                "missing_rows": peer_seq - head.seq,
                "single_copies": _single_copies(copy),
            },
            **found,
            "actions": [shown_action(each) for each in actions_of(ground, domains, TAKE_OVER)],
            "readiness": list(ready.data.get("problems", [])),
            "readiness_ms": ready.at_ms,
            "refusals": [asdict(each) for each in refusals(ground, own, copy)],
        }
    return {**report, "lines": lines(report)}


def actions_of(ground: Ground, domains: Iterable[str], mode: str) -> list[ActionPlan]:
    """What providers would be told."""
    wanted = set(domains)
    return [each for each in ground.pair.actions if each.site in wanted and each.when == mode]


def shown_action(action: ActionPlan) -> dict[str, str]:
    """An action in one line."""
    what = {
        "http": f"{action.method} {action.url}",
        "twilio_number": f"the number of {action.account} gets its webhook here",
        "command": " ".join(action.command),
    }
    return {"action_id": action.action_id, "kind": action.kind, "what": what.get(action.kind, action.kind)}


def _domain(own: Connection, domain: str, site: str) -> dict[str, Any]:
    known = owner_of(own, domain)
    return {"domain": domain, "owner": known.site, "n": known.n, "already": already(known, site)}


def already(known: Owner, site: str) -> dict[str, Any] | None:
    """Who did it before, when and why; None where nobody did."""
    if known.site != site or not known.n:
        return None
    return {
        "agent_id": known.agent_id,
        "at_ms": known.since_ms,
        "why": known.why,
        "automatic": known.automatic,
        "with_assigned": known.with_assigned,
        "n": known.n,
    }


def _moves(ground: Ground, copy: Connection, own: Connection, now_ms: int) -> dict[str, Any]:
    """Counts of what is to be adopted, the oldest by name, and whom agents there talk to."""
    ids = adoptable(copy, own, peer=ground.peer, site=ground.site, assigned=True)
    names = "interaction_id, channel, urgency, state, accepted_at_ms, agent_id, queue_id"
    sql = f"SELECT {names} FROM interaction WHERE interaction_id IN {{wanted}}"
    rows = [dict(zip(names.split(", "), row, strict=True)) for row in rows_in(copy, sql, ids)]
    unseen = rows_in(own, sql, handed_unseen(own, copy, peer=ground.peer))
    rows += [{**dict(zip(names.split(", "), row, strict=True)), "state": "waiting"} for row in unseen]
    for row in rows:
        row["state"] = _state(row)
    free = [row for row in rows if row["state"] != "assigned"]
    oldest = sorted(free, key=lambda row: (row["accepted_at_ms"], row["interaction_id"]))[:OLDEST]
    return {
        "adopted_now": len(free),
        "by_channel": _counted(row["channel"] for row in free),
        "by_urgency": _counted(str(row["urgency"]) for row in free),
        "by_state": _counted(row["state"] for row in rows),
        "oldest": [{**row, "waits_ms": max(0, now_ms - row["accepted_at_ms"])} for row in oldest],
        "assigned": _assigned(copy, [row for row in rows if row["state"] == "assigned"]),
        "unsent": len(unsent(copy, own, now_ms=now_ms, give_up_ms=ground.plan.limits.give_up_ms)),
    }


def _state(row: Mapping[str, Any]) -> str:
    if row["state"] != "parked":
        return str(row["state"])
    return "scheduled" if row["queue_id"] else "unread"


def _assigned(copy: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = dict(copy.rows("SELECT agent_id, name FROM person"))
    counts = Counter(str(row["agent_id"]) for row in rows)
    return [
        {"agent_id": agent, "name": names.get(agent, agent), "count": counts[agent]}
        for agent in sorted(counts)
    ]


def _single_copies(copy: Connection) -> int:
    """Stretches that the other site said it had alone, and never said that they were copied since."""
    found = copy.row("SELECT count(*) FROM copy_gap WHERE healed_ms = 0")
    return int(found[0]) if found else 0


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def served_by(own: Connection, copy: Connection, pair: Iterable[str], site: str) -> list[str]:
    """The domains that this site serves, as far as both databases know."""
    return [each for each in pair if _highest(own, copy, each).site == site]


def _highest(own: Connection, copy: Connection, domain: str) -> Owner:
    return max(owner_of(own, domain), owner_of(copy, domain), key=lambda each: (each.n, each.site))
