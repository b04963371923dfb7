"""A site's database: one code for SQLite and PostgreSQL. Opening it checks what the promises rest on.

Statements are plain SQL with `:names`. The two drivers live in sqlite.py and postgres.py; nothing else in
Muster imports them. The tables are in tables.py; what may be written to them and how, in fold.py.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from router.journal import release
from router.journal.backfill import fill
from router.journal.clock import wall_ms
from router.journal.connection import (
    Connection,
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseGone,
    DatabaseUnsafe,
)
from router.journal.stream import create_stream

__all__ = ["Connection", "Database", "DatabaseBusy", "DatabaseGone", "DatabaseUnsafe", "open_database"]

IDLE_KEPT: Final = 8
"""Reading connections kept open between uses: more than the threads that read at once in one process."""


class Driver(Protocol):
    """What sqlite.py and postgres.py each provide."""

    name: str

    def connect(self, *, reading: bool, local: bool = False, patient: bool = False) -> Connection:
        """A new checked connection. Raises DatabaseUnsafe, DatabaseGone.

        Shape: local: its commits do not wait for a synchronous replica. patient: its statements may take as
               long as they take; without it a server that hangs is taken for gone after some seconds.
        """


class Database:
    """A site's database. Connections are made as they are needed; reading ones are kept and used again."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._idle: list[Connection] = []
        self._closed = False
        self._lock = threading.Lock()

    @property
    def dialect(self) -> str:
        """sqlite | postgresql."""
        return self._driver.name

    def connect(self, *, local: bool = False, patient: bool = False) -> Connection:
        """A new connection for writing; one per thread, closed by whoever asked for it.

        Shape: local: for LOCAL tables only: it waits for no synchronous replica, so that leases and what the
               site says of itself go on when the replica is dead. patient: for work that takes long.
        """
        return self._driver.connect(reading=False, local=local, patient=patient)

    def create_tables(self, *, site: str = "centre") -> None:
        """Makes what is missing; the first time also the site's own stream with a new incarnation."""
        self.expand_tables()
        statements = self._statements()
        with self.writing(patient=True) as db:
            if self.dialect == "postgresql":  # two processes that start at once must not both create
                db.row("SELECT pg_advisory_xact_lock(7163)")
            if not release.has_tables(db):
                for statement in statements:
                    db.run(statement)
                release.note_made(db, wall_ms())
            create_stream(db, site)
            fill(db)

    def expand_tables(self) -> None:
        """Adds what this release needs and an older one did not make; at once where nothing is missing.

        A database without any tables stays so. Raises DatabaseUnsafe where a newer release has changed it.
        """
        db = self.connect(patient=True)
        try:
            if not release.has_tables(db) or release.is_made(db):
                return
            _expand(db)
        finally:
            db.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent read transaction on a kept connection. Nothing may be awaited inside."""
        db = self._begin_reading()
        try:
            yield db
        except DatabaseDamaged as damaged:
            if damaged.by is db:
                damaged.of = self
            raise
        finally:
            db.rollback()
            self._keep(db)

    @contextmanager
    def writing(self, *, patient: bool = False) -> Iterator[Connection]:
        """One short writing transaction for LOCAL tables: committed at the end, undone by an exception.

        Journalled tables and content are written by a Committer only. patient: for the few that make, restore
        or repair a database while nobody works on it.
        """
        db = self.connect(local=not patient, patient=patient)
        try:
            db.begin()
            yield db
            db.commit()
        finally:
            db.rollback()
            db.close()

    def _statements(self) -> list[str]:
        """What makes all tables; before a transaction begins, because they take a second to load, and whoever
        idles that long inside one is put out."""
        with self.reading() as db:
            if release.has_tables(db):
                return []
        from router.journal.definitions import definitions  # rarely needed

        return definitions(self.dialect)

    def close(self) -> None:
        """Closes the kept connections, and those still reading as soon as they are done."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for db in idle:
            db.close()

    def _begin_reading(self) -> Connection:
        """A kept connection may have died while idle: then the next one is tried, at last a new one."""
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            db = kept or self._driver.connect(reading=True)
            try:
                db.begin_reading()
            except DatabaseGone:
                db.close()
                if kept is None:
                    raise
            else:
                return db

    def _keep(self, db: Connection) -> None:
        with self._lock:
            if db.usable and not self._closed and len(self._idle) < IDLE_KEPT:
                self._idle.append(db)
                return
        db.close()


def open_database(url: str, *, unsafe: bool = False) -> Database:
    """The database at this URL, checked, with every table and column that this release needs.

    Shape:  sqlite:////absolute/path.db, or postgresql://… as libpq reads it. unsafe skips the refusals, not
            the settings: for tests on a memory disk.
    Raises: DatabaseUnsafe, DatabaseGone; each message is one line that says what to do.
    """
    database = Database(_driver(url, unsafe=unsafe))
    database.expand_tables()
    return database


def _expand(db: Connection) -> None:
    from router.journal.expansion import expand_postgresql, expand_sqlite

    if db.dialect == "postgresql":
        expand_postgresql(db)
    try:
        db.begin()
        if db.dialect == "sqlite":
            expand_sqlite(db)
        fill(db)
        release.note_made(db, wall_ms())
        db.commit()
    finally:
        db.rollback()


def _driver(url: str, *, unsafe: bool) -> Driver:
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        from router.journal.sqlite import SqliteDriver

        return SqliteDriver(url, unsafe=unsafe)
    if scheme in ("postgresql", "postgres"):
        from router.journal.postgres import PostgresDriver  # psycopg is loaded only where it is used

        return PostgresDriver(url, unsafe=unsafe)
    raise DatabaseUnsafe(
        f"DATABASE_URL begins with {scheme!r}: give sqlite:////path/muster.db or postgresql://user@host/name"
    )
