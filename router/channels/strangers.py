"""Contacts of people nobody has heard of, many in one go: what a disaster is made of.

Asked one by one each costs half a dozen questions to the database of which all answers are no. Here they are
asked for all together. Whoever is known, and whatever comes twice, is left to ingest.KeepContact's own way.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from config.words import STAGED
from router.channels.ids import interaction_id_of, message_id_of
from router.channels.port import Contact
from router.journal.appends import SALT_BYTES, storable
from router.journal.connection import Connection
from router.journal.many_rows import ManyRows, rows_in

ADDRESS_CHARACTERS_MAX: Final = 500
"""A longer one is nobody's, and fits into no index of PostgreSQL: the contact is kept without."""

_ADDRESSES: Final = ManyRows(
    "INSERT INTO address (kind, address, address_hash, salt) VALUES",
    "(:kind, :address, :address_hash, :salt)",
)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody's first contact: the ids it gets, and the new hash of its address."""

    message_id: str
    interaction_id: str
    address_hash: str


def strangers_among(db: Connection, contacts: Sequence[Contact]) -> list[Stranger | None]:
    """Of each contact what it is as a stranger's, whose address is kept; None: to be asked for by itself.

    To be asked under the counter's lock. A hash drawn here is new: no thread and no customer has it.
    """
    ids = [_ids(each) for each in contacts]
    found: list[Stranger | None] = [None] * len(contacts)
    rows: list[dict[str, str | bytes]] = []
    for n in _strangers(db, contacts, ids):
        salt, address = os.urandom(SALT_BYTES), storable(contacts[n].address)
        hashed = hashlib.sha256(salt + address.encode()).hexdigest()
        kind = contacts[n].address_kind
        rows.append({"kind": kind, "address": address, "address_hash": hashed, "salt": salt})
        found[n] = Stranger(*ids[n], hashed)
    _ADDRESSES.run(db, rows)
    return found


def _strangers(db: Connection, contacts: Sequence[Contact], ids: Sequence[tuple[str, str]]) -> Iterator[int]:
    """Numbers of those whose address and ids are in no table, each the first of its address and ids here."""
    kept = _kept(db, [each for pair in ids for each in pair])
    seen = {(kind, address) for kind in _kinds(contacts) for address in _known(db, contacts, kind)}
    for n, contact in enumerate(contacts):
        key = contact.address_kind, storable(contact.address)
        if _may_begin(contact) and key not in seen and kept.isdisjoint(ids[n]):
            yield n
        seen.add(key)
        kept.update(ids[n])


def _may_begin(contact: Contact) -> bool:
    """Whether its address is all that says whose it is and what it joins. A probe is nobody's."""
    has_address = contact.address_kind and 0 < len(contact.address) <= ADDRESS_CHARACTERS_MAX
    is_theirs = contact.linked and contact.joins and contact.traffic not in STAGED
    return bool(has_address and is_theirs and not contact.thread)


def _ids(contact: Contact) -> tuple[str, str]:
    of = contact.channel, contact.account, contact.provider_id
    return message_id_of(*of), interaction_id_of(*of)


def _kept(db: Connection, ids: Sequence[str]) -> set[str]:
    messages = rows_in(db, "SELECT message_id FROM message WHERE message_id IN {wanted}", ids[0::2])
    interactions = rows_in(
        db, "SELECT interaction_id FROM interaction WHERE interaction_id IN {wanted}", ids[1::2]
    )
    return {str(each[0]) for each in (*messages, *interactions)}


def _kinds(contacts: Sequence[Contact]) -> list[str]:
    return sorted({each.address_kind for each in contacts if each.address_kind})


def _known(db: Connection, contacts: Sequence[Contact], kind: str) -> set[str]:
    wanted = sorted({storable(each.address) for each in contacts if each.address_kind == kind})
    sql = "SELECT address FROM address WHERE kind = ? AND address IN {wanted}"
    return {str(row[0]) for row in rows_in(db, sql, wanted, kind)}
