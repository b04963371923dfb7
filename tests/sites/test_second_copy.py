"""What stands between "on disk here" and the acknowledgement: waits, gives up, says so. No Redis here."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from router.channels.ingest import Keeper, NotKept, keep
from router.channels.port import Contact
from router.journal.committer import Committer
from router.journal.database import open_database
from router.sites.copy_gaps import open_gaps, single_copies
from router.sites.copy_line import LATE_MAX
from router.sites.second_copy import NoSecondCopy, SecondCopy

GUARD_S = 20
NEVER_MS = 600_000


class Site:
    """A site's journal whose peer has what a test says."""

    def __init__(self, database):
        self.database, self.committer, self.said = database, Committer(database), 0
        self.wait_ms, self.in_use, self.in_use_max = NEVER_MS, 0, 0

    def second(self, **more):
        return SecondCopy(
            self, self.committer.append, site="a", redis_url="", wait_ms=lambda: self.wait_ms, **more
        )

    @contextmanager
    def reading(self):
        """What SecondCopy asks of a database; how many ask at once is counted."""
        self.in_use += 1
        self.in_use_max = max(self.in_use_max, self.in_use)
        try:
            with self.database.reading() as db:
                yield db
        finally:
            self.in_use -= 1

    def contact(self):
        self.said += 1
        return Contact(
            channel="sms", account="sms", provider_id=str(self.said), body=b"help", received_at_ms=1_000
        )

    def has_copied(self, through):
        with self.database.writing() as db:
            db.run("DELETE FROM position WHERE reader = 'peer'")
            db.run("INSERT INTO position (reader, read_through, now_ms) VALUES ('peer', :n, 0)", n=through)

    def newest(self):
        with self.database.reading() as db:
            return db.row("SELECT last_seq FROM stream WHERE own = 1")[0]

    def gaps(self):
        with self.database.reading() as db:
            return [(each.from_seq, each.through_seq) for each in open_gaps(db)]

    def single(self):
        with self.database.reading() as db:
            return len(single_copies(db))


@pytest.fixture
def site(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/muster.db", unsafe=True)
    database.create_tables(site="a")
    site = Site(database)
    yield site
    site.committer.close()
    database.close()


@contextmanager
def running(second):
    task = asyncio.ensure_future(second.run())
    try:
        yield second
    finally:
        task.cancel()


def in_time(coroutine):
    """Runs it; GUARD_S is a guard only."""
    return asyncio.run(asyncio.wait_for(coroutine, GUARD_S))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


def test_a_contact_is_acknowledged_after_the_other_site_has_it(site):
    """Promise 1, in its order: on disk here, on disk there, answered."""

    async def story():
        with running(site.second()) as second:
            asked = []

            async def copied(seq):
                asked.append((seq, site.newest()))
                return await second.reached(seq)

            keeper = Keeper(web_id="w", copied=copied)
            keeping = asyncio.create_task(keep(site.committer, site.contact(), keeper))
            await until(lambda: asked)
            seq, newest = asked[0]
            assert seq == newest, "it is on disk here before anybody waits"
            site.has_copied(seq - 1)
            await asyncio.sleep(0.2)  # more than one look at the table
            assert not keeping.done()
            site.has_copied(seq)
            kept = await keeping
            assert kept.began
            assert site.gaps() == []

    in_time(story())


def test_a_repeat_waits_for_the_row_that_it_repeats(site):
    """The first one may have died between its commit and its copy: its provider was told nothing."""

    async def story():
        contact, asked = site.contact(), []

        async def copied(seq):
            asked.append(seq)

        first = await keep(site.committer, contact, Keeper(web_id="w", copied=copied))
        await keep(site.committer, site.contact(), Keeper(web_id="w"))
        again = await keep(site.committer, contact, Keeper(web_id="w", copied=copied))
        assert again.repeated and again.message_id == first.message_id
        with site.database.reading() as db:
            row = db.row("SELECT seq FROM message WHERE message_id = :m", m=first.message_id)
        assert asked == [row[0], row[0]]

    in_time(story())


def test_who_waits_too_long_is_acknowledged_and_openly_single(site):
    """A provider does not wait for ever, and what is here only is said before it is told anything."""
    site.wait_ms = 80

    async def story():
        with running(site.second()) as second:
            await keep(site.committer, site.contact(), Keeper(web_id="w", copied=second.reached))
            assert site.single() == 1
            assert not second.lagging

    in_time(story())


def test_nobody_waits_any_more_after_three_and_everybody_does_when_the_peer_is_back(site):
    """An outage costs three contacts a second each, not every one of them."""
    site.wait_ms = 80

    async def story():
        outcomes = []
        with running(site.second(note=lambda outcome, waited: outcomes.append(outcome.value))) as second:
            keeper = Keeper(web_id="w", copied=second.reached)
            for _ in range(LATE_MAX):
                await keep(site.committer, site.contact(), keeper)
            assert second.lagging
            site.wait_ms = NEVER_MS
            for _ in range(5):
                await keep(site.committer, site.contact(), keeper)
            # Two found out by waiting; the third ends it for everybody, as one gap.
            assert outcomes == ["slow"] * LATE_MAX + ["lagging"] * 5
            assert [through for _, through in site.gaps()].count(0) == 1
            assert site.single() == LATE_MAX + 5
            site.has_copied(site.newest())
            await until(lambda: not second.lagging)
            waiting = asyncio.create_task(keep(site.committer, site.contact(), keeper))
            await until(lambda: second._line.waiting == 1)
            site.has_copied(site.newest())
            await waiting
            assert outcomes[-1] == "copied"

    in_time(story())


def test_a_thousand_that_wait_hold_no_connection_and_no_thread(site):
    """A burst while the peer is slow: the database has other things to do."""

    async def story():
        with running(site.second()) as second:
            await asyncio.to_thread(lambda: None)
            threads = threading.active_count()
            waiting = [asyncio.create_task(second.reached(seq)) for seq in range(1, 1_001)]
            await until(lambda: site.in_use_max > 0 and site.in_use == 0)
            held = []
            for _ in range(20):
                await asyncio.sleep(0.01)
                held.append(site.in_use)
            assert site.in_use_max == 1, "one looks for all of them"
            assert 0 in held, "and holds nothing between two looks"
            assert threading.active_count() <= threads + 4
            site.has_copied(1_000)
            assert all(await asyncio.gather(*waiting))

    in_time(story())


def test_what_cannot_be_said_to_be_single_is_not_acknowledged(site):
    """The database went away while it waited: the provider comes again, and that is harmless."""
    site.wait_ms = 80

    async def story():
        with running(site.second()) as second:
            keeping = asyncio.create_task(
                keep(site.committer, site.contact(), Keeper(web_id="w", copied=second.reached))
            )
            await until(lambda: second._line.waiting == 1)
            site.committer.close()
            with pytest.raises(NotKept):
                await keeping

    in_time(story())


def test_a_call_rings_while_its_copy_is_on_its_way(site):
    """Nobody in need hears silence because another site is slow; what is single is said all the same."""
    site.wait_ms = 80

    async def story():
        with running(site.second()) as second:
            kept = await keep(site.committer, site.contact(), Keeper(web_id="w"))
            assert kept.began
            second.beside(site.newest())
            assert site.single() == 0
            await until(lambda: site.single() == 1)

    in_time(story())


def test_one_site_alone_waits_for_nobody():
    """Everything of the pair is off without MUSTER_SITE."""
    assert NoSecondCopy().copied is None
    assert in_time(NoSecondCopy().reached(7))
