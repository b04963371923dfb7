"""Adopting the other site's open interactions: all of them that is in the copy, appended here as facts.

Each comes with its own place in line, its words, its customer. Who may adopt what is decided by claims: a
claim is (n, site), (0, the site where it arrived) at first, and each adoption has one more than the claim it
replaces. So doing it again does nothing, also after the interaction has ended here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: a column's value is whatever the table says

import msgspec

from router.channels.ingest import thread_of
from router.journal.committer import Committer
from router.journal.connection import Connection, Value
from router.journal.database import Database
from router.journal.many_rows import ManyRows, rows_in
from router.records import Fact, fact

Claim = tuple[int, str]
"""n and the site: whoever has the higher one serves the interaction."""

CHUNK: Final = 200
"""Interactions of one append: a tenth of a second in which nobody else appends."""

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
)
_CONSENT: Final = ("channel", "address_hash", "category", "state", "at_ms", "how", "agent_id", "blocked")
_CONTENT: Final = ("content_id", "media_type", "file_name", "salt", "body", "at_ms")
_ADDRESS: Final = ("kind", "address", "address_hash", "salt")
_SENDING: Final = ("account", "provider_id", "outbox_id")

_OPEN: Final = """
    SELECT interaction_id FROM interaction
    WHERE closed_seq = 0 AND traffic NOT IN ('probe', 'rehearsal') AND (state <> 'assigned' OR :assigned = 1)
    ORDER BY urgency, accepted_at_ms, interaction_id
"""

Entry = dict[str, Any]


def _insert(table: str, columns: Sequence[str]) -> ManyRows:
    row = ", ".join(f":{column}" for column in columns)
    return ManyRows(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES", f"({row})", "ON CONFLICT DO NOTHING"
    )


_PUT_CONTENT: Final = _insert("content", _CONTENT)
_PUT_SENDINGS: Final = _insert("sending", _SENDING)


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
    """Several, with the content that they name."""

    from_site: str
    each: list[Adoptee]
    content: list[Entry] = field(default_factory=list)
    addresses: list[Entry] = field(default_factory=list)
    sendings: list[Entry] = field(default_factory=list)
    consents: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What an adoption came to. known: they were here before, by the same claim or a higher one."""

    adopted: int = 0
    known: int = 0


def adoptable(
    copy: Connection, own: Connection, *, peer: str, site: str, assigned: bool = False
) -> list[str]:
    """Ids of what the other site has open and this one could serve, the most urgent and oldest first.

    What is with an agent there is among them only when `assigned`. What was adopted here before is not,
    unless the other site has taken it back since.
    """
    ids = [str(row[0]) for row in copy.rows(_OPEN, assigned=int(assigned))]
    theirs, ours = claims(copy, ids, site=peer), claims(own, ids, site=site)
    here = _open_here(own, ids)
    return [each for each in ids if each not in here and (each not in ours or ours[each] < theirs[each])]


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


def read_adoptees(copy: Connection, ids: Sequence[str], *, from_site: str) -> Adoptees:
    """These interactions with all that belongs to them, in the order of ids; what is gone is left out."""
    rows = {each["interaction_id"]: each for each in _read(copy, "interaction", _INTERACTION, ids)}
    held = claims(copy, ids, site=from_site)
    each = {ref: Adoptee(interaction_id=ref, claim=held[ref], row=rows[ref]) for ref in ids if ref in rows}
    found = Adoptees(from_site=from_site, each=list(each.values()))
    wanted = list(each)
    _read_messages(copy, each, wanted)
    for place in _read(copy, "place", _PLACE, wanted, order="seq"):
        each[place.pop("interaction_id")].places.append(place)
    for order in _read(copy, "outbox", _OUTBOX, wanted, order="seq"):
        each[order.pop("interaction_id")].outbox.append(order)
    _read_customers(copy, found.each)
    _read_content(copy, found)
    return found


def _read_messages(copy: Connection, each: Mapping[str, Adoptee], wanted: Sequence[str]) -> None:
    by_id: dict[str, Entry] = {}
    for message in _read(copy, "message", _MESSAGE, wanted, order="seq, at_ms, message_id"):
        message["parts"] = []
        by_id[message["message_id"]] = message
        each[message.pop("interaction_id")].messages.append(message)
    for part in _read(copy, "part", _PART, list(by_id), key="message_id", order="number"):
        by_id[part.pop("message_id")]["parts"].append(part)


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
        one.identities = identities.get(one.row["customer_id"], [])
        one.name_content_id = names.get(one.row["customer_id"], "")


