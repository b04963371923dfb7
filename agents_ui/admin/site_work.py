"""A long act under way: done in a thread, seen by every page of every process, begun once.

How far it is stands in one row of site_status (key `act`), renewed while it goes on; so a page whose web
process has died sees that nobody goes on with it, and says what to do: the same act once more.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final  # Any: the answer is a JSON value

from agents_ui.access.person import Person
from agents_ui.admin.site_acts import carry_out, shown_refusals, tell_providers
from agents_ui.admin.site_bodies import SiteAct
from router.journal.committer import CommitUnknown
from router.journal.database import Database, DatabaseBusy, DatabaseGone
from router.sites.acts import ActRefused
from router.sites.ground import Ground
from router.sites.status import put_status, status_of

Value = dict[str, Any]

ACT: Final = "act"
"""The key of the row."""

EVERY_S: Final = 0.5
STALE_MS: Final = 10_000
"""An act that has not said for so long that it goes on, does not."""

ANSWER_S: Final = 2.0
"""What is done by then is told in the answer itself; of the rest the page asks."""

RUNNING, DONE, REFUSED, BROKEN = "running", "done", "refused", "broken"

_log = logging.getLogger("muster.admin")


class UnderWay(Exception):
    """Somebody does something of this kind at this moment."""


@dataclass(slots=True, kw_only=True)
class _Work:
    """One act as its row says it."""

    row: Value
    ended: bool = False
    done: int = 0
    of: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def progress(self, done: int, of: int) -> None:
        """Called in the thread that does it."""
        self.done, self.of = done, of


class SiteWork:
    """Carries out long acts, each once. For one event loop."""

    def __init__(self, clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[Value]] = set()

    async def do(self, ground: Ground, asked: SiteAct, person: Person) -> Value:
        """How it stands after a moment: over, or still going on. Raises UnderWay, and as databases do."""
        known = await asyncio.to_thread(act_of, ground.own, self._clock())
        if known is not None and known["command_id"] == asked.command_id and known["state"] != BROKEN:
            return known
        if known is not None and known["state"] == RUNNING:
            raise UnderWay
        task = asyncio.create_task(self._carry_out(ground, asked, person))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        over, _ = await asyncio.wait({task}, timeout=ANSWER_S)
        if over:
            return task.result()
        return await asyncio.to_thread(act_of, ground.own, self._clock()) or {}

    async def _carry_out(self, ground: Ground, asked: SiteAct, person: Person) -> Value:
        began_ms = self._clock()
        row = {"command_id": asked.command_id, "act": asked.act, "agent_id": person.agent_id}
        work = _Work(row={**row, "began_ms": began_ms, "state": RUNNING, "lines": [], "refusals": []})
        await self._say(ground.own, work)
        telling = asyncio.create_task(self._keep_saying(ground.own, work))
        try:
            work.row |= await _outcome(asyncio.to_thread(carry_out, ground, asked, person, work.progress))
        finally:
            work.ended = True
            telling.cancel()
            if work.row["state"] == RUNNING:  # what nobody foresaw
                work.row |= {"state": BROKEN, "lines": [_GOES_ON.format("its log says why")]}
            await self._say(ground.own, work)
        if work.row["state"] == DONE:
            self._tell(ground)
        return work.row

    def _tell(self, ground: Ground) -> None:
        """Providers, beside the answer."""
        told = asyncio.create_task(_told(ground))
        self._tasks.add(told)
        told.add_done_callback(self._tasks.discard)

    async def _keep_saying(self, own: Database, work: _Work) -> None:
        while not work.ended:
            await asyncio.sleep(EVERY_S)
            await self._say(own, work)

    async def _say(self, own: Database, work: _Work) -> None:
        """A database that is away for a moment is no reason to stop the act."""
        async with work.lock:  # the last word is said last
            said = {**work.row, "done": work.done, "of": work.of}
            try:
                await asyncio.to_thread(_put, own, self._clock(), said)
            except (DatabaseBusy, DatabaseGone) as problem:
                _log.warning("how far an act is could not be said error=%s", type(problem).__name__)


def act_of(own: Database, now_ms: int) -> Value | None:
    """The latest long act; one that nobody goes on with is broken. Raises DatabaseGone, DatabaseBusy."""
    with own.reading() as db:
        known = status_of(db, ACT)
    if not known.at_ms:
        return None
    said = {**known.data, "at_ms": known.at_ms}
    if said["state"] == RUNNING and not known.fresh(now_ms, STALE_MS):
        said |= {"state": BROKEN, "lines": [_GOES_ON.format("its web process ended")]}
    return said


_GOES_ON: Final = "It broke off ({}). Do the same once more: it goes on where it was."


async def _outcome(work: Awaitable[list[str]]) -> Value:
    try:
        return {"state": DONE, "lines": await work}
    except ActRefused as refused:
        return {"state": REFUSED, "refusals": shown_refusals(refused)}
    except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
        _log.warning("an act on the pair broke off error=%s", type(problem).__name__)
        return {"state": BROKEN, "lines": [_GOES_ON.format("the database did not answer")]}


async def _told(ground: Ground) -> Value:
    try:
        await asyncio.to_thread(tell_providers, ground)
    except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
        _log.warning("providers are not told from here error=%s", type(problem).__name__)
    return {}


def _put(own: Database, now_ms: int, said: Value) -> None:
    with own.writing() as db:
        put_status(db, ACT, now_ms, said)
