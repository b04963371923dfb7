"""A centre under load from outside, a fault, and every promise about what comes after it.

Two hundred people at once, on pages, telephones and mailboxes, and agents at real desks. After each fault the
clocks of docs/promises.md run; what is compared at the end is verdict.py.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf
from random import Random
from typing import Any, Final

from router.journal.connection import Connection
from tests.roles.redis_process import wait_until
from tests.system import truth
from tests.system.answers import everything_said, lateness
from tests.system.centre import Patient, answers
from tests.system.crew import Clerk, signed_in
from tests.system.machine import CROWDED, CROWDED_MAX, INGEST_S, Control, crowding
from tests.system.outside import Crowd, Door, missing_from_fresh_pages, p99
from tests.system.writers import Public, mailboxes, telephones

CHATS: Final = 140
PHONES: Final = 40
MAILBOXES: Final = 20
PACE_S: Final = 4.0
MAIL_PACE_S: Final = 8.0
"""Each chat or telephone says something this often, and each mailbox: 45 messages a second."""

BACK_S: Final = 5.0
DESK_S: Final = 2.0
"""docs/promises.md: served and acknowledged again, and back at the desk."""

SENT_S: Final = 7.0
"""docs/promises.md: answers leave again, also where who gives them had to come back first."""

LEAVES_S: Final = 10.0
"""docs/promises.md: an answer that was being sent when its worker died."""

LATE_S: Final = 2.0
"""docs/promises.md: how much later an answer leaves while there is no Redis."""

COMMIT_MS: Final = 20
"""An offer that was being committed when its router was struck says nothing about what came after."""

WINDOW_S: Final = 2.0
"""Answer times are judged over this long: about a hundred messages."""

DRAIN_S: Final = 40.0

TRIAL_S: Final = 260.0
"""Less than the test's own limit, which an event loop may swallow."""

Took = dict[str, tuple[float, float]]
"""What took how long, and how long it may take."""


