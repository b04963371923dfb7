"""The one thread of a process that appends to the journal. What queued since one commit goes into the next.

Nothing is awaited and nothing leaves the machine while the counter is locked. What an append means is
appends.py and the callers' own; how tables follow is fold.py.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol  # Any: appends of the one class that looks at them

from router.journal import fold, stream
from router.journal.appends import FactsAppend
from router.journal.clock import SteadyClock, wall_ms
from router.journal.connection import Connection, DatabaseBusy, DatabaseDamaged, DatabaseGone
from router.journal.database import Database
from router.journal.hanging import why_hanging
from router.records import Fact, Row

__all__ = ["Append", "Closed", "CommitUnknown", "Committer", "NotCommitted", "wall_ms"]

BATCH_MAX: Final = 256
"""Appends of one transaction: about 30 ms of holding the counter, which other processes wait for."""

PATIENCE_S: Final = 4.0
"""How long a busy database is tried: a frozen holder of the lock is killed after 3 s by `muster up`. SQLite
alone waits longer than this (sqlite.BUSY_MS), so it is tried once, and PostgreSQL (LOCK_MS) twice."""

PAUSES_S: Final = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Time after each failed connection before the next; meanwhile appends are told at once that it failed."""


STANDS_S: Final = 4.0
"""Coroutines that append wait this long for a database that stands still: pages promise a word within 5 s."""

SAID_S: Final = 2.0
"""After this long the log says so, and what it seems to be."""

WORK_S: Final = 4.0
"""What a transaction may take between lock and commit, beyond the above: a take-over adopts 200 at once."""

LOOK_S: Final = 0.25

LOST: Final = "the database lacks row {seq}, which was acknowledged: an older copy took its place"


_log = logging.getLogger("muster.journal")


class CommitUnknown(Exception):
    """The outcome cannot be known: answer 503 (the repeat is harmless), rebuild what was derived."""


class NotCommitted(CommitUnknown):
    """Nothing was written: the database is gone or busy. Whoever treats this as unknown is right as well."""


class Closed(NotCommitted):
    """The committer was closed before, or its thread has ended; nothing was written."""


