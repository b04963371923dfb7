"""A customer's interactions as one answer, newest first. Rights and record: requests.look_back, before."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final  # Any: values are JSON objects

from agents_ui.access.sight_there import addresses_of, known_as
from agents_ui.desk.customers import name_of
from agents_ui.desk.entities import MESSAGES_MAX, newest_messages
from router.journal.database import Connection, Database, DatabaseBusy, DatabaseGone

Value = dict[str, Any]

INTERACTIONS_MAX: Final = 20
"""What somebody can read while a customer waits."""

_COLUMNS: Final = (
    "i.interaction_id, i.channel, i.state, i.urgency, i.queue_id, i.accepted_at_ms, i.closed_at_ms,"
    " i.disposition, p.name, i.account, i.follows, d.verified, a.address"
)
_FROM: Final = (
    " FROM interaction i LEFT JOIN person p ON p.agent_id = i.closed_by"
    " LEFT JOIN identity d ON d.identity_id = i.identity_id"
    " LEFT JOIN address a ON a.address_hash = i.address_hash"
)


def load_history(database: Database, customer_id: str, there: Database | None = None) -> Value:
    """The customer's newest interactions with their messages.

    there: the copy of the other site, if there is one: what this person said there is among them, marked
    `there` where nothing of it is here. What both have is one, with the words of both.
    """
    with database.reading() as db:
        interactions = _newest(db, [customer_id])
        addresses = addresses_of(db, customer_id)
        name = name_of(db, customer_id)
    if there is not None:
        here = {each["interaction_id"]: each for each in interactions}
        with suppress(DatabaseBusy, DatabaseGone), there.reading() as db:
            for each in _newest(db, known_as(db, addresses)):
                if (ours := here.get(each["interaction_id"])) is None:
                    interactions.append({**each, "there": True})
                else:
                    ours["messages"] = _of_both(ours["messages"], each["messages"])
    interactions.sort(key=lambda each: -each["accepted_at_ms"])
    return {"customer_id": customer_id, "name": name, "interactions": interactions[:INTERACTIONS_MAX]}


def _newest(db: Connection, customer_ids: Sequence[str]) -> list[Value]:
    found: list[Value] = []
    for customer_id in customer_ids:
        rows = db.rows(
            f"SELECT {_COLUMNS} {_FROM}"
            " WHERE i.customer_id = :c ORDER BY i.accepted_at_ms DESC, i.arrived_seq DESC LIMIT :n",
            c=customer_id,
            n=INTERACTIONS_MAX,
        )
        found += [
            {**_interaction(row), "messages": newest_messages(db, row[0], MESSAGES_MAX)} for row in rows
        ]
    return found


def _of_both(ours: Sequence[Value], theirs: Sequence[Value]) -> list[Value]:
    """One conversation that went on at the other site, or at both: each message once, in order of time."""
    known = {each["message_id"] for each in ours}
    found = [*ours, *(each for each in theirs if each["message_id"] not in known)]
    return sorted(found, key=lambda each: each["at_ms"])[-MESSAGES_MAX:]


def _interaction(row: tuple[Any, ...]) -> Value:  # Any: the columns above
    return {
        "interaction_id": row[0],
        "channel": row[1],
        "state": row[2],
        "urgency": row[3],
        "queue_id": row[4],
        "accepted_at_ms": row[5],
        "closed_at_ms": row[6],
        "disposition": row[7],
        "closed_by_name": row[8] or "",
        "account": row[9],
        "follows": row[10],
        "verified": bool(row[11]),
        "address": row[12] or "",
    }
