"""Answers leave real worker processes for a provider that has bad days, on a machine that has some too."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.delivery.conftest import database_url
from tests.delivery.worker_site import Site, running_site, wait_for_worker
from tests.roles.redis_process import wait_until
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]

pytestmark = [pytest.mark.system, pytest.mark.timed]

CHAOS_S = 10.0
SLEEP_S = 0.1
"""Well below the half second after which a worker looks by itself: what is quick was ordered."""

BAD_DAYS = ("busy", "broken", "garbage", "slow", "hang_up")


@pytest.fixture
def site(data_dir: Path, database_url: str) -> Iterator[Site]:
    """A worker that has sent something, on each kind of database."""
    with running_site(data_dir, database_url) as site:
        site.start_worker()
        wait_for_worker(site)
        yield site


@pytest.fixture
def sqlite_site(data_dir: Path) -> Iterator[Site]:
    """The same on SQLite alone, for what has nothing to do with the database."""
    with running_site(data_dir, f"sqlite:///{data_dir}/muster.db") as site:
        site.start_worker()
        wait_for_worker(site)
        yield site


def test_an_answer_leaves_at_once(site: Site):
    """rq's order wakes the worker: nobody waits for its next look."""
    took = []
    for number in range(5):
        time.sleep(SLEEP_S)  # the worker has nothing to do meanwhile
        began = time.monotonic()
        message_id = site.say(f"answer {number}")
        wait_until(lambda message_id=message_id: message_id in site.arrivals(), "it has arrived")
        took.append(time.monotonic() - began)
        site.until_sent(message_id)
    assert sorted(took)[2] < 0.25, took
    site.until_sent()
    site.check()


def test_with_redis_gone_answers_leave_less_than_two_seconds_late(site: Site):
    """Redis is never needed: the worker looks by itself, and who answers does not wait either."""
    site.redis.kill()
    for number in range(4):
        time.sleep(SLEEP_S)
        began = time.monotonic()
        message_id = site.say(f"without Redis {number}")
        assert time.monotonic() - began < 1
        wait_until(lambda message_id=message_id: message_id in site.arrivals(), "it has arrived", within_s=2)
    site.until_sent()
    site.redis.start()
    message_id = site.say("with Redis again")
    site.until_sent(message_id, within_s=2)
    site.check()


def test_with_redis_frozen_or_emptied_answers_leave_less_than_two_seconds_late(sqlite_site: Site):
    """A frozen Redis takes orders and answers nobody; an emptied one has forgotten them."""
    site = sqlite_site
    site.redis.signal(signal.SIGSTOP)
    try:
        for number in range(3):
            message_id = site.say(f"frozen {number}")
            wait_until(lambda message_id=message_id: message_id in site.arrivals(), "it arrived", within_s=2)
    finally:
        site.redis.signal(signal.SIGCONT)
    for number in range(3):
        message_id = site.say(f"emptied {number}")
        assert site.redis.say("FLUSHALL").startswith("+OK")
        wait_until(lambda message_id=message_id: message_id in site.arrivals(), "it arrived", within_s=2)
    site.until_sent()
    site.check()


def test_a_dead_provider_holds_up_no_other(sqlite_site: Site):
    """One provider hangs for minutes; the other's answers leave as if nothing were."""
    site = sqlite_site
    site.double("other").behave("hang")
    for number in range(20):
        site.say(f"nobody hears {number}", to=f"+1555000{number:04}", account="other")
    wait_until(lambda: len(site.double("other").requests) >= 8, "the dead one is tried")
    for number in range(5):
        message_id = site.say(f"well {number}")
        wait_until(lambda message_id=message_id: message_id in site.arrivals(), "it arrived", within_s=2)
    assert len(site.double("other").requests) == 8


def test_every_bad_day_of_a_provider_ends_with_every_answer_there(sqlite_site: Site):
    """429, 500, nonsense, seconds of thinking, broken connections: once, or twice and flagged."""
    site = sqlite_site
    for mode in BAD_DAYS:
        assert set(site.arrivals().values()) == {1}, mode  # nothing before had taken any
        site.double().behave(mode, times=3, seconds=1)
        for number in range(6):
            site.say(f"{mode} {number}", to=f"+1555000{number:04}")
        site.until_sent(within_s=30)
    site.check()
    assert sorted(site.arrivals().values())[-3:] == [2, 2, 2]  # it had taken these before it hung up


