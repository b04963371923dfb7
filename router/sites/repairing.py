"""Puts damaged rows of the journal back as the other site has them, where they fit; nothing else is touched.

They fit when the chain of hashes goes through them: from the last good row before them to the next good row
after them, or to the counter at the end. So nobody has to believe the other site: its rows prove themselves.
What fits at neither end is named and left as it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from router.journal import chain, stream
from router.journal.connection import Connection
from router.journal.database import Database
from router.records import Row
from router.sites.recovering import PeerRows

REACH: Final = 10_000
"""Rows after a damage that are asked for to find the next one that fits: more is no repair any more."""

_HASH_AT: Final = f"SELECT hash FROM journal WHERE {stream.OWN_ROWS} AND seq = :seq"


@dataclass(slots=True, kw_only=True)
class Range:
    """Neighbouring rows with something wrong, and what."""

    first: int
    last: int
    texts: list[str]


@dataclass(slots=True, kw_only=True)
class Repaired:
    """What was found. Shape: back and left are pairs (range, why it was left)."""

    back: list[Range] = field(default_factory=list)
    left: list[tuple[Range, str]] = field(default_factory=list)


def repair(
    database: Database, peer: PeerRows, say: Callable[[str, int], None] = lambda what, seq: None
) -> Repaired:
    """Follows the whole chain and mends it. Safe while the site runs, and when repeated. Raises PeerGone."""
    with database.reading() as db:
        found = damaged_ranges(chain.follow(db, lambda seq: say("checking row", seq)))
    done = Repaired()
    for each in found:
        say("putting back row", each.first)
        why = _put_back(database, peer, each)
        if why:
            done.left.append((each, why))
        else:
            done.back.append(each)
    _compare_end(database, peer, done)
    return done


def damaged_ranges(faults: Iterator[chain.Fault]) -> list[Range]:
    """Faults of neighbouring rows, put together."""
    found: list[Range] = []
    for fault in sorted(faults, key=lambda each: (each.first, each.last)):
        if found and fault.first <= found[-1].last + 1:
            found[-1].last = max(found[-1].last, fault.last)
            found[-1].texts.append(fault.text)
        else:
            found.append(Range(first=fault.first, last=fault.last, texts=[fault.text]))
    return found


def _put_back(database: Database, peer: PeerRows, damage: Range) -> str:
    """Why it cannot be; empty when it was."""
    with database.reading() as db:
        seal = _seal_of(db, damage.first - 1)
    if seal is None:
        return "the row before it is missing as well"
    rows: list[Row] = []
    for row in _rows_after(peer, damage.first - 1):
        if stream.row_hash(seal, row) != row.hash:
            return f"the other site's row {row.seq} does not follow the good row before"
        rows.append(row)
        seal = row.hash
        if row.seq >= damage.last:
            with database.writing(patient=True) as db:
                head = stream.lock_head(db, 0)
                if _closes(db, head, row):
                    _write(db, head, rows)
                    return ""
        if len(rows) > damage.last - damage.first + REACH:
            return f"no row within {REACH} after it fits the other site's"
    if not rows or rows[-1].seq < damage.last:
        return "the other site does not have it (any more, or yet)"
    return "the rows after it do not fit the other site's"


def _rows_after(peer: PeerRows, after_seq: int) -> Iterator[Row]:
    while page := peer.rows(after_seq).rows:
        yield from page
        after_seq = page[-1].seq


def _closes(db: Connection, head: stream.Head, row: Row) -> bool:
    """Whether what is here after this row continues it. Where nothing is, the counter must say its hash; or
    the row is here just as the other site has it, and only the counter is wrong."""
    following = stream.read_rows(db, after_seq=row.seq, limit=1)
    if following:
        return not list(chain.faults(following[0], _as_head(row)))
    if row.seq == head.seq and row.hash == head.hash:
        return True
    return row.seq >= head.seq and _seal_of(db, row.seq) == row.hash


def _write(db: Connection, head: stream.Head, rows: list[Row]) -> None:
    """Whatever is under these numbers goes: rows of other sites and lives have nothing to do here."""
    db.run("DELETE FROM journal WHERE seq BETWEEN :first AND :last", first=rows[0].seq, last=rows[-1].seq)
    stream.keep_rows(db, rows)
    last = rows[-1]
    if last.seq >= head.seq:
        db.run("UPDATE stream SET incarnation = :name WHERE own = 1", name=last.incarnation)
        head.seq, head.at_ms, head.hash = last.seq, max(head.at_ms, last.at_ms), last.hash
        stream.save_head(db, head)


def _compare_end(database: Database, peer: PeerRows, done: Repaired) -> None:
    """A journal that was rewritten whole has no fault in itself; but then it is not what the peer took."""
    with database.reading() as db:
        seq = stream.last_seq(db)
    of = peer.rows(seq).head_seq
    both = min(seq, of)
    if not both or done.left:
        return
    theirs = peer.rows(both - 1).rows
    with database.reading() as db:
        ours = _seal_of(db, both)
    if theirs and ours is not None and theirs[0].hash != ours:
        text = f"row {both} is not the one that the other site took from here"
        why = "nobody can tell from here who is right: keep both databases, and call for help"
        done.left.append((Range(first=both, last=both, texts=[text]), why))


def _seal_of(db: Connection, seq: int) -> bytes | None:
    if seq == 0:
        return stream.FIRST_HASH
    found = db.row(_HASH_AT, seq=seq)
    return bytes(found[0]) if found else None


def _as_head(row: Row) -> stream.Head:
    last = chain.beginning()
    chain.go_on(last, row)
    return last
