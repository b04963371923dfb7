"""People who text and mail, seen from outside: each notes what was acknowledged, and when.

They hand over the same bytes until the centre has taken them, go on writing while nobody answers, and come
back with something else once somebody did.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Final

from tests.system.far_side import FarSide
from tests.system.outside import OPENINGS, RETRY_S, Crowd, Door, Kept
from tests.system.posts import Letter, Mailbox, NotTaken, Post, Telephone

VOUCHED_FOR: Final = 0.8


@dataclass(slots=True)
class Writer:
    """One telephone or mailbox. pace_s: between two letters."""

    post: Post
    door: Door
    far: FarSide
    random: Random
    pace_s: float
    kept: list[Kept] = field(default_factory=list)
    again: int = 0
    """How often something was handed over once more."""

    silent: bool = False
    due_at: float | None = None
    """Since when something said is unacknowledged."""

    async def stay(self) -> None:
        """Until silenced, or cancelled."""
        await asyncio.sleep(self.random.uniform(0, self.pace_s))
        while not self.silent:
            before = self.far.count(self.post.address)
            await self._say(self.random.choice(OPENINGS))
            await self._pause()
            while not self.silent and self.far.count(self.post.address) == before:
                await self._say("More of it:")
                await self._pause()

    async def _pause(self) -> None:
        until = time.monotonic() + self.random.uniform(0.5, 1.5) * self.pace_s
        while not self.silent and time.monotonic() < until:
            await asyncio.sleep(min(0.5, max(until - time.monotonic(), 0)))

    async def _say(self, words: str) -> None:
        text = f"{words} [{self.random.getrandbits(64):016x}]"
        letter = self.post.write(text, self.random)
        self.due_at = due_at = time.monotonic()
        while not await self._taken(letter):
            self.again += 1
            await self.door.opens()
            await asyncio.sleep(self.random.uniform(*RETRY_S))
        self.due_at = None
        self.kept.append(
            Kept(client_id=letter.wire_id, message_id="", text=text, due_at=due_at, kept_at=time.monotonic())
        )

    async def _taken(self, letter: Letter) -> bool:
        try:
            await self.post.hand_over(letter)
        except (NotTaken, OSError, TimeoutError, asyncio.IncompleteReadError):
            return False
        return True


@dataclass(slots=True)
class Writers:
    """All of one kind."""

    writers: Sequence[Writer]

    async def write(self) -> None:
        """Everybody, until all are silent and everything is acknowledged, or cancelled."""
        async with asyncio.TaskGroup() as group:
            for each in self.writers:
                group.create_task(each.stay())

    def hush(self) -> None:
        """Nobody begins anything more."""
        for each in self.writers:
            each.silent = True

    @property
    def unacknowledged(self) -> int:
        return sum(each.due_at is not None for each in self.writers)

    def kept(self) -> list[Kept]:
        """Everything that was ever acknowledged."""
        return [kept for each in self.writers for kept in each.kept]

    def answer_times(self, since: float, until: float) -> list[float]:
        """As Crowd's."""
        unanswered = [each.due_at for each in self.writers if each.due_at is not None]
        answered = [each.kept_at - each.due_at for each in self.kept() if since <= each.due_at < until]
        return answered + [inf for at in unanswered if since <= at < until]


def telephones(door: Door, far: FarSide, *, count: int, pace_s: float, seed: int) -> Writers:
    """So many people who text."""
    return Writers(
        [
            Writer(
                Telephone(address=f"+1555{seed % 1000:03}{number:04}", url=door.url),
                door,
                far,
                Random(f"telephone {seed} {number}"),
                pace_s,
            )
            for number in range(count)
        ]
    )


def mailboxes(door: Door, far: FarSide, *, port: int, count: int, pace_s: float, seed: int) -> Writers:
    """So many people who mail; whether somebody vouches for each of them is drawn once."""
    made = []
    for number in range(count):
        random = Random(f"mailbox {seed} {number}")
        post = Mailbox(
            address=f"person-{number}@outside.example",
            port=port,
            far=far,
            vouched_for=random.random() < VOUCHED_FOR,
        )
        made.append(Writer(post, door, far, random, pace_s))
    return Writers(made)


@dataclass(slots=True)
class Public:
    """Everybody outside, on whatever channel."""

    crowd: Crowd
    phones: Writers
    boxes: Writers

    async def come(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.phones.write())
            group.create_task(self.boxes.write())
            group.create_task(self.crowd.come(per_s=100))

    def hush(self) -> None:
        """Nobody begins anything more, and who is here has said everything."""
        for each in (self.crowd, self.phones, self.boxes):
            each.hush()

    @property
    def here(self) -> int:
        """Chats that are not over, and letters that nobody has acknowledged."""
        return self.crowd.here + self.phones.unacknowledged + self.boxes.unacknowledged

    def left_over(self) -> str:
        """Who is still there, in words."""
        return (
            f"texts: {self.phones.unacknowledged}, mails: {self.boxes.unacknowledged} unacknowledged; "
            f"chats: {[each.standing() for each in self.crowd.staying()]}"
        )

    def answer_times(self, since: float, until: float) -> list[float]:
        """Of pages and telephones: what a web acknowledges."""
        return self.crowd.answer_times(since, until) + self.phones.answer_times(since, until)

    def letters(self) -> list[Kept]:
        """Every acknowledged text and mail."""
        return self.phones.kept() + self.boxes.kept()