class Append(Protocol):
    """Something to append. Both methods may be called again after a failed try, so they keep nothing.

    Whatever they raise is given to the submitter, and nothing of this append is written.
    """

    def write_content(self, db: Connection) -> None:
        """Words and payloads, before the counter is locked. Repeats by ON CONFLICT DO NOTHING."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """What to append, decided under the lock, so what it reads is current; nothing for a repeat."""


class Together(Protocol):
    """An append of which many come at once: those of its class in one batch are decided in few statements.

    Each method is given two or more, all of that class, and does what the append's own would do for each.
    """

    @staticmethod
    def write_contents(db: Connection, appends: Sequence[Any]) -> None:
        """Their content, before the counter is locked."""

    @staticmethod
    def facts_of_all(db: Connection, appends: Sequence[Any], at_ms: int) -> list[Sequence[Fact] | None]:
        """The facts of each; None for one to be asked by itself, after the facts of the others are folded."""


@dataclass(slots=True)
class _Item:
    append: Append
    future: "Future[tuple[Row, ...]]" = field(default_factory=Future)


class Committer:
    """Appends to the journal, in one thread, over one connection that it renews by itself.

    `after_commit` is called in that thread with the new last seq, before the submitters are told (whoever
    decides next need not wait for fifty of them); it must neither block nor raise. `clock` gives the rows
    their times, a SteadyClock of its own when there is none.
    """

    def __init__(
        self,
        database: Database,
        *,
        after_commit: Callable[[int], None] | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._database = database
        self._after_commit = after_commit
        self._clock = clock or SteadyClock()
        # No lock of ours: while the thread held one and waited for its turn to run Python, everybody who
        # submitted waited too (a fifth of the time of a busy event loop).
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._closed = False
        self._ended = False
        self._db: Connection | None = None
        self._since_s = 0.0
        """Since when the database keeps a transaction waiting; 0.0: none waits for it."""
        self._trouble_s = 0.0
        """When the first of the batches began that failed since the last good one; 0.0: none has."""
        self._awaited: set[asyncio.Future[tuple[Row, ...]]] = set()
        self._watching: asyncio.AbstractEventLoop | None = None
        self._said_s = self._committed_s = self._began_s = 0.0
        self._known: tuple[int, bytes] | None = None
        """The seq and hash of the newest row that we committed."""
        self._failures = 0
        self._next_try_s = 0.0
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)
        self._thread.start()

    def submit(self, append: Append) -> "Future[tuple[Row, ...]]":
        """Queues it; the future gives its rows once they are durable. Raises Closed."""
        if self._closed:
            raise Closed("the committer is closed")
        item = _Item(append)
        self._queue.put(item)
        if self._ended:  # meanwhile; nobody else looks there any more
            self._refuse_queued()
        return item.future

    async def append(self, append: Append) -> tuple[Row, ...]:
        """The same for coroutines. Cancelling the caller does not take it back.

        Raises CommitUnknown also when the database has stood still for STANDS_S: it may come through later.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Row, ...]] = loop.create_future()
        # By hand: shield and wrap_future took a fifth of what a webhook costs.
        self.submit(append).add_done_callback(lambda future: _tell(loop, done, future))
        self._awaited.add(done)
        if self._watching is not loop:
            self._watching = loop
            loop.call_later(LOOK_S, self._watch, loop)
        try:
            return await done
        finally:
            self._awaited.discard(done)

    async def append_facts(self, *facts: Fact) -> tuple[Row, ...]:
        """Appends facts that need no content and no look at the tables."""
        return await self.append(FactsAppend(facts_to_append=facts))

    def close(self) -> None:
        """Refuses what comes now, commits what was queued, ends the thread."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    @property
    def running(self) -> bool:
        """False after close(), or when the thread was ended by a mistake of ours: the process should end."""
        return self._thread.is_alive() and not self._closed

    @property
    def standing_s(self) -> float:
        """How long the database has kept what is being written waiting; 0.0 while it does not."""
        since_s = self._since_s
        return max(0.0, time.monotonic() - since_s) if since_s else 0.0

    @property
    def out_s(self) -> float:
        """How long nothing has been committed of what was to be; 0.0 while the database does what it should.

        Whoever acts on it asks for a commit now and then: nobody else may, and the first good one ends it.
        """
        since_s = self._trouble_s or self._since_s
        return max(0.0, time.monotonic() - since_s) if since_s else 0.0

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the loop of those who wait, while somebody does: a database that hangs raises nothing itself."""
        standing_s = self.standing_s
        if standing_s >= SAID_S and not self._said_s:
            self._said_s = time.monotonic()
            threading.Thread(target=_say_why, args=(self._database, standing_s), daemon=True).start()
        elif self._said_s and self._committed_s > self._said_s:
            _log.warning("the database goes on after_s=%.0f", self._committed_s - self._said_s + SAID_S)
            self._said_s = 0.0
        if standing_s >= STANDS_S:
            for done in self._awaited:
                if not done.done():
                    done.set_exception(CommitUnknown(f"the database stands still for {standing_s:.0f} s"))
        if self._awaited or self._said_s:
            loop.call_later(LOOK_S, self._watch, loop)
        else:
            self._watching = None

    def _work(self) -> None:
        batch: list[_Item] = []
        try:
            while batch := self._next_batch():
                self._settle(batch)
                self._since_s = 0.0
        finally:
            # Whatever ended the thread, nobody waits for ever.
            self._closed = self._ended = True
            for item in batch:
                if not item.future.done():
                    item.future.set_exception(CommitUnknown("the committer's thread ended"))
            self._refuse_queued()
            self._drop_connection()

    def _next_batch(self) -> list[_Item]:
        """What queued up, as soon as there is something; empty when all that came before close() is done."""
        batch: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            if item.future.set_running_or_notify_cancel():
                batch.append(item)
            if len(batch) == BATCH_MAX:
                return batch
            try:
                item = self._queue.get(block=not batch)
            except Empty:
                return batch
        self._queue.put(None)  # for the next call, which then finds nothing before it
        return batch

    def _refuse_queued(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if item is not None and item.future.set_running_or_notify_cancel():
                item.future.set_exception(Closed("the committer's thread ended"))

    def _settle(self, batch: list[_Item]) -> None:
        """Commits a batch and tells everybody; where one is at fault, each gets its own transaction."""
        try:
            results = self._persistently(batch)
        except CommitUnknown as unknown:
            self._trouble_s = self._trouble_s or self._began_s
            for item in batch:
                item.future.set_exception(unknown)
        except Exception as fault:  # noqa: BLE001  an append may raise anything: it goes to its submitter
            if len(batch) == 1:
                batch[0].future.set_exception(fault)
                return
            for item in batch:
                self._settle([item])
        else:
            last = max((rows[-1].seq for rows in results if rows), default=0)
            if last and self._after_commit is not None:
                self._after_commit(last)
            for item, rows in zip(batch, results, strict=True):
                item.future.set_result(rows)

    def _persistently(self, batch: list[_Item]) -> list[tuple[Row, ...]]:
        """Tries again while it is known that nothing was written and a new try may help."""
        self._since_s = self._began_s = time.monotonic()
        give_up_s = self._began_s + PATIENCE_S
        renewed = False
        while True:
            db = self._connected()
            try:
                return self._transaction(db, batch)
            except DatabaseBusy as busy:
                if time.monotonic() >= give_up_s:
                    raise NotCommitted(f"the database was busy: {busy}") from busy
            except DatabaseGone as gone:
                if isinstance(gone, DatabaseDamaged) and len(batch) > 1:
                    raise  # one of them asks for what is rotten: each by itself
                self._drop_connection()
                if renewed:  # a fresh connection died as well
                    self._note_failure()
                    raise NotCommitted(f"the database is gone: {gone}") from gone
                renewed = True

    def _transaction(self, db: Connection, batch: list[_Item]) -> list[tuple[Row, ...]]:
        appends = [item.append for item in batch]
        try:
            db.begin()
            _write_contents(db, appends)
            head = stream.lock_head(db, self._clock())
            self._since_s = time.monotonic() + WORK_S
            if isinstance(self._clock, SteadyClock):
                self._clock.at_least(head.at_ms)
            before = head.seq
            results = _append_all(db, head, appends)
            if head.seq > before:
                stream.save_head(db, head)
        except BaseException:
            db.rollback()
            raise
        finally:
            self._since_s = min(self._since_s, time.monotonic())
        self._commit(db)
        self._committed_s, self._trouble_s = time.monotonic(), 0.0
        self._known = head.seq, head.hash
        return results

    def _commit(self, db: Connection) -> None:
        try:
            db.commit()
        except DatabaseBusy:
            db.rollback()
            raise
        except Exception as error:  # whatever a driver raises here: the outcome is unknown
            self._drop_connection()
            raise CommitUnknown(f"the connection failed while committing: {error}") from error

    def _connected(self) -> Connection:
        """The connection, a new one if need be, but not right after a failure. Raises NotCommitted."""
        if self._db is not None and self._db.usable:
            return self._db
        if time.monotonic() < self._next_try_s:
            raise NotCommitted("the database is gone; it is tried again in a moment")
        try:
            self._db = self._database.connect()
            self._refuse_older(self._db)
        except (DatabaseGone, DatabaseBusy) as gone:
            self._note_failure()
            self._drop_connection()
            raise NotCommitted(str(gone)) from gone
        self._failures = 0
        return self._db

    def _refuse_older(self, db: Connection) -> None:
        """A replica that took over may lack rows that are acknowledged: nothing is put over them."""
        if self._known is not None and not stream.has_row(db, *self._known):
            raise DatabaseGone(LOST.format(seq=self._known[0]))

    def _note_failure(self) -> None:
        self._next_try_s = time.monotonic() + PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1

    def _drop_connection(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _say_why(database: Database, standing_s: float) -> None:
    """In a thread of its own: the database that is asked may not answer either."""
    found = why_hanging(database)
    _log.error("the database stands still s=%.0f: %s. Do: %s", standing_s, found.text, found.todo)


def _tell(
    loop: asyncio.AbstractEventLoop,
    done: "asyncio.Future[tuple[Row, ...]]",
    future: "Future[tuple[Row, ...]]",
) -> None:
    """Tells a coroutine what became of its append, from the committer's thread."""

    def settle() -> None:
        if done.done():
            return  # whoever waited has gone
        problem = future.exception()
        if problem is None:
            done.set_result(future.result())
        else:
            done.set_exception(problem)

    with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
        loop.call_soon_threadsafe(settle)


def _write_contents(db: Connection, appends: Sequence[Append]) -> None:
    several = _together(appends)
    for of_class, numbers in several:
        of_class.write_contents(db, [appends[n] for n in numbers])
    done = {n for _, numbers in several for n in numbers}
    for n, append in enumerate(appends):
        if n not in done:
            append.write_content(db)


def _append_all(db: Connection, head: stream.Head, appends: Sequence[Append]) -> list[tuple[Row, ...]]:
    """The rows of each, in the order of the appends."""
    done: dict[int, tuple[Row, ...]] = {}
    for of_class, numbers in _together(appends):
        found = of_class.facts_of_all(db, [appends[n] for n in numbers], head.at_ms)
        decided = {n: facts for n, facts in zip(numbers, found, strict=True) if facts is not None}
        rows = iter(_append(db, head, [fact for facts in decided.values() for fact in facts]))
        done.update({n: tuple(islice(rows, len(facts))) for n, facts in decided.items()})
    for n, append in enumerate(appends):
        if n not in done:
            done[n] = _append(db, head, append.facts(db, head.at_ms))
    return [done[n] for n in range(len(appends))]


def _together(appends: Sequence[Append]) -> list[tuple[type[Together], list[int]]]:
    """(class, the numbers of its appends) of each class of which there are several."""
    if len(appends) == 1:
        return []
    numbers: dict[type, list[int]] = {}
    for n, append in enumerate(appends):
        numbers.setdefault(type(append), []).append(n)
    several = ((_taken_together(of_class), each) for of_class, each in numbers.items() if len(each) > 1)
    return [(of_class, each) for of_class, each in several if of_class is not None]


@lru_cache
def _taken_together(of_class: type) -> type[Together] | None:
    """The class, if it is one; by hand, because asking isinstance of a protocol took longer than a commit."""
    return of_class if hasattr(of_class, "facts_of_all") else None


def _append(db: Connection, head: stream.Head, facts: Sequence[Fact]) -> tuple[Row, ...]:
    rows = stream.append_facts(db, head, facts)
    fold.apply_all(db, rows)
    return rows
