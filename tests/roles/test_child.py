"""Children of `muster up`: started again when they die or fall silent, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.run.child import SILENT_S, Child, Program
from router.run.log_file import BYTES_MAX, LINE_MAX, LogFile
from tests.roles.redis_process import wait_until

pytestmark = pytest.mark.system

BEATS = """
import asyncio, os, signal
from router.run.beat import beat
print("hello", flush=True)
signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
asyncio.run(beat(int(os.environ["MUSTER_BEAT_FD"])))
"""
DIES = "import sys; print('no luck', flush=True); sys.exit(5)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"

PARENT = """
import asyncio, os, sys
from pathlib import Path
from router.run.child import Child, Program
from router.run.log_file import LogFile
async def main():
    program = Program(name="kid", command=(sys.executable, "-c", "import time; time.sleep(60)"),
                      environ=dict(os.environ), beats=False)
    child = Child(program=program, log=LogFile(Path(sys.argv[1]), "kid"), say=print)
    keeping = asyncio.create_task(child.keep())
    while not child.pid:
        await asyncio.sleep(0.01)
    print(child.pid, flush=True)
    await keeping
asyncio.run(main())
"""


@asynccontextmanager
async def kept(source: str, folder: Path, said: list[str], *, beats: bool = True) -> AsyncIterator[Child]:
    """A child that runs this Python text, for as long as the test needs it."""
    command = (sys.executable, "-c", source)
    program = Program(name="kid", command=command, environ=dict(os.environ), beats=beats)
    child = Child(program=program, log=LogFile(folder, "kid"), say=said.append)
    keeping = asyncio.create_task(child.keep())
    try:
        yield child
    finally:
        child.kill()
        await keeping
        child.log.close()


async def until(true: Callable[[], bool], what: str, *, within_s: float = 10.0) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not true():
        assert loop.time() - began < within_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.01)
    return loop.time() - began


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
async def test_a_child_that_ends_is_started_again_at_once(data_dir: Path, how: signal.Signals):
    """People wait while a role is away: however it ended, the first restart must not be put off."""
    said: list[str] = []
    async with kept(BEATS, data_dir, said) as child:
        await until(lambda: child.ready, "the child beats")
        first = child.pid
        os.kill(first, how)
        assert await until(lambda: child.ready and child.pid not in (0, first), "another beats") < 3
        ending = "exit 0" if how == signal.SIGUSR1 else how.name
        assert said == [f"kid ended ({ending}) and is started again"]
        assert child.starts == 2


async def test_a_frozen_child_is_killed_after_three_seconds_and_started_again(data_dir: Path):
    """A process that stands still may hold the counter of the journal: then nobody can write."""
    said: list[str] = []
    async with kept(BEATS, data_dir, said) as child:
        await until(lambda: child.ready, "the child beats")
        frozen = child.pid
        os.kill(frozen, signal.SIGSTOP)
        took_s = await until(lambda: child.pid not in (0, frozen), "another is started")
        assert SILENT_S - 1 < took_s < SILENT_S + 1
        await until(lambda: child.ready, "it beats")
        assert said[0] == "kid is silent and is killed"


async def test_a_child_that_cannot_live_is_started_ever_more_slowly(data_dir: Path):
    """Restarting a hopeless role as fast as possible would take the machine from the others."""
    said: list[str] = []
    async with kept(DIES, data_dir, said) as child:
        await until(lambda: child.failures >= 3, "it failed three times")
        assert said[0] == "kid ended (exit 5) and is started again"
        assert child.log.last_line == "no luck"
        assert child.starts <= 4


async def test_a_child_that_ignores_sigterm_is_killed(data_dir: Path):
    """Ctrl-C has to end everything within three seconds, whatever a role is doing."""
    async with kept(DEAF, data_dir, [], beats=False) as child:
        await until(lambda: child.pid > 0, "it runs")
        pid = child.pid
        await asyncio.wait_for(child.stop(), 4)
        await until(lambda: not Path(f"/proc/{pid}").exists() or child.pid == 0, "it is gone")


async def test_a_stopped_child_is_told_to_stop_and_does(data_dir: Path):
    """A process under SIGSTOP does not see SIGTERM until it is continued."""
    async with kept(BEATS, data_dir, []) as child:
        await until(lambda: child.ready, "the child beats")
        os.kill(child.pid, signal.SIGSTOP)
        assert await _seconds(child.stop()) < 2


async def _seconds(work: object) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await work  # type: ignore[misc]
    return loop.time() - began


def test_children_die_with_a_killed_parent(data_dir: Path):
    """kill -9 of `muster up` must not leave a router behind that holds the lease and answers to nobody."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(data_dir)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    kid = int(parent.stdout.readline())
    assert _lives(kid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not _lives(kid), "the child is gone", within_s=3)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_log_keeps_whole_lines_and_stays_small(data_dir: Path):
    """A role that complains all night must not fill the disk that the journal needs."""
    log = LogFile(data_dir, "kid")
    assert log.write(b"one\ntw") == ["one"]
    assert log.write(b"o\n") == ["two"]
    line = b"x" * (LINE_MAX - 1) + b"\n"
    for _ in range(BYTES_MAX // len(line) + 2):
        log.write(line)
    log.close()
    sizes = [path.stat().st_size for path in sorted(data_dir.glob("kid.log*"))]
    assert len(sizes) == 2
    assert all(0 < size <= BYTES_MAX for size in sizes)
    assert (data_dir / "kid.log.1").read_bytes().startswith(b"one\ntwo\n")


def test_a_log_that_cannot_be_written_stops_nobody(data_dir: Path):
    """A full or read-only disk costs log lines, never a role."""
    log = LogFile(data_dir / "missing", "kid")
    assert log.write(b"one\n") == ["one"]
    assert log.last_line == "one"
    log.close()


SPARED = """
import asyncio, os, sys
from router.run.beat import beat
from router.run.spare import ordered
print("loaded", flush=True)
if not ordered(int(os.environ["MUSTER_ORDER_FD"]), role="kid"):
    sys.exit(0)
print("begins", flush=True)
asyncio.run(beat(int(os.environ["MUSTER_BEAT_FD"])))
"""


@asynccontextmanager
async def kept_with_spare(folder: Path) -> AsyncIterator[Child]:
    """A child that may have a spare from the beginning."""
    command = (sys.executable, "-c", SPARED)
    program = Program(name="kid", command=command, environ=dict(os.environ), spared=True)
    child = Child(program=program, log=LogFile(folder, "kid"), say=lambda line: None)
    child.wants_spare.set()
    keeping = asyncio.create_task(child.keep())
    try:
        yield child
    finally:
        await child.stop()
        await keeping
        child.log.close()


def children_of_ours() -> set[int]:
    """Every process that this one started and that lives."""
    text = " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return {int(each) for each in text.split()}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_spare_takes_over_and_gets_a_spare_itself(data_dir: Path, how: signal.Signals):
    """Whoever writes to us while a process loads all it needs would wait for that, or give up."""
    before = children_of_ours()
    async with kept_with_spare(data_dir) as child:
        for _ in range(2):
            await until(lambda: child.ready and len(children_of_ours() - before) == 2, "it has a spare")
            (spare,) = children_of_ours() - before - {child.pid}
            name = Path(f"/proc/{spare}/comm")
            await until(lambda name=name: name.read_text() == "muster-spare\n", "the spare has loaded")
            os.kill(child.pid, how)
            await until(lambda spare=spare: child.pid == spare and child.ready, "the spare serves")
    await until(lambda: children_of_ours() == before, "nobody is left behind")


async def test_a_spare_that_died_is_not_waited_for(data_dir: Path):
    """The machine ran out of memory and killed the one that did nothing: a new process begins instead."""
    before = children_of_ours()
    async with kept_with_spare(data_dir) as child:
        await until(lambda: child.ready and len(children_of_ours() - before) == 2, "it has a spare")
        (spare,) = children_of_ours() - before - {child.pid}
        first = child.pid
        os.kill(spare, signal.SIGKILL)
        await until(lambda: spare not in children_of_ours(), "the spare is gone")
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.pid not in (0, first, spare) and child.ready, "a new process serves")
