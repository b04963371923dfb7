"""What arrivals and their readings do to the journalled tables: each fact is rows of a few statements.

These come by the hundred in a rush, so fold.apply_all takes many of them in one go (many_rows.py). Other
facts are fold_facts.py.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.events import READ_WITHIN_MS
from router.journal.connection import Value
from router.journal.many_rows import ManyRows
from router.records import Row

Change = tuple[ManyRows, Mapping[str, Value]]
"""What a fact adds or changes: a row of that statement."""

_INTERACTIONS: Final = ManyRows(
    """INSERT INTO interaction (interaction_id, channel, account, customer_id, identity_id, address_hash,
           thread, traffic, follows, arrived_seq, accepted_at_ms, reading, language,
           closed_seq, state, queue_id, urgency, requirement, rule_id, step, offer_count, offer_id,
           agent_id, parked_until_ms, named_agent_id, named_until_ms, connection_ids, abandon_at_ms,
           assigned_at_ms, answered_at_ms, answered_queue_id, wrap_up_since_ms, disposition, closed_by,
           closed_why, closed_at_ms, linked_to)
       VALUES""",
    """(:interaction_id, :channel, :account, :customer_id, :identity_id, :address_hash,
       :thread, :traffic, '', :seq, :accepted_at_ms, 'unread', '', 0, 'parked', '', 0,
       '{}', '', 0, 0, '', '', :parked_until_ms, '',
       0, '[]', 0, 0, 0, '', 0, '',
       '', '', 0, :linked_to)""",
)
_MESSAGES: Final = ManyRows(
    """INSERT INTO message (message_id, interaction_id, seq, at_ms, direction, author_id, kind,
           content_id, client_id, status, trouble, reading)
       VALUES""",
    """(:message_id, :interaction_id, :seq, :at_ms, :direction, :author_id, :kind,
       :content_id, :client_id, '', '', :reading)""",
)
_IDENTITIES: Final = ManyRows(
    """INSERT INTO identity (identity_id, customer_id, channel, account, address_hash, verified, at_ms,
           moved_from, moved_at_ms, moved_by, moved_why, moved_command_id)
       VALUES""",
    "(:identity_id, :customer_id, :channel, :account, :address_hash, :verified, :at_ms, '', 0, '', '', '')",
    "ON CONFLICT (identity_id) DO NOTHING",
)
_READ_MESSAGES: Final = ManyRows(
    "UPDATE message SET reading = v.column2 FROM (VALUES",
    "(:message_id, :reading)",
    ") AS v WHERE message.message_id = v.column1",
)
_READ_INTERACTIONS: Final = ManyRows(
    """UPDATE interaction SET
           reading = CASE reading WHEN 'unread' THEN v.column2 ELSE reading END,
           language = CASE language WHEN '' THEN v.column3 ELSE language END
       FROM (VALUES""",
    "(:interaction_id, :reading, :language)",
    ") AS v WHERE interaction.interaction_id = v.column1",
)
_CUSTOMERS: Final = ManyRows(
    "INSERT INTO customer (customer_id, created_at_ms, name_content_id) VALUES",
    "(:customer_id, :at_ms, '')",
    "ON CONFLICT (customer_id) DO NOTHING",
)


def _arrived(row: Row, data: dict[str, Any]) -> list[Change]:
    interaction = {
        "interaction_id": row.ref,
        "channel": data["channel"],
        "account": data.get("account", ""),
        "customer_id": data.get("customer_id", ""),
        "identity_id": data.get("identity_id", ""),
        "address_hash": data.get("address_hash", ""),
        "thread": data.get("thread", ""),
        "traffic": data.get("traffic", "real"),
        "seq": row.seq,
        "accepted_at_ms": data.get("accepted_at_ms", row.at_ms),
        "parked_until_ms": data.get("parked_until_ms") or row.at_ms + READ_WITHIN_MS,
        "linked_to": data.get("customer_id", "") if data.get("verified") is True else "",
    }
    changes: list[Change] = [(_INTERACTIONS, interaction)]
    if data.get("message_id"):
        said = {"direction": "in", "reading": "unread", "author_id": "", **data}
        changes += _message_added(row, said)
    return changes


def _message_added(row: Row, data: dict[str, Any]) -> list[Change]:
    message = {
        "message_id": data["message_id"],
        "interaction_id": row.ref,
        "seq": row.seq,
        "at_ms": row.at_ms,
        "direction": data["direction"],
        "author_id": data.get("author_id", ""),
        "kind": data.get("message_kind", "text"),
        "content_id": data.get("content_id", ""),
        "client_id": data.get("client_id", ""),
        "reading": data.get("reading", "read"),
    }
    return [(_MESSAGES, message)]


def _read(row: Row, data: dict[str, Any]) -> list[Change]:
    """The first reading says what is known of the interaction; a language found later fills an empty one."""
    reading = data.get("reading", "read")
    known = {"interaction_id": row.ref, "reading": reading, "language": data.get("language", "")}
    changes: list[Change] = [(_READ_INTERACTIONS, known)]
    if data.get("message_id"):
        changes.append((_READ_MESSAGES, {"message_id": data["message_id"], "reading": reading}))
    return changes


def customer_added(row: Row, data: dict[str, Any]) -> list[Change]:
    """An identity, and its customer where nobody had it before."""
    identity = {
        "identity_id": data["identity_id"],
        "customer_id": row.ref,
        "channel": data["channel"],
        "account": data.get("account", ""),
        "address_hash": data["address_hash"],
        "verified": int(data.get("verified", 0)),
        "at_ms": row.at_ms,
    }
    return [known_customer(row, row.ref), (_IDENTITIES, identity)]


def known_customer(row: Row, customer_id: str) -> Change:
    """Known from here on, if not before."""
    return _CUSTOMERS, {"customer_id": customer_id, "at_ms": row.at_ms}


ADDING: Final[Mapping[str, Callable[[Row, dict[str, Any]], list[Change]]]] = {
    "arrived": _arrived,
    "message_added": _message_added,
    "customer_added": customer_added,
}
"""Kinds that only add rows: in one go in any number and mixture."""

READING: Final[Mapping[str, Callable[[Row, dict[str, Any]], list[Change]]]] = {"read": _read}
"""Kinds that change rows there are: in one go where each is of another interaction."""
