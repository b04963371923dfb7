"""Nothing is decided or sent before somebody who lives says that this site knows who serves."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from router.journal.committer import CommitUnknown
from router.sites.passage import AWAY_S, GATE, HEARD_S, Gap, Passage, Vouch, began
from router.sites.status import PEER, put_status
from tests.journal.conftest import committer, database, database_url
from tests.sites.test_boot_gate import Time, later
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["committer", "database", "database_url", "postgres_server", "postgres_url"]

GUARD_S = 20


def vouches(database, key=GATE, at_ms=0):
    """What the peer role, or one of that role, says; now where no time is told."""
    with database.writing() as db:
        put_status(db, key, at_ms or began(database), {"run": "r"})


def passage(database, committer, *, role="router", since_ms=0, time=None, patience_s=60.0, longest_s=60.0):
    gap = Gap(time.clocks if time else Time().clocks)
    since_ms = since_ms or later(database)
    return Passage(
        database,
        committer,
        role=role,
        since_ms=since_ms,
        gap=gap,
        patience_s=patience_s,
        longest_s=longest_s,
    )


async def waits(task):
    """Whether it has not passed although it looked again and again."""
    await asyncio.wait({task}, timeout=0.5)
    return not task.done()


async def test_what_was_true_in_the_last_life_lets_nobody_pass(database, committer):
    """The gate was open when the site died; since then the other site has taken it over."""
    vouches(database)
    vouches(database, "gate/router")
    one = passage(database, committer)
    passing = asyncio.create_task(one.passes())
    assert await waits(passing)
    vouches(database)
    assert await asyncio.wait_for(passing, GUARD_S)


async def test_a_site_that_is_alone_goes_on(database, committer):
    """Nobody answers, or the peer role itself does not start: customers wait for this site."""
    one = passage(database, committer, patience_s=0.2)
    assert await asyncio.wait_for(one.passes(), GUARD_S)


@asynccontextmanager
async def beats(database, **said):
    """The other site answers, and the peer role says so; its machine's clock is an hour behind."""

    async def keep():
        at_ms = began(database) - 3_600_000
        while True:
            at_ms += 1
            with database.writing() as db:
                put_status(db, PEER, at_ms, said)
            await asyncio.sleep(0.05)

    beating = asyncio.create_task(keep())
    yield
    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating


async def test_while_the_other_site_is_heard_what_it_did_is_waited_for(database, committer):
    """Hours of it are copied in minutes: who goes on before sends again what was answered there."""
    one = passage(database, committer, patience_s=0.4, role="worker")
    async with beats(database):
        passing = asyncio.create_task(one.passes())
        assert await waits(passing)
        assert await waits(passing)
    assert await asyncio.wait_for(passing, GUARD_S), "it fell silent: this site is alone"


async def test_nobody_waits_for_ever_for_a_site_that_is_heard(database, committer):
    """Something keeps its words from this one, and customers wait here."""
    one = passage(database, committer, patience_s=0.2, longest_s=0.8)
    async with beats(database):
        assert await asyncio.wait_for(one.passes(), GUARD_S)


async def test_a_site_whose_database_takes_nothing_is_not_waited_for(database, committer):
    """It answers out of memory, and has nothing to give."""
    one = passage(database, committer, patience_s=0.2)
    async with beats(database, stuck_ms=30_000):
        assert await asyncio.wait_for(one.passes(), GUARD_S)


async def test_what_was_heard_in_the_last_life_makes_nobody_wait(database, committer):
    """The site died a second ago, and the other one with it."""
    with database.writing() as db:
        put_status(db, PEER, began(database), {})
    one = passage(database, committer, patience_s=0.2)
    assert await asyncio.wait_for(one.passes(), HEARD_S)


@pytest.mark.parametrize("said", [{"run": "r"}, {}])
async def test_what_was_said_by_a_clock_that_was_ahead_lets_nobody_pass(database, committer, said):
    """The clock was set back since, or another server is the primary: it may be from the last life."""
    for key in (GATE, "gate/router"):
        with database.writing() as db:
            put_status(db, key, began(database) + 3_600_000, said)
    passing = asyncio.create_task(passage(database, committer).passes())
    assert await waits(passing)
    vouches(database)
    assert await asyncio.wait_for(passing, GUARD_S)