@dataclass(slots=True)
class Trial:
    """A centre under load, and what a fault did to it."""

    patient: Patient
    public: Public
    clerks: list[Clerk]
    random: Random
    calm_since: float = 0.0
    """When answers came in time again after the last fault."""

    hurt: list[int] = field(default_factory=list)
    """Processes that were killed or stopped."""

    async def suffers(self, name: str, fault: Callable[[], object]) -> None:
        """The fault, and then every promise about what comes after it."""
        control = await self._control(name)
        places = await asyncio.to_thread(self._places)
        seq = await asyncio.to_thread(self._last_seq)
        hurt = await asyncio.to_thread(fault)
        self.hurt += hurt if isinstance(hurt, list) else [hurt] if type(hurt) is int else []
        struck = time.monotonic()
        clocks = self._clocks(name, struck, seq, control)
        took = {what: promised for what, (_, promised) in clocks.items()}
        async with asyncio.TaskGroup() as group:
            running = {what: group.create_task(clock) for what, (clock, _) in clocks.items()}
        after = await asyncio.to_thread(self._places)
        moved = {ref: (at, after.get(ref)) for ref, at in places.items() if after.get(ref) != at}
        assert not moved, f"{name}: places in line changed: {moved}"
        await self._judge(name, {each: (running[each].result(), took[each]) for each in took}, control)

    def _clocks(
        self, name: str, struck: float, seq: int, control: Control
    ) -> dict[str, tuple[Coroutine[Any, Any, float], float]]:
        """What has to be well again after this fault, and how soon."""
        web, worker = "web" in name, "worker" in name
        clocks = {
            "answered in time": (self._answered_again(name, struck, control), BACK_S),
            "offered": (self._served_again(name, seq, _now_ms()), BACK_S),
            "answers leave": (self._sent_again(name, struck), SENT_S),
        }
        if web:
            clocks["desks back after the web"] = self._desks_back(name, struck), DESK_S
        if worker:
            clocks["those under way"] = self._all_sent(name, struck), LEAVES_S
        if "mail" in name:
            clocks["mail taken"] = self._mail_taken(name, struck), BACK_S
        return clocks

    async def _judge(self, name: str, took: Took, control: Control) -> None:
        """Hold the site to its word, or to what that is worth on a machine that others use as well."""
        _say(f"{name}: " + ", ".join(f"{what} {seconds:.2f} s" for what, (seconds, _) in took.items()))
        if all(seconds <= promised for seconds, promised in took.values()):
            return
        crowded = max(control.crowding, await asyncio.to_thread(crowding))
        slower = min(crowded, CROWDED_MAX) if crowded > CROWDED or control.p99_s > INGEST_S else 1.0
        if slower > 1:
            _say(f"{name}: too late, but this machine is too busy to tell, by {crowded:.1f}")
        late = {what: seconds for what, (seconds, promised) in took.items() if seconds > slower * promised}
        assert not late, f"{name}: too late: {late}, crowding {crowded:.2f}"

    def freezing(self, role: str) -> Callable[[], object]:
        """SIGSTOP of this role while it holds the counter."""
        return partial(self.patient.freeze_holding_the_counter, role, self.random)

    async def goes_without_redis(self, *, seconds: float) -> None:
        """Answers and offers go on in time while there is no Redis, and when it is back."""
        name = f"{seconds:g} s without redis"
        gone = self.patient.without_redis()
        control = await self._control(name)
        await self.suffers(name, gone.__enter__)
        began = time.monotonic()
        try:
            while time.monotonic() < began + seconds:
                await asyncio.sleep(WINDOW_S)
                self.calm_since = time.monotonic() - WINDOW_S
                assert not self.patient.redis_answers(), "another Redis came up"
                answers_s = await self._p99_before()
                await self._judge(name, {"p99": (answers_s, control.answer_s)}, control)
            late = await asyncio.to_thread(self._lateness)
            worst = max(late_s for said_at, late_s in late if began <= said_at < time.monotonic() - LATE_S)
            await self._judge(name, {"an answer left after": (worst, LATE_S)}, control)
        finally:
            await self.suffers(f"after {name}", partial(gone.__exit__, None, None, None))

    async def _control(self, name: str) -> Control:
        p99_s, crowded = await asyncio.gather(self._p99_before(), asyncio.to_thread(crowding))
        _say(f"{name}: before it p99 {p99_s * 1000:.0f} ms, crowding {crowded:.2f}")
        return Control(p99_s=p99_s, crowding=crowded)

    async def _p99_before(self) -> float:
        """p99 of the answers just before a fault. Waits a while until everything said is answered."""
        began = time.monotonic()
        while True:
            until = time.monotonic() - INGEST_S
            if until - WINDOW_S >= self.calm_since:
                found = p99(self.public.answer_times(until - WINDOW_S, until))
                if found < inf:
                    return found
            assert time.monotonic() < began + CROWDED_MAX * BACK_S, "something said is never answered"
            await asyncio.sleep(0.1)

    async def _answered_again(self, name: str, struck: float, control: Control) -> float:
        """Seconds until answers came in time again."""
        since = struck
        while since <= struck + CROWDED_MAX * BACK_S:
            while time.monotonic() < since + WINDOW_S + control.answer_s:
                await asyncio.sleep(0.05)
            if p99(self.public.answer_times(since, since + WINDOW_S)) <= control.answer_s:
                self.calm_since = since
                return since - struck
            since += 0.25
        raise AssertionError(f"{name}: p99 never comes below {control.answer_s} s again")

    async def _served_again(self, name: str, seq: int, struck_ms: int) -> float:
        """Seconds until somebody was offered something again."""
        while _now_ms() < struck_ms + CROWDED_MAX * BACK_S * 1000:
            rows = await asyncio.to_thread(self.patient.rows, seq)
            for row in rows:
                if row.kind == "offered" and row.at_ms > struck_ms + COMMIT_MS:
                    return (row.at_ms - struck_ms) / 1000
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name}: nobody is offered anything any more")

    async def _sent_again(self, name: str, struck: float) -> float:
        """Seconds until an answer that was given after the fault has reached its customer."""
        while time.monotonic() < struck + CROWDED_MAX * SENT_S:
            late = await asyncio.to_thread(self._lateness)
            arrived = [said_at + late_s - struck for said_at, late_s in late if said_at > struck]
            if min(arrived, default=inf) < inf:
                return min(arrived)
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name}: no answer leaves any more")

    async def _all_sent(self, name: str, struck: float) -> float:
        """Seconds until every answer that was given before the fault has reached its customer."""
        while time.monotonic() < struck + CROWDED_MAX * LEAVES_S:
            late = await asyncio.to_thread(self._lateness)
            last = max((said_at + late_s for said_at, late_s in late if said_at <= struck), default=struck)
            if last < inf:
                return max(last - struck, 0.0)
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name}: an answer that was under way never leaves")

    async def _mail_taken(self, name: str, struck: float) -> float:
        """Seconds until a mail that was handed over after the fault was acknowledged."""
        while time.monotonic() < struck + CROWDED_MAX * BACK_S:
            taken = [each.kept_at for each in self.public.boxes.kept() if each.kept_at > struck + 0.02]
            if taken:
                return min(taken) - struck
            await asyncio.sleep(0.05)
        raise AssertionError(f"{name}: no mail is taken any more")

    def _lateness(self) -> list[tuple[float, float]]:
        return lateness(self.clerks, self.patient.far.arrivals())

    async def _desks_back(self, name: str, struck: float) -> float:
        """Seconds from the web's return to that of the last desk."""
        await asyncio.sleep(0.1)
        while not await answers(self.patient.url):
            assert time.monotonic() < struck + CROWDED_MAX * BACK_S, f"{name}: the web does not come back"
            await asyncio.sleep(0.02)
        back = time.monotonic()
        _say(f"{name}: the web was back after {back - struck:.2f} s")
        late = list(self.clerks)
        while late:
            late = [each for each in late if not any(shown.at > struck for shown in each.shown)]
            assert time.monotonic() < back + CROWDED_MAX * BACK_S, f"{name}: {len(late)} desks are not back"
            await asyncio.sleep(0.02)
        first_shown = [min(shown.at for shown in each.shown if shown.at > struck) for each in self.clerks]
        return max(first_shown) - back

    def _places(self) -> dict[str, int]:
        """The place in line of every interaction there ever was; fails when one is in limbo."""
        return self.patient.ask(_places)

    def _last_seq(self) -> int:
        return self.patient.ask(lambda db: _number(db, "SELECT last_seq FROM stream WHERE own = 1"))

    def _left_over(self) -> int:
        """How many interactions are open, and how many answers have not left."""
        return self.patient.ask(
            lambda db: _number(
                db,
                "SELECT (SELECT count(*) FROM interaction WHERE closed_seq = 0)"
                " + (SELECT count(*) FROM outbox WHERE status = 'due')",
            )
        )

    async def drain(self) -> None:
        """Nobody comes any more, and everybody is dealt with."""
        self.public.hush()
        for clerk in self.clerks:
            clerk.handling_s = 0.1
        began = time.monotonic()
        while self.public.here or await asyncio.to_thread(self._left_over):
            assert time.monotonic() - began < DRAIN_S, self.public.left_over()
            await asyncio.sleep(0.2)
        _say(f"everybody was dealt with after {time.monotonic() - began:.2f} s")
        chatted = [each.text for each in everything_said(self.clerks) if each.channel == "chat"]
        assert await missing_from_fresh_pages(self.public.crowd, chatted) == []
        left = set(self.hurt) & set(self.patient.centre.pids())
        assert not left, "a process that was killed or stopped was not replaced"
        wait_until(self.patient.redis_answers, "Redis answers", within_s=BACK_S)


