"""Commands about customers as appends: who is who, by whom said, and how to take it back.

Each moves identities, in one append, and says so in the journal with the person's name and the command's id;
what one command moved, `undo_move` moves back together. A repeat finds its own moves, and changes nothing.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final  # Any: columns of an identity

from agents_ui.access.person import Person
from agents_ui.access.sight import may_change
from agents_ui.desk import shapes
from agents_ui.desk.requests import Decide
from router.channels.ids import customer_id_of, message_id_of
from router.channels.ingest import address_hash_of
from router.channels.mail_head import mailbox_of
from router.channels.text import kept
from router.journal.appends import put_content
from router.journal.database import Connection
from router.records import Fact, fact

NOT_FOUND: Final = "not_found"
SAME_CUSTOMER: Final = "same_customer"
ONLY_ONE: Final = "only_one"
UNCLEAR_ADDRESS: Final = "unclear_address"

CHANNEL_OF: Final = {"phone": "sms", "mail": "mail"}
"""The channel on which an address of this kind is shown; nothing is sent to what is only claimed."""

_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""ITU-T E.164, as providers write numbers."""
_BETWEEN_DIGITS: Final = re.compile(r"[\s().\-/]|\u00a0")

_Moving = tuple[str, str]
"""identity_id, and the customer it belongs to now."""


def claim(person: Person, command: shapes.Claim) -> Decide:
    """Note an address that the customer says is theirs. It links nothing; it shows whom they claim to be."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        address = normal(command.address_kind, command.address)
        if not address:
            return UNCLEAR_ADDRESS
        if not may_change(db, person, command.customer_id):
            return NOT_FOUND
        channel = CHANNEL_OF[command.address_kind]
        address_hash = address_hash_of(db, kind=command.address_kind, address=address)
        identity_id = customer_id_of(channel, "", f"{address_hash}/claimed by {command.customer_id}")
        known = db.row(
            "SELECT 1 FROM identity WHERE identity_id = :i OR (customer_id = :c AND address_hash = :h)",
            i=identity_id,
            c=command.customer_id,
            h=address_hash,
        )
        if known is not None:
            return ()
        values = {"channel": channel, "account": "", "address_hash": address_hash}
        who = {"agent_id": person.agent_id, "command_id": command.command_id}
        return [fact("identity_claimed", command.customer_id, identity_id=identity_id, **values, **who)]

    return decide


def normal(kind: str, address: str) -> str:
    """The address as channels write it; empty when it is none."""
    if kind == "mail":
        return mailbox_of(address.strip().encode()).address
    digits = _BETWEEN_DIGITS.sub("", address)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if _PHONE.fullmatch(digits) else ""


def link(person: Person, command: shapes.Link) -> Decide:
    """The agent has found out that the customer is the one they claim to be."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if _done(db, command.command_id):
            return ()
        if not may_change(db, person, command.customer_id) or not _claims(
            db, command.customer_id, command.to_customer_id
        ):
            return NOT_FOUND
        return _all_moved(db, person, command, why="link")

    return decide


def merge(person: Person, command: shapes.Merge) -> Decide:
    """Two customers are one: everything of the first belongs to the second."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if _done(db, command.command_id):
            return ()
        if command.customer_id == command.to_customer_id:
            return SAME_CUSTOMER
        both = (command.customer_id, command.to_customer_id)
        if not all(may_change(db, person, each) for each in both):
            return NOT_FOUND
        return _all_moved(db, person, command, why="merge")

    return decide


def split(person: Person, command: shapes.Split) -> Decide:
    """This identity is somebody else: it gets (back) a customer of its own."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if _done(db, command.command_id):
            return ()
        row = db.row("SELECT customer_id FROM identity WHERE identity_id = :i", i=command.identity_id)
        if row is None or not may_change(db, person, row[0]):
            return NOT_FOUND
        if len(_identities(db, row[0])) < 2:
            return ONLY_ONE
        own = command.identity_id
        if db.row("SELECT 1 FROM identity WHERE customer_id = :c AND identity_id <> :i", c=own, i=own):
            # Others were merged into the customer that began with this identity: they keep it.
            own = customer_id_of("split", row[0], f"{command.identity_id}/{command.command_id}")
        return [_moved(person, command.command_id, (command.identity_id, row[0]), own, "split")]

    return decide


def undo_move(person: Person, command: shapes.UndoMove) -> Decide:
    """Everything that one command moved, and that nobody moved since, belongs where it was."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if _done(db, command.command_id):
            return ()
        moves = db.rows(
            "SELECT identity_id, customer_id, moved_from FROM identity"
            " WHERE moved_command_id = :m ORDER BY identity_id",
            m=command.moved_command_id,
        )
        if not moves or not any(may_change(db, person, each) for each in {move[1] for move in moves}):
            return NOT_FOUND
        return [
            _moved(person, command.command_id, (identity_id, now), was, "undo")
            for identity_id, now, was in moves
        ]

    return decide


def name_customer(person: Person, command: shapes.NameCustomer) -> Decide:
    """What the customer is called. The words are content; the journal knows that a name was given."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if not may_change(db, person, command.customer_id):
            return NOT_FOUND
        content_id = message_id_of("name", person.agent_id, f"{command.customer_id}/{command.command_id}")
        if db.row("SELECT 1 FROM content WHERE content_id = :c", c=content_id):
            return ()
        body = kept(command.name.strip())
        put_content(db, content_id=content_id, media_type="text/plain; charset=utf-8", body=body, at_ms=at_ms)
        (salt,) = db.row("SELECT salt FROM content WHERE content_id = :c", c=content_id) or (b"",)
        return [
            fact(
                "customer_named",
                command.customer_id,
                content_id=content_id,
                content_hash=hashlib.sha256(bytes(salt) + body).hexdigest(),
                agent_id=person.agent_id,
                command_id=command.command_id,
            )
        ]

    return decide


def _done(db: Connection, command_id: str) -> bool:
    """Whether this command has moved something already."""
    return db.row("SELECT 1 FROM identity WHERE moved_command_id = :m LIMIT 1", m=command_id) is not None


def _claims(db: Connection, customer_id: str, to_customer_id: str) -> bool:
    """Whether the one claims an address that is known to be the other's."""
    row = db.row(
        "SELECT 1 FROM identity claimed"
        " JOIN identity known ON known.address_hash = claimed.address_hash AND known.verified = 1"
        " WHERE claimed.customer_id = :c AND claimed.verified = 0 AND known.customer_id = :to LIMIT 1",
        c=customer_id,
        to=to_customer_id,
    )
    return row is not None and customer_id != to_customer_id


def _identities(db: Connection, customer_id: str) -> list[tuple[Any, ...]]:
    return db.rows(
        "SELECT identity_id, customer_id FROM identity WHERE customer_id = :c ORDER BY identity_id",
        c=customer_id,
    )


def _all_moved(
    db: Connection, person: Person, command: shapes.Link | shapes.Merge, *, why: str
) -> Sequence[Fact]:
    return [
        _moved(person, command.command_id, (row[0], row[1]), command.to_customer_id, why)
        for row in _identities(db, command.customer_id)
    ]


def _moved(person: Person, command_id: str, moving: _Moving, to_customer_id: str, why: str) -> Fact:
    identity_id, from_customer_id = moving
    who = {"agent_id": person.agent_id, "command_id": command_id}
    where = {"from_customer_id": from_customer_id, "to_customer_id": to_customer_id}
    return fact("identity_moved", identity_id, why=why, **where, **who)
