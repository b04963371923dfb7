"""Chores and housekeeping: done with Redis and without, once, and nothing but what is listed."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from router.journal.database import Database, open_database
from router.run.chore_worker import QUEUE, ChoreJob, ChoreWorker, UnknownChore, order
from router.run.chores import CHORES
from router.run.housekeeping import claimed, disk_used_pct, tidy
from router.run.web_lease import end_web, renew_web, silent_webs
from tests.roles.redis_process import RedisProcess, wait_until

pytestmark = pytest.mark.system

(VERIFY,) = CHORES


@pytest.fixture
def database(data_dir: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables()
    yield database
    database.close()


@pytest.fixture
def redis(data_dir: Path) -> Iterator[RedisProcess]:
    server = RedisProcess(folder=data_dir)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def environment(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker process reads its settings from."""
    monkeypatch.setenv("MUSTER_DATA", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("MUSTER_UNSAFE", "1")


def _status(redis: RedisProcess, order_id: str) -> str:
    with Redis.from_url(redis.url) as connection:
        job = ChoreJob.fetch(order_id, connection=connection, serializer=JSONSerializer)
        return str(job.get_status().value)


@pytest.mark.usefixtures("environment", "database")
def test_an_ordered_chore_is_done(redis: RedisProcess):
    """The line through rq: ordered by name, done by whichever worker takes it."""
    worker = ChoreWorker(redis.url)
    worker.start()
    assert order(redis.url, VERIFY, order_id="verify-1")
    wait_until(lambda: _status(redis, "verify-1") == "finished", "the chore is done")
    worker.stop()


@pytest.mark.usefixtures("environment", "database")
def test_an_order_for_anything_else_is_not_run(redis: RedisProcess, data_dir: Path):
    """Whoever can write to Redis must not be able to run what they like."""
    target = data_dir / "made-by-an-order"
    worker = ChoreWorker(redis.url)
    worker.start()
    with Redis.from_url(redis.url) as connection:
        queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        queue.enqueue("os.mkdir", str(target), job_id="evil")
    wait_until(lambda: _status(redis, "evil") == "failed", "the order is refused")
    assert not target.exists()
    assert order(redis.url, VERIFY, order_id="verify-2")
    wait_until(lambda: _status(redis, "verify-2") == "finished", "the worker goes on")
    worker.stop()


def test_a_name_that_is_no_chore_is_never_imported(redis: RedisProcess):
    """The list is asked before anything is imported."""
    with Redis.from_url(redis.url) as connection:
        job = ChoreJob.create("no_such_module.f", connection=connection, serializer=JSONSerializer)
        with pytest.raises(UnknownChore):
            _ = job.func


def test_without_redis_an_order_says_so_at_once(data_dir: Path):
    """Then whoever ordered does it: nothing here may depend on Redis."""
    began = time.monotonic()
    assert not order("", VERIFY, order_id="x")
    assert not order(f"unix://{data_dir}/nothing.sock", VERIFY, order_id="x")
    assert time.monotonic() - began < 3


def test_a_worker_takes_orders_again_after_redis_came_back(
    redis: RedisProcess, environment: None, database: Database
):
    """Nobody restarts a worker because Redis was restarted."""
    worker = ChoreWorker(redis.url)
    worker.start()
    redis.kill()
    redis.start()
    wait_until(lambda: order(redis.url, VERIFY, order_id="verify-3"), "Redis takes orders")
    wait_until(lambda: _status(redis, "verify-3") == "finished", "the chore is done", within_s=20)
    worker.stop()


def test_what_has_expired_is_removed_and_the_rest_stays(database: Database):
    """Tickets and claims are made all day and never looked at again."""
    with database.writing() as db:
        for name, until in (("old", 1), ("new", 2**52)):
            db.run(
                "INSERT INTO ticket (ticket_hash, agent_id, session_hash, expires_at_ms) "
                "VALUES (:name, 'ana', 's', :until)",
                name=name,
                until=until,
            )
            db.run(
                "INSERT INTO claim (ref, owner, until_ms) VALUES (:name, 'w', :until)", name=name, until=until
            )
    done = tidy(database)
    assert (done.tickets, done.claims) == (1, 1)
    with database.reading() as db:
        assert db.rows("SELECT ticket_hash FROM ticket") == [("new",)]
        assert db.rows("SELECT ref FROM claim") == [("new",)]


def test_one_of_several_workers_gets_a_claim(database: Database):
    """The nightly check takes minutes of a core: once is enough."""
    with database.writing() as db:
        assert claimed(db, ref="chore/x", owner="first", for_ms=60_000)
        assert not claimed(db, ref="chore/x", owner="second", for_ms=60_000)
        db.run("UPDATE claim SET until_ms = 1")
        assert claimed(db, ref="chore/x", owner="second", for_ms=60_000)


def test_a_web_is_silent_only_while_it_holds_connections(database: Database):
    """Webs that ended in order leave nothing to clean up, and their rows stay for an hour to be read."""
    with database.writing() as db:
        renew_web(db, web_id="lives")
        renew_web(db, web_id="ended")
        end_web(db, web_id="ended")
        assert silent_webs(db) == []
        for web_id in ("lives", "ended", "never-heard-of"):
            db.run(
                "INSERT INTO connection (connection_id, kind, web_id, owner_id) "
                "VALUES (:web, 'desk', :web, 'ana')",
                web=web_id,
            )
        assert silent_webs(db) == ["ended", "never-heard-of"]
    assert tidy(database).webs == 0


def test_a_web_that_died_before_the_clock_was_set_back_is_silent_all_the_same(database: Database):
    """Its lease seems good for another hour, in which its agents' conversations would be with nobody."""
    with database.writing() as db:
        for web_id in ("dead", "lives"):
            db.run("INSERT INTO connection VALUES (:web, 'desk', :web, 'ana')", web=web_id)
            renew_web(db, web_id=web_id)
        db.run("UPDATE lease SET until_ms = until_ms + 3600000")
        renew_web(db, web_id="lives")
        db.run("UPDATE lease SET until_ms = until_ms - 3001")  # three seconds later
        renew_web(db, web_id="lives")
        assert silent_webs(db) == ["dead"]


def test_a_full_disk_is_in_the_log_long_before_it_is_full(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A disk that is full ends ingest; somebody has to hear of it while there is time."""
    monkeypatch.setattr("router.run.housekeeping.DISK_FULL_PCT", (0, 100))
    assert 0 <= disk_used_pct(data_dir) <= 100
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
