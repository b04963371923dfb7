"""Two routers killed in turn: every decision is taken, and none twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_ui.commands.router import EXIT_LOST
from router.journal.committer import Committer
from router.journal.database import open_database
from router.journal.replay import Replay
from router.run.plan_activation import ActivatePlan
from tests.roles.centre import Journal
from tests.roles.hand_stepped import default_plan
from tests.roles.redis_process import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timed]

START_S = 60
SERVED_S = 6.0


class Routers:
    """Two `muster router` processes on one database; whichever is killed is started again."""

    def __init__(self, url: str, folder: Path) -> None:
        self._environ = {
            **os.environ,
            "MUSTER_DATA": str(folder),
            "DATABASE_URL": url,
            "REDIS_URL": "",
            "MUSTER_UNSAFE": "1",
        }
        self._log = (folder / "routers.log").open("ab")
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        for _ in range(2):
            self.start()

    def start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "agents_ui.cli", "router"], env=self._environ, stderr=self._log
        )
        self.processes[process.pid] = process

    def kill(self, pid: int, number: signal.Signals) -> None:
        process = self.processes.pop(pid)
        process.send_signal(number)
        process.wait(10)
        self.start()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self._log.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, data_dir: Path) -> str:
    """An empty database with the default plan in force, of each kind."""
    found = f"sqlite:///{data_dir}/muster.db"
    if request.param == "postgresql":
        found = request.getfixturevalue("postgres_url")
    database = open_database(found, unsafe=True)
    plan = default_plan()
    database.create_tables(site=plan.site.site_id)
    committer = Committer(database)
    committer.submit(ActivatePlan(plan=plan, by="test")).result()
    committer.close()
    database.close()
    return found


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    database = open_database(url, unsafe=True)
    committer = Committer(database)
    with database.writing() as db:
        db.run("INSERT INTO lease VALUES ('web/web-1', '', 0, :until)", until=2**52)
    yield Journal(database, committer)
    committer.close()
    database.close()


@pytest.fixture
def routers(url: str, data_dir: Path) -> Iterator[Routers]:
    both = Routers(url, data_dir)
    yield both
    both.close()


def _active(journal: Journal, routers: Routers) -> int:
    with journal.database.reading() as db:
        found = db.row("SELECT owner FROM lease WHERE name = 'router'")
    pid = int(found[0].rpartition("/")[2]) if found else 0
    return pid if pid in routers.processes else 0


def _kill_in_turn(journal: Journal, routers: Routers, times: int) -> None:
    """Kill the active router again and again, with a contact before each time and an answer after it."""
    journal.signs_in("hannah", web_id="web-1")
    outcome = default_plan().dispositions[0].reason_id
    for number in range(times):
        wait_until(lambda: _active(journal, routers) > 0, "a router is active", within_s=START_S)
        name = f"call-{number:03}"
        journal.arrives(name)
        time.sleep((number % 7) * 0.004)  # Before, amid and after the decision: not a wait for anything.
        routers.kill(_active(journal, routers), signal.SIGKILL)
        began = time.monotonic()
        wait_until(lambda name=name: name in journal.refs("offered"), f"{name} is offered", within_s=START_S)
        assert number < 2 or time.monotonic() - began < START_S
        journal.say("accept_pressed", f"{name}/1", agent_id="hannah", command_id=f"a{number}")
        journal.say(
            "disposition_given", name, agent_id="hannah", disposition=outcome, command_id=f"d{number}"
        )
    wait_until(lambda: len(journal.refs("closed")) >= times, "all are closed", within_s=START_S)


def _check(journal: Journal, times: int) -> None:
    names = [f"call-{number:03}" for number in range(times)]
    for kind in ("queued", "offered", "accepted", "closed"):
        assert Counter(journal.refs(kind)) == Counter(names), f"each is {kind} exactly once"
    epochs = [json.loads(row.data)["epoch"] for row in journal.rows("decided")]
    assert epochs == sorted(epochs), "an old router wrote after a new one"
    assert len(set(epochs)) > times / 2
    replay = Replay()
    differences = [replay.take(row) for row in journal.rows()] + [replay.end()]
    assert [each for each in differences if each is not None] == []


@pytest.mark.timeout(300)
def test_two_routers_killed_in_turn_take_each_decision_once(journal: Journal, routers: Routers):
    """Short form of the promise: kill -9 at any moment of a decision loses and doubles nothing."""
    _kill_in_turn(journal, routers, 20)
    _check(journal, 20)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_routers_killed_200_times_in_turn_take_each_decision_once(journal: Journal, routers: Routers):
    """The same, often enough to meet every moment."""
    _kill_in_turn(journal, routers, 200)
    _check(journal, 200)


def test_a_router_stopped_in_order_hands_over_at_once(journal: Journal, routers: Routers):
    """Updates happen while people wait: SIGTERM must cost them nothing."""
    journal.signs_in("hannah", web_id="web-1")
    wait_until(lambda: _active(journal, routers) > 0, "a router is active", within_s=START_S)
    first = _active(journal, routers)
    wait_until(lambda: _both_serve(routers), "the other stands by", within_s=START_S)
    routers.kill(first, signal.SIGTERM)
    journal.arrives("call-1")
    assert wait_until(lambda: "call-1" in journal.refs("offered"), "it is offered") < SERVED_S / 2


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_router_that_freezes_with_its_machine_is_replaced_though_nobody_kills_it(
    journal: Journal, routers: Routers
):
    """A machine without power says no farewell: its lease runs out, and it writes nothing any more."""
    journal.signs_in("hannah", web_id="web-1")
    wait_until(lambda: _active(journal, routers) > 0, "a router is active", within_s=START_S)
    first = _active(journal, routers)
    wait_until(lambda: _both_serve(routers), "the other stands by", within_s=START_S)
    routers.processes[first].send_signal(signal.SIGSTOP)
    journal.arrives("call-1")
    took_s = wait_until(lambda: "call-1" in journal.refs("offered"), "it is offered", within_s=START_S)
    print(f"offered {took_s:.2f} s after the freeze")
    assert _active(journal, routers) != first
    routers.processes[first].send_signal(signal.SIGCONT)
    assert routers.processes[first].wait(START_S) == EXIT_LOST
    assert Counter(journal.refs("offered")) == {"call-1": 1}


def _both_serve(routers: Routers) -> bool:
    """Whether every router process has loaded everything: then it has opened its database."""
    return all(
        any("muster" in os.readlink(link) or "socket" in os.readlink(link) for link in _files(pid))
        for pid in routers.processes
    )


def _files(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return []