def _read_content(copy: Connection, found: Adoptees) -> None:
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
    found.content = _read(copy, "content", _CONTENT, sorted(content - {""}), key="content_id")
    wanted = sorted(hashes - {""})
    found.addresses = _read(copy, "address", _ADDRESS, wanted, key="address_hash")
    found.consents = _read(copy, "consent", _CONSENT, wanted, key="address_hash")
    found.sendings = _read(copy, "sending", _SENDING, sorted(orders), key="outbox_id")


def _read(
    db: Connection,
    table: str,
    columns: Sequence[str],
    wanted: Sequence[str],
    *,
    key: str = "interaction_id",
    order: str = "",
) -> list[Entry]:
    by = f" ORDER BY {key}, {order}" if order else ""
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN {{wanted}}{by}"
    return [dict(zip(columns, row, strict=True)) for row in rows_in(db, sql, wanted)]


class Adopt:
    """Append that adopts. Read `adopted`, the ids that this appended, after the commit."""

    def __init__(self, adoptees: Adoptees, *, site: str) -> None:
        self.adopted: tuple[str, ...] = ()
        self._adoptees = adoptees
        self._site = site

    def write_content(self, db: Connection) -> None:
        """Words and files; what is here already stays."""
        content = [
            {**each, "body": bytes(each["body"]), "salt": bytes(each["salt"])}
            for each in self._adoptees.content
        ]
        for each in content:
            _PUT_CONTENT.run(db, [each])
        _PUT_SENDINGS.run(db, self._adoptees.sendings)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One of each that this site does not serve already, by a claim that is as high."""
        ids = [each.interaction_id for each in self._adoptees.each]
        ours, here = claims(db, ids, site=self._site), _open_here(db, ids)
        coming = [
            each
            for each in self._adoptees.each
            if each.interaction_id not in here
            and (each.interaction_id not in ours or ours[each.interaction_id] < each.claim)
        ]
        known_as, offers = _known_as(db, self._adoptees.addresses), _offer_counts(db, ids)
        self.adopted = tuple(each.interaction_id for each in coming)
        return [self._fact(db, each, known_as, offers.get(each.interaction_id, 0)) for each in coming]

    def _fact(self, db: Connection, each: Adoptee, known_as: Mapping[str, str], offers_here: int) -> Fact:
        row = each.row
        customer_id, identity_id = _who(db, each, known_as)
        address_hash = known_as.get(row["address_hash"], row["address_hash"])
        scheduled = row["parked_until_ms"] > 0 and row["queue_id"] != ""
        orders = [
            {**one, "address_hash": known_as.get(one["address_hash"], one["address_hash"])}
            for one in each.outbox
        ]
        identities = [
            {**one, "address_hash": known_as.get(one["address_hash"], one["address_hash"])}
            for one in each.identities
        ]
        return fact(
            "adopted",
            each.interaction_id,
            from_site=self._adoptees.from_site,
            n=each.claim[0] + 1,
            owner=self._site,
            channel=row["channel"],
            account=row["account"],
            customer_id=customer_id,
            identity_id=identity_id,
            address_hash=address_hash,
            verified=row["linked_to"] != "",
            thread=_thread(row, address_hash),
            traffic=row["traffic"],
            follows=row["follows"],
            accepted_at_ms=row["accepted_at_ms"],
            language=row["language"],
            reading=row["reading"],
            queue_id=row["queue_id"],
            urgency=row["urgency"],
            requirement=msgspec.json.decode(row["requirement"]),
            rule_id=row["rule_id"],
            offer_count=max(row["offer_count"], offers_here),
            parked_until_ms=row["parked_until_ms"] if scheduled else 0,
            scheduled=scheduled,
            named_agent_id=row["named_agent_id"] if scheduled else "",
            agent_id=row["agent_id"] if row["state"] == "assigned" else "",
            answered_at_ms=row["answered_at_ms"],
            answered_queue_id=row["answered_queue_id"],
            name_content_id=each.name_content_id,
            identities=identities,
            messages=each.messages,
            places=each.places,
            outbox=orders,
            consents=self._consents(orders, address_hash, known_as),
        )

    def _consents(
        self, orders: Sequence[Entry], address_hash: str, known_as: Mapping[str, str]
    ) -> list[Entry]:
        mine = {address_hash, *(order["address_hash"] for order in orders)}
        said = (
            {**each, "address_hash": known_as.get(each["address_hash"], each["address_hash"])}
            for each in self._adoptees.consents
        )
        return [each for each in said if each["address_hash"] in mine]


def adopt_all(
    own: Committer,
    database: Database,
    copy: Database,
    *,
    site: str,
    peer: str,
    assigned: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Count:
    """Adopts whatever may be adopted, 200 at a time. Shape: progress is told (done, of). Raises as the
    committer does: what was adopted before stays, and the same call goes on."""
    with copy.reading() as theirs, database.reading() as ours:
        ids = adoptable(theirs, ours, peer=peer, site=site, assigned=assigned)
    adopted = 0
    for at in range(0, len(ids), CHUNK):
        adopted += len(adopt(own, copy, ids[at : at + CHUNK], site=site, peer=peer))
        progress(min(at + CHUNK, len(ids)), len(ids))
    return Count(adopted=adopted, known=len(ids) - adopted)


def adopt(own: Committer, copy: Database, ids: Sequence[str], *, site: str, peer: str) -> tuple[str, ...]:
    """Adopts these, if they may be; which were. Raises as the committer does."""
    with copy.reading() as theirs:
        append = Adopt(read_adoptees(theirs, ids, from_site=peer), site=site)
    own.submit(append).result()
    return append.adopted


def _offer_counts(db: Connection, ids: Sequence[str]) -> dict[str, int]:
    """How often each of these was offered here before: an offer's id is never given twice at one site."""
    sql = "SELECT interaction_id, offer_count FROM interaction WHERE interaction_id IN {wanted}"
    return {str(row[0]): int(row[1]) for row in rows_in(db, sql, ids)}


