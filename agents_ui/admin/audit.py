"""The record of who did what and who looked at whom, from the journal itself; to read it is on record too.

The journal has no index but its own numbers: days become ranges of them, and what is asked for is picked out
in pages. A search that finds little stops after a while and says from where to go on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final  # Any: the answer is a JSON value
from zoneinfo import ZoneInfo

import msgspec

from agents_ui.admin.bodies import Search
from agents_ui.wall.day import day_of, last_seq_before
from config.plan import Plan
from router.journal.appends import storable
from router.journal.database import Connection, Database
from router.journal.stream import OWN_ROWS, last_seq

Value = dict[str, Any]

SHOWN: Final = 200
SCANNED_MAX: Final = 20_000
"""Rows of these kinds looked through for one answer; the page asks for the next."""

PAGE: Final = 1_000

KINDS: Final = (
    "viewed",
    "session_begun",
    "session_ended",
    "session_moved",
    "person_added",
    "person_changed",
    "plan_activated",
    "identity_claimed",
    "identity_moved",
    "customer_named",
    "urgency_declared",
    "transfer_asked",
    "presence_declared",
    "disposition_given",
    "alarm_seen",
    "quarantine_replayed",
    "text_switched",
    "consent_changed",
    "domain_claimed",
    "reroute_set",
    "state_overridden",
    "drill_began",
    "action_tried",
)
"""What people did: looks, sign-ins, changes of people, plans, customers, urgency, supervisors' steps, acts on
two sites."""

_LISTED: Final = ", ".join(f"'{kind}'" for kind in KINDS)
_PAGE: Final = (
    f"SELECT seq, at_ms, kind, ref, data FROM journal WHERE {OWN_ROWS} AND seq > :after_seq"
    f" AND seq < :before_seq AND kind IN ({_LISTED}) ORDER BY seq DESC LIMIT :n"
)
_KNOWN: Final = tuple(
    f"SELECT 1 FROM {table} WHERE {column} = :ref"
    for table, column in (
        ("customer", "customer_id"),
        ("interaction", "interaction_id"),
        ("person", "agent_id"),
    )
)
_DETAILS: Final = (
    "what", "role", "active", "password", "version", "urgency", "to_queue_id", "to_agent_id", "available",
    "reason", "hand_back", "disposition", "why", "from_customer_id", "to_customer_id",
    "genuine", "refused", "off", "state", "how", "categories", "channel",
    "mode", "owner", "with_assigned", "automatic", "share_pct",
)  # fmt: skip
"""Keys of data that are shown as they are. Never: digests, hashes, texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What to pick out. Shape: refs are the ids a row may be about; empty where it does not matter."""

    person: str
    refs: frozenset[str]


def search(database: Database, plan: Plan, asked: Search) -> Value:
    """Records of these days, newest first, at most SHOWN; `next` is where to go on, 0 at the end."""
    with database.reading() as db:
        after_seq, before_seq = _range(db, plan, asked)
        wanted = _Wanted(person=asked.person, refs=_refs(db, asked))
        found, scanned, next_seq = [], 0, 0
        for row in _rows(db, after_seq, before_seq):
            scanned += 1
            record = _record(row)
            if _matches(record, wanted):
                found.append(record)
            if len(found) >= SHOWN or scanned >= SCANNED_MAX:
                next_seq = row[0]
                break
        names = {row[0]: row[1] for row in db.rows("SELECT agent_id, name FROM person")}
    for record in found:
        record["name"] = names.get(record["agent_id"], record["agent_id"])
    return {"records": found, "next": next_seq, "scanned": scanned}


def looked_for(database: Database, asked: Search) -> tuple[str, ...]:
    """The refs under which the search itself goes on record: whom it was about, or the audit as a whole.

    Only those that there are. What is typed and is nobody's id may be a telephone number, and stays for ever.
    """
    with database.reading() as db:
        known = [ref for sql, ref in zip(_KNOWN, _ids(asked), strict=True) if ref and db.row(sql, ref=ref)]
    return tuple(known) or ("audit",)


def _ids(asked: Search) -> tuple[str, str, str]:
    """What was asked for, in the order of _KNOWN, as databases can be asked for it."""
    return storable(asked.customer), storable(asked.interaction), storable(asked.person)


def _range(db: Connection, plan: Plan, asked: Search) -> tuple[int, int]:
    """(after, before): the rows of these days, and of an answer that goes on only those that are left."""
    begins_ms = _day_ms(asked.from_day, plan.site.time_zone)
    ends_ms = _day_ms(asked.to_day, plan.site.time_zone, days=1)
    before_seq = min(last_seq_before(db, ends_ms), last_seq(db)) + 1
    if asked.before_seq:
        before_seq = min(before_seq, asked.before_seq)
    return last_seq_before(db, begins_ms), before_seq


def _day_ms(day: str, time_zone: str, days: int = 0) -> int:
    """The first millisecond of that local day. Raises ValueError for a day that is in no calendar."""
    noon = datetime.combine(date.fromisoformat(day) + timedelta(days=days), datetime.min.time())
    at_noon = noon.replace(hour=12, tzinfo=ZoneInfo(time_zone))
    return day_of(round(at_noon.timestamp() * 1000), time_zone)[0]


def _refs(db: Connection, asked: Search) -> frozenset[str]:
    """The interaction; or the customer with every interaction and identity of theirs."""
    if asked.interaction:
        return frozenset({asked.interaction})
    if not asked.customer:
        return frozenset()
    own = {"c": storable(asked.customer)}
    interactions = db.rows("SELECT interaction_id FROM interaction WHERE customer_id = :c", **own)
    identities = db.rows("SELECT identity_id FROM identity WHERE customer_id = :c", **own)
    return frozenset({asked.customer, *(row[0] for row in (*interactions, *identities))})


def _rows(db: Connection, after_seq: int, before_seq: int) -> Iterator[Sequence[Any]]:  # Any: columns
    while before_seq > after_seq + 1:
        page = db.rows(_PAGE, after_seq=after_seq, before_seq=before_seq, n=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        before_seq = page[-1][0]


def _record(row: Sequence[Any]) -> Value:  # Any: columns
    seq, at_ms, kind, ref, text = row
    data: Mapping[str, Any] = msgspec.json.decode(text)
    whose = ref if kind in ("person_added", "person_changed", "presence_declared") else ""
    by = str(data.get("by", "") or "")
    return {
        "seq": str(seq),
        "at_ms": at_ms,
        "kind": kind,
        "agent_id": by or ("" if whose else str(data.get("agent_id", ""))),
        "about": str(data.get("agent_id", "")) if kind == "session_ended" and by else whose,
        "ref": "" if kind.startswith("session_") else ref,
        "refs": [ref, *(str(data[key]) for key in ("from_customer_id", "to_customer_id") if key in data)],
        "details": {key: data[key] for key in _DETAILS if key in data and data[key] not in ("", None)},
    }


def _matches(record: Value, wanted: _Wanted) -> bool:
    """Presence that somebody declares for themselves is no audit; a supervisor's for another is.

    What customers say about messages by themselves is none either; what an agent notes of it is. An action is
    tried by itself, but where somebody asked for it again.
    """
    if record["kind"] == "presence_declared" and record["agent_id"] in ("", record["about"]):
        return False
    if record["kind"] in ("consent_changed", "action_tried") and not record["agent_id"]:
        return False
    if wanted.person and wanted.person not in (record["agent_id"], record["about"]):
        return False
    return not wanted.refs or not wanted.refs.isdisjoint(record["refs"])
