"""`muster up` with real processes: whatever dies or freezes, people are served again within seconds."""

import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.roles.centre import Centre, running
from tests.roles.redis_process import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timed]

BACK_S = 5.0
"""docs/promises.md: whatever is killed, everything that waits is served again within this time."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Centre]:
    """One centre for the tests that leave it as they found it."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    with running(folder) as centre:
        yield centre
    shutil.rmtree(folder, ignore_errors=True)


def test_it_says_where_everything_is(shared: Centre):
    """The first line with the word ready comes when everything serves; ports.json is for programs."""
    url = shared.ports()["web"]["url"]
    with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
        assert answer.status == 200
    ready = [index for index, line in enumerate(shared.lines) if "ready" in line]
    said = "\n".join(shared.lines[: ready[0]])
    assert f"{url}/chat" in said
    assert f"{url}/desk" in said
    assert sorted(shared.children()) == ["mail", "redis", "router", "web", "worker"]


def test_the_first_start_shows_a_password_for_everybody_once(shared: Centre):
    """Without them nobody could sign in; shown twice they would lie around."""
    start = next(i for i, line in enumerate(shared.lines) if "shown this once" in line)
    people = [line.split()[0] for line in shared.lines[start + 1 :] if line.startswith("    ")]
    assert {"ana", "sofia", "amira"} <= set(people)


def test_a_second_one_on_the_same_folder_says_what_to_type(shared: Centre):
    """Two supervisors would start two of everything."""
    with running(shared.data_dir, wait=False) as second:
        assert second.process.wait(30) == 2
    assert second.lines == [
        f"muster: Muster runs on {shared.data_dir} (process {shared.process.pid}): stop it with Ctrl-C there, "  # noqa: E501
        "or type MUSTER_DATA=./other MUSTER_PORT=0 before the command for a second one"
    ]
    assert shared.process.poll() is None


def test_a_taken_port_says_what_to_type(data_dir: Path):
    """The commonest reason why a first start fails."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running(data_dir, wait=False, MUSTER_PORT=str(port)) as centre:
            assert centre.process.wait(30) == 2
    (line,) = centre.lines
    assert f"port {port}" in line
    assert "type MUSTER_PORT=" in line


def test_a_folder_that_cannot_be_written_says_what_to_type(data_dir: Path):
    """A read-only folder must not end in a traceback."""
    (data_dir / "file").write_text("")
    with running(data_dir / "file" / "data", wait=False) as centre:
        assert centre.process.wait(30) == 2
    (line,) = centre.lines
    assert "type MUSTER_DATA=" in line


def test_an_address_that_others_reach_needs_encryption(data_dir: Path):
    """Passwords and people's words must not cross a network in the clear because of one setting."""
    with running(data_dir, wait=False, MUSTER_HOST="0.0.0.0") as centre:
        assert centre.process.wait(30) == 2
    (line,) = centre.lines
    assert "MUSTER_TLS_CERTIFICATE" in line
    assert "MUSTER_PUBLIC_URL=https://" in line


@pytest.mark.parametrize("role", ["router", "web", "worker", "redis"])
def test_a_killed_process_is_back_within_seconds(shared: Centre, role: str):
    """kill -9 of anything: the others go on, and the dead one comes back by itself."""
    killed = shared.send(role, signal.SIGKILL)
    wait_until(lambda: shared.children().get(role, killed) != killed, f"{role} is back", within_s=BACK_S)
    wait_until(lambda: shared.says("ended (SIGKILL) and is started again"), "it says so")
    with shared.journal() as journal:
        name = f"after-{role}"
        journal.arrives(name, queue="medical")
        wait_until(lambda: name in journal.refs("queued"), "the router decides", within_s=BACK_S)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_work_that_waits_is_served_again_five_seconds_after_the_router_died_or_froze(
    shared: Centre, how: signal.Signals
):
    """A frozen router holds its lease and answers nobody: it has to be noticed, killed and replaced."""
    with shared.journal() as journal:
        wait_until(lambda: shared.active_router() > 0, "a router is active")
        journal.signs_in("hannah", web_id=journal.web_ids()[0])
        name = f"waits-{how.name}"
        shared.send("router", how)
        began = time.monotonic()
        journal.arrives(name)
        wait_until(lambda: name in journal.refs("offered"), "it is offered", within_s=2 * BACK_S)
        assert time.monotonic() - began < BACK_S
        journal.say("decline_pressed", f"{name}/1", agent_id="hannah", command_id="")
        journal.say("desk_left", "hannah", desk_id="desk-hannah", web_id="")


