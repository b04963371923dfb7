"""One site on several machines: what happens to some of them costs nobody anything."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest

from router.journal.database import open_database
from tests.system.balancer import balancer
from tests.system.crew import signed_in
from tests.system.machines import OURS, Machines, Role, machines
from tests.system.outside import Crowd, Door
from tests.system.postgres import PostgresServer, either, start_postgres
from tests.system.trial import Trial
from tests.system.verdict import check_everything
from tests.system.writers import Public, Writers, mailboxes, telephones

pytestmark = [pytest.mark.system, pytest.mark.timed]

LATE_S = 120.0
"""Only a guard: what is waited for comes in seconds."""


async def until(true: object, what: str) -> None:
    """Wait for a condition beside the crowd."""
    assert callable(true)
    began = time.monotonic()
    while not await asyncio.to_thread(true):
        assert time.monotonic() - began < LATE_S, f"never: {what}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def at_work(site: Machines, *, chats: int, phones: int, boxes: int = 0) -> AsyncIterator[Trial]:
    """Everybody outside and at the desks, in front of all webs, until the end of the block."""
    async with balancer(site.web_ports, site.port):
        door = Door(site.url)
        clerks = await signed_in(door, site.sign_ins)
        for clerk in clerks:
            clerk.handling_s = 1.0
        post = Door(f"http://127.0.0.1:{site.smtp_port}") if boxes else door
        public = Public(
            Crowd(door, chats, 2.0, seed=5),
            telephones(door, site.far, count=phones, pace_s=2.0, seed=5),
            mailboxes(post, site.far, port=site.smtp_port, count=boxes, pace_s=4.0, seed=5)
            if boxes
            else Writers([]),
        )
        work = [asyncio.create_task(clerk.work()) for clerk in clerks]
        work += [asyncio.create_task(public.come()), asyncio.create_task(_kept(site))]
        trial = Trial(site, public, clerks, Random(5))
        try:
            await until(
                lambda: all(clerk.held for clerk in clerks) and site.far.arrivals(), "everybody is busy"
            )
            yield trial
            for task in work:
                assert not task.done() or task.result() is None
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)


async def _kept(site: Machines) -> None:
    """Whatever ends without having been told to is started again."""
    while True:
        for role in site.roles.values():
            role.keep()
        await asyncio.sleep(0.2)


async def drained(trial: Trial) -> None:
    """Nobody comes any more, and everybody is dealt with; then everything is compared."""
    site = trial.patient
    trial.public.hush()
    for clerk in trial.clerks:
        clerk.handling_s = 0.1
    await until(lambda: not trial.public.here and not site.left_over(), trial.public.left_over())
    await asyncio.to_thread(check_everything, trial)


async def accepted_more(trial: Trial, count: int) -> None:
    """Wait until so many more were taken: the site goes on."""
    before = sum(len(clerk.held) for clerk in trial.clerks)
    await until(
        lambda: sum(len(clerk.held) for clerk in trial.clerks) >= before + count, f"{count} more are taken"
    )


def _whole(site: Machines, *names: str) -> None:
    for name in names:
        site.add(name)
    site.wait()


@pytest.fixture
def site(data_dir: Path, postgres_url: str):
    with machines(data_dir, postgres_url, agents=8) as site:
        site.prepare()
        yield site


@pytest.mark.timeout(300)
async def test_a_killed_machine_costs_nothing(site: Machines):
    """Power fails at one of two: its desks come back at the other, nobody is lost or offered twice."""
    await asyncio.to_thread(_whole, site, "web-1", "web-2", "router-1", "router-2", "worker-1", "worker-2")
    async with at_work(site, chats=8, phones=4) as trial:
        assert len(site.desks_of_webs()) == 2, "desks are on both webs"
        lost = site.active_router().name.partition("-")[2]
        for role in [each for each in site.roles.values() if each.name.endswith(lost)]:
            role.stop(signal.SIGKILL)
        await until(lambda: site.desks_of_webs() == [len(trial.clerks)], "every desk is at the other web")
        await accepted_more(trial, 8)
        await drained(trial)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_promoted_replica_goes_on_where_the_primary_died(data_dir: Path):
    """Kill -9 of the database's machine: nothing is lost, and no role has to be restarted by hand."""
    for primary in start_postgres():
        replica = await asyncio.to_thread(_prepared_pair, data_dir, primary)
        with machines(data_dir, either(primary, replica), agents=8) as site:
            await asyncio.to_thread(site.prepare)
            names = ("web-1", "web-2", "router-1", "router-2", "worker-1", "worker-2")
            await asyncio.to_thread(_whole, site, *names)
            async with at_work(site, chats=12, phones=6) as trial:
                primary.kill()
                await asyncio.to_thread(replica.promote)
                await accepted_more(trial, 16)
                await drained(trial)
            await asyncio.to_thread(site.asks_journal, "verify")
            await asyncio.to_thread(site.asks_journal, "replay")
        replica.stop()


def _prepared_pair(data_dir: Path, primary: PostgresServer) -> PostgresServer:
    with closing(open_database(primary.url())) as database:
        database.create_tables(site="here")
    return primary.copy("replica", synchronous=True)


async def _rolled(trial: Trial, role: Role) -> None:
    await asyncio.to_thread(role.roll, OURS)
    await accepted_more(trial, 4)


@pytest.fixture
def older() -> Path:
    """A checkout of the release before, which whoever prepares a release names."""
    named = os.environ.get("MUSTER_OLDER_RELEASE", "")
    if not named:
        pytest.skip("MUSTER_OLDER_RELEASE names no checkout of an older release")
    return Path(named)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_older_release_is_replaced_machine_by_machine_under_load(
    data_dir: Path, postgres_url: str, older: Path
):
    """Both releases work on one database meanwhile: F-25. And the way back, for one machine."""
    with machines(data_dir, postgres_url, agents=8) as site:
        await asyncio.to_thread(site.prepare, older)
        for name in ("web-1", "web-2", "router-1", "router-2", "worker-1", "worker-2"):
            site.add(name, older)
        await asyncio.to_thread(site.wait)
        async with at_work(site, chats=10, phones=6) as trial:
            await asyncio.to_thread(site.prepare)
            for role in [*site.of("web"), *site.of("router"), *site.of("worker")]:
                await _rolled(trial, role)
            back = site.roles["web-1"]
            await asyncio.to_thread(back.roll, older)
            await accepted_more(trial, 8)
            await _rolled(trial, back)
            await drained(trial)
        await asyncio.to_thread(site.prepare)
        await asyncio.to_thread(site.asks_journal, "verify")
        await asyncio.to_thread(site.asks_journal, "replay")


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_upgrade_under_load_loses_and_doubles_nothing(site: Machines):
    """Each role of each machine stops in order and comes back, while people call for help all the time."""
    names = ("web-1", "web-2", "router-1", "router-2", "worker-1", "worker-2", "mail-1")
    await asyncio.to_thread(_whole, site, *names)
    async with at_work(site, chats=15, phones=8, boxes=4) as trial:
        for role in [*site.of("web"), *site.of("router"), *site.of("worker"), *site.of("mail")]:
            await _rolled(trial, role)
        assert all(role.exits == [0] for role in site.roles.values())
        await drained(trial)
    await asyncio.to_thread(site.asks_journal, "verify")
    await asyncio.to_thread(site.asks_journal, "replay")
