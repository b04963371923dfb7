"""SQLite by the standard library's driver, set so that a commit is durable; each connection is checked."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final  # Any: a column's value is whatever the table says
from urllib.parse import unquote

from router.journal.connection import (
    NO_TABLES,
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseGone,
    DatabaseUnsafe,
    Value,
)
from router.journal.turnstile import Turnstile, pauses

BUSY_MS: Final = 4_300
"""How long a writer waits for another: `muster up` kills a frozen one after 3 s and looks every 500 ms."""

_MEMORY_DISKS: Final = ("tmpfs", "ramfs")
_NETWORK_DISKS: Final = ("nfs", "nfs4", "cifs", "smb3", "smbfs")
"""Their locks and shared memory do not carry SQLite's write-ahead log (sqlite.org/wal.html)."""

_WAL_KEPT_BYTES: Final = 64 * 1024 * 1024
"""The log is cut back to this after a burst, so that one bad hour does not keep the disk."""

_CHECKPOINT_PAGES: Final = 4_000
"""16 MB. Ids are random, so a contact touches a dozen pages of its own: with SQLite's 1,000 every second
commit of a rush copied them all back. With more, the one commit that does takes too long."""

_WRITER_CACHE_KB: Final = 65_536
"""Pages of a writer in memory: in SQLite's 2 MB the indexes of 10,000 contacts have no room."""

_PAGES_AT_ONCE: Final = 2_000
"""8 MB of a backup between two words about its progress."""

_PRAGMAS: Final = (
    ("busy_timeout", BUSY_MS, (BUSY_MS,)),
    ("journal_mode", "WAL", ("wal",)),
    ("synchronous", "FULL", (2, 3)),
    ("foreign_keys", 1, (1,)),
    ("fullfsync", 1, (0, 1)),  # macOS: fsync alone does not reach the disk there; elsewhere without effect
    ("checkpoint_fullfsync", 1, (0, 1)),
    ("journal_size_limit", _WAL_KEPT_BYTES, (_WAL_KEPT_BYTES,)),
    ("wal_autocheckpoint", _CHECKPOINT_PAGES, (_CHECKPOINT_PAGES,)),
)
"""Name, what is set, what must be read back."""

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_GONE: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
)
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
"""Without their extensions, or with them."""


