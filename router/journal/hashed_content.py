"""Is content what the journal says? Which hash each row names, and what in the content tables is not it.

The journal holds SHA-256(salt, body) of what was said (docs/architecture.md §2): so words and files prove
themselves as rows do, wherever they were kept meanwhile. What is gone was erased, or lost: nobody can tell
from one database. What a row names without a hash cannot be checked; it is counted.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from router.journal.connection import Connection
from router.journal.many_rows import readable_in
from router.records import Row

HEX: Final = 64
"""Characters of a hash: anything else under that name is none."""

AT_ONCE_BYTES: Final = 4 << 20
"""Bodies read together. One that is larger is read by itself."""

DAMAGED: Final = "damaged"
ABSENT: Final = "absent"

_NESTED: Final = frozenset({"adopted", "message_copied", "orders_adopted"})
"""Kinds that name content inside lists of their data."""

_SIZES: Final = "SELECT content_id, length(body) FROM content WHERE content_id IN {wanted}"
_BODIES: Final = "SELECT content_id, salt, body FROM content WHERE content_id IN {wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """Content as the journal names it. passing: it is only an address to fetch a file from, deleted after."""

    content_id: str
    content_hash: str
    seq: int
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Content that is not as the journal names it. Shape: what is DAMAGED or ABSENT."""

    hashed: Hashed
    what: str

    @property
    def text(self) -> str:
        """What is wrong, by its id and its row."""
        said = "is not what was written" if self.what == DAMAGED else "is not there"
        return f"content {self.hashed.content_id} of row {self.hashed.seq} {said}"


class _Flat(msgspec.Struct):
    content_id: str = ""
    content_hash: str = ""
    part_kind: str = ""


_FLAT: Final = msgspec.json.Decoder(_Flat)


def named_in(rows: Iterable[Row]) -> tuple[dict[str, Hashed], int]:
    """Content of these rows by its id, as the first row that has a hash of it says; and how often a row
    names content without one. Data that is no JSON names nothing."""
    found: dict[str, Hashed] = {}
    without = 0
    for row in rows:
        for each in _names(row):
            if each.content_hash:
                found.setdefault(each.content_id, each)
            else:
                without += 1
    return found, without


def hashed_by(rows: Iterable[Row]) -> dict[str, Hashed]:
    """All content of which these rows say the hash, by its id."""
    return named_in(rows)[0]


def is_that(content_hash: str, salt: object, body: object) -> bool:
    """Whether this is the content that has this hash. A damaged file may give text, or nothing."""
    if not isinstance(salt, bytes | memoryview) or not isinstance(body, bytes | memoryview):
        return False
    found = hashlib.sha256(salt)
    found.update(body)
    return found.hexdigest() == content_hash


def findings(db: Connection, named: Mapping[str, Hashed]) -> Iterator[Finding]:
    """Which of these are not as they are named, in the order of their ids in each group read together.
    What the disk does not give any more is damaged."""
    found, unreadable = readable_in(db, _SIZES, list(named))
    sizes = {str(row[0]): int(row[1]) for row in found}
    for each in named.values():
        if each.content_id not in sizes:
            yield Finding(hashed=each, what=DAMAGED if each.content_id in unreadable else ABSENT)
    for group in _groups(sizes):
        found, unreadable = readable_in(db, _BODIES, group)
        wrong = [row[0] for row in found if not is_that(named[row[0]].content_hash, row[1], row[2])]
        for content_id in (*wrong, *unreadable):
            yield Finding(hashed=named[content_id], what=DAMAGED)


def unreadable_of(db: Connection, wanted: Iterable[str]) -> list[str]:
    """Of these, each read by itself, what the disk does not give any more."""
    return [rotten for each in wanted for rotten in readable_in(db, _BODIES, [each])[1]]


def is_sound(db: Connection, each: Hashed) -> bool:
    """Whether it is here, and what was written."""
    return next(findings(db, {each.content_id: each}), None) is None


def _names(row: Row) -> Iterator[Hashed]:
    if '"content_id":"' not in row.data:
        return
    try:
        if row.kind in _NESTED:
            yield from _nested(row)
            return
        said = _FLAT.decode(row.data)
    except msgspec.MsgspecError:
        return
    if said.content_id:
        yield _hashed(row, said.content_id, said.content_hash, passing=said.part_kind == "wanted")


def _nested(row: Row) -> Iterator[Hashed]:
    """Of tables in lists in tables: without recursion, it may nest. A name that somebody gave has no hash."""
    left: list[Any] = [msgspec.json.decode(row.data)]
    while left:
        each = left.pop()
        if isinstance(each, list):
            left += each
        elif isinstance(each, dict):
            content_hash = each.get("content_hash", "")
            for content_id in (each.get("content_id"), each.get("name_content_id")):
                if isinstance(content_id, str) and content_id and isinstance(content_hash, str):
                    yield _hashed(row, content_id, content_hash, passing=each.get("kind") == "wanted")
            left += [value for value in each.values() if isinstance(value, list)]


def _hashed(row: Row, content_id: str, content_hash: str, *, passing: bool) -> Hashed:
    is_hash = len(content_hash) == HEX
    return Hashed(
        content_id=content_id,
        content_hash=content_hash if is_hash else "",
        seq=row.seq,
        passing=passing,
    )


def _groups(sizes: Mapping[str, int]) -> Iterator[Sequence[str]]:
    group: list[str] = []
    total = 0
    for content_id in sorted(sizes):
        if group and total + sizes[content_id] > AT_ONCE_BYTES:
            yield group
            group, total = [], 0
        group.append(content_id)
        total += sizes[content_id]
    if group:
        yield group
