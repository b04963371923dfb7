"""How far both streams were looked through, over the lives of the peer role; and who was told of an urgency.

Without it a new role could only look back over so many rows, and what was said before them, while none was
there, would be known at one site only. The positions may be a little old: looking again changes nothing, but
for one thing. A named person may have lowered here what was raised there, and that must not be undone by
looking at the raise once more: each raise that was passed on says which row it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values

import msgspec

from config.words import MOVED
from router.journal.connection import Connection
from router.journal.many_rows import readable_in
from router.journal.stream import OWN_ROWS, last_seq, read_head
from router.records import Fact, Row, fact

SAVE_EVERY: Final = 200
"""Rows of both streams together: so many are looked at again at most."""

LOOK_BACK: Final = 5_000
"""Rows of either stream to begin with where nothing is known: the first time, and after a recovery."""

READER: Final = "reconciled"

RAISING: Final = frozenset({"urgency_set", "reading_noted"})
"""Kinds after which it may be more urgent than before; and `queued`, where it says so."""

MORE_URGENT: Final = ("read", "more_urgent")
FIRST_READ: Final = ("read", "unread")

_GONE: Final = (
    "SELECT interaction_id, closed_seq FROM interaction WHERE closed_why = ? AND interaction_id IN {wanted}"
)
_PUT: Final = """
    INSERT INTO position (reader, read_through, now_ms) VALUES (:reader, :seq, 0)
    ON CONFLICT (reader) DO UPDATE SET read_through = excluded.read_through
"""
_SAVED: Final = "SELECT read_through FROM position WHERE reader = :reader"
_TOLD: Final = (
    f"SELECT ref, data FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind = 'urgency_declared'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """A position in the own stream and in that of the copy, whose life is its incarnation.

    known: it was saved by an earlier role.
    """

    own_seq: int
    copy_seq: int
    life: str
    known: bool

    def is_far_from(self, own_seq: int, copy_seq: int) -> bool:
        """Whether so much was looked at since that it is worth saving."""
        return own_seq - self.own_seq + copy_seq - self.copy_seq >= SAVE_EVERY


@dataclass(frozen=True, slots=True)
class SaveThrough:
    """Append: no facts, only the positions."""

    through: Through

    def write_content(self, db: Connection) -> None:
        """A table of this site's own; again does no harm."""
        db.run(_PUT, reader=READER, seq=self.through.own_seq)
        db.run(_PUT, reader=f"{READER}/{self.through.life}", seq=self.through.copy_seq)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """None."""
        return ()


def saved_through(ours: Connection, theirs: Connection) -> Through:
    """Where to go on. A copy of another life, or a database that was made again, begins a little back."""
    life = read_head(theirs).incarnation
    ends = last_seq(ours), last_seq(theirs)
    own, copy = ours.row(_SAVED, reader=READER), ours.row(_SAVED, reader=f"{READER}/{life}")
    if own is None or copy is None:
        back = [max(0, each - LOOK_BACK) for each in ends]
        return Through(own_seq=back[0], copy_seq=back[1], life=life, known=False)
    return Through(own_seq=min(own[0], ends[0]), copy_seq=min(copy[0], ends[1]), life=life, known=True)


def raises(own_rows: Iterable[Row], copy_rows: Iterable[Row]) -> dict[str, int]:
    """What may be more urgent there than here now, and through which row of the other site that is known.

    Also (0) what was read here just now: it may have been raised there before this site had it at all.
    """
    found = {row.ref: 0 for row in own_rows if row.kind == "queued" and _why(row) in FIRST_READ}
    for row in copy_rows:
        if row.kind in RAISING or (row.kind == "queued" and _why(row) in MORE_URGENT):
            found[row.ref] = row.seq
    return found


def read_late(theirs: Connection, copy_rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    """(urgency, row) of what was read there when it had gone from there: nothing was raised by it there.

    What comes while it is handed over is copied after it, and not read here where it was read by then.
    """
    read = [row for row in copy_rows if row.kind == "read"]
    gone = dict(readable_in(theirs, _GONE, sorted({row.ref for row in read}), MOVED)[0])
    found: dict[str, tuple[int, int]] = {}
    for row in read:
        if 0 < gone.get(row.ref, row.seq) < row.seq:
            late = int(msgspec.json.decode(row.data).get("urgency", 0)), row.seq
            found[row.ref] = min(late, found.get(row.ref, late))
    return found


def raise_of(ref: str, urgency: int, *, peer: str, through_seq: int) -> Fact:
    """The fact that passes it on."""
    said = {"agent_id": "", "urgency": urgency, "may_lower": False, "command_id": ""}
    return fact("urgency_declared", ref, **said, learned=f"{peer}/{through_seq}")


def told_of(ours: Connection, *, after_seq: int) -> dict[str, int]:
    """Through which row of the other site each urgency was passed on, by rows here after this one."""
    found: dict[str, int] = {}
    for ref, data in ours.rows(_TOLD, after=after_seq):
        values: dict[str, Any] = msgspec.json.decode(data)
        said = str(values.get("learned", "")).rpartition("/")[2]
        if said.isdecimal():
            found[ref] = max(int(said), found.get(ref, 0))
    return found


def _why(row: Row) -> str:
    return str(msgspec.json.decode(row.data).get("why", ""))
