"""What a database is made of again: a backup, or rows that the other site keeps; then another incarnation.

Until finish() a mark in the database says that it is not whole, and nothing starts on it (boot_gate.py). So
a restore that was killed is simply done again. Rows of the other site: router/sites/recovering.py.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from router.journal import stream, tables
from router.journal.appends import ROUTER, set_position
from router.journal.backup import EVERY_KEPT, Manifest, read_manifest
from router.journal.connection import Connection
from router.journal.copying import copy_table, pages
from router.journal.database import Database
from router.journal.replay import group_of
from router.journal.sqlite import SqliteConnection
from router.journal.unfinished import BACKUP, UNFINISHED, mark, unfinished
from router.records import GROUP, Row

_LAST_GROUP: Final = f"""
    SELECT {stream.COLUMNS} FROM journal
    WHERE {stream.OWN_ROWS} AND kind = '{GROUP}' ORDER BY seq DESC LIMIT 1
"""


class NotEmpty(Exception):
    """The database holds something already; the message is one line that says what to do."""


def restore_backup(
    database: Database, path: Path, *, now_ms: int, say: Callable[[str, int], None]
) -> Manifest:
    """Fills an empty database with a backup; finish() ends it.

    Raises: NoBackup, NotEmpty, DatabaseGone.
    """
    with closing(SqliteConnection.kept_file(path)) as backup:
        manifest = read_manifest(backup)
        database.create_tables(site=manifest.site)
        _begin(database, now_ms)
        with closing(database.connect(patient=True)) as db:
            for name in EVERY_KEPT:
                if name != "stream":
                    copy_table(backup, db, name, say)
            _take_streams(backup, db)
    return manifest


def _begin(database: Database, now_ms: int) -> None:
    """Marks the database: nothing starts on it. What an earlier try left is removed. Raises NotEmpty."""
    with database.writing(patient=True) as db:
        if unfinished(db) == BACKUP:
            for name in set(tables.EVERY).difference(("tables_made", "stream")):
                db.run(f"DELETE FROM {name}")
        elif not is_empty(db):
            raise NotEmpty(
                "the database is not empty, and a restore never writes over anything: give DATABASE_URL or "
                "MUSTER_DATA a new place, or move the old database away first"
            )
        mark(db, BACKUP, now_ms)


def is_empty(db: Connection) -> bool:
    """Whether nothing was ever written here."""
    return db.row("SELECT 1 FROM journal LIMIT 1") is None and stream.last_seq(db) == 0


def finish(database: Database, *, why: str, now_ms: int) -> Row:
    """Begins the next incarnation; from here on the site may start. The row that says so."""
    with database.writing(patient=True) as db:
        row = stream.begin_incarnation(db, why, now_ms)
        settle(db)
        db.run("DELETE FROM site_status WHERE key = :key", key=UNFINISHED)
    return row


def settle(db: Connection) -> None:
    """Forgets what belonged to processes that are gone, and puts the router where its decisions end.

    How far mailboxes were read stays: what came since is fetched again, and what is known is a repeat.
    """
    for name in ("lease", "claim", "ticket", "pace", "probe"):
        db.run(f"DELETE FROM {name}")
    found = stream.rows_of(db.rows(_LAST_GROUP))
    if found:
        group = group_of(found[0])
        set_position(db, group.read_through, group.core_ms)
    else:
        db.run("DELETE FROM position WHERE reader = :reader", reader=ROUTER)


def _take_streams(backup: Connection, db: Connection) -> None:
    """The counter as it was, instead of the one the new database began with."""
    columns = ["site", "incarnation", "own", "last_seq", "last_at_ms", "head_hash"]
    db.begin()
    try:
        db.run("DELETE FROM stream")
        for page in pages(backup, "stream", columns):
            for row in page:
                db.run(
                    f"INSERT INTO stream ({', '.join(columns)}) VALUES (:{', :'.join(columns)})",
                    **dict(zip(columns, row, strict=True)),
                )
        db.commit()
    finally:
        db.rollback()
