"""Typing marks between web processes: quick where Redis is, and no trouble where it is not."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from agents_ui.typing_marks import AGENT, CUSTOMER, TypingMarks
from router.run import redis_server
from tests.web.threads import LoopThread

pytestmark = pytest.mark.system


class Process:
    """The marks of one web process."""

    def __init__(self, url: str, web_id: str) -> None:
        self.heard: list[tuple[str, str]] = []
        self.marks = TypingMarks(url, "site", web_id)
        self.marks.subscribe(lambda *mark: self.heard.append(mark))
        self._thread = LoopThread(self._run)

    def publish(self, interaction_id: str, who: str) -> None:
        self._thread.soon(lambda: self.marks.publish(interaction_id, who))

    def stop(self) -> None:
        self._thread.soon(lambda: self._task.cancel())
        self._thread.join()

    async def _run(self) -> None:
        self._task = asyncio.create_task(self.marks.run())
        await asyncio.wait((self._task,))


@pytest.fixture
def redis_url(data_dir: Path) -> Iterator[str]:
    binary = redis_server.find_server()
    if binary is None:
        pytest.skip("no Redis server here")
    folder = redis_server.run_folder(data_dir)
    process = subprocess.Popen(redis_server.server_command(binary, folder), stdout=subprocess.DEVNULL)
    yield redis_server.url_of(folder)
    process.kill()
    process.wait()


def eventually(look: Callable[[], bool], again: Callable[[], None] = lambda: None) -> None:
    until = time.monotonic() + 10
    while not look():
        assert time.monotonic() < until, "not within 10 s"
        again()
        time.sleep(0.05)


def test_a_mark_reaches_the_other_process_once_and_not_its_own_twice(redis_url: str) -> None:
    """The customer's page and the agent's desk are rarely on the same process."""
    one, two = Process(redis_url, "one"), Process(redis_url, "two")
    # A mark is lost while nobody listens yet; that is what a hint is, so it is given until it is heard.
    eventually(lambda: ("c", CUSTOMER) in two.heard, lambda: one.publish("c", CUSTOMER))
    before = len(one.heard)
    one.publish("d", AGENT)
    eventually(lambda: two.heard.count(("d", AGENT)) == 1)
    assert one.heard.count(("d", AGENT)) == 1
    assert len(one.heard) == before + 1
    one.stop()
    two.stop()


def test_without_redis_marks_stay_in_the_process() -> None:
    """Nothing may depend on a hint."""
    for url in ("", "redis://127.0.0.1:1/0"):
        process = Process(url, "one")
        for _ in range(2_000):
            process.publish("c", CUSTOMER)
        eventually(partial(_has_heard, process, 2_000))
        process.stop()


def _has_heard(process: Process, count: int) -> bool:
    return len(process.heard) == count


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80\x04pickle", b"null", b'["x"]', b'["x","y","admin"]', b'["me","y","agent"]', b"[" * 5_000],
)
def test_what_is_no_mark_is_ignored(data: bytes) -> None:
    """B-87. Redis may be reached by others."""
    marks = TypingMarks("", "site", "me")
    heard: list[tuple[str, str]] = []
    marks.subscribe(lambda *mark: heard.append(mark))
    marks._take(data)
    assert heard == []
