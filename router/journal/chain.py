"""Does each row of a stream continue the one before it? Names every row that does not, and why.

Each is checked against the hash its predecessor carries, so that one damaged row is named and not everything
after it. What the rows say is not asked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from router.journal import stream
from router.journal.connection import Connection
from router.records import Row

PAGE: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the rows from first to last. Of a row after missing ones only these are named."""

    first: int
    last: int
    text: str


def beginning() -> stream.Head:
    """Where every stream begins."""
    return stream.Head(site="", incarnation="", seq=0, at_ms=0, hash=stream.FIRST_HASH)


def faults(row: Row, last: stream.Head) -> Iterator[Fault]:
    """What is wrong with the next row, where `last` is the one before it as it is stored."""
    if row.seq <= last.seq:
        yield Fault(first=row.seq, last=row.seq, text=f"row {row.seq} is there twice")
        return
    if row.seq != last.seq + 1:
        missing = f"{last.seq + 1}" if row.seq == last.seq + 2 else f"{last.seq + 1} to {row.seq - 1}"
        yield Fault(first=last.seq + 1, last=row.seq - 1, text=f"row {missing} is missing")
        return  # whose hash this row continues is unknown
    texts = []
    if stream.row_hash(last.hash, row) != row.hash:
        texts.append(f"row {row.seq} ({row.kind}) is not what was written, or not at its place")
    if row.at_ms < last.at_ms:
        texts.append(f"row {row.seq} is earlier than the row before it")
    if last.seq and row.incarnation != last.incarnation and row.kind != stream.BEGUN:
        texts.append(
            f"row {row.seq} is of another incarnation than the row before it, and does not begin one"
        )
    for text in texts:
        yield Fault(first=row.seq, last=row.seq, text=text)


def go_on(last: stream.Head, row: Row) -> None:
    """Makes this row the one before the next."""
    last.site, last.incarnation = row.site, row.incarnation
    last.seq, last.at_ms, last.hash = row.seq, row.at_ms, row.hash


def head_fault(head: stream.Head, last: stream.Head) -> Fault | None:
    """Whether the counter says the same as the last row there is; rows cut off at the end are missing."""
    if last.seq != head.seq:
        text = f"the counter says {head.seq} rows, the journal ends at {last.seq}"
        return Fault(first=min(last.seq, head.seq) + 1, last=max(last.seq, head.seq), text=text)
    text = ""
    if last.hash != head.hash:
        text = "the counter's hash is not that of the last row"
    elif last.seq and last.incarnation != head.incarnation:
        text = "the counter is of another incarnation than the last row"
    return Fault(first=last.seq, last=last.seq, text=text) if text else None


def follow(db: Connection, progress: Callable[[int], None] = lambda seq: None) -> Iterator[Fault]:
    """Everything that is wrong with the database's own stream. Call it inside one read transaction."""
    head, last = stream.read_head(db), beginning()
    while page := stream.read_rows(db, after_seq=last.seq, limit=PAGE):
        for row in page:
            yield from faults(row, last)
            go_on(last, row)
        progress(last.seq)
    ending = head_fault(head, last)
    if ending is not None:
        yield ending
