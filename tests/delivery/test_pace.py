"""How fast an account sends: never faster than the plan says, over all workers; slower after a 429."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.channels.port import Outcome
from router.journal.database import Database
from router.run import pace
from router.run.pace import Bucket, permits, slowed
from tests.delivery.office import Office, open_office


@given(
    per_second=st.integers(1, 200),
    asks=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 60)), max_size=60),
)
def test_in_no_second_leave_more_than_the_plan_says(per_second: int, asks: list[tuple[int, int]]):
    """Whoever asks, whenever: in every window of a second it is at most the rate."""
    recent: list[Bucket] = []
    left: list[tuple[int, int]] = []
    now_ms = 1_000_000
    for pause_ms, wanted in asks:
        now_ms += pause_ms
        given, recent = permits(recent, now_ms=now_ms, per_second=per_second, wanted=wanted)
        left.append((now_ms, given.count))
        assert (given.count == wanted) == (given.wait_ms == 0)
    for began, _ in left:
        assert sum(count for at, count in left if began <= at < began + 1_000) <= per_second


@given(per_second=st.integers(1, 200), wanted=st.integers(1, 500))
def test_who_waits_as_told_gets_on(per_second: int, wanted: int):
    """Nothing waits for ever: after each pause at least one more may leave."""
    recent: list[Bucket] = []
    now_ms, pauses = 1_000_000, 0
    while wanted:
        given, recent = permits(recent, now_ms=now_ms, per_second=per_second, wanted=wanted)
        wanted -= given.count
        assert given.count or pauses == 0 or given.wait_ms <= 1_100
        now_ms += given.wait_ms
        pauses += 1
        assert pauses < 1_500


def test_a_clock_that_was_set_back_stops_nobody():
    """What left in a time that is to come again counts as of now, and no longer than a second."""
    _, recent = permits([], now_ms=10_000_000, per_second=2, wanted=2)
    given, recent = permits(recent, now_ms=1_000_000, per_second=2, wanted=1)
    assert given.count == 0
    given, _ = permits(recent, now_ms=1_000_000 + given.wait_ms, per_second=2, wanted=1)
    assert given.count == 1


@pytest.mark.parametrize(
    ("slower", "since_ms", "rate"),
    [(0, 0, 80), (1, 0, 40), (3, 0, 10), (9, 0, 2), (3, 30_000, 20), (3, 90_000, 80)],
)
def test_each_429_halves_it_and_time_gives_it_back(slower: int, since_ms: int, rate: int):
    """Half of the plan's rate, a quarter …, never nothing; after half a minute of peace twice as much."""
    assert slowed(80, slower, since_ms=since_ms) == rate
    assert slowed(1, slower, since_ms=since_ms) == 1


async def test_two_workers_share_one_rate_and_other_accounts_notice_nothing(database: Database):
    """The provider counts what comes from us all; whoever writes by another account does not wait."""
    async with open_office(database) as office:
        office.outlets.per_second["slow"] = 5
        other = office.another()
        for number in range(20):
            await office.says(f"slow {number}", to=f"+1555000{number:04}", account="slow")
        for number in range(8):
            await office.says("quick", to=f"+1555100{number:04}", account="quick")
        began_s = time.monotonic()
        await asyncio.gather(*(each.deliver_due() for each in (office.delivery, other)))
        words = office.provider.words
        await office.delivers(lambda: words().count("quick") == 8 and len(words()) > 8)
        seconds = int(time.monotonic() - began_s) + 2
        assert 0 < len(words()) - 8 <= 5 * seconds


async def test_a_429_is_noted_for_everybody_and_for_the_admin_page(office: Office):
    """The next worker, and the page, know as much as the one that was told."""
    office.outlets.per_second["line"] = 8
    office.provider.does["line"] = Outcome(
        kind="later", detail="twilio_20429", retry_after_ms=1_000, too_much=True
    )
    await office.says("too much")
    await office.delivers(lambda: _slower(office) == 1)
    with office.database.writing() as db:
        assert pace.take(db, "line", per_second=8, wanted=8).count <= 4


def _slower(office: Office) -> int:
    with office.database.reading() as db:
        row = db.row("SELECT slower FROM pace WHERE account = 'line'")
    return row[0] if row else 0