def test_a_refusal_is_final_and_an_alarm(sqlite_site: Site):
    """The customer has said STOP to their network: nothing is tried again, and somebody is told."""
    site = sqlite_site
    site.double().opted_out.add("+15550000009")
    message_id = site.say("please", to="+15550000009")
    wait_until(lambda: site.outbox()[message_id][0] == "failed", "it has failed")
    assert site.outbox()[message_id] == ("failed", "twilio_21610")
    assert site.alarms() == [("not_delivered", "i-+15550000009", "twilio_21610")]
    assert [each.mode for each in site.double().requests if each.to == "+15550000009"] == ["refuse"]


def test_a_provider_that_was_down_is_noticed_when_it_is_back(sqlite_site: Site):
    """Ten people wait: one alarm; and seconds after the provider is back, nobody does."""
    site = sqlite_site
    site.double().behave("broken")
    for number in range(10):
        site.say(f"answer {number}", to=f"+1555000{number:04}")
    wait_until(lambda: bool(site.alarms()), "a supervisor is told", within_s=15)
    assert site.alarms() == [("account_down", "line", "twilio_20500")]
    site.double().behave("well")
    site.until_sent(within_s=20)
    site.check()


def test_a_worker_killed_between_sending_and_recording(site: Site):
    """Nobody can know whether it left: it leaves again within ten seconds, under the same id, and says so."""
    site.double().behave("slow", times=1, seconds=60)
    site.say("half way")
    wait_until(lambda: bool(_claims(site)), "it is being sent")
    time.sleep(SLEEP_S)  # the request is on its way
    site.kill_worker()
    began = time.monotonic()
    site.start_worker()
    site.until_sent(within_s=15)
    assert time.monotonic() - began < 10
    assert site.outbox()[site.said[-1]] == ("sent", "maybe_twice")


def test_a_worker_that_is_told_to_stop_finishes_what_it_began(sqlite_site: Site):
    """Every update of the program stops every worker: that must cost no answer a second copy."""
    site = sqlite_site
    site.double().behave("slow", times=1, seconds=0.7)
    message_id = site.say("under way")
    wait_until(lambda: bool(_claims(site)), "it is being sent")
    time.sleep(SLEEP_S)
    site.workers[-1].send_signal(signal.SIGTERM)
    assert site.workers[-1].wait(timeout=5) == 0
    assert site.outbox()[message_id] == ("sent", "")
    site.check()


def test_two_workers_share_the_work(site: Site):
    """Each answer is one worker's: none leaves twice, and the order within a conversation stays."""
    site.start_worker()
    for number in range(100):
        site.say(f"word {number:03}", to=f"+1555000{number % 10:04}")
    site.until_sent(within_s=30)
    assert set(site.arrivals().values()) == {1}
    assert {trouble for _, trouble in site.outbox().values()} == {""}
    for person in range(10):
        words = [each.body for each in site.double().taken() if each.to == f"+1555000{person:04}"]
        assert [word for word in words if word != "first"] == sorted(w for w in words if w != "first")
    site.check()


def test_answers_survive_a_worker_that_is_killed_again_and_again(site: Site):
    """Kill -9, freezes, a provider on bad days, Redis emptied and gone: every answer is there at the end."""
    random = Random(7)
    ends = time.monotonic() + CHAOS_S
    number = 0
    while time.monotonic() < ends:
        for _ in range(random.randint(1, 6)):
            number += 1
            site.say(f"answer {number}", to=f"+1555000{random.randint(0, 19):04}")
        _hurt(site, random)
        time.sleep(random.uniform(0.05, 0.6))
    site.double().behave("well")
    site.until_sent(within_s=25)
    site.check()
    assert number > 20


def _hurt(site: Site, random: Random) -> None:
    what = random.choice(["kill", "kill", "freeze", "broken", "hang_up", "slow", "flush", "nothing"])
    if what == "kill":
        site.kill_worker()
        site.start_worker()
    elif what == "freeze":
        site.workers[-1].send_signal(signal.SIGSTOP)
        time.sleep(random.uniform(0.1, 1.0))
        site.workers[-1].send_signal(signal.SIGCONT)
    elif what == "flush":
        site.redis.say("FLUSHALL")
    elif what != "nothing":
        site.double().behave(what, times=2, seconds=1)


def _claims(site: Site) -> list[str]:
    with site.database.reading() as db:
        return [row[0] for row in db.rows("SELECT ref FROM claim WHERE until_ms > 0")]
