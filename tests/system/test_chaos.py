"""kill -9, SIGSTOP and a vanished Redis under load: nothing is lost, and everybody is served again.

A real centre, 200 chats at once from outside, agents at real desks. After each fault the clocks of
docs/promises.md run; at the end the journal, the tables and what everybody outside was told are compared.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import pytest

from router.journal.database import open_database
from tests.system import truth
from tests.system.centre import Patient, answers, patient
from tests.system.crew import Clerk, signed_in
from tests.system.outside import Crowd, missing_from_fresh_pages, p99

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("chaos")]

CHATS: Final = 200
PACE_S: Final = 4.0
"""Each of them says something this often: 50 messages a second."""

BACK_S: Final = 5.0
INGEST_S: Final = 0.25
DESK_S: Final = 2.0
"""docs/promises.md: served again, acknowledged, and back at the desk."""

WINDOW_S: Final = 2.5
"""Answer times are judged over this long: more than a hundred messages."""

DRAIN_S: Final = 40.0


@dataclass(slots=True)
class Trial:
    """A centre under load, and what a fault did to it."""

    patient: Patient
    crowd: Crowd
    clerks: list[Clerk]
    random: Random
    calm_since: float = 0.0
    """When answers came in time again after the last fault."""

    said: list[str] = field(default_factory=list)

    async def suffers(self, name: str, fault: Callable[[], object]) -> None:
        """The fault, and then every promise about what comes after it."""
        control_s = await self._control()
        waiting = await asyncio.to_thread(self._places)
        seq = await asyncio.to_thread(self._last_seq)
        await asyncio.to_thread(fault)
        struck, struck_ms = time.monotonic(), _now_ms()
        back = asyncio.create_task(self._web_back(name, struck)) if "web" in name else None
        after_s = await self._answered_again(name, struck, control_s)
        served_s = await self._served_again(name, seq, struck_ms)
        if back is not None:
            await back
        self._check_places(name, waiting, await asyncio.to_thread(self._places))
        self._say(
            f"{name}: answered in time after {after_s:.2f} s, offered after {served_s:.2f} s"
            f" (p99 before {control_s * 1000:.0f} ms)"
        )

    async def _control(self) -> float:
        """p99 of the answers just before a fault. Waits until everything said is answered."""
        while True:
            until = time.monotonic() - 2 * INGEST_S
            if until - WINDOW_S >= self.calm_since:
                return p99(self.crowd.answer_times(until - WINDOW_S, until))
            await asyncio.sleep(0.1)

    async def _answered_again(self, name: str, struck: float, control_s: float) -> float:
        """Seconds until answers came in time again. Fails when it took too long."""
        limit_s = INGEST_S
        if control_s > INGEST_S:
            limit_s = 2 * control_s
            self._say(
                f"{name}: the machine is overloaded (p99 {control_s:.3f} s before): {limit_s:.3f} s allowed"
            )
        worst, times = 0.0, list[float]()
        since = struck
        while since <= struck + BACK_S:
            while time.monotonic() < since + WINDOW_S + limit_s:
                await asyncio.sleep(0.05)
            times = self.crowd.answer_times(since, since + WINDOW_S)
            if (worst := p99(times)) < limit_s:
                self.calm_since = since
                return since - struck
            since += 0.25
        late = sum(each > limit_s for each in times)
        raise AssertionError(
            f"{name}: {late} of {len(times)} late, p99 is {worst:.3f} s {BACK_S} s later, it was {control_s:.3f} s before"
        )

    async def _served_again(self, name: str, seq: int, struck_ms: int) -> float:
        """Seconds until somebody was offered something again. Fails when it took too long."""
        while True:
            rows = await asyncio.to_thread(self.patient.rows, seq)
            after = [
                row.at_ms - struck_ms for row in rows if row.kind == "offered" and row.at_ms > struck_ms + 20
            ]
            if after:
                assert after[0] <= BACK_S * 1000, f"{name}: nobody was offered anything for {after[0]} ms"
                return after[0] / 1000
            assert _now_ms() < struck_ms + 2 * BACK_S * 1000, f"{name}: nobody is offered anything"
            await asyncio.sleep(0.1)

    async def _web_back(self, name: str, struck: float) -> None:
        """Every desk is there two seconds after the web is."""
        await asyncio.sleep(0.1)
        while not await answers(self.patient.url):
            assert time.monotonic() < struck + 30, f"{name}: the web does not come back"
            await asyncio.sleep(0.02)
        back = time.monotonic()
        late = list(self.clerks)
        while late:
            late = [each for each in late if not any(shown.at > struck for shown in each.shown)]
            assert time.monotonic() < back + 10, f"{name}: {[each.agent_id for each in late]} are not back"
            await asyncio.sleep(0.02)
        took_s = (
            max(min(shown.at for shown in each.shown if shown.at > struck) for each in self.clerks) - back
        )
        self._say(f"{name}: the web was back after {back - struck:.2f} s, the last desk {took_s:.2f} s later")
        assert took_s <= DESK_S, f"{name}: the last desk was back {took_s:.2f} s after the web"

    def _check_places(self, name: str, before: dict[str, int], after: dict[str, int]) -> None:
        moved = {ref: (at, after.get(ref)) for ref, at in before.items() if after.get(ref) != at}
        assert not moved, f"{name}: places in line changed: {moved}"

    def _places(self) -> dict[str, int]:
        """The place in line of every interaction there ever was; fails when one is in limbo."""
        database = open_database(self.patient.database_url, unsafe=True)
        try:
            with database.reading() as db:
                assert truth.in_limbo(db) == []
                return truth.accepted_at_of(db)
        finally:
            database.close()

    def _last_seq(self) -> int:
        database = open_database(self.patient.database_url, unsafe=True)
        try:
            with database.reading() as db:
                found = db.row("SELECT last_seq FROM stream WHERE own = 1")
                assert found is not None
                return int(found[0])
        finally:
            database.close()

    async def drain(self) -> None:
        """Nobody comes any more, and everybody is dealt with."""
        self.crowd.hush()
        for clerk in self.clerks:
            clerk.handling_s = 0.1
        began = time.monotonic()
        while self.crowd.here or await asyncio.to_thread(self._still_open):
            assert time.monotonic() - began < DRAIN_S, f"{self.crowd.here} customers are never dealt with"
            await asyncio.sleep(0.2)
        self._say(f"everybody was dealt with after {time.monotonic() - began:.2f} s")

    def _still_open(self) -> int:
        database = open_database(self.patient.database_url, unsafe=True)
        try:
            with database.reading() as db:
                found = db.row("SELECT count(*) FROM interaction WHERE closed_seq = 0")
                return int(found[0]) if found else 0
        finally:
            database.close()

    def _say(self, line: str) -> None:
        self.said.append(line)
        print(line, flush=True)


@asynccontextmanager
async def trial(patient: Patient, *, seed: int, handling_s: float = 3.0) -> AsyncIterator[Trial]:
    """Everybody at work: so many chats, all desks, until the end of the block."""
    url = patient.url
    clerks = await signed_in(url, patient.sign_ins)
    for clerk in clerks:
        clerk.handling_s = handling_s
    crowd = Crowd(url, CHATS, PACE_S, seed=seed)
    work = [asyncio.create_task(clerk.work()) for clerk in clerks]
    work.append(asyncio.create_task(crowd.come(per_s=100)))
    try:
        while len(crowd.kept()) < CHATS or not all(clerk.held for clerk in clerks):
            for task in work:
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)
        yield Trial(patient, crowd, clerks, Random(seed))
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def check_everything(trial: Trial) -> None:
    """What people outside were told, the tables and the journal agree, and no promise was broken."""
    kept = trial.crowd.kept()
    rows = trial.patient.rows()
    database = open_database(trial.patient.database_url, unsafe=True)
    try:
        with database.reading() as db:
            history = truth.History().follow(rows, truth.accepted_at_of(db))
            assert truth.lost(db, kept) == []
            assert truth.lost_replies(db, trial.clerks) == []
            assert truth.in_limbo(db) == []
    finally:
        database.close()
    assert history.two_holders == []
    assert history.out_of_order == []
    assert history.mistakes == []
    assert truth.overlapping(trial.clerks) == []
    assert [fault for each in trial.crowd.customers for fault in each.faults + each.refused] == []
    messages = defaultdict(list)
    for row in rows:
        if row.kind in ("arrived", "message_added", "replied"):
            messages[row.ref].append((json.loads(row.data)["message_id"], row.at_ms))
    wrong = [truth.untrue(history, shown, messages) for clerk in trial.clerks for shown in clerk.shown]
    assert [each for each in wrong if each] == []
    print(
        f"{len(kept)} messages of {len(trial.crowd.customers)} chats, {history.counts['offered']} offers,"
        f" {sum(each.reconnects for each in trial.crowd.customers)} reconnects, {len(rows)} rows"
    )


async def test_whatever_dies_or_freezes_nothing_acknowledged_is_lost(data_dir: Path):
    """Each fault once, on SQLite."""
    with patient(data_dir, agents=12) as hurt:
        async with trial(hurt, seed=1) as now:
            for role in ("router", "web", "worker", "redis"):
                await now.suffers(f"kill -9 of {role}", partial(hurt.kill, role))
            await now.suffers("FLUSHALL", partial(hurt.redis.say, "FLUSHALL"))
            for role in ("router", "web"):
                hold = partial(hurt.freeze_holding_the_counter, role, now.random)
                await now.suffers(f"SIGSTOP of {role} while it holds the counter", hold)
            await now.suffers("SIGSTOP of worker", partial(hurt.freeze, "worker"))
            await now.suffers("SIGSTOP of redis", partial(hurt.freeze, "redis"))
            await now.drain()
            assert await missing_from_fresh_pages(now.crowd) == []
        check_everything(now)
        assert hurt.centre.stop() == 0
        hurt.asks_journal("verify")
        hurt.asks_journal("replay")
