"""What was acknowledged before the other site had it: said openly, counted, listed, and healed.

A contact is *single* while it lies in a gap that is not healed and above what the other site has: position
`peer`. All of that is in the tables, and what is appended here is decided under the counter's lock: which
process noticed, or died meanwhile, makes no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.journal.connection import Connection
from router.journal.fold_copies import SINGLE_COPY
from router.journal.stream import OWN_ROWS, read_head
from router.records import Fact, fact
from router.sites.copy_line import Outcome

PEER: Final = "peer"
"""Reader of the journal whose position is what the other site has."""

SLOW: Final = Outcome.SLOW.value
LAGGING: Final = Outcome.LAGGING.value
GONE: Final = "gone"
"""The other site asked us to keep it because its own database is gone: nobody waits for a copy there."""

UNSAID_MS: Final = 5_000
"""Longer than anybody waits: what is not copied by then, and that nobody has said so, is said here."""

LOOKED_AT: Final = 100
"""Contacts looked at for whether somebody has said so; further ones when the other site has these."""

SEQ_MAX: Final = (1 << 63) - 1

_CONTACTS: Final = f"""{OWN_ROWS} AND seq > :after AND seq <= :through
    AND (kind = 'arrived' OR (kind = 'message_added' AND data LIKE '%"direction":"in"%'))"""
"""Customers' contacts in a range of rows. Data is canonical JSON: a quote inside a text is never bare."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A range of seqs; through_seq 0: whatever comes, too."""

    from_seq: int
    through_seq: int

    def holds(self, seq: int) -> bool:
        """Whether this seq lies in it."""
        return self.from_seq <= seq and (not self.through_seq or seq <= self.through_seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleCopy:
    """A contact that is at this site only."""

    seq: int
    at_ms: int
    interaction_id: str


def acked_through(db: Connection) -> int:
    """How far the other site has our journal, as far as we know."""
    found = db.row("SELECT read_through FROM position WHERE reader = :reader", reader=PEER)
    return int(found[0]) if found else 0


def has_peer(db: Connection) -> bool:
    """Whether there is, or was, another site: one alone has no second copies, and misses none."""
    found = db.row("SELECT 1 FROM position WHERE reader = :reader", reader=PEER)
    return found is not None or db.row("SELECT 1 FROM copy_gap LIMIT 1") is not None


def open_gaps(db: Connection) -> list[Gap]:
    """Those that are not healed."""
    found = db.rows("SELECT from_seq, through_seq FROM copy_gap WHERE healed_ms = 0 ORDER BY from_seq")
    return [Gap(*row) for row in found]


class MarkMissed:
    """Append: this seq is acknowledged although the other site may not have it. Nothing where that is said.

    Read `copied` after the commit, and only then: the other site has it after all.
    """

    def __init__(self, seq: int, why: str) -> None:
        self.copied = False
        self._seq = seq
        self._why = why

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One that comes late is a gap of its own; while nobody waits, there is one without an end."""
        acked = acked_through(db)
        self.copied = self._seq <= acked
        if self.copied or any(each.holds(self._seq) for each in open_gaps(db)):
            return ()
        if self._why == SLOW:
            return (_missed(self._seq, self._seq, self._why),)
        return (_missed(acked + 1, 0, self._why),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TendGaps:
    """Append: heals the gaps that the other site has filled, and says what nobody has said.

    Shape: settled: nobody has to wait long at present, so a gap without an end may get one.
    """

    settled: bool

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """At most one: see healing_due."""
        acked, gaps = acked_through(db), open_gaps(db)
        if _fillable(gaps, acked, settled=self.settled):
            left = [each for each in gaps if (each.through_seq or _newest(db)) > acked]
            over = "" if left else _alarm(db)
            return (fact("copy_healed", "copy", through_seq=acked, **({"alarm_id": over} if over else {})),)
        unsaid = _unsaid(db, acked, gaps, at_ms)
        return (_missed(unsaid, 0, LAGGING),) if unsaid else ()


def healing_due(db: Connection, *, settled: bool, now_ms: int) -> bool:
    """Whether TendGaps would append anything: asked first, because a look disturbs nobody."""
    acked, gaps = acked_through(db), open_gaps(db)
    return _fillable(gaps, acked, settled=settled) or _unsaid(db, acked, gaps, now_ms) > 0


def behind(db: Connection, now_ms: int) -> tuple[int, int]:
    """(rows, milliseconds) that the other site is behind us."""
    acked, head = acked_through(db), read_head(db)
    if head.seq <= acked:
        return 0, 0
    oldest = db.row(
        f"SELECT at_ms FROM journal WHERE {OWN_ROWS} AND seq > :after ORDER BY seq LIMIT 1", after=acked
    )
    return head.seq - acked, max(0, now_ms - oldest[0]) if oldest else 0


def single_copies(db: Connection, *, limit: int = 1_000) -> list[SingleCopy]:
    """The contacts that are at this site only, oldest first."""
    found: list[SingleCopy] = []
    for after, through in _ranges(db):
        rows = db.rows(
            f"SELECT seq, at_ms, ref FROM journal WHERE {_CONTACTS} ORDER BY seq LIMIT :limit",
            after=after,
            through=through,
            limit=limit - len(found),
        )
        found += [SingleCopy(seq=seq, at_ms=at_ms, interaction_id=ref) for seq, at_ms, ref in rows]
    return found


class SingleCopies:
    """Counts them, again and again: what was counted before is not read again, however long it lasts."""

    def __init__(self) -> None:
        self._before: tuple[int, int] = (0, 0)
        self._count = 0

    def count(self, db: Connection) -> int:
        """How many contacts are at this site only."""
        *few, long = _ranges(db) or [(0, 0)]
        return sum(_contacts(db, *each) for each in few) + self._in_range(db, *long)

    def _in_range(self, db: Connection, after: int, through: int) -> int:
        known_after, known_through = self._before
        if not known_after <= after <= known_through <= through:
            self._count = _contacts(db, after, through)
        else:
            self._count += _contacts(db, known_through, through) - _contacts(db, known_after, after)
        self._before = (after, through)
        return self._count


def _ranges(db: Connection) -> list[tuple[int, int]]:
    """(after, through) of the gaps that are not healed, above what is copied, in order and apart."""
    after, head = acked_through(db), read_head(db).seq
    joined: list[tuple[int, int]] = []
    for gap in open_gaps(db):
        begin, end = max(after, gap.from_seq - 1), gap.through_seq or head
        if end <= begin:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _contacts(db: Connection, after: int, through: int) -> int:
    if through <= after:
        return 0
    found = db.row(f"SELECT count(*) FROM journal WHERE {_CONTACTS}", after=after, through=through)
    return int(found[0]) if found else 0


def _missed(from_seq: int, through_seq: int, why: str) -> Fact:
    return fact("copy_missed", "copy", from_seq=from_seq, through_seq=through_seq, why=why)


def _fillable(gaps: Sequence[Gap], acked: int, *, settled: bool) -> bool:
    """One without an end is healed only where nobody goes on relying on it."""
    return any(each.through_seq <= acked if each.through_seq else settled for each in gaps)


def _unsaid(db: Connection, acked: int, gaps: Sequence[Gap], now_ms: int) -> int:
    """The first contact that is at this site only although nobody said so; 0: none.

    So it is when the process that was to say it has died, and when the other site comes back with less than
    it had.
    """
    if any(not each.through_seq for each in gaps):
        return 0
    old = db.rows(
        f"SELECT seq FROM journal WHERE {_CONTACTS} AND at_ms < :before ORDER BY seq LIMIT {LOOKED_AT}",
        after=acked,
        through=SEQ_MAX,
        before=now_ms - UNSAID_MS,
    )
    return next((seq for (seq,) in old if not any(each.holds(seq) for each in gaps)), 0)


def _newest(db: Connection) -> int:
    """The newest row, also one of the transaction that goes on: the counter is saved at its end."""
    found = db.row(f"SELECT max(seq) FROM journal WHERE {OWN_ROWS}")
    return int(found[0] or 0) if found else 0


def _alarm(db: Connection) -> str:
    """The alarm of the outage that ends."""
    found = db.row(
        "SELECT alarm_id FROM alarm WHERE code = :code ORDER BY at_ms DESC, alarm_id DESC LIMIT 1",
        code=SINGLE_COPY,
    )
    return str(found[0]) if found else ""
