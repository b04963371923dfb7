"""Why a database that raises nothing takes nothing: asked beside whoever waits, and said in words.

Also beforehand: how many replicas a commit waits for, and how many there are (PostgreSQL only).
"""

import re
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database

_REPLICAS: Final = """
    SELECT current_setting('synchronous_standby_names'),
           (SELECT count(*) FROM pg_stat_replication WHERE coalesce(state, 'streaming') = 'streaming'),
           (SELECT count(*) FROM pg_stat_replication
            WHERE coalesce(state, 'streaming') = 'streaming' AND coalesce(sync_state, 'sync') <> 'async'),
           (SELECT count(*) FROM pg_stat_activity
            WHERE wait_event = 'SyncRep' AND datname = current_database())
"""
"""Who may not look at other people's sessions gets NULL for what they do: such a one is counted as good."""

_COUNT: Final = re.compile(r"^\s*(?:FIRST|ANY)?\s*(\d+)\s*\(", re.IGNORECASE)

REPLICA_TODO: Final = (
    "start the replica again, or the network to it; is it lost, type on the primary ALTER SYSTEM SET "
    "synchronous_standby_names = ''; SELECT pg_reload_conf(): everything goes on, and until there is another "
    "replica this server alone has what is kept"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """What it seems to be, and what to do about it."""

    text: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """Who follows this PostgreSQL server, and whom its commits wait for."""

    names: str
    """synchronous_standby_names; empty: commits wait for nobody."""
    connected: int
    synchronous: int
    waiting: int
    """Commits that wait for a replica at this moment."""

    @property
    def needed(self) -> int:
        """How many of them a commit waits for."""
        if not self.names.strip():
            return 0
        found = _COUNT.match(self.names)
        return int(found.group(1)) if found else 1

    @property
    def missing(self) -> bool:
        """Whether every commit waits for somebody who is not there."""
        return self.synchronous < self.needed


def replicas(db: Connection) -> Replicas:
    """Of a PostgreSQL database. Raises DatabaseGone, DatabaseBusy."""
    names, connected, synchronous, waiting = db.row(_REPLICAS) or ("", 0, 0, 0)
    return Replicas(
        names=str(names), connected=int(connected), synchronous=int(synchronous), waiting=int(waiting)
    )


def why_hanging(database: Database) -> Hanging:
    """What keeps commits waiting, as far as the database tells. Blocks for some seconds at most."""
    if database.dialect == "sqlite":
        return Hanging(
            text="its disk does not write, or another process holds its lock",
            todo="look at the disk of the data folder (`df`, `dmesg`); what hangs goes on once it writes",
        )
    try:
        with closing(database.connect(local=True)) as db:
            found = replicas(db)
    except (DatabaseGone, DatabaseBusy) as gone:
        return Hanging(
            text=f"PostgreSQL does not answer ({gone})",
            todo="look at the server, its log, and the network to it; where it has a replica, promote that",
        )
    if found.waiting or found.missing:
        return Hanging(text=replica_text(found), todo=REPLICA_TODO)
    return Hanging(
        text="PostgreSQL answers, and finishes no commit",
        todo="look at its disk and its log, and at who holds a lock: SELECT * FROM pg_stat_activity",
    )


def replica_text(found: Replicas) -> str:
    """How many replicas a commit needs, and has."""
    there = f"{found.synchronous} {'is' if found.synchronous == 1 else 'are'} connected"
    silent = ", and does not answer" if found.waiting and not found.missing else ""
    return (
        f"every commit waits for {found.needed} synchronous {'replica' if found.needed == 1 else 'replicas'} "
        f"(synchronous_standby_names = {found.names!r}): {there}{silent}"
    )
