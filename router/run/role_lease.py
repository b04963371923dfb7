"""A row that says that a process of a role lives, for those who look after the centre. Decides nothing.

Web processes and the router have leases of their own: others act on their ends (web_lease.py, lease.py).
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final

from router.journal.database import Database, DatabaseBusy, DatabaseGone
from router.run.lease import NOW_MS

RENEW_S: Final = 2.0
LIVES_MS: Final = 7_000
"""Three renewals and a bit: a busy database alone must not make a role look dead."""

FORGET_MS: Final = 3_600_000

_RENEW: Final = """
    INSERT INTO lease (name, owner, epoch, until_ms) VALUES (:name, '', 0, {now} + :ttl)
    ON CONFLICT (name) DO UPDATE SET until_ms = excluded.until_ms
"""
_FORGET: Final = "DELETE FROM lease WHERE name LIKE :names AND until_ms < {now} - :age"
_END: Final = "DELETE FROM lease WHERE name = :name"

_log = logging.getLogger("muster.lease")


async def keep_role(database: Database, role: str) -> None:
    """Say that this process of the role lives, until cancelled; then that it has ended."""
    name = f"{role}/{os.urandom(6).hex()}"
    try:
        while True:
            await _careful(database, name, _renew)
            await asyncio.sleep(RENEW_S)
    finally:
        await _careful(database, name, _end)


async def _careful(database: Database, name: str, write: Callable[[Database, str], None]) -> None:
    """A database that is away hears it the next time."""
    try:
        await asyncio.to_thread(write, database, name)
    except (DatabaseBusy, DatabaseGone) as reason:
        _log.warning("not said that this role lives reason=%s", type(reason).__name__)


def _renew(database: Database, name: str) -> None:
    now = NOW_MS[database.dialect]
    role = name.partition("/")[0]
    with database.writing() as db:
        db.run(_RENEW.format(now=now), name=name, ttl=LIVES_MS)
        db.run(_FORGET.format(now=now), names=f"{role}/%", age=FORGET_MS)


def _end(database: Database, name: str) -> None:
    with database.writing() as db:
        db.run(_END, name=name)
