"""What is rotten in the copy stops only what stands on it; how the rest is found, and gone on with.

The copy is on one disk, and the site it is of may be dead: so whoever cannot be read is named by an alarm,
and everybody else is served. The own database is another matter: who cannot read that waits, as if it were
gone.
"""

from collections.abc import Callable, Sequence

from router.journal.committer import CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseDamaged, DatabaseGone
from router.journal.database import Database
from router.journal.many_rows import unless_damaged
from router.journal.readable_ids import readable_ids

Read = Callable[[Sequence[str]], Sequence[str]]
"""Chooses some of these ids, by what the copy has of them."""


def stops(fault: Exception, copy: Database) -> bool:
    """Whether nothing goes on now: a database is gone or busy, or the own one is rotten. Not the copy."""
    if isinstance(fault, DatabaseDamaged) and fault.of is copy:
        return False
    return isinstance(fault, CommitUnknown | DatabaseBusy | DatabaseGone)


def open_ids(copy: Connection) -> list[str]:
    """What is open there, also where no more than that can be read of it."""
    rows = unless_damaged(
        copy, lambda: copy.rows("SELECT interaction_id FROM interaction WHERE closed_seq = 0")
    )
    if rows is not None:
        return [str(row[0]) for row in rows]
    return readable_ids(copy, "interaction", index="interaction_open", where="closed_seq = 0")


def chosen(copy: Connection, ids: Sequence[str], choose: Read) -> list[str]:
    """Those that are chosen, and those that are rotten there: whoever takes them up finds out, and tells."""
    found = unless_damaged(copy, lambda: choose(ids)) if ids else ()
    if found is not None:
        return list(found)
    if len(ids) == 1:
        return list(ids)
    half = len(ids) // 2
    return [*chosen(copy, ids[:half], choose), *chosen(copy, ids[half:], choose)]
