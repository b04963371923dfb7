"""Waits, before anything is acknowledged, until the other site has it too; says openly where it has not.

In every process that acknowledges contacts (web, mail, voice). How far the other site is comes by a hint;
where hints fail, out of the table, looked at now and then while somebody waits. Nobody holds a connection
meanwhile, and nobody has a thread: a thousand that wait are a thousand futures. Who waits, and when nobody
does any more, is copy_line.py; what is at this site only, copy_gaps.py.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

from config.plan import Plan
from config.settings import Settings
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.records import Row
from router.run.hints import Hints
from router.sites.copy_gaps import GONE, MarkMissed, acked_through
from router.sites.copy_line import CopyLine, Outcome, Wait

LOOK_MS: Final = (250, 50)
"""How often the table is looked at while somebody waits: with hints, and without Redis."""

QUIET_MS: Final = 60_000

_log = logging.getLogger("muster.sites")

Appending = Callable[[MarkMissed], Awaitable[tuple[Row, ...]]]
Noting = Callable[[Outcome, int], None]


class Copies(Protocol):
    """What ingest asks.

    Shape: `copied` is Keeper.copied: it waits, and raises where nothing may be acknowledged; None where there
           is nothing to wait for.
    """

    @property
    def copied(self) -> Callable[[int], Awaitable[object]] | None: ...

    def beside(self, seq: int) -> None:
        """Wait, and say it where it was in vain, while whoever asked goes on: a call rings at once."""

    async def run(self) -> None:
        """Learn how far the other site is, until cancelled."""


class NoSecondCopy:
    """One site alone: what is on disk here is everything there is."""

    copied: Callable[[int], Awaitable[object]] | None = None

    async def reached(self, seq: int) -> bool:
        """At once."""
        return True

    def beside(self, seq: int) -> None:
        """There is nothing to wait for."""

    async def run(self) -> None:
        """There is nothing to learn."""
        await asyncio.Event().wait()


def acked_channel(site: str) -> str:
    """The name under which the sender hints how far the other site is."""
    return f"{site}:acked"


class SecondCopy:
    """Where the other site is, for one process.

    Shape: wait_ms() is how long a contact waits, None where the plan in force has no pair; append puts into
           this site's journal; note(outcome, waited_ms) counts.
    """

    def __init__(
        self,
        database: Database,
        append: Appending,
        *,
        site: str,
        redis_url: str,
        wait_ms: Callable[[], int | None],
        note: Noting | None = None,
        clock_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._database = database
        self._append = append
        self._wait_ms = wait_ms
        self._note = note
        self._clock_ms = clock_ms
        self._hints = Hints(redis_url, acked_channel(site)) if redis_url else None
        self._look_ms = LOOK_MS[0] if redis_url else LOOK_MS[1]
        self._line = CopyLine()
        self._futures: dict[int, asyncio.Future[None]] = {}
        self._joined = asyncio.Event()
        self._beside: set[asyncio.Task[None]] = set()

    @property
    def copied(self) -> Callable[[int], Awaitable[object]] | None:
        """What Keeper.copied is to be."""
        return self.reached

    @property
    def acked(self) -> int:
        """How far the other site is, as far as is known here."""
        return self._line.acked

    @property
    def lagging(self) -> bool:
        """Nobody waits at present."""
        return self._line.lagging

    async def reached(self, seq: int) -> bool:
        """Whether the other site has this row; False once it is in the journal that it has not.

        Raises what an append raises: then neither is so, and nothing may be acknowledged.
        """
        wait_ms = self._wait_ms()
        if wait_ms is None:
            return True
        began_ms = self._clock_ms()
        wait = self._line.join(seq, now_ms=began_ms, wait_ms=wait_ms)
        if wait.outcome is None:
            await self._until_over(wait)
        outcome = wait.outcome or Outcome.SLOW
        if self._note is not None:
            self._note(outcome, self._clock_ms() - began_ms)
        if outcome is Outcome.COPIED:
            return True
        return await self._mark(seq, outcome.value)

    def beside(self, seq: int) -> None:
        """The same for what nobody waits for; what cannot be said now, the peer role says (copy_gaps)."""
        task = asyncio.create_task(self._reached_or_not(seq))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _reached_or_not(self, seq: int) -> None:
        try:
            await self.reached(seq)
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            _log.warning("not said that it is here only seq=%d error=%s", seq, type(problem).__name__)

    async def kept_for_the_other(self, seq: int) -> None:
        """Say that this row is here only: the other site cannot keep anything at present."""
        await self._mark(seq, GONE)

    async def run(self) -> None:
        """Learn how far the other site is, until cancelled."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._listen())
                both.create_task(self._look())
        finally:
            if self._hints is not None:
                await self._hints.close()

    async def _mark(self, seq: int, why: str) -> bool:
        mark = MarkMissed(seq, why)
        await self._append(mark)
        return mark.copied

    async def _until_over(self, wait: Wait) -> None:
        future = asyncio.get_running_loop().create_future()
        self._futures[id(wait)] = future
        self._joined.set()
        # Whoever gives up (its customer has gone) leaves its place to its time-out: the peer is as slow.
        await future

    async def _listen(self) -> None:
        if self._hints is None:
            return
        while True:
            await self._hints.wait(QUIET_MS)
            self._heard(self._hints.latest)

    async def _look(self) -> None:
        """While somebody waits, or nobody does because the other site lags."""
        reading: asyncio.Task[None] | None = None
        while True:
            if not (self._line.waiting or self._line.lagging):
                self._joined.clear()
                await self._joined.wait()
            if reading is None or reading.done():
                # Beside the clock: a database that does not answer must not make anybody wait longer.
                reading = asyncio.create_task(self._ask())
            self._end(self._line.pass_time(self._clock_ms()))
            await asyncio.sleep(self._pause_ms() / 1000)

    async def _ask(self) -> None:
        with suppress(DatabaseBusy, DatabaseGone):
            self._heard(await asyncio.to_thread(self._read))
        await asyncio.sleep(self._look_ms / 1000)

    def _pause_ms(self) -> int:
        next_ms = self._line.next_ms()
        if next_ms is None:
            return self._look_ms
        return min(self._look_ms, max(1, next_ms - self._clock_ms()))

    def _read(self) -> int:
        with self._database.reading() as db:
            return acked_through(db)

    def _heard(self, acked: int) -> None:
        self._end(self._line.heard(acked, now_ms=self._clock_ms()))

    def _end(self, waits: list[Wait]) -> None:
        for wait in waits:
            future = self._futures.pop(id(wait), None)
            if future is not None and not future.done():
                future.set_result(None)


def second_copy_of(
    settings: Settings,
    plan: Callable[[], Plan],
    database: Database,
    committer: Committer,
    note: Noting | None = None,
) -> SecondCopy | NoSecondCopy:
    """What a process of this site is to ask before it acknowledges anything."""
    if not settings.site:
        return NoSecondCopy()

    def wait_ms() -> int | None:
        pair = plan().pair
        return None if pair is None else pair.wait_ms

    return SecondCopy(
        database,
        committer.append,
        site=settings.site,
        redis_url=settings.redis_url,
        wait_ms=wait_ms,
        note=note,
    )
