"""One statement for many rows. After each statement of SQL another thread may run Python first.

In a rush a batch of contacts was fifty times fourteen statements, and the waits for a turn after each took
longer than the database. What is done alike to many rows is one statement here, whose row is repeated.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar  # Any: a column's value is whatever the table says

from router.journal.connection import Connection, DatabaseDamaged, Value

SIZES: Final = (64, 48, 32, 28, 24, 20, 16, 12, 8, 6, 4, 3, 2, 1)
"""Rows of one statement. Each size is a statement of its own, which the database keeps prepared: with these
any number up to 64 is three statements at most, nearly always two."""

_Found = TypeVar("_Found")
_Id = TypeVar("_Id", str, int)

_NAME: Final = re.compile(r"(?<!:):([a-z_]+)\b")


class ManyRows:
    """A statement of which one part stands for a row, with :names: `head`, that part once a row, `tail`."""

    def __init__(self, head: str, row: str, tail: str = "") -> None:
        self._parts = head, _NAME.sub("?", row), tail
        self._names = _NAME.findall(row)

    def run(self, db: Connection, rows: Sequence[Mapping[str, Value]]) -> None:
        """Execute it for these rows, in their order, in as few statements as there are SIZES."""
        at = 0
        for size in SIZES:
            while len(rows) - at >= size:
                values = [row[name] for row in rows[at : at + size] for name in self._names]
                db.run_listed(_statement(*self._parts, size, db.dialect), values)
                at += size


def rows_in(db: Connection, sql: str, wanted: Sequence[Value], *values: Value) -> list[tuple[Any, ...]]:
    """The rows of a query that has `IN {wanted}` where it asks for these; values are its ? before that."""
    found: list[tuple[Any, ...]] = []
    for at in range(0, len(wanted), SIZES[0]):
        part = list(wanted[at : at + SIZES[0]])
        size = min(each for each in SIZES if each >= len(part))
        part += part[-1:] * (size - len(part))  # asked twice, found once
        found += db.rows_listed(_query(sql, size), [*values, *part])
    return found


def readable_in(
    db: Connection, sql: str, wanted: Sequence[_Id], *values: Value
) -> tuple[list[tuple[Any, ...]], list[_Id]]:
    """As rows_in, inside a transaction, without what is rotten on the disk; and which of these that is."""
    if not wanted:
        return [], []
    found = unless_damaged(db, lambda: rows_in(db, sql, wanted, *values))
    if found is not None:
        return found, []
    found = []
    lost: list[_Id] = []
    for each in wanted:
        alone = unless_damaged(db, lambda: rows_in(db, sql, [each], *values))  # noqa: B023 - called at once
        found += alone or []
        lost += [each] * (alone is None)
    return found, lost


def unless_damaged(db: Connection, read: Callable[[], _Found]) -> _Found | None:
    """What this reads, inside a transaction, which goes on; None where it is rotten in this database.

    PostgreSQL would end the transaction by the error.
    """
    undo = db.dialect == "postgresql"
    if undo:
        db.run("SAVEPOINT readable")
    try:
        found = read()
    except DatabaseDamaged as damaged:
        if damaged.by is not db:
            raise
        found = None
        if undo:
            db.run("ROLLBACK TO SAVEPOINT readable")
    if undo:
        db.run("RELEASE SAVEPOINT readable")
    return found


@lru_cache(maxsize=256)
def _statement(head: str, row: str, tail: str, size: int, dialect: str) -> str:
    if dialect == "sqlite" and size > 1:
        # A refused row ends the transaction here anyway; by default SQLite keeps a copy of each page touched,
        # to undo the rows before it: that cost more than the rows.
        head = head.replace("INSERT INTO", "INSERT OR FAIL INTO").replace("UPDATE ", "UPDATE OR FAIL ")
    return f"{head} {', '.join([row] * size)} {tail}"


@lru_cache(maxsize=256)
def _query(sql: str, size: int) -> str:
    return sql.format(wanted=f"({', '.join('?' * size)})")
