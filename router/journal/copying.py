"""Copies whole tables from one database to another, in the order of their keys and in bounded memory.

For backups and what is made of them. What the rows mean is not asked here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.journal import tables
from router.journal.connection import Connection, Value
from router.journal.many_rows import SIZES, ManyRows, rows_in

PAGE: Final = 2_000
BYTES_MAX: Final = 8 << 20
"""Of files and raw payloads held at once; a single one may be larger."""

LARGE: Final = {"content": "body", "quarantine": "body"}
"""Tables of which few rows may be more than fits in memory, and the column that makes them so."""

Page = list[tuple[Any, ...]]
Progress = Callable[[str, int], None]
"""Told after each page: the table, and how many of its rows are done."""


def copy_table(source: Connection, target: Connection, name: str, progress: Progress) -> int:
    """Copies a table into the same, empty one, a transaction for each page; how many rows.

    What the source's table does not have (it is of an older release) gets its default.
    """
    columns = [each for each in _columns(name) if each in columns_there(source, name)]
    if not columns:
        return 0
    insert = ManyRows(
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES", f"({', '.join(f':{each}' for each in columns)})"
    )
    done = 0
    for page in pages(source, name, columns):
        rows: list[dict[str, Value]] = [dict(zip(columns, row, strict=True)) for row in page]
        target.begin()
        try:
            insert.run(target, rows)
            target.commit()
        finally:
            target.rollback()
        done += len(page)
        progress(name, done)
    return done


def pages(db: Connection, name: str, columns: Sequence[str]) -> Iterator[Page]:
    """These columns of all rows in the order of the table's key, a page at a time."""
    keys = [each.name for each in tables.JournalRow.metadata.tables[name].primary_key.columns]
    if name not in LARGE:
        yield from _pages(db, name, columns, keys)
        return
    (key,) = keys
    wanted = f"SELECT {', '.join(columns)} FROM {name} WHERE {key} IN {{wanted}} ORDER BY {key}"
    for page in _pages(db, name, [key, f"length({LARGE[name]})"], keys):
        for ids in _within_bytes(page):
            yield rows_in(db, wanted, ids)


def columns_there(db: Connection, name: str) -> list[str]:
    """The columns of a table as it is in this database; none where there is no such table."""
    if db.dialect == "sqlite":
        return [str(row[1]) for row in db.rows(f"PRAGMA table_info({name})")]
    found = db.rows(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = :name",
        name=name,
    )
    return [str(row[0]) for row in found]


def _columns(name: str) -> list[str]:
    return [each.name for each in tables.JournalRow.metadata.tables[name].columns]


def _pages(db: Connection, name: str, columns: Sequence[str], keys: Sequence[str]) -> Iterator[Page]:
    """Each page begins after the last key of the one before."""
    order = ", ".join(keys)
    asked = [*keys, *columns]
    select = f"SELECT {', '.join(asked)} FROM {name}"
    after = f"WHERE ({order}) > ({', '.join(f':{key}' for key in keys)})"
    page = db.rows(f"{select} ORDER BY {order} LIMIT {PAGE}")
    while page:
        yield [row[len(keys) :] for row in page]
        if len(page) < PAGE:
            return
        place = dict(zip(keys, page[-1], strict=False))
        page = db.rows(f"{select} {after} ORDER BY {order} LIMIT {PAGE}", **place)


def _within_bytes(page: Page) -> Iterator[list[str]]:
    """Ids in groups that fit; page has (id, bytes)."""
    group: list[str] = []
    size = 0
    for key, length in page:
        if group and (size + length > BYTES_MAX or len(group) == SIZES[0]):
            yield group
            group, size = [], 0
        group.append(key)
        size += length
    if group:
        yield group