@asynccontextmanager
async def trial(
    patient: Patient, *, seed: int, handling_s: float = 3.0, within_s: float = TRIAL_S
) -> AsyncIterator[Trial]:
    """Everybody at work: so many people outside, all desks, until the end of the block."""
    door = Door(patient.url)
    clerks = await signed_in(door, patient.sign_ins)
    for clerk in clerks:
        clerk.handling_s = handling_s
    public = _public(patient, door, seed)
    work = [asyncio.create_task(clerk.work()) for clerk in clerks]
    work.append(asyncio.create_task(public.come()))
    try:
        async with asyncio.timeout(within_s):
            while not (
                len(public.crowd.kept()) >= CHATS
                and all(clerk.held for clerk in clerks)
                and patient.far.arrivals()
                and public.boxes.kept()
            ):
                for task in work:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.05)
            yield Trial(patient, public, clerks, Random(seed))
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _public(patient: Patient, door: Door, seed: int) -> Public:
    post = Door(f"http://127.0.0.1:{patient.smtp_port}")
    return Public(
        Crowd(door, CHATS, PACE_S, seed=seed),
        telephones(door, patient.far, count=PHONES, pace_s=PACE_S, seed=seed),
        mailboxes(post, patient.far, port=patient.smtp_port, count=MAILBOXES, pace_s=MAIL_PACE_S, seed=seed),
    )


def _places(db: Connection) -> dict[str, int]:
    assert truth.in_limbo(db) == []
    return truth.accepted_at_of(db)


def _number(db: Connection, sql: str) -> int:
    found = db.row(sql)
    assert found is not None
    return int(found[0])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _say(line: str) -> None:
    print(line, flush=True)
