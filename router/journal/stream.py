"""A stream of the journal: its counter, its hash chain, and reading it. Appending is the committer's.

Sequence numbers come from a counter row that the appending transaction holds until it commits: numbers handed
out by the database itself become visible out of order, and a reader that has passed one never sees it.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

import msgspec

from router.journal.connection import Connection
from router.journal.many_rows import ManyRows, readable_in, unless_damaged
from router.records import Fact, Row, canonical

FIRST_HASH: Final = bytes(32)
"""What stands for the hash of the row before the first."""

COLUMNS: Final = "site, incarnation, seq, at_ms, kind, ref, data, hash"
OWN_ROWS: Final = "site = (SELECT site FROM stream WHERE own = 1)"
"""The site's own stream through all its incarnations, as a condition on the table journal; a subquery, so
that its key (site, seq) is used."""

_READ: Final = (
    f"SELECT {COLUMNS} FROM journal WHERE {OWN_ROWS} AND seq > :after_seq ORDER BY seq LIMIT :limit"
)
_THESE: Final = f"SELECT {COLUMNS} FROM journal WHERE {OWN_ROWS} AND seq IN {{wanted}}"
_INSERT: Final = ManyRows(
    f"INSERT INTO journal ({COLUMNS}) VALUES",
    "(:site, :incarnation, :seq, :at_ms, :kind, :ref, :data, :hash)",
)
_HEAD: Final = "SELECT site, incarnation, last_seq, last_at_ms, head_hash FROM stream WHERE own = 1"
BEGUN: Final = "stream_begun"
"""Kind of the first row of each incarnation but the first: where it goes on, and why."""

_END: Final = "UPDATE stream SET own = 0 WHERE own = 1"
_BEGIN: Final = """
    INSERT INTO stream (site, incarnation, own, last_seq, last_at_ms, head_hash)
    VALUES (:site, :incarnation, 1, :seq, :at_ms, :hash)
"""
_SAVE: Final = "UPDATE stream SET last_seq = :seq, last_at_ms = :at_ms, head_hash = :hash WHERE own = 1"


class NoStream(Exception):
    """The database has no stream of its own yet: `muster up` creates it (Database.create_tables)."""


@dataclass(slots=True, kw_only=True)
class Head:
    """Where a stream ends, held by the one transaction that may move it."""

    site: str
    incarnation: str
    seq: int
    at_ms: int
    hash: bytes


def create_stream(db: Connection, site: str) -> None:
    """The site's own stream with a new incarnation, unless there is one."""
    if db.row(_HEAD) is None:
        db.run(_BEGIN, site=site, incarnation=uuid.uuid4().hex, seq=0, at_ms=0, hash=FIRST_HASH)


def begin_incarnation(db: Connection, why: str, now_ms: int) -> Row:
    """Begins another life of the database: its first row goes on after the last row there is.

    To be called in a writing transaction of the caller's, while nobody else appends. Needed whenever rows
    that somebody has seen may be missing here: numbers that were given out before are not given out twice
    under one name. The end of the life before stays in the table stream. Raises NoStream.
    """
    head = lock_head(db, now_ms)
    data = canonical({"after_seq": head.seq, "why": why, "from_incarnation": head.incarnation})
    head.incarnation = uuid.uuid4().hex
    follow_incarnation(db, head)
    (row,) = append_facts(db, head, [Fact(kind=BEGUN, ref="stream", data=data)])
    save_head(db, head)
    return row


def follow_incarnation(db: Connection, head: Head) -> None:
    """Makes head.incarnation the one that goes on from here. The one before keeps its end."""
    db.run(_END)
    db.run(
        _BEGIN, site=head.site, incarnation=head.incarnation, seq=head.seq, at_ms=head.at_ms, hash=head.hash
    )


def lock_head(db: Connection, now_ms: int) -> Head:
    """Takes the counter until the transaction ends. Its time never goes back. Raises NoStream."""
    head = _head(db, "" if db.dialect == "sqlite" else " FOR UPDATE")  # in SQLite begin() locked everything
    head.at_ms = max(head.at_ms, now_ms)
    return head


def read_head(db: Connection) -> Head:
    """Where the site's own stream ends. Raises NoStream."""
    return _head(db, "")


DATA_MAX: Final = 16 << 20
"""Bytes of one fact. What is larger could not be sent to the other site, and all after it would wait behind
it (sites/wire.py). Nothing here is near it: whatever may grow is cut where it is made."""


class FactTooLarge(Exception):
    """Our own mistake: it is refused before it is written, and says which kind it is."""


