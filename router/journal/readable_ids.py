"""The ids of a table of which a page is rotten: also of rows that say nothing else any more.

SQLite has ids and states in indexes, which are other pages. PostgreSQL looks at the rows themselves for that:
there the pages are read in ever smaller parts, and what stands on the rotten ones stays unknown.
"""

import logging
from typing import Final

from router.journal.connection import Connection, DatabaseDamaged
from router.journal.many_rows import unless_damaged

_BY_INDEXES: Final = """
    SELECT {id} FROM {table} INDEXED BY sqlite_autoindex_{table}_1
    WHERE +rowid IN (SELECT rowid FROM {table} INDEXED BY {index} WHERE {where})
"""
_BY_ROWS: Final = "SELECT {id} FROM {table} NOT INDEXED WHERE {where}"
_PAGES: Final = """
    SELECT pg_relation_size(CAST(:name AS regclass)) / CAST(current_setting('block_size') AS bigint)
"""
_OF_PAGES: Final = """
    SELECT {id} FROM {table} WHERE {where} AND ctid >= CAST(:low AS tid) AND ctid < CAST(:high AS tid)
"""

_log = logging.getLogger("muster.damage")


def readable_ids(db: Connection, table: str, *, index: str, where: str) -> list[str]:
    """Ids of the rows for which this holds. Inside a transaction.

    Shape:  the id's column is named after the table; index is one that has all of `where`.
    Raises: DatabaseDamaged where neither the rows nor both indexes can be read.
    """
    names = {"id": f"{table}_id", "table": table, "index": index, "where": where}
    if db.dialect == "postgresql":
        return _of_pages(db, _OF_PAGES.format(**names), table)
    for sql in (_BY_INDEXES, _BY_ROWS):
        found = unless_damaged(db, lambda: _ids(db, sql.format(**names)))  # noqa: B023 - called at once
        if found is not None:
            return found
    raise DatabaseDamaged(f"{table} cannot be read, nor can its indexes", by=db)


def _of_pages(db: Connection, sql: str, table: str) -> list[str]:
    pages = db.row(_PAGES, name=table)
    parts = [(0, int(pages[0]) if pages else 0)]
    found: list[str] = []
    while parts:
        low, high = parts.pop()
        ids = unless_damaged(db, lambda: _ids(db, sql, low=f"({low},0)", high=f"({high},0)"))  # noqa: B023 - called at once
        if ids is not None:
            found += ids
        elif high - low > 1:
            parts += [((low + high) // 2, high), (low, (low + high) // 2)]
        else:
            _log.error("a page cannot be read table=%s page=%d", table, low)
    return found


def _ids(db: Connection, sql: str, **values: str) -> list[str]:
    return [str(row[0]) for row in db.rows(sql, **values)]