async def test_who_began_by_a_clock_that_was_ahead_hears_what_is_said_now(database, committer):
    """It began with the server that died: by the clock of the new one it has not begun yet."""
    one = passage(database, committer, since_ms=began(database) + 3_600_000)
    passing = asyncio.create_task(one.passes())
    assert await waits(passing)
    vouches(database)
    assert await asyncio.wait_for(passing, GUARD_S)


async def test_what_an_older_release_said_counts_in_the_life_in_which_it_was_said(database, committer):
    """It said it once, and its row stands there when all roles are started anew after an upgrade."""
    with database.writing() as db:
        put_status(db, GATE, began(database), {"why": "caught_up"})
    passing = asyncio.create_task(passage(database, committer).passes())
    assert await waits(passing)
    with database.writing() as db:
        put_status(db, GATE, began(database), {"why": "caught_up"})
    assert await asyncio.wait_for(passing, GUARD_S)


async def test_a_standby_passes_by_the_word_of_whom_it_replaces(database, committer):
    """Also where the machine that died had the peer role: the site lived, and a router decided."""
    since_ms = later(database)
    vouches(database, "gate/router", at_ms=since_ms)
    assert await asyncio.wait_for(passage(database, committer, since_ms=since_ms).passes(), GUARD_S)
    worker = passage(database, committer, since_ms=since_ms, role="worker")
    passing = asyncio.create_task(worker.passes())
    assert await waits(passing), "what a router knew says nothing to a worker that was not there"
    passing.cancel()


async def test_a_standby_does_not_pass_by_what_was_said_long_ago(database, committer):
    """Its machine was suspended with the others: that it began before them proves nothing."""
    since_ms = began(database) - 3_600_000
    vouches(database, "gate/router", at_ms=since_ms + 1_000)
    passing = asyncio.create_task(passage(database, committer, since_ms=since_ms).passes())
    assert await waits(passing)
    passing.cancel()


async def test_who_passed_vouches_for_the_next_one(database, committer):
    """A worker that starts beside one that sends waits for nothing, also while the peer role is away."""
    first = passage(database, committer, patience_s=0.0, role="worker")
    await first.passes()
    second = passage(database, committer, role="worker")
    keeping = asyncio.create_task(first.keep())
    assert await asyncio.wait_for(second.passes(), GUARD_S)
    keeping.cancel()


@pytest.mark.parametrize("clock", ["steady_s", "day_s"])
async def test_whoever_was_away_for_long_asks_again(database, committer, clock):
    """The database hung for longer than the policy waits: the other site serves, and its claims come now."""
    time = Time()
    one = passage(database, committer, time=time)
    vouches(database)
    assert await asyncio.wait_for(one.passes(), GUARD_S)
    setattr(time, clock, AWAY_S - 1)
    assert one.is_open()
    setattr(time, clock, AWAY_S + 1)
    vouches(database)
    later(database)
    passing = asyncio.create_task(one.passes())
    assert await waits(passing), "that was said before the database took anything again"
    vouches(database)
    assert await asyncio.wait_for(passing, GUARD_S)


async def test_the_time_does_not_run_while_the_database_takes_nothing(database, committer):
    """Nobody can vouch then: who gave up meanwhile would go on in the moment in which it is back."""
    gone = [True]

    class Hanging:
        async def append(self, append):
            if gone[0]:
                raise CommitUnknown("it stands still")
            return await committer.append(append)

    one = passage(database, Hanging(), patience_s=0.0)
    passing = asyncio.create_task(one.passes())
    assert await waits(passing)
    gone[0] = False
    assert await asyncio.wait_for(passing, GUARD_S)


async def test_a_router_that_lost_its_lease_waits_no_longer(database, committer):
    """Another one is active: this process has to end, and stand by."""
    active = [True]
    one = passage(database, committer)
    passing = asyncio.create_task(one.passes(lambda: active[0]))
    assert await waits(passing)
    active[0] = False
    assert await asyncio.wait_for(passing, GUARD_S) is False


async def test_what_hung_in_a_queue_vouches_for_nobody(database, committer):
    """It is written when the database is back, and would look as if it were said then."""
    since_ms = later(database)
    await committer.append(Vouch(key=GATE, fit=lambda: False, data={"run": "r"}))
    passing = asyncio.create_task(passage(database, committer, since_ms=since_ms).passes())
    assert await waits(passing)
    passing.cancel()
