"""Keeps a contact: its content, and an interaction begun or joined, in one transaction. For every channel.

Deciding happens under the counter's lock, so two first messages of one new person at the same instant make
one interaction with both, whichever process they reached. Reading (language, urgency) comes later, in
run/intake.py.

Of an address the journal learns a salted hash only. Whose it is follows from the hash: the same number,
vouched for by its carrier, is the same person on whatever channel it arrives.
"""

import hashlib
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from config.words import STAGED
from router.channels.ids import customer_id_of, fresh_id, interaction_id_of, message_id_of
from router.channels.joining import joins_of
from router.channels.port import UNPARSED, Contact
from router.channels.showing import says_the_same
from router.channels.strangers import ADDRESS_CHARACTERS_MAX, Stranger, strangers_among
from router.channels.text_off import WINDOW_MS, any_off, turned_away
from router.events import READ_WITHIN_MS
from router.journal.appends import SALT_BYTES, storable
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Connection
from router.journal.many_rows import ManyRows
from router.records import Fact, fact

BODY_TOGETHER_BYTES: Final = 16_384
"""Bodies that go into the database many at a time: a megabyte in all at most."""

_CONTENT: Final = ManyRows(
    "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms) VALUES",
    "(:content_id, :media_type, :file_name, :salt, :body, :at_ms)",
)

