"""Who is silent because others have the processors is not killed for it; who stands still is."""

import os
from pathlib import Path

import pytest

from router.run import child
from router.run.child import LAG_S, START_S
from router.run.cpu_waits import CpuWaits

PID = 4711


class Kernel:
    """What the kernel would say of one process, and a clock that stands."""

    def __init__(self, proc: Path) -> None:
        self.now_s = 100.0
        self.proc = proc
        self.says(1, 0.0)

    def says(self, thread: int, waited_s: float) -> None:
        folder = self.proc / str(PID) / "task" / str(thread)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"5000000 {round(waited_s * 1e9)} 17\n")

    def waits(self) -> CpuWaits:
        return CpuWaits(PID, proc=self.proc, clock_s=lambda: self.now_s)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.mark.parametrize(("waited_s", "starves"), [(1.5, True), (0.8, True), (0.7, False), (0.0, False)])
def test_who_waited_for_a_processor_most_of_the_time_starves(kernel: Kernel, waited_s: float, starves: bool):
    """On an overloaded machine a restart costs more than patience: it must be told from a freeze."""
    waits = kernel.waits()
    kernel.now_s += 1.5
    kernel.says(1, waited_s)
    assert waits.starved() is starves


def test_only_what_happened_since_the_last_look_counts(kernel: Kernel):
    """Hunger of an hour ago excuses nobody who stands still now."""
    kernel.says(1, 3_600.0)
    waits = kernel.waits()
    kernel.now_s += 1.5
    kernel.says(1, 3_601.5)
    assert waits.starved()
    kernel.now_s += 1.5
    assert not waits.starved()


def test_one_thread_that_starves_is_enough_and_many_that_wait_a_little_are_not(kernel: Kernel):
    """The thread that beats may wait for one that holds what it needs. Busy is not starved."""
    waits = kernel.waits()
    kernel.now_s += 1.5
    for thread in range(2, 12):
        kernel.says(thread, 0.0)
    assert not waits.starved()
    kernel.now_s += 1.5
    for thread in range(2, 12):
        kernel.says(thread, 0.3)
    assert not waits.starved()
    kernel.now_s += 1.5
    kernel.says(7, 0.3 + 1.4)
    assert waits.starved()


def test_where_the_kernel_says_nothing_nobody_starves(tmp_path: Path):
    """Another system, or a process that is gone: then silence is what it always was."""
    waits = CpuWaits(PID, proc=tmp_path)
    assert not waits.starved()
    (tmp_path / str(PID) / "task" / "1").mkdir(parents=True)
    (tmp_path / str(PID) / "task" / "1" / "schedstat").write_text("\n")
    assert not waits.starved()


async def test_who_is_starting_keeps_the_time_for_it_when_we_ourselves_come_late(monkeypatch):
    """On a loaded machine nobody is in time: a role killed while it imports is killed again the next time."""
    now_s, late_s = 100.0, 2 * LAG_S

    async def sleep(asked_s: float) -> None:
        nonlocal now_s, late_s
        now_s, late_s = now_s + asked_s + late_s, 0.0

    monkeypatch.setattr(child, "_now", lambda: now_s)
    monkeypatch.setattr(child.asyncio, "sleep", sleep)
    program = child.Program(name="web", command=(), environ={})
    starting = child.Child(program, log=None, say=print)  # type: ignore[arg-type]
    starting._began_at = now_s
    await starting._kill_without_beat(2**22 + 1)
    assert now_s >= 100.0 + START_S


def test_this_process_is_read_from_the_kernel():
    """The form of the file is the kernel's: were it another, everybody would count as standing still."""
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("this kernel keeps no statistics of waiting")
    waits = CpuWaits(os.getpid())
    assert waits._waits(), "no thread of ours was found"
    assert not CpuWaits(2**22 + 1).starved()
