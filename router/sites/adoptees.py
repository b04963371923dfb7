"""The other site's interactions as the copy has them: all that belongs to each, and its claim."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: a column's value is whatever the table says

import msgspec

from queues.lifecycle import PARKED
from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.journal.stream import OWN_ROWS
from router.sites.bringing import AT_ONCE_BYTES, content_of, sizes_of
from router.sites.copied_hashes import add_hashes
from router.sites.own_words import salts_of

Claim = tuple[int, str]
"""n and the site: whoever has the higher one serves the interaction."""

_INTERACTION: Final = (
    "interaction_id",
    "channel",
    "account",
    "customer_id",
    "identity_id",
    "address_hash",
    "linked_to",
    "thread",
    "traffic",
    "follows",
    "arrived_seq",
    "accepted_at_ms",
    "language",
    "reading",
    "state",
    "queue_id",
    "urgency",
    "requirement",
    "rule_id",
    "offer_count",
    "agent_id",
    "parked_until_ms",
    "named_agent_id",
    "answered_at_ms",
    "answered_queue_id",
)
_IDENTITY: Final = (
    "customer_id",
    "identity_id",
    "channel",
    "account",
    "address_hash",
    "verified",
    "at_ms",
)
_MESSAGE: Final = (
    "interaction_id",
    "message_id",
    "at_ms",
    "direction",
    "author_id",
    "kind",
    "content_id",
    "client_id",
    "status",
    "trouble",
    "reading",
)
_PART: Final = ("message_id", "number", "kind", "content_id", "content_hash")
_PLACE: Final = (
    "interaction_id",
    "place_id",
    "message_id",
    "source",
    "radius_m",
    "fix_at_ms",
    "received_at_ms",
    "confidence",
    "content_id",
    "newest",
    "tightest",
)
_OUTBOX: Final = (
    "interaction_id",
    "outbox_id",
    "message_id",
    "channel",
    "account",
    "address_hash",
    "status",
    "attempts",
    "automatic",
    "template",
    "category",
    "instead_of",
    "fallback",
    "fallback_why",
)
_CONSENT: Final = ("channel", "address_hash", "category", "state", "at_ms", "how", "agent_id", "blocked")
_ADDRESS: Final = ("kind", "address", "address_hash", "salt")
SENDING: Final = ("account", "provider_id", "outbox_id")

_READINGS: Final = (
    f"SELECT ref, data FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind = 'read' ORDER BY seq"
)
_ORDERS: Final = """
    SELECT o.outbox_id FROM message m JOIN outbox o ON o.message_id = m.message_id
    WHERE m.interaction_id = :ref AND o.status <> 'moved' ORDER BY o.outbox_id
"""
_LEFT: Final = """
    SELECT i.interaction_id, coalesce(y.n, 0) FROM interaction i
    LEFT JOIN yielding y ON y.interaction_id = i.interaction_id
    WHERE i.closed_seq > 0 AND i.closed_why = 'moved' AND i.interaction_id IN {wanted}
"""

MESSAGES_MAX: Final = 200
"""Of one conversation in one fact. A row must stay small whatever somebody sends; the rest of a longer one
follows behind (missing_messages.py)."""

NEWEST, UNREAD, UNSENT = 100, 60, 500
"""Of a longer one: what an agent sees, what nobody has read, what is still to be sent (more than anybody has
typed while a provider was down); and how it began."""

PLACES_MAX: Final = 200
"""A position that follows somebody for hours has thousands: the newest, and those that are marked."""

IDENTITIES_MAX: Final = 200
"""Addresses of one customer. The one it came from is among them; others come with what came from them."""

_COUNTS: Final = """
    SELECT interaction_id, count(*) FROM message WHERE interaction_id IN {wanted} GROUP BY interaction_id
