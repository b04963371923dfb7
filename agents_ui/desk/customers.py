"""The person behind a conversation, as desks show them: identities, whom they claim to be, what else is open.

Read inside a transaction that the caller opened. Rights are the caller's: it asks for customers whom the
agent talks with now. Names and addresses are content and are gone where somebody erased them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final  # Any: columns of the rows below

from agents_ui.desk.messages import Value, chunks
from router.channels.text import shown
from router.journal.database import Connection

OTHERS_MAX: Final = 50
"""Open interactions of one person that a desk lists; more than that is a flood, and the wall shows it."""

IDENTITIES_MAX: Final = 50

_IDENTITIES: Final = (
    "SELECT i.identity_id, i.channel, i.account, i.verified, i.at_ms, a.address, i.moved_from, i.moved_at_ms,"
    " i.moved_why, i.moved_command_id, p.name, i.moved_by, i.customer_id AS person,"
    " row_number() OVER ("
    "PARTITION BY i.customer_id ORDER BY i.verified DESC, i.at_ms, i.identity_id) AS place"
    " FROM identity i LEFT JOIN address a ON a.address_hash = i.address_hash"
    " LEFT JOIN person p ON p.agent_id = i.moved_by"
    " WHERE i.customer_id IN ({names}) AND NOT (i.verified = 0 AND i.account = '' AND EXISTS ("
    "SELECT 1 FROM identity v WHERE v.customer_id = i.customer_id AND v.address_hash = i.address_hash"
    " AND v.verified = 1))"
)
"""Verified ones first. What an agent noted as claimed is left out once it is known to be theirs."""

_OTHERS: Final = (
    "SELECT i.interaction_id, i.channel, i.state, i.urgency, i.queue_id, i.accepted_at_ms, i.agent_id,"
    " p.name, i.wrap_up_since_ms, i.parked_until_ms, i.follows, i.customer_id AS person,"
    " row_number() OVER (PARTITION BY i.customer_id ORDER BY i.arrived_seq) AS place FROM interaction i"
    " LEFT JOIN person p ON p.agent_id = i.agent_id WHERE i.customer_id IN ({names}) AND i.closed_seq = 0"
)
_CLAIMS: Final = (
    "SELECT known.customer_id, known.identity_id, known.channel, known.account, a.address, c.body,"
    " claimed.customer_id AS person, row_number() OVER (PARTITION BY claimed.customer_id"
    " ORDER BY known.customer_id, known.at_ms, known.identity_id) AS place"
    " FROM identity claimed"
    " JOIN identity known ON known.address_hash = claimed.address_hash AND known.verified = 1"
    " JOIN customer k ON k.customer_id = known.customer_id"
    " LEFT JOIN content c ON c.content_id = k.name_content_id"
    " LEFT JOIN address a ON a.address_hash = known.address_hash"
    " WHERE claimed.customer_id IN ({names}) AND claimed.verified = 0"
    " AND known.customer_id <> claimed.customer_id"
)


def customers_with(db: Connection, agent_ids: Iterable[str]) -> dict[str, list[str]]:
    """Whom each of these agents talks with (or wraps up for) now, by id."""
    found: dict[str, list[str]] = {agent_id: [] for agent_id in agent_ids}
    for names, values in chunks(found):
        rows = db.rows(
            f"SELECT DISTINCT agent_id, customer_id FROM interaction WHERE agent_id IN ({names})"
            " AND closed_seq = 0 AND state = 'assigned' AND customer_id <> '' ORDER BY customer_id",
            **values,
        )
        for agent_id, customer_id in rows:
            found[agent_id].append(customer_id)
    return found


def customers_of(db: Connection, interaction_ids: Iterable[str]) -> set[str]:
    """The customers of these interactions."""
    found: set[str] = set()
    for names, values in chunks(interaction_ids):
        rows = db.rows(
            f"SELECT DISTINCT customer_id FROM interaction WHERE interaction_id IN ({names})", **values
        )
        found.update(row[0] for row in rows)
    return found - {""}


def claimants_of(db: Connection, customer_ids: Iterable[str]) -> set[str]:
    """Who claims an address that is verified as one of these customers', or shares one with them."""
    found: set[str] = set()
    for names, values in chunks(customer_ids):
        rows = db.rows(
            "SELECT DISTINCT other.customer_id FROM identity own"
            " JOIN identity other ON other.address_hash = own.address_hash AND other.verified = 0"
            f" WHERE own.customer_id IN ({names})",
            **values,
        )
        found.update(row[0] for row in rows)
    return found


def open_of(db: Connection, customer_ids: Iterable[str]) -> list[str]:
    """Every open interaction of these customers."""
    return [
        row[0]
        for names, values in chunks(customer_ids)
        for row in db.rows(
            f"SELECT interaction_id FROM interaction WHERE customer_id IN ({names}) AND closed_seq = 0",
            **values,
        )
    ]


def customer_values(db: Connection, customer_ids: Iterable[str]) -> dict[str, Value]:
    """These persons, whole. All of them with four statements: agents are freed and taken by the dozen."""
    ids = sorted(set(customer_ids))
    names = _names(db, ids)
    identities = _placed(db, _IDENTITIES, ids, IDENTITIES_MAX)
    claims = _placed(db, _CLAIMS, ids, IDENTITIES_MAX)
    others = _placed(db, _OTHERS, ids, OTHERS_MAX)
    return {
        each: {
            "customer_id": each,
            "name": names.get(each, ""),
            "identities": [_identity(row) for row in identities[each]],
            "claims_to_be": _claims(claims[each]),
            "others": [_other(row) for row in others[each]],
        }
        for each in ids
    }


def _placed(
    db: Connection, select: str, customer_ids: Sequence[str], limit: int
) -> dict[str, list[tuple[Any, ...]]]:
    """The first rows of a statement for each customer; its last columns are the customer and the place."""
    found: dict[str, list[tuple[Any, ...]]] = {each: [] for each in customer_ids}
    for names, values in chunks(customer_ids):
        placed = f"SELECT * FROM ({select.format(names=names)}) AS placed WHERE place <= :n"
        for row in db.rows(f"{placed} ORDER BY person, place", n=limit, **values):
            found[row[-2]].append(row[:-2])
    return found


def name_of(db: Connection, customer_id: str) -> str:
    """What somebody called this customer; empty when nobody did."""
    return _names(db, [customer_id]).get(customer_id, "")


def _names(db: Connection, customer_ids: Iterable[str]) -> dict[str, str]:
    found = (
        db.rows(
            "SELECT k.customer_id, c.body FROM customer k JOIN content c ON c.content_id = k.name_content_id"
            f" WHERE k.customer_id IN ({names})",
            **values,
        )
        for names, values in chunks(customer_ids)
    )
    return {row[0]: shown(bytes(row[1])) for rows in found for row in rows}


def _identity(row: Sequence[Any]) -> Value:
    return {
        "identity_id": row[0],
        "channel": row[1],
        "account": row[2],
        "verified": bool(row[3]),
        "at_ms": row[4],
        "address": row[5] or "",
        "moved": _move(row) if row[6] else None,
    }


def _move(row: Sequence[Any]) -> Value:
    """How it came to this customer, so that it can be taken back."""
    return {
        "from_customer_id": row[6],
        "at_ms": row[7],
        "why": row[8],
        "command_id": row[9],
        "by_name": row[10] or row[11],
    }


def _claims(rows: Iterable[Sequence[Any]]) -> list[Value]:
    """The known customers whose addresses this one only claims: one entry each."""
    found: dict[str, Value] = {}
    for known_id, identity_id, channel, account, address, name in rows:
        found.setdefault(
            known_id,
            {
                "customer_id": known_id,
                "name": shown(bytes(name)) if name is not None else "",
                "identity_id": identity_id,
                "channel": channel,
                "account": account,
                "address": address or "",
            },
        )
    return list(found.values())


def _other(row: Sequence[Any]) -> Value:
    return {
        "interaction_id": row[0],
        "channel": row[1],
        "state": row[2],
        "urgency": row[3],
        "queue_id": row[4],
        "accepted_at_ms": row[5],
        "agent_id": row[6],
        "agent_name": row[7] or row[6],
        "wrap_up_since_ms": row[8],
        "parked_until_ms": row[9] if row[2] == "parked" and row[4] else 0,
        "follows": row[10],
    }
