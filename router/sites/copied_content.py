"""Is what came with rows what these rows name? Asked of each batch before any of it is kept, or sent.

A good one is never given up for a bad one: what is here and fits stays, whatever comes under its id.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from router.journal.connection import Connection, DatabaseDamaged, Value
from router.journal.hashed_content import ABSENT, DAMAGED, HEX, Finding, Hashed, findings, is_that
from router.journal.many_rows import rows_in
from router.records import Row

Entry = dict[str, Value]

_HERE: Final = "SELECT content_id FROM content WHERE content_id IN {wanted}"


@dataclass(slots=True, kw_only=True)
class Compared:
    """What is wrong with content that came, or did not.

    Shape: fitting are ids of what came and may be kept; unfit came, and is not what its row names; spoiled
           is here, is damaged, and came good; faults are neither here as they should be nor came.
    """

    fitting: set[Value] = field(default_factory=set)
    unfit: list[Hashed] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)


def compare(
    db: Connection, came: Sequence[Entry], pieced: Collection[str], hashed: Mapping[str, Hashed]
) -> Compared:
    """What came whole, and what came in pieces and is here already, with what the rows say of it."""
    fits = {each["content_id"]: fits_its_row(each, hashed) for each in came}
    here = {str(row[0]) for row in rows_in(db, _HERE, list(hashed))}
    damaged = {each.hashed.content_id for each in findings(db, {key: hashed[key] for key in here})}
    compared = Compared(fitting={each for each, fit in fits.items() if fit})
    for content_id, each in hashed.items():
        sound = content_id in here and content_id not in damaged
        if sound:
            continue
        if fits.get(content_id):
            compared.spoiled += [content_id] * (content_id in damaged)
        elif content_id in fits or (content_id in damaged and content_id in pieced):
            compared.unfit.append(each)
        else:
            compared.faults.append(Finding(hashed=each, what=DAMAGED if content_id in damaged else ABSENT))
    return compared


def removed(db: Connection, content_id: str) -> bool:
    """Make room for the good one. A disk that does not give the old one may keep it for ever."""
    undo = db.dialect == "postgresql"
    if undo:
        db.run("SAVEPOINT removing")
    try:
        db.run("DELETE FROM content WHERE content_id = :id", id=content_id)
    except DatabaseDamaged:
        if undo:
            db.run("ROLLBACK TO SAVEPOINT removing")
        return False
    return True


def fits_its_row(entry: Entry, hashed: Mapping[str, Hashed]) -> bool:
    """Also where no row says what it should be."""
    named = hashed.get(str(entry["content_id"]))
    return named is None or is_that(named.content_hash, _bytes(entry["salt"]), _bytes(entry["body"]))


def is_that_address(entry: Entry) -> bool:
    """An address is known by its own hash. What is none (of an old or foreign maker) cannot be checked."""
    known_by, address = str(entry["address_hash"]), str(entry["address"])
    if len(known_by) != HEX:
        return True
    return hashlib.sha256(_bytes(entry["salt"]) + address.encode()).hexdigest() == known_by


def wrong_addresses(addresses: Sequence[Entry], rows: Sequence[Row]) -> dict[str, int]:
    """The first row that names each that is not what its hash says."""
    wrong = [str(each["address_hash"]) for each in addresses if not is_that_address(each)]
    by_row = ((each, row.seq) for each in wrong for row in reversed(rows) if each in row.data)
    return {**dict.fromkeys(wrong, rows[0].seq if rows else 0), **dict(by_row)}


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""