"""
_CHOSEN: Final = (
    ("WHERE m.interaction_id = :ref AND m.direction = 'in' ORDER BY m.seq, m.at_ms, m.message_id", 1),
    ("WHERE m.interaction_id = :ref ORDER BY m.seq DESC, m.at_ms DESC, m.message_id DESC", NEWEST),
    (
        "WHERE m.reading = 'unread' AND m.interaction_id = :ref ORDER BY m.seq, m.at_ms, m.message_id",
        UNREAD,
    ),
    (
        "JOIN outbox o ON o.message_id = m.message_id WHERE m.interaction_id = :ref"
        " AND o.status IN ('due', 'moved') ORDER BY o.seq, o.outbox_id",
        UNSENT,
    ),
)

Entry = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Adoptee:
    """One interaction as the copy has it: the claim it is served by there, and all that belongs to it."""

    interaction_id: str
    claim: Claim
    row: Entry
    identities: list[Entry] = field(default_factory=list)
    messages: list[Entry] = field(default_factory=list)
    places: list[Entry] = field(default_factory=list)
    outbox: list[Entry] = field(default_factory=list)
    name_content_id: str = ""


@dataclass(slots=True, kw_only=True)
class Adoptees:
    """Several, with the content that they name, and its salts. ahead: ids of all, where it is too much."""

    from_site: str
    each: list[Adoptee]
    content: list[Entry] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)
    addresses: list[Entry] = field(default_factory=list)
    sendings: list[Entry] = field(default_factory=list)
    consents: list[Entry] = field(default_factory=list)
    salts: dict[str, bytes] = field(default_factory=dict)

    def hashed(self) -> list[Entry]:
        """Everything that has a content_hash."""
        messages = [message for one in self.each for message in one.messages]
        parts = [part for message in messages for part in message["parts"]]
        return [*messages, *parts, *(place for one in self.each for place in one.places)]


def claims(db: Connection, ids: Sequence[str], *, site: str) -> dict[str, Claim]:
    """The claim by which this database's site has each of these it ever had."""
    known = {
        str(row[0]): (0, site)
        for row in rows_in(db, "SELECT interaction_id FROM interaction WHERE interaction_id IN {wanted}", ids)
    }
    adopted = rows_in(
        db, "SELECT interaction_id, n, owner FROM adoption WHERE interaction_id IN {wanted}", ids
    )
    return {**known, **{str(row[0]): (int(row[1]), str(row[2])) for row in adopted}}


