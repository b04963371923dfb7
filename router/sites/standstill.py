"""Nothing of a site may run while its database is made again. Asks the leases that every role renews."""

import time
from typing import Final

from router.journal.connection import Connection, DatabaseGone
from router.journal.database import Database
from router.run.lease import NOW_MS

PATIENCE_S: Final = 9.0
"""What was killed a moment ago holds its leases for up to 7 s (role_lease.LIVES_MS)."""

PAUSE_S: Final = 0.25


class StillRunning(Exception):
    """Something of the site runs; the message is one line that says what to do."""


def wait_until_still(database: Database) -> None:
    """Returns when no role of the site has a lease any more. Raises StillRunning."""
    give_up_s = time.monotonic() + PATIENCE_S
    while names := _running(database):
        if time.monotonic() > give_up_s:
            raise StillRunning(
                f"this site runs ({', '.join(names)}): stop it first, on every machine that uses its database"
            )
        time.sleep(PAUSE_S)


def _running(database: Database) -> list[str]:
    try:
        with database.reading() as db:
            return _living(db)
    except DatabaseGone:
        return []  # no tables yet: nothing runs on them


def _living(db: Connection) -> list[str]:
    found = db.rows(f"SELECT name FROM lease WHERE until_ms > {NOW_MS[db.dialect]} ORDER BY name")
    return sorted({str(name).partition("/")[0] for (name,) in found})