_log = logging.getLogger("muster.ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where a contact is now. `began`: it began this interaction; `repeated`: it had been kept before.

    Shape: seq of a repeat is where the journal has it; else 0, and it is the newest row of its append.
           elsewhere: the other site has it, and this one nothing but perhaps its copy.
    """

    interaction_id: str
    message_id: str
    began: bool
    repeated: bool
    seq: int = 0
    elsewhere: bool = False


There = Callable[[Contact], Awaitable[Kept | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """The process that keeps a contact.

    Shape: web_id is who reads it first; connection_id the customer's live line, if that process holds one;
           read_within_ms how long a new interaction is parked for its reading, text_off_window_ms how often
           a texter hears that texts are switched off (limits of the plan). copied(seq) returns once the other
           site has this row too, or it is in the journal that it has not; None: there is no other site, or
           nobody is told that the contact is kept. there(contact) asks the other site to keep what belongs to
           an interaction that was moved there, or began there: None where that came to nothing. only_joins:
           what would begin an interaction is not kept (the other site asks, and begins its own).
    """

    web_id: str
    connection_id: str = ""
    read_within_ms: int = READ_WITHIN_MS
    text_off_window_ms: int = WINDOW_MS
    copied: Callable[[int], Awaitable[object]] | None = None
    there: There | None = None
    only_joins: bool = False


NOBODY: Final = Keeper(web_id="")
"""Kept by no web process: read by the next sweep."""


class KeepContact:
    """Append that keeps one contact. Read `kept` after the commit, and only then.

    Shape: left is true where nothing was written, because what it belongs to is at the other site (Keeper).
    """

    def __init__(self, contact: Contact, keeper: Keeper = NOBODY) -> None:
        self.kept: Kept | None = None
        self.left = False
        self._contact = contact
        self._keeper = keeper
        drawn = os.urandom(SALT_BYTES + 10)  # once: asking the system twice is a tenth of a webhook
        self._content_id = fresh_id(contact.received_at_ms, drawn)
        self._salt = drawn[10:]

    def write_content(self, db: Connection) -> None:
        """The raw body. Its id is fresh each time, so no two transactions ever wait for each other here."""
        _CONTENT.run(db, [self._content()])

    @staticmethod
    def write_contents(db: Connection, appends: Sequence["KeepContact"]) -> None:
        """The bodies of several; each that is large goes by itself."""
        rows = [each._content() for each in appends]
        small = [n for n, each in enumerate(appends) if len(each._contact.body) <= BODY_TOGETHER_BYTES]
        _CONTENT.run(db, [rows[n] for n in small])
        for n in set(range(len(rows))).difference(small):
            _CONTENT.run(db, [rows[n]])

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Nothing for a repeat; otherwise the contact joins its open interaction or begins one.

        Nothing either for what the other site is to be asked about first.
        """
        self.left = False
        message_id, found = found_before(db, self._contact)
        if found is not None:
            self._take_back(db)
            self._note(found[0], message_id, repeated_seq=found[1])
            return ()
        if self._keeper.only_joins and not _is_known(db, self._contact):
            return self._leave(db)
        who = _who(db, self._contact)
        joins = joins_of(db, who.thread)
        if joins.open_id:
            self._note(joins.open_id, message_id)
            facts = [self._added(joins.open_id, message_id)]
        elif self._keeper.only_joins or (joins.there and self._keeper.there is not None):
            return self._leave(db)
        else:
            facts = self._begin(who, message_id, self._fresh_id(db, message_id), at_ms)
        return [*facts, *self._turned_away(db, who, at_ms)]

    @staticmethod
    def facts_of_all(
        db: Connection, appends: Sequence["KeepContact"], at_ms: int
    ) -> list[Sequence[Fact] | None]:
        """Those of people nobody has heard of begin an interaction each; the others are asked one by one."""
        begin = [n for n, each in enumerate(appends) if not each._keeper.only_joins]
        strangers = dict(zip(begin, strangers_among(db, [appends[n]._contact for n in begin]), strict=True))
        off = db if any_off(db) else None
        return [
            each._first(stranger, at_ms, off) if (stranger := strangers.get(n)) else None
            for n, each in enumerate(appends)
        ]

    def _leave(self, db: Connection) -> Sequence[Fact]:
        self._take_back(db)
        self.left = True
        return ()

    def _take_back(self, db: Connection) -> None:
        db.run("DELETE FROM content WHERE content_id = :content_id", content_id=self._content_id)

    def _first(self, stranger: Stranger, at_ms: int, off: Connection | None) -> Sequence[Fact]:
        """off: the database, where any texts are switched off."""
        contact, address_hash = self._contact, stranger.address_hash
        thread = thread_of(contact.channel, contact.account, address_hash)
        customer_id, identity_id, added = _new_identity(contact, address_hash)
        who = _Who(
            address_hash=address_hash,
            thread=thread,
            customer_id=customer_id,
            identity_id=identity_id,
            added=added,
        )
        facts = self._begin(who, stranger.message_id, stranger.interaction_id, at_ms)
        return facts if off is None else [*facts, *self._turned_away(off, who, at_ms)]

    def _turned_away(self, db: Connection, who: "_Who", at_ms: int) -> Sequence[Fact]:
        """Where texts are switched off, whoever surely wrote it is to hear of it."""
        contact, kept = self._contact, self.kept
        if kept is None or not (who.identity_id and who.address_hash and contact.verified):
            return ()
        return turned_away(
            db,
            channel=contact.channel,
            account=contact.account,
            address_hash=who.address_hash,
            interaction_id=kept.interaction_id,
            message_id=kept.message_id,
            at_ms=at_ms,
            window_ms=self._keeper.text_off_window_ms,
        )

    def _fresh_id(self, db: Connection, message_id: str) -> str:
        """Id of the interaction that this contact begins."""
        contact = self._contact
        interaction_id = interaction_id_of(contact.channel, contact.account, contact.provider_id)
        if db.row("SELECT 1 FROM interaction WHERE interaction_id = :id", id=interaction_id):
            # Only when one provider id came with two different bodies: the second begins its own interaction.
            return interaction_id_of(contact.channel, contact.account, message_id)
        return interaction_id

    def _begin(self, who: "_Who", message_id: str, interaction_id: str, at_ms: int) -> list[Fact]:
        contact = self._contact
        facts = [] if who.added is None else [who.added]
        self._note(interaction_id, message_id, began=True)
        facts.append(
            fact(
                "arrived",
                interaction_id,
                channel=contact.channel,
                account=contact.account,
                customer_id=who.customer_id,
                identity_id=who.identity_id,
                address_hash=who.address_hash,
                verified=contact.verified,
                thread=who.thread,
                connection_id=self._keeper.connection_id,
                parked_until_ms=at_ms + self._keeper.read_within_ms,
                traffic=contact.traffic,
                message_id=message_id,
                **self._message(),
            )
        )
        if self._keeper.connection_id:
            facts.append(connected(interaction_id, self._keeper.connection_id, self._keeper.web_id))
        return facts

    def _added(self, interaction_id: str, message_id: str) -> Fact:
        return fact(
            "message_added",
            interaction_id,
            message_id=message_id,
            direction="in",
            author_id="",
            reading="unread",
            **self._message(),
        )

    def _content(self) -> dict[str, str | int | bytes]:
        contact = self._contact
        return {
            "content_id": self._content_id,
            "media_type": contact.media_type,
            "file_name": contact.file_name,
            "salt": self._salt,
            "body": contact.body,
            "at_ms": contact.received_at_ms,
        }

    def _message(self) -> dict[str, str | int]:
        contact = self._contact
        return {
            "content_id": self._content_id,
            "content_hash": hashlib.sha256(self._salt + contact.body).hexdigest(),
            "client_id": contact.client_id,
            "message_kind": contact.kind,
            "received_at_ms": contact.received_at_ms,
            "web_id": self._keeper.web_id,
        }

    def _note(
        self, interaction_id: str, message_id: str, *, began: bool = False, repeated_seq: int = 0
    ) -> None:
        self.kept = Kept(
            interaction_id=interaction_id,
            message_id=message_id,
            began=began,
            repeated=repeated_seq > 0,
            seq=repeated_seq,
        )


def found_before(db: Connection, contact: Contact) -> tuple[str, tuple[str, int] | None]:
    """(message id, its interaction and seq if it is kept already).

    The same provider id with other words is another message, because words we acknowledge are never lost.
    """
    digest = hashlib.sha256(contact.body).hexdigest()
    message_id = ""
    for provider_id in (contact.provider_id, f"{contact.provider_id}/{digest}"):
        message_id = message_id_of(contact.channel, contact.account, provider_id)
        found = db.row(
            "SELECT m.interaction_id, c.body, m.seq FROM message m LEFT JOIN content c"
            " ON c.content_id = m.content_id WHERE m.message_id = :message_id",
            message_id=message_id,
        )
        if found is None:
            return message_id, None
        if found[1] is None or says_the_same(contact.media_type, bytes(found[1]), contact.body):
            return message_id, (str(found[0]), int(found[2]))
    return message_id, None


class NotKept(Exception):
    """Nothing may be acknowledged: the outcome is unknown or the database is gone. A repeat is harmless."""


class NothingToJoin(Exception):
    """Nothing was written: nothing that the contact belongs to is open here (Keeper.only_joins, there)."""


async def keep(committer: Committer, contact: Contact, keeper: Keeper) -> Kept:
    """Keep a contact, raw where it cannot be kept as it is. Raises NotKept; NothingToJoin for only_joins.

    When this returns it is on disk, and the other site has it as well, where there is one that keeps up.
    What belongs to an interaction that is there is kept there; here only where that came to nothing.
    """
    try:
        kept, seq = await _keep_here(committer, contact, keeper)
    except NothingToJoin:
        if keeper.there is None:
            raise
        elsewhere = await keeper.there(contact)
        if elsewhere is not None:
            return elsewhere
        kept, seq = await _keep_here(committer, contact, replace(keeper, there=None))
    if keeper.copied is not None:
        await until_copied(keeper.copied, seq)
    return kept


async def until_copied(copied: Callable[[int], Awaitable[object]], seq: int) -> None:
    """Wait for the other site. Raises NotKept: it does not have it, and nobody could say so here."""
    try:
        await copied(seq)
    except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
        raise NotKept(str(problem)) from problem


async def _keep_here(committer: Committer, contact: Contact, keeper: Keeper) -> tuple[Kept, int]:
    try:
        return await _keep_as_is(committer, KeepContact(contact, keeper))
    except (NotKept, NothingToJoin):
        raise
    except Exception as refused:  # noqa: BLE001 - content never causes loss, whatever it makes a driver raise
        _log.warning("contact kept raw channel=%s error=%s", contact.channel, type(refused).__name__)
    return await _keep_as_is(committer, KeepContact(unparsed(contact), keeper))


async def _keep_as_is(committer: Committer, append: KeepContact) -> tuple[Kept, int]:
    """(where it is, the row with which the other site has it)."""
    try:
        rows = await committer.append(append)
    except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
        raise NotKept(str(problem)) from problem
    if append.left:
        raise NothingToJoin
    if append.kept is None:
        raise NotKept("the committer did not ask where it belongs")
    return append.kept, rows[-1].seq if rows else append.kept.seq


def unparsed(contact: Contact) -> Contact:
    """The same contact with nothing claimed about its body: kept when keeping it as it is was refused."""
    return replace(contact, kind="attachment", media_type=UNPARSED, file_name="")


def connected(interaction_id: str, connection_id: str, web_id: str) -> Fact:
    """The fact that a customer's live line belongs to this interaction."""
    return fact("customer_connected", interaction_id, connection_id=connection_id, web_id=web_id)


def disconnected(interaction_id: str, connection_id: str, web_id: str, *, for_good: bool = False) -> Fact:
    """The fact that it no longer does. for_good: the customer ended it, and cannot come back by it."""
    said = {"for_good": True} if for_good else {}
    return fact("customer_disconnected", interaction_id, connection_id=connection_id, web_id=web_id, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    """Whose contact it is. Shape: address_hash is empty where replies go by a live line; `added` makes the
    identity known when nobody had it before; all empty for what joins and links nothing."""

    address_hash: str = ""
    thread: str = ""
    customer_id: str = ""
    identity_id: str = ""
    added: Fact | None = None


def _who(db: Connection, contact: Contact) -> _Who:
    """To be asked under the counter's lock: what it finds, or makes, is decided once."""
    if contact.traffic in STAGED:
        return _Who()  # Nobody's: it joins nothing, and nobody is known by it.
    address_hash = _address_hash(db, contact)
    if not contact.linked:
        return _Who(address_hash=address_hash, thread=contact.thread)
    known_by = address_hash or contact.address_hash
    thread = contact.thread
    if not thread and address_hash and contact.joins:
        thread = thread_of(contact.channel, contact.account, address_hash)
    if not known_by:
        return _Who(thread=thread)
    customer_id, identity_id, added = _customer(db, contact, known_by)
    return _Who(
        address_hash=address_hash,
        thread=thread,
        customer_id=customer_id,
        identity_id=identity_id,
        added=added,
    )


def thread_of(channel: str, account: str, address_hash: str) -> str:
    """What contacts of one address on one of our accounts join by."""
    return hashlib.sha256(msgspec.json.encode((channel, account, address_hash))).hexdigest()


def _address_hash(db: Connection, contact: Contact) -> str:
    if not contact.address_kind or not 0 < len(contact.address) <= ADDRESS_CHARACTERS_MAX:
        return ""
    return address_hash_of(db, kind=contact.address_kind, address=contact.address)


def _is_known(db: Connection, contact: Contact) -> bool:
    """Whether its address was ever seen here, where it is that by which it would join anything."""
    if contact.thread:
        return True
    sql = "SELECT 1 FROM address WHERE kind = :kind AND address = :address"
    return db.row(sql, kind=contact.address_kind, address=storable(contact.address)) is not None


def address_hash_of(db: Connection, *, kind: str, address: str) -> str:
    """The hash under which the journal knows this address; its salt is drawn when it is first seen."""
    address = storable(address)
    found = db.row(
        "SELECT address_hash FROM address WHERE kind = :kind AND address = :address",
        kind=kind,
        address=address,
    )
    if found is not None:
        return str(found[0])
    salt = os.urandom(SALT_BYTES)
    address_hash = hashlib.sha256(salt + address.encode()).hexdigest()
    db.run(
        "INSERT INTO address (kind, address, address_hash, salt) VALUES (:kind, :address, :hash, :salt)",
        kind=kind,
        address=address,
        hash=address_hash,
        salt=salt,
    )
    return address_hash


def _customer(db: Connection, contact: Contact, known_by: str) -> tuple[str, str, Fact | None]:
    """(customer, identity, the fact that makes the identity known when it is not).

    What is verified belongs to whoever has it verified on another channel or account. What is only claimed
    links to nobody but itself: anybody can write any address into a form.
    """
    rows = db.rows(
        "SELECT customer_id, identity_id, channel, account FROM identity"
        " WHERE address_hash = :hash AND verified = :verified ORDER BY at_ms, identity_id",
        hash=known_by,
        verified=int(contact.verified),
    )
    for customer_id, identity_id, channel, account in rows:
        if (channel, account) == (contact.channel, contact.account):
            return customer_id, identity_id, None
    customer_id = rows[0][0] if rows and contact.verified else ""
    return _new_identity(contact, known_by, customer_id)


def _new_identity(contact: Contact, known_by: str, customer_id: str = "") -> tuple[str, str, Fact]:
    """(customer, identity, the fact that makes it known); without a customer that of a new one."""
    claimed = "" if contact.verified else "/claimed"
    identity_id = customer_id_of(contact.channel, contact.account, known_by + claimed)
    added = fact(
        "customer_added",
        customer_id or identity_id,
        identity_id=identity_id,
        channel=contact.channel,
        account=contact.account,
        address_hash=known_by,
        verified=contact.verified,
    )
    return customer_id or identity_id, identity_id, added
