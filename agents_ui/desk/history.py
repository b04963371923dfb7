"""A customer's interactions as one answer, newest first. Rights and record: requests.look_back, before."""

from typing import Any, Final  # Any: values are JSON objects

from agents_ui.desk.customers import name_of
from agents_ui.desk.entities import MESSAGES_MAX, newest_messages
from router.journal.database import Database

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


def load_history(database: Database, customer_id: str) -> Value:
    """The customer's newest interactions with their messages."""
    with database.reading() as db:
        rows = db.rows(
            f"SELECT {_COLUMNS} {_FROM}"
            " WHERE i.customer_id = :c ORDER BY i.accepted_at_ms DESC, i.arrived_seq DESC LIMIT :n",
            c=customer_id,
            n=INTERACTIONS_MAX,
        )
        interactions = [
            {**_interaction(row), "messages": newest_messages(db, row[0], MESSAGES_MAX)} for row in rows
        ]
        name = name_of(db, customer_id)
    return {"customer_id": customer_id, "name": name, "interactions": interactions}


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
