"""What a site says of itself when its own database takes nothing: out of memory, at once, with what to do."""

import asyncio
from typing import Any

import pytest

from router.journal.committer import CommitUnknown
from router.journal.hanging import Hanging
from router.run.trouble import NoticeTrouble
from router.sites import pulse as pulsing
from router.sites.pulse import ASKED_S, GOOD_AFTER, HANGS, STUCK_S, Pulse

NORMAL: dict[str, Any] = {"site": "a", "state": "Normal", "accepts": True, "ready": [{"code": "drill_due"}]}


class Committer:
    """Commits at once, or not until it is let."""

    def __init__(self) -> None:
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.appended: list[object] = []

    async def append(self, append: object) -> tuple[()]:
        if not self.hangs.is_set():
            await self.hangs.wait()
            raise CommitUnknown("the database stands still")
        self.appended.append(append)
        return ()


class Room:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.committer = Committer()
        database: Any = None
        committer: Any = self.committer
        self.pulse = Pulse(database, committer, site="a", clock_ms=lambda: 1, clock_s=lambda: self.now_s)

    def hang(self) -> None:
        self.committer.hangs.clear()

    def alarms(self) -> list[str]:
        return [each.detail for each in self.committer.appended if isinstance(each, NoticeTrouble)]

    async def beats(self) -> None:
        await self.pulse.beat()


@pytest.fixture(autouse=True)
def known_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulsing, "why_hanging", lambda own: Hanging(text="a dead replica", todo="start it"))


async def test_a_database_that_takes_what_is_written_changes_nothing_of_what_is_said() -> None:
    """Normal is what the tables say."""
    room = Room()
    await room.beats()
    room.now_s += 1
    assert room.pulse.said(NORMAL) is NORMAL


async def test_a_commit_that_does_not_come_back_makes_the_site_down_by_its_own_word() -> None:
    """The other site can see it nowhere else: beats are answered, tables are read, nothing is refused."""
    room = Room()
    room.hang()
    beat = asyncio.create_task(room.beats())
    await asyncio.sleep(0)
    room.now_s += STUCK_S - 0.1
    assert room.pulse.said(NORMAL) is NORMAL, "a slow commit is no outage"
    room.now_s += 0.1
    said = room.pulse.said(NORMAL)
    assert (said["state"], said["accepts"], said["stuck_ms"]) == ("Down", False, 5_000)
    assert [each["code"] for each in said["ready"]] == [HANGS, "drill_due"]
    assert said["ready"][0]["text"].startswith("the database has taken nothing for 5 s")
    room.committer.hangs.set()
    await beat


async def test_it_ends_with_three_commits_in_a_row_and_the_people_here_are_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that comes and goes is not there; and nobody here could be told before."""
    monkeypatch.setattr(pulsing, "EVERY_S", 0.0)
    room = Room()
    room.hang()
    running = asyncio.create_task(room.pulse.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    room.now_s += ASKED_S
    while "this site serves nobody" not in caplog.text:
        await asyncio.sleep(0)
    assert "a dead replica. Do: start it" in caplog.text
    assert room.pulse.said(NORMAL)["ready"][0]["text"].endswith("a dead replica")
    running.cancel()
    room.committer.hangs.set()
    await asyncio.gather(running, return_exceptions=True)
    for left in range(GOOD_AFTER, 0, -1):
        assert room.pulse.said(NORMAL)["state"] == "Down", left
        await room.beats()
    assert room.pulse.said(NORMAL) is NORMAL
    assert room.alarms() == ["for 30 s and more: a dead replica"]
