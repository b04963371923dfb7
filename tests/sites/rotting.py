"""Makes a page of an SQLite file unreadable: of one table, the leaf that has some of its rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

from router.journal.database import Database, open_database

LEAF, INTERIOR = 0x0D, 0x05
"""First bytes of the pages of a table, as the file format of SQLite has them."""


def rot_rows(path: Path, table: str, word: str) -> None:
    """The leaf of this table that has this word is none any more: whoever comes to it gets no row of it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    raw = bytearray(path.read_bytes())
    leaves = _leaves(bytes(raw), root, size)
    assert len(leaves) > 1, "all of the table would be rotten"
    for page in leaves:
        at = (page - 1) * size
        if word.encode() in raw[at : at + size]:
            raw[at] = 0
            path.write_bytes(raw)
            return
    raise AssertionError("no such row")


def reopened(database: Database, path: Path) -> Database:
    """What is kept in memory of it is forgotten."""
    database.close()
    return open_database(f"sqlite:///{path}", unsafe=True)


def _leaves(raw: bytes, page: int, size: int) -> list[int]:
    at = (page - 1) * size
    if raw[at] == LEAF:
        return [page]
    assert raw[at] == INTERIOR
    count = int.from_bytes(raw[at + 3 : at + 5])
    cells = [int.from_bytes(raw[at + 12 + 2 * each : at + 14 + 2 * each]) for each in range(count)]
    below = [int.from_bytes(raw[at + cell : at + cell + 4]) for cell in cells]
    below.append(int.from_bytes(raw[at + 8 : at + 12]))
    return [leaf for each in below for leaf in _leaves(raw, each, size)]
