"""The lease: one active router, a successor at once when the holder is gone, and never two who can write."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.journal.appends import Fenced, check_epoch
from router.journal.database import Database, open_database
from router.run import lease as lease_module
from router.run.lease import Tenure, lease_of
from tests.roles.redis_process import wait_until
from tests.system.postgres import PostgresServer

pytestmark = pytest.mark.system

HOLDER = """
import sys, time
from router.journal.database import open_database
from router.run.lease import lease_of
lease = lease_of(open_database(sys.argv[1], unsafe=True), owner="child")
while not lease.acquire():
    time.sleep(0.05)
print("held", flush=True)
while lease.renew():
    time.sleep(0.2)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, data_dir: Path) -> str:
    """An empty database with tables, of both kinds."""
    if request.param == "sqlite":
        found = f"sqlite:///{data_dir}/muster.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        found = server.new_database()
    database = open_database(found, unsafe=True)
    database.create_tables()
    database.close()
    return found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url, unsafe=True)
    yield opened
    opened.close()


@pytest.fixture
def holder(url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the lease."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    process.stdout.close()


def test_only_one_router_is_active(database: Database, holder: "subprocess.Popen[bytes]"):
    """Two routers that both decide would offer one person to two agents."""
    second = lease_of(database, owner="second")
    assert second.acquire() == 0
    assert holder.poll() is None
    second.release()


def test_a_released_lease_is_taken_at_once_with_a_higher_epoch(database: Database):
    """An orderly restart must not cost the waiting any time."""
    first, second = lease_of(database, owner="first"), lease_of(database, owner="second")
    epoch = first.acquire()
    assert epoch > 0
    assert first.renew()
    first.release()
    assert second.acquire() > epoch
    second.release()


def test_the_lease_of_a_killed_router_is_free_at_once(database: Database, holder: "subprocess.Popen[bytes]"):
    """kill -9 gives nothing back, so the kernel or the database server has to notice."""
    holder.kill()
    holder.wait()
    successor = lease_of(database, owner="successor")
    assert wait_until(lambda: successor.acquire() > 0, "the lease is free") < 2
    successor.release()


def test_a_frozen_router_on_postgresql_loses_the_lease_after_five_seconds(
    database: Database, holder: "subprocess.Popen[bytes]"
):
    """A holder that stands still keeps its sessions open; only the lease's time on the server can end it."""
    if database.dialect == "sqlite":
        pytest.skip("on SQLite the kernel's lock holds until `muster up` kills the frozen process after 3 s")
    os.kill(holder.pid, signal.SIGSTOP)
    successor = lease_of(database, owner="successor")
    took_s = wait_until(lambda: successor.acquire() > 0, "the lease runs out", within_s=8)
    assert 3.5 < took_s < 6.5
    os.kill(holder.pid, signal.SIGCONT)
    assert holder.wait(5) == 0, "it must notice that it has lost the lease"
    assert successor.renew()
    successor.release()


def test_an_old_epoch_can_write_nothing(database: Database):
    """Whatever an old router still believes, its next write tells it."""
    first, second = lease_of(database, owner="first"), lease_of(database, owner="second")
    old = first.acquire()
    first.release()
    new = second.acquire()
    with database.writing() as db:
        check_epoch(db, new)
        with pytest.raises(Fenced):
            check_epoch(db, old)
    second.release()


class _Lease:
    """Holds as long as told; renewals fail on demand."""

    def __init__(self) -> None:
        self.renews = True

    def acquire(self) -> int:
        return 7

    def renew(self) -> bool:
        return self.renews

    def release(self) -> None:
        self.renews = False


async def test_a_tenure_ends_when_somebody_else_has_the_lease(monkeypatch: pytest.MonkeyPatch):
    """The holder must stop by itself, before its next write would be refused."""
    monkeypatch.setattr(lease_module, "RENEW_S", 0.01)
    lease = _Lease()
    tenure = Tenure(lease)
    assert not tenure.held()
    assert await tenure.begin() == 7
    keeping = asyncio.create_task(tenure.keep())
    await asyncio.sleep(0.05)
    assert tenure.held()
    lease.renews = False
    await asyncio.wait_for(keeping, 5)
    assert not tenure.held()


async def test_a_tenure_ends_when_renewals_do_not_come_back(monkeypatch: pytest.MonkeyPatch):
    """A router cut off from its database must have stopped before anybody else may start."""
    monkeypatch.setattr(lease_module, "HELD_S", 0.1)
    tenure = Tenure(_Lease())
    await tenure.begin()
    assert tenure.held()
    await asyncio.sleep(0.15)
    assert not tenure.held()
