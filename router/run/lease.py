"""The lease: which router process is the active one, and its fencing epoch (checked in journal/appends.py).

Two forms. On SQLite the kernel's lock on a file beside the database: gone the moment its holder is. On
PostgreSQL a row on the server's clock, for 4 s, renewed every second; a session lock beside it lets a
successor start at once when the holder's process is gone, instead of waiting the 4 s out. Neither is
trusted for safety: every acquisition raises the epoch, and the epoch is checked inside every write.
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path
from typing import Final, Protocol

from router.journal.database import Connection, Database, DatabaseBusy, DatabaseGone

TTL_MS: Final = 4_000
"""A machine that lost its power says no farewell, and a frozen process neither: the other router serves
within 5 s all the same."""

RENEW_S: Final = 1.0
HELD_S: Final = 2.5
"""The holder stops this long after the start of its last good renewal: well before anybody else may start."""

STANDBY_S: Final = 0.25
"""How often a router that stands by tries: the pause before a dead one is replaced."""

NOW_MS: Final = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}
"""The database's own clock in SQL, milliseconds UTC: machines may disagree about the time, leases may not."""

_TAKE: Final = """
    INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('router', :owner, 1, {now} + :ttl)
    ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner, epoch = lease.epoch + 1, until_ms = excluded.until_ms
    WHERE lease.until_ms < {now} OR :regardless = 1
    RETURNING epoch
"""
_RENEW: Final = f"""
    UPDATE lease SET until_ms = {NOW_MS["postgresql"]} + :ttl WHERE name = 'router' AND epoch = :epoch
"""
_RELEASE: Final = "UPDATE lease SET until_ms = 0 WHERE name = 'router' AND epoch = :epoch"
_SESSION_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('muster router ' || current_schema()))"


class Lease(Protocol):
    """One way to be the only active router of a database. Not for several threads at once."""

    def acquire(self) -> int:
        """The new epoch, or 0 while somebody else is active."""

    def renew(self) -> bool:
        """False when somebody else has become active."""

    def release(self) -> None:
        """Lets a successor start at once."""


def lease_of(database: Database, owner: str) -> Lease:
    """The lease of this database's router."""
    return FileLease(database, owner) if database.dialect == "sqlite" else RowLease(database, owner)


class FileLease:
    """SQLite: an flock beside the database file, freed by the kernel however the process ends."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._file = -1
        self._held = False

    def acquire(self) -> int:
        if not self._take_lock():
            return 0
        with self._database.writing() as db:
            return _taken(db, owner=self._owner, regardless=True)

    def renew(self) -> bool:
        return self._held

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._held = -1, False

    def _take_lock(self) -> bool:
        if self._file < 0:
            with self._database.reading() as db:
                found = db.row("PRAGMA database_list")
            path = Path(f"{found[2] if found else ''}-router")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._held = True
        return True


class RowLease:
    """PostgreSQL: the lease row on the server's clock, on a session of its own.

    The session lock only shortens the wait for a holder that is gone. It needs a direct connection: behind a
    pooler that shares sessions, routers would take turns (each stopped by the epoch; nothing would be lost).
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._session: Connection | None = None
        self._alone = self._local = False
        self._epoch = 0

    def acquire(self) -> int:
        """An epoch counts only once the replica has it: it must not be given out twice."""
        db = self._connection()
        if self._local:
            db.run("RESET synchronous_commit")
            self._local = False
        self._epoch = _taken(db, owner=self._owner, regardless=self._alone)
        return self._epoch

    def renew(self) -> bool:
        """Without waiting for a replica: a renewal that a fail-over forgets costs one epoch, no decision."""
        db = self._connection()
        if not self._local:
            db.run("SET synchronous_commit TO local")
            self._local = True
        return db.run(_RENEW, ttl=TTL_MS, epoch=self._epoch) == 1

    def release(self) -> None:
        if self._session is None or not self._session.usable:
            return
        self._session.run(
            "UPDATE lease SET until_ms = 0 WHERE name = 'router' AND epoch = :epoch", epoch=self._epoch
        )
        self._session.close()

    def _connection(self) -> Connection:
        if self._session is None or not self._session.usable:
            self._session = self._database.connect()
            self._alone = self._local = False
        # Taken again after a lost session, and from a frozen predecessor as soon as that one is killed.
        self._alone = self._alone or bool((self._session.row(_SESSION_LOCK) or (False,))[0])
        return self._session


def _taken(db: Connection, *, owner: str, regardless: bool) -> int:
    found = db.row(
        _TAKE.format(now=NOW_MS[db.dialect]), owner=owner, ttl=TTL_MS, regardless=1 if regardless else 0
    )
    return int(found[0]) if found else 0


class Tenure:
    """This process's time as the active router: waits for the lease, renews it, and knows when it has ended.

    Shape: epoch is 0 until the lease is held; standing_by is true while another router has it. SQL runs in a
           thread, so that a slow database stops no beat.
    """

    def __init__(self, lease: Lease) -> None:
        self.epoch = 0
        self.standing_by = False
        self._lease = lease
        self._good_since = 0.0
        self._lost = False

    def held(self) -> bool:
        """Whether this process may still decide. Read without waiting for anything."""
        return self.epoch > 0 and not self._lost and time.monotonic() - self._good_since < HELD_S

    async def begin(self) -> int:
        """Wait until this process is the active router; the epoch to write with."""
        while self.epoch == 0:
            started = time.monotonic()
            try:
                self.epoch = await asyncio.to_thread(self._lease.acquire)
            except (DatabaseGone, DatabaseBusy):
                await asyncio.sleep(RENEW_S)
                continue
            self._good_since = started
            self.standing_by = self.epoch == 0
            if self.standing_by:
                await asyncio.sleep(STANDBY_S)
        return self.epoch

    async def keep(self) -> None:
        """Renew until the lease is lost: by somebody else's epoch, or by 3 s without a good renewal."""
        while self.held():
            await asyncio.sleep(RENEW_S)
            started = time.monotonic()
            try:
                self._lost = not await asyncio.wait_for(asyncio.to_thread(self._lease.renew), HELD_S)
            except (DatabaseGone, DatabaseBusy, TimeoutError):
                continue
            self._good_since = started

    async def end(self) -> None:
        """Give the lease back, so that a successor starts at once."""
        self._lost = True
        try:
            await asyncio.wait_for(asyncio.to_thread(self._lease.release), RENEW_S)
        except (DatabaseGone, DatabaseBusy, TimeoutError):
            return  # It runs out by itself.