def left_by(db: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Of these, what this database's site left to the other one, and the n of the claim it was left to."""
    return {str(row[0]): int(row[1]) for row in rows_in(db, _LEFT, ids)}


def read_adoptees(
    copy: Connection, ids: Sequence[str], *, from_site: str, content_max: int = AT_ONCE_BYTES
) -> Adoptees:
    """These interactions with all that belongs to them, in the order of ids; what is gone is left out.

    Content of more than content_max bytes is only named: bring_content() it before they are adopted.
    """
    rows = {each["interaction_id"]: each for each in _read(copy, "interaction", _INTERACTION, ids)}
    held = claims(copy, ids, site=from_site)
    each = {ref: Adoptee(interaction_id=ref, claim=held[ref], row=rows[ref]) for ref in ids if ref in rows}
    found = Adoptees(from_site=from_site, each=list(each.values()))
    wanted = list(each)
    _place_read(copy, [one.row for one in found.each])
    for message in read_messages(copy, _chosen(copy, wanted)):
        del message["seq"]
        each[message.pop("interaction_id")].messages.append(message)
    places = _read(copy, "place", (*_PLACE, "seq"), wanted, order="seq")
    add_hashes(copy, places)
    for place in places:
        del place["seq"]
        each[place.pop("interaction_id")].places.append(place)
    for adoptee in found.each:
        older, latest = adoptee.places[:-PLACES_MAX], adoptee.places[-PLACES_MAX:]
        adoptee.places = [*(each for each in older if each["newest"] or each["tightest"]), *latest]
    said = [message["message_id"] for one in found.each for message in one.messages]
    for order in _read(copy, "outbox", _OUTBOX, said, key="message_id", order="seq"):
        if (one := each.get(order.pop("interaction_id"))) is not None:
            one.outbox.append(order)
    _read_customers(copy, found.each)
    _read_content(copy, found, content_max)
    return found


def _place_read(copy: Connection, rows: Sequence[Entry]) -> None:
    """What was read there, and not lined up, because no router lived to do it: as it was read."""
    left = {
        row["interaction_id"]: row
        for row in rows
        if row["state"] == PARKED and not row["queue_id"] and row["reading"] != "unread"
    }
    if not left:
        return
    after = min(row["arrived_seq"] for row in left.values())
    for ref, data in copy.rows(_READINGS, after=after):
        if (row := left.get(ref)) is None:
            continue
        said = msgspec.json.decode(data)
        if not row["queue_id"] or said["urgency"] < row["urgency"]:
            requirement = msgspec.json.encode(said["requirement"]).decode()
            row |= {"queue_id": said["queue_id"], "urgency": said["urgency"], "rule_id": said["rule_id"]}
            row |= {"requirement": requirement, "parked_until_ms": 0}


def message_counts(copy: Connection, ids: Sequence[str]) -> dict[str, int]:
    """How many messages each of these would bring."""
    return {str(ref): min(int(count), MESSAGES_MAX) for ref, count in rows_in(copy, _COUNTS, ids)}


def _chosen(copy: Connection, ids: Sequence[str]) -> list[str]:
    """All messages of those that are not too long, and what matters most of the others."""
    counts = {str(ref): int(count) for ref, count in rows_in(copy, _COUNTS, ids)}
    short = [ref for ref in ids if counts.get(ref, 0) <= MESSAGES_MAX]
    sql = "SELECT message_id FROM message WHERE interaction_id IN {wanted}"
    chosen = {str(row[0]): None for row in rows_in(copy, sql, short)}
    for ref in ids:
        if counts.get(ref, 0) > MESSAGES_MAX:
            for which, most in _CHOSEN:
                rows = copy.rows(f"SELECT m.message_id FROM message m {which} LIMIT {most}", ref=ref)
                chosen |= {str(row[0]): None for row in rows}
    return list(chosen)


def read_messages(copy: Connection, ids: Sequence[str]) -> list[Entry]:
    """These as the copy has them, with their parts, in the order of their conversations."""
    found = _read(copy, "message", (*_MESSAGE, "seq"), ids, key="message_id")
    found.sort(key=lambda each: (each["interaction_id"], each["seq"], each["at_ms"], each["message_id"]))
    by_id = {message["message_id"]: message for message in found}
    for message in found:
        message["parts"] = []
    for part in _read(copy, "part", _PART, list(by_id), key="message_id", order="number"):
        by_id[part.pop("message_id")]["parts"].append(part)
    add_hashes(copy, found)
    return found


def _read_customers(copy: Connection, each: Sequence[Adoptee]) -> None:
    customers = sorted({one.row["customer_id"] for one in each if one.row["customer_id"]})
    names = dict(
        rows_in(
            copy, "SELECT customer_id, name_content_id FROM customer WHERE customer_id IN {wanted}", customers
        )
    )
    identities: dict[str, list[Entry]] = {}
    for identity in _read(copy, "identity", _IDENTITY, customers, key="customer_id", order="identity_id"):
        identities.setdefault(identity.pop("customer_id"), []).append(identity)
    for one in each:
        known = identities.get(one.row["customer_id"], [])
        known.sort(key=lambda each: each["identity_id"] != one.row["identity_id"])
        one.identities = known[:IDENTITIES_MAX]
        one.name_content_id = names.get(one.row["customer_id"], "")


def _read_content(copy: Connection, found: Adoptees, content_max: int) -> None:
    content, hashes, orders = set[str](), set[str](), set[str]()
    for one in found.each:
        content.add(one.name_content_id)
        content.update(place["content_id"] for place in one.places)
        for message in one.messages:
            content.add(message["content_id"])
            content.update(part["content_id"] for part in message["parts"])
        hashes.update((one.row["address_hash"], *(each["address_hash"] for each in one.identities)))
        hashes.update(order["address_hash"] for order in one.outbox)
        orders.update(order["outbox_id"] for order in one.outbox)
    named = sorted(content - {""})
    found.salts = salts_of(copy, named)
    if sum(sizes_of(copy, named).values()) > content_max:
        found.ahead = named
    else:
        found.content = content_of(copy, named)
    wanted = sorted(hashes - {""})
    found.addresses = _read(copy, "address", _ADDRESS, wanted, key="address_hash")
    channels = {one.row["channel"] for one in found.each}
    channels |= {order["channel"] for one in found.each for order in one.outbox}
    for channel in sorted(channels):  # consents are found by channel and address
        found.consents += _read(
            copy, "consent", _CONSENT, wanted, key="address_hash", of=("channel", channel)
        )
    found.sendings = _read(copy, "sending", SENDING, sorted(orders), key="outbox_id")


def _read(
    db: Connection,
    table: str,
    columns: Sequence[str],
    wanted: Sequence[str],
    *,
    key: str = "interaction_id",
    order: str = "",
    of: tuple[str, str] = ("", ""),
) -> list[Entry]:
    by = f" ORDER BY {key}, {order}" if order else ""
    first = f"{of[0]} = ? AND " if of[0] else ""
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {first}{key} IN {{wanted}}{by}"
    found = rows_in(db, sql, wanted, *(of[1:] if of[0] else ()))
    return [dict(zip(columns, row, strict=True)) for row in found]


def orders_of(db: Connection, ref: str) -> list[str]:
    """What this database's site has to send in it; what it never heard of, the other one sends."""
    return [str(row[0]) for row in db.rows(_ORDERS, ref=ref)]