def test_an_emptied_redis_changes_nothing(shared: Centre):
    """FLUSHALL by accident: hints and orders are gone, nothing else was there."""
    path = shared.ports()["redis"]["url"].removeprefix("unix://")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(b"FLUSHALL\r\n")
        assert line.recv(100).startswith(b"+OK")
    with shared.journal() as journal:
        journal.arrives("after-flush", queue="medical")
        wait_until(lambda: "after-flush" in journal.refs("queued"), "the router decides", within_s=2)


def test_a_frozen_redis_is_replaced_and_nobody_waits_for_it(shared: Centre):
    """A stopped Redis accepts connections and never answers."""
    frozen = shared.send("redis", signal.SIGSTOP)
    with shared.journal() as journal:
        journal.arrives("while-frozen", queue="medical")
        wait_until(lambda: "while-frozen" in journal.refs("queued"), "the router decides", within_s=2)
    wait_until(lambda: shared.children().get("redis", frozen) != frozen, "another Redis runs", within_s=8)


def test_the_desks_of_a_dead_web_leave(shared: Centre):
    """Its agents are gone with it: what they hold must go back, and nothing new be offered to them."""
    with shared.journal() as journal:
        wait_until(lambda: "web" in shared.children(), "web runs")
        web_id = journal.web_ids()[0]
        journal.signs_in("ivan", web_id=web_id)
        shared.send("web", signal.SIGKILL)
        wait_until(lambda: "ivan" in journal.refs("desk_left"), "the desk left", within_s=3 + BACK_S)


def test_it_stops_within_seconds_and_leaves_nothing(data_dir: Path):
    """Ctrl-C is how people stop it; what stays behind would hold the port and the lease."""
    with running(data_dir) as centre:
        pids = centre.pids()
        began = time.monotonic()
        assert centre.stop() == 0
        assert time.monotonic() - began < 6  # three for the children, the rest for a busy machine
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        with running(data_dir) as again:
            assert not again.says("shown this once")
            assert again.ready


def test_killed_itself_it_leaves_nothing_and_starts_again_at_once(data_dir: Path):
    """The supervisor may be the one that is killed; its children must not live on without it."""
    with running(data_dir) as centre:
        pids = centre.pids()
        centre.process.kill()
        centre.process.wait()
        wait_until(lambda: not any(_lives(pid) for pid in pids), "all children are gone", within_s=5)
        with running(data_dir) as again:
            assert again.ready


def test_a_wrong_plan_is_named_with_its_line(data_dir: Path):
    """A plan with a mistake in it is no reason for a traceback."""
    plan = data_dir / "plan.toml"
    plan.write_text("[site]\nid = 5\n")
    with running(data_dir, wait=False, MUSTER_PLAN=str(plan)) as centre:
        assert centre.process.wait(30) == 2
    assert any("plan.toml:2" in line for line in centre.lines)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_serves_on_postgresql_and_replaces_a_killed_router_there(data_dir: Path, postgres_url: str):
    """In production the database is elsewhere; who holds the lease is then known by its sessions."""
    with running(data_dir, DATABASE_URL=postgres_url) as centre, centre.journal() as journal:
        wait_until(lambda: centre.active_router() > 0, "a router is active")
        centre.send("router", signal.SIGKILL)
        began = time.monotonic()
        journal.arrives("call-1")
        wait_until(lambda: "call-1" in journal.refs("queued"), "the other decides", within_s=2 * BACK_S)
        assert time.monotonic() - began < BACK_S
        assert centre.stop() == 0
