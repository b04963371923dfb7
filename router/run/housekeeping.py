"""What every site needs done now and then: nothing here needs Redis, and nothing breaks when it is late.

Only LOCAL tables are cleaned (router/journal/tables.py): what is journalled is never deleted. With several
workers each does it; deleting twice is deleting once.
"""

import logging
import os
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.journal.connection import Connection
from router.journal.database import Database
from router.run.lease import NOW_MS
from router.run.web_lease import forget_webs

EVERY_S: Final = 60.0

DISK_FULL_PCT: Final = (80, 95)
"""Warn from here on, complain from here on: a full disk ends ingest, so somebody must know long before."""

NICENESS: Final = 10

_TICKETS: Final = "DELETE FROM ticket WHERE expires_at_ms < {now}"
_CLAIMS: Final = """
    DELETE FROM claim WHERE until_ms < {now}
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox_id = claim.ref AND status = 'due')
"""
"""One of a message that is still to be sent stays: it says that a try may have sent it."""

_log = logging.getLogger("muster.housekeeping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """How many rows were removed."""

    tickets: int
    claims: int
    webs: int


def tidy(database: Database) -> Tidied:
    """Remove what has expired from the local tables."""
    with database.writing() as db:
        now = NOW_MS[db.dialect]
        return Tidied(
            tickets=db.run(_TICKETS.format(now=now)),
            claims=db.run(_CLAIMS.format(now=now)),
            webs=forget_webs(db),
        )


def claimed(db: Connection, *, ref: str, owner: str, for_ms: int) -> bool:
    """Whether this process may do the chore `ref` now: nobody else has claimed it for the time being."""
    now = NOW_MS[db.dialect]
    taken = db.run(
        f"""INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, :owner, {now} + :for_ms)
            ON CONFLICT (ref) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
            WHERE claim.until_ms < {now}""",
        ref=ref,
        owner=owner,
        for_ms=for_ms,
    )
    return taken == 1


def disk_used_pct(data_dir: Path) -> int:
    """How full the disk of the data folder is, and a line in the log when it is too full."""
    used = shutil.disk_usage(data_dir)
    percent = 100 * (used.total - used.free) // used.total
    warn, complain = DISK_FULL_PCT
    if percent >= warn:
        level = logging.ERROR if percent >= complain else logging.WARNING
        _log.log(level, "disk fills used_pct=%d free_mb=%d", percent, used.free // 1_000_000)
    return percent


def yield_to_others() -> None:
    """Chores never compete with people who wait: this thread gets what the others leave (Linux only)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