def _open_here(db: Connection, ids: Sequence[str]) -> set[str]:
    sql = "SELECT interaction_id FROM interaction WHERE closed_seq = ? AND interaction_id IN {wanted}"
    return {str(row[0]) for row in rows_in(db, sql, ids, 0)}


def _known_as(db: Connection, addresses: Sequence[Entry]) -> dict[str, str]:
    """What this site calls these addresses, by the other site's hash of each; new ones keep theirs."""
    known: dict[str, str] = {}
    for each in addresses:
        key: dict[str, Value] = {"kind": each["kind"], "address": each["address"]}
        found = db.row("SELECT address_hash FROM address WHERE kind = :kind AND address = :address", **key)
        if found is None:
            db.run(
                "INSERT INTO address (kind, address, address_hash, salt)"
                " VALUES (:kind, :address, :address_hash, :salt)",
                **{**each, "salt": bytes(each["salt"])},
            )
        known[each["address_hash"]] = str(found[0]) if found else each["address_hash"]
    return known


def _who(db: Connection, each: Adoptee, known_as: Mapping[str, str]) -> tuple[str, str]:
    """(customer, identity) as this site knows them, if it does."""
    row = each.row
    mine = next((one for one in each.identities if one["identity_id"] == row["identity_id"]), None)
    if mine is None or known_as.get(mine["address_hash"], mine["address_hash"]) == mine["address_hash"]:
        return row["customer_id"], row["identity_id"]
    found = db.row(
        """SELECT customer_id, identity_id FROM identity WHERE address_hash = :address_hash
           AND channel = :channel AND account = :account AND verified = :verified ORDER BY identity_id""",
        address_hash=known_as[mine["address_hash"]],
        channel=mine["channel"],
        account=mine["account"],
        verified=mine["verified"],
    )
    return (str(found[0]), str(found[1])) if found else (row["customer_id"], row["identity_id"])


def _thread(row: Entry, address_hash: str) -> str:
    """What contacts join it by: the same, unless this site calls its address otherwise."""
    by_address = thread_of(row["channel"], row["account"], row["address_hash"])
    if row["thread"] != by_address:
        return str(row["thread"])
    return thread_of(row["channel"], row["account"], address_hash)