class SqliteConnection:
    """See database.Connection."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, turnstile: Turnstile | None = None) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._turnstile = turnstile
        self.usable = True

    @classmethod
    def temporary(cls) -> "SqliteConnection":
        """An empty database of its own that leaves nothing behind; it spills to disk when it grows large."""
        return cls(sqlite3.connect("", isolation_level=None))

    @classmethod
    def new_file(cls, path: Path) -> "SqliteConnection":
        """An empty file for its owner only, written without waiting for the disk: see make_durable."""
        path.unlink(missing_ok=True)
        _own_file(path)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        return cls(connection)

    @classmethod
    def kept_file(cls, path: Path) -> "SqliteConnection":
        """A file that nobody writes to any more, to be read as it is. Raises DatabaseGone."""
        try:
            return cls(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1&mode=ro", uri=True))
        except sqlite3.Error as error:
            raise DatabaseGone(f"cannot open {path} ({error})") from error

    def copy_pages(self, target: "SqliteConnection", progress: Callable[[int, int], None]) -> None:
        """Everything as this connection's open read transaction sees it; tells pages done and pages in all.

        Outside a transaction SQLite would begin again whenever another process commits, and never end.
        """
        try:
            self._connection.backup(
                target._connection,
                pages=_PAGES_AT_ONCE,
                progress=lambda _, left, pages: progress(pages - left, pages),
            )
            target._connection.execute(
                "PRAGMA journal_mode = DELETE"
            )  # the copy says it has a log: it has none
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def rows(self, sql: str, /, **values: Value) -> list[tuple[Any, ...]]:
        try:
            return self._cursor.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def row(self, sql: str, /, **values: Value) -> tuple[Any, ...] | None:
        found = self.rows(sql, **values)
        return found[0] if found else None

    def run(self, sql: str, /, **values: Value) -> int:
        try:
            return self._cursor.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def rows_listed(self, sql: str, values: Sequence[Value], /) -> list[tuple[Any, ...]]:
        try:
            return self._cursor.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def run_listed(self, sql: str, values: Sequence[Value], /) -> int:
        try:
            return self._cursor.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def run_many(self, sql: str, values: Iterable[Mapping[str, Value]], /) -> None:
        try:
            self._cursor.executemany(sql, values)
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def begin(self) -> None:
        if self._turnstile is None:
            self.run("BEGIN IMMEDIATE")
            return
        give_up = time.monotonic() + BUSY_MS / 1_000
        self._turnstile.enter(give_up)
        self.run("PRAGMA busy_timeout = 0")
        try:
            self._begin_by(give_up)
        finally:
            self._turnstile.leave()
            if self.usable:
                self.run(f"PRAGMA busy_timeout = {BUSY_MS}")

    def _begin_by(self, give_up: float) -> None:
        """First in line: asks often, so that the lock is not idle while somebody waits for it."""
        for pause_s in pauses():
            try:
                self.run("BEGIN IMMEDIATE")
                return
            except DatabaseBusy:
                if time.monotonic() >= give_up:
                    raise
                time.sleep(pause_s)

    def begin_reading(self) -> None:
        self.run("BEGIN")

    def commit(self) -> None:
        self.run("COMMIT")

    def rollback(self) -> None:
        if self.usable and self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:  # the transaction is lost with the connection: the same as undone
                self.close()

    def close(self) -> None:
        self.usable = False
        self._connection.close()
        if self._turnstile is not None:
            self._turnstile.close()

    def _translated(self, error: sqlite3.Error) -> Exception:
        whole = getattr(error, "sqlite_errorcode", None) or 0
        code = whole & 0xFF
        if code in _DAMAGED or whole in _DAMAGED:
            return DatabaseDamaged(str(error), by=self)
        if code in _BUSY:
            return DatabaseBusy(str(error))
        if code in _GONE:
            self.close()
            return DatabaseGone(str(error))
        return DatabaseGone(NO_TABLES) if str(error).startswith("no such table") else error


class SqliteDriver:
    """Connections to one database file."""

    name = "sqlite"

    def __init__(self, url: str, *, unsafe: bool) -> None:
        self._path = _path(url)
        self._unsafe = unsafe
        if not unsafe:
            _refuse_disk(self._path)

    def connect(self, *, reading: bool, local: bool = False, patient: bool = False) -> SqliteConnection:
        """A new connection. One that reads may be used by different threads, one after the other."""
        try:
            _own_file(self._path)
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=not reading, cached_statements=512
            )
            self._prepare(connection)
            if not reading:
                connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KB}")
            turnstile = None if reading else Turnstile(Path(f"{self._path}-turn"))
        except (sqlite3.Error, OSError) as error:
            raise DatabaseGone(
                f"cannot open {self._path} ({error}): make {self._path.parent} a folder you may write to"
            ) from error
        return SqliteConnection(connection, turnstile)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for name, value, allowed in _PRAGMAS:
            connection.execute(f"PRAGMA {name} = {value}")
            (found,) = connection.execute(f"PRAGMA {name}").fetchone()
            if found not in allowed and not self._unsafe:
                connection.close()
                raise DatabaseUnsafe(
                    f"SQLite keeps {name} = {found} for {self._path} instead of {value}: "
                    "put MUSTER_DATA on a local disk"
                )


def _own_file(path: Path) -> None:
    """Makes the file readable by its owner only, before SQLite makes it; its log files take after it."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _path(url: str) -> Path:
    rest = url.partition(":")[2]
    if not rest.startswith("///") or rest == "///" or "?" in rest or ":memory:" in rest:
        raise DatabaseUnsafe(f"DATABASE_URL is {url!r}: give sqlite:////absolute/path/muster.db")
    return Path(unquote(rest[3:])).absolute()


def _refuse_disk(path: Path) -> None:
    kind = _file_system(path)
    if kind in _MEMORY_DISKS:
        raise DatabaseUnsafe(
            f"{path} is on {kind}, which forgets everything at a power cut: "
            "set MUSTER_DATA to a folder on a disk (or MUSTER_UNSAFE=1 to try things out)"
        )
    if kind in _NETWORK_DISKS:
        raise DatabaseUnsafe(
            f"{path} is on {kind}, where SQLite's log is not safe: "
            "set MUSTER_DATA to a folder on a local disk, or use PostgreSQL"
        )


def _file_system(path: Path) -> str:
    """Name of the file system a path is on, or '' where the system does not tell (macOS)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    there = os.path.realpath(path)
    best, kind = "", ""
    for line in mounts:
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = there == point or there.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind
