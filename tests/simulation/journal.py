"""A journal in memory with real tables, real stream and real fold, whose commits fail in every way there is.

What a transaction does is what router/journal/committer.py does, in the same order; only the thread is left
out, and the database's clock is the simulation's.
"""

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from router.journal import fold, stream
from router.journal.committer import Append, CommitUnknown, NotCommitted
from router.journal.connection import DatabaseGone, Value
from router.journal.definitions import definitions
from router.journal.sqlite import SqliteConnection
from router.records import Row
from router.run.lease import NOW_MS

SITE = "simulated"


class Died(BaseException):
    """The process was killed at this very instant. No `except Exception` of its own code sees that."""


class Clock:
    """The time of the simulated world, in milliseconds."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms


class Faults:
    """How often what goes wrong. All zero: a calm world."""

    def __init__(self, rate: float) -> None:
        self.refused = rate
        """Nothing was written, and the writer knows it."""
        self.unknown = rate
        """The writer does not learn whether it was written; half of the time it was."""
        self.died = rate / 2
        """The writer is killed, before or after the commit."""
        self.unreadable = rate / 2
        """A read fails."""


class SimulatedConnection(SqliteConnection):
    """SQLite whose clock is the simulation's."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        super().__init__(connection)
        self._clock = clock

    def rows(self, sql: str, /, **values: Value) -> list[tuple[Any, ...]]:
        return super().rows(self._timed(sql), **values)

    def run(self, sql: str, /, **values: Value) -> int:
        return super().run(self._timed(sql), **values)

    def run_many(self, sql: str, values: Iterable[Mapping[str, Value]], /) -> None:
        super().run_many(self._timed(sql), values)

    def _timed(self, sql: str) -> str:
        return sql.replace(NOW_MS["sqlite"], str(self._clock.now_ms))


def new_tables(clock: Clock, site: str) -> SimulatedConnection:
    """Empty tables with this site's stream as their own."""
    db = SimulatedConnection(sqlite3.connect(":memory:", isolation_level=None), clock)
    for statement in _definitions():
        db.run(statement)
    db.run(
        """INSERT INTO stream (site, incarnation, own, last_seq, last_at_ms, head_hash)
           VALUES (:site, 'only', 1, 0, 0, :hash)""",
        site=site,
        hash=stream.FIRST_HASH,
    )
    return db


@lru_cache
def _definitions() -> tuple[str, ...]:
    """Worked out once: a world of two sites has four databases."""
    return tuple(definitions("sqlite"))


class Journal:
    """The one database of the simulated site: what Database and Committer are to the real one.

    `committed` is called with the rows of every commit, whether or not its writer learns of it.
    """

    dialect = "sqlite"

    def __init__(
        self,
        clock: Clock,
        dice: random.Random,
        committed: Callable[[Sequence[Row]], None],
        *,
        site: str = SITE,
    ) -> None:
        self.faults = Faults(0)
        self.counts: dict[str, int] = {}
        self._clock = clock
        self._dice = dice
        self._committed = committed
        self.db = new_tables(clock, site)

    @contextmanager
    def reading(self) -> Iterator[SimulatedConnection]:
        """One read transaction. Raises DatabaseGone when the world is faulty."""
        if self._happens("unreadable", self.faults.unreadable):
            raise DatabaseGone("simulated")
        self.db.begin_reading()
        try:
            yield self.db
        finally:
            self.db.rollback()

    def append(self, append: Append, *, skew_ms: int = 0) -> Sequence[Row]:
        """Commit it, or fail in one of the ways in which a commit can. The writer's clock may be off."""
        if self._happens("refused", self.faults.refused):
            raise NotCommitted("simulated")
        if self._happens("died before", self.faults.died):
            raise Died
        unknown = self._happens("unknown", self.faults.unknown)
        if unknown and self._dice.random() < 0.5:
            raise CommitUnknown("simulated: it was not written")
        rows = self.transaction(append, self._clock.now_ms + skew_ms)
        if rows:
            self._committed(rows)
        if self._happens("died after", self.faults.died):
            raise Died
        if unknown:
            raise CommitUnknown("simulated: it was written")
        return rows

    def transaction(self, append: Append, now_ms: int) -> Sequence[Row]:
        """One append in one transaction, as the committer does it."""
        self.db.begin()
        try:
            append.write_content(self.db)
            head = stream.lock_head(self.db, now_ms)
            before = head.seq
            rows = stream.append_facts(self.db, head, append.facts(self.db, head.at_ms))
            for row in rows:
                fold.apply(self.db, row)
            if head.seq > before:
                stream.save_head(self.db, head)
        except BaseException:
            self.db.rollback()
            raise
        self.db.commit()
        return rows

    def close(self) -> None:
        """Forget everything."""
        self.db.close()

    def _happens(self, what: str, chance: float) -> bool:
        if chance <= 0 or self._dice.random() >= chance:
            return False
        self.counts[what] = self.counts.get(what, 0) + 1
        return True
