"""Is the newest part of a stream as it was written? Fast: all of it is `muster journal verify`'s matter.

Before a take-over this is asked of the copy: a copy that was damaged after it was taken in would put damaged
work in front of agents.
"""

from dataclasses import dataclass
from typing import Final

from router.journal.connection import Connection
from router.journal.stream import OWN_ROWS, read_head, read_rows, row_hash

NEWEST: Final = 2_000
"""Rows looked at: some tens of milliseconds, and what was written in the last minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where a stream ends, and the first thing that is wrong near its end; empty when nothing is."""

    site: str
    incarnation: str
    seq: int
    at_ms: int
    head_hash: str
    fault: str = ""


def look_at_chain(db: Connection, rows: int = NEWEST) -> Chain:
    """The end of this database's own stream. Raises NoStream."""
    head = read_head(db)
    return Chain(
        site=head.site,
        incarnation=head.incarnation,
        seq=head.seq,
        at_ms=head.at_ms,
        head_hash=head.hash.hex(),
        fault=_fault(db, head.seq, head.hash, rows),
    )


def hash_at(db: Connection, seq: int) -> str:
    """The hash of the row with this seq, hexadecimal; empty where there is none."""
    found = db.row(f"SELECT hash FROM journal WHERE {OWN_ROWS} AND seq = :seq", seq=seq)
    return bytes(found[0]).hex() if found else ""


def _fault(db: Connection, last: int, head_hash: bytes, rows: int) -> str:
    if not last:
        return ""
    after = max(0, last - rows)
    previous = hash_at(db, after) if after else bytes(32).hex()
    if not previous:
        return f"row {after} is missing"
    seal = bytes.fromhex(previous)
    for row in read_rows(db, after_seq=after, limit=rows):
        if row.seq != after + 1:
            return f"row {after + 1} is missing"
        if row_hash(seal, row) != row.hash:
            return f"row {row.seq} ({row.kind}) is not what was written"
        after, seal = row.seq, row.hash
    if after != last:
        return f"the counter says {last} rows, the journal ends at {after}"
    return "" if seal == head_hash else "the counter's hash is not that of the last row"
