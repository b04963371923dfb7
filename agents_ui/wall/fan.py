"""The walls of one web process: one standing for all, told in numbered changes, at most two a second.

Without an open wall there is nothing: no standing, no loop, no read. The first wall seeds a standing; then
one worker moves it and tells what changed, the same bytes to every wall. A wall that opens later gets what
the others were told last. A wall is a desk in everything but its content: agents_ui/desk/desk.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar  # Any: entity values are JSON objects

import msgspec

from agents_ui.desk.answers import Answers
from agents_ui.desk.desk import RESTARTING, SESSION_ENDED, Desk
from agents_ui.desk.plan_words import words_of
from agents_ui.desk.touched import touched_by
from agents_ui.services import Services
from agents_ui.silence import is_out
from agents_ui.wall.news import news_after
from agents_ui.wall.standing import Standing, changes_between, seeded
from config.plan import Plan
from router.journal.clock import SteadyClock
from router.journal.database import DatabaseBusy, DatabaseGone
from router.records import Row

T = TypeVar("T")

TELL_S: Final = 0.5
"""Walls are told at most twice a second: faster is no longer read by people."""

REST: Final = 10
"""... and the telling takes at most a tenth of the time, however much is going on."""

LOOK_S: Final = 2.0
"""Also when the journal is silent: parked contacts become overdue, days end, roles fall silent."""

BEAT_S: Final = 2.0
RETRY_S: Final = 0.5
"""Pause before a database that failed is asked again; walls stay open and wait."""

_log = logging.getLogger("muster.wall")


class WallFan:
    """Who watches, and what they were told. Lives on the event loop; the first wall starts its loops."""

    def __init__(self, services: Services) -> None:
        self.answers = Answers()
        self.clock = SteadyClock()
        self._services = services
        self._walls: list[Desk] = []
        self._joins: list[tuple[Desk, asyncio.Future[None]]] = []
        self._standing: Standing | None = None
        self._news = asyncio.Event()
        self._joined = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wall")
        self._running: list[asyncio.Task[None]] = []
        services.feed.subscribe(self._take)

    async def join(self, wall: Desk) -> None:
        """Give the wall its snapshot and, from then on, every change. Returns with the snapshot under way."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joins.append((wall, ready))
        self._joined.set()
        self._news.set()
        if not self._running:
            self._running = [asyncio.create_task(self._work()), asyncio.create_task(self._beat())]
        await ready

    def leave(self, wall: Desk) -> None:
        """No more changes for this wall; with the last one everything ends."""
        if wall in self._walls:
            self._walls.remove(wall)
        self._joins = [each for each in self._joins if each[0] is not wall]
        if not self._walls and not self._joins:
            for task in self._running:
                task.cancel()
            self._running, self._standing = [], None

    def _take(self, rows: Sequence[Row]) -> None:
        """Feed listener: something happened; who must go, goes at once."""
        self.clock.at_least(rows[-1].at_ms)
        if not self._walls and not self._joins and not self.answers:
            return
        touched = touched_by(rows, agents=(), shown={})
        for command_id, kind, code in touched.answers:
            self.answers.settle(command_id, kind, code)
        for wall in (*self._walls, *(wall for wall, _ in self._joins)):
            if wall.person.session_hash in touched.sessions:
                wall.close(SESSION_ENDED)
            elif touched.plan:
                wall.close(RESTARTING)
        if touched.plan:
            self._standing = None
        self._news.set()

    async def _work(self) -> None:
        while True:
            await _either(self._news, LOOK_S)
            self._news.clear()
            began_s = time.monotonic()
            await self._careful()
            self._joined.clear()
            if self._joins:
                self._joined.set()
            await _either(self._joined, max(TELL_S, REST * (time.monotonic() - began_s)))

    async def _careful(self) -> None:
        """A turn that fails leaves walls in doubt: all start anew from a snapshot, and the worker goes on."""
        try:
            await self._turn()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001  our own mistake, or the database's: no wall may show what is not so
            _log.exception("the walls could not be told")
            self._standing = None
            for wall, ready in self._joins:
                wall.close(RESTARTING)
                _done(ready)
            self._joins = []
            for wall in tuple(self._walls):
                wall.close(RESTARTING)

    async def _turn(self) -> None:
        """Tell the walls what changed, then let in who waits."""
        plan, now_ms = self._services.plan(), self.clock()
        if self._standing is None or now_ms >= self._standing.until_ms:
            await self._begin(now_ms)
        else:
            standing = self._standing
            changes = await self._ask(lambda: self._move(standing, now_ms))
            if changes is None:
                await self._begin(now_ms)
            elif changes:
                self._tell(changes)
        standing_now = self._standing
        while self._joins and standing_now is not None:
            wall, ready = self._joins.pop(0)
            if not wall.closing:
                wall.snapshot(msgspec.json.encode(standing_now.entities), msgspec.json.encode(_words(plan)))
                self._walls.append(wall)
            _done(ready)

    async def _begin(self, now_ms: int) -> None:
        """Read everything anew, and tell the walls that are open what that changes."""
        plan, database = self._services.plan(), self._services.database

        def seed() -> Standing:
            with database.reading() as db:
                return seeded(db, plan, now_ms)

        before, standing = self._standing, await self._ask(seed)
        if self._services.plan() is not plan:
            self._news.set()  # It is another plan's by now: the next turn reads again.
            return
        if before is not None:
            self._tell(changes_between(before.entities, standing.entities))
        self._standing = standing

    def _move(self, standing: Standing, now_ms: int) -> list[dict[str, Any]] | None:
        with self._services.database.reading() as db:
            news = news_after(db, self._services.plan(), standing.seq, standing.holder_of)
        return None if news is None else standing.move(news, now_ms)

    def _tell(self, changes: list[dict[str, Any]]) -> None:
        data = msgspec.json.encode(changes)
        for wall in tuple(self._walls):
            wall.change(data)

    async def _beat(self) -> None:
        """Every two seconds each page hears that we live; sessions that ran out end."""
        while True:
            await asyncio.sleep(BEAT_S)
            now_ms = self.clock()
            beat = b'{"kind":"beat","server_ms":%d%b}' % (now_ms, self._services.whereabouts.beat())
            silent = is_out(self._services.committer)
            for wall in tuple(self._walls):
                if wall.person.expires_at_ms <= now_ms:
                    wall.close(SESSION_ENDED)
                if not silent:
                    wall.push(beat)

    async def _ask(self, question: Callable[[], T]) -> T:
        """The answer from SQL, in the fan's own thread. A database that is away for a while is waited for."""
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, question)
            except (DatabaseBusy, DatabaseGone) as problem:
                _log.warning("walls wait for the database error=%s", type(problem).__name__)
                await asyncio.sleep(RETRY_S)


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Until the event, at most this long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _done(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _words(plan: Plan) -> dict[str, Any]:
    """The names desks show, and those of skills: a wall says what a contact asks for."""
    skills = [{"id": skill.skill_id, "name": skill.name} for skill in plan.skills]
    return {**words_of(plan), "skills": skills}