def append_facts(db: Connection, head: Head, facts: Sequence[Fact]) -> tuple[Row, ...]:
    """Writes these facts as the next rows and moves the head; save_head stores it before the commit.

    Raises FactTooLarge: nothing was written.
    """
    for fact in facts:
        if len(fact.data) > DATA_MAX // 4 and (size := len(fact.data.encode())) > DATA_MAX:
            raise FactTooLarge(f"{fact.kind} of {fact.ref!r} has {size} bytes: {DATA_MAX} is the most")
    rows = tuple(_next_row(head, fact) for fact in facts)
    _INSERT.run(db, [_values(row) for row in rows])
    return rows


def save_head(db: Connection, head: Head) -> None:
    """Stores the moved head."""
    db.run(_SAVE, seq=head.seq, at_ms=head.at_ms, hash=head.hash)


def read_rows(db: Connection, *, after_seq: int, limit: int = 1000) -> list[Row]:
    """The site's own rows after this seq, in order, at most `limit` of them."""
    return rows_of(db.rows(_READ, after_seq=after_seq, limit=limit))


def readable_rows(db: Connection, *, after_seq: int, limit: int) -> tuple[list[Row], int, bool]:
    """The same without those that are rotten on the disk, inside a transaction; through which seq it looked,
    and whether none was rotten."""
    rows = unless_damaged(db, lambda: read_rows(db, after_seq=after_seq, limit=limit))
    if rows is not None:
        return rows, rows[-1].seq if rows else after_seq, True
    wanted = range(after_seq + 1, min(last_seq(db), after_seq + limit) + 1)
    found, _ = readable_in(db, _THESE, wanted)
    return sorted(rows_of(found), key=lambda row: row.seq), wanted[-1] if wanted else after_seq, not wanted


def keep_rows(db: Connection, rows: Sequence[Row]) -> None:
    """Writes rows exactly as they were written elsewhere; whether they follow is the caller's to know."""
    _INSERT.run(db, [_values(row) for row in rows])


def has_row(db: Connection, seq: int, seal: bytes) -> bool:
    """Whether the site's own row of this seq is there, and is the one with this hash. Seq 0 always is."""
    found = db.row(f"SELECT hash FROM journal WHERE {OWN_ROWS} AND seq = :seq", seq=seq)
    return seq == 0 or (found is not None and bytes(found[0]) == seal)


def last_seq(db: Connection) -> int:
    """The seq of the newest committed row of the site's own stream; 0 when there is none. Raises NoStream."""
    return _head(db, "").seq


def rows_of(found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Rows from the columns of the journal table, in the order of COLUMNS."""
    return [
        Row(
            site=site,
            incarnation=incarnation,
            seq=seq,
            at_ms=at_ms,
            kind=kind,
            ref=ref,
            data=data,
            hash=bytes(seal),
        )
        for site, incarnation, seq, at_ms, kind, ref, data, seal in found
    ]


def row_hash(previous: bytes, row: Row) -> bytes:
    """SHA-256 of the previous row's hash followed by this row as one canonical JSON array.

    JSON quotes every text, so no two different rows have the same bytes.
    """
    values = [row.site, row.incarnation, row.seq, row.at_ms, row.kind, row.ref, row.data]
    return hashlib.sha256(previous + msgspec.json.encode(values)).digest()


def _head(db: Connection, lock: str) -> Head:
    found = db.row(_HEAD + lock)
    if found is None:
        raise NoStream("the database has no stream of its own: start it once with `muster up`")
    site, incarnation, seq, at_ms, head_hash = found
    return Head(site=site, incarnation=incarnation, seq=seq, at_ms=at_ms, hash=bytes(head_hash))


def _next_row(head: Head, fact: Fact) -> Row:
    unsealed = Row(
        site=head.site,
        incarnation=head.incarnation,
        seq=head.seq + 1,
        at_ms=head.at_ms,
        kind=fact.kind,
        ref=fact.ref,
        data=fact.data,
        hash=b"",
    )
    head.seq += 1
    head.hash = row_hash(head.hash, unsealed)
    return Row(
        site=unsealed.site,
        incarnation=unsealed.incarnation,
        seq=unsealed.seq,
        at_ms=unsealed.at_ms,
        kind=unsealed.kind,
        ref=unsealed.ref,
        data=unsealed.data,
        hash=head.hash,
    )


def _values(row: Row) -> dict[str, str | int | bytes]:
    return {
        "site": row.site,
        "incarnation": row.incarnation,
        "seq": row.seq,
        "at_ms": row.at_ms,
        "kind": row.kind,
        "ref": row.ref,
        "data": row.data,
        "hash": row.hash,
    }
