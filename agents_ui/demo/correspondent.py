"""One demo person who texts or mails: writes, waits for the answer, answers it, and says goodbye.

Unlike in a chat nobody sees that an agent is there: what counts is what arrives on the telephone or in the
mailbox.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from agents_ui.demo.inbox import Inbox
from agents_ui.demo.stories import Story

THINKS_S: Final = (2.0, 8.0)
"""From reading an answer to having typed the next message."""

ANSWER_WITHIN_S: Final = 600
"""Somebody whose agent writes nothing for so long puts the telephone away."""


class Post(Protocol):
    """A way to write to the centre: text messages, or mail."""

    async def say(self, text: str) -> None:
        """Hand over one message; when this returns the centre has taken it."""
        ...


@dataclass(slots=True, kw_only=True)
class Correspondent:
    """A person with a story on a channel without a live line.

    Units: seconds, multiplied by `pace` (tests hurry).
    """

    post: Post
    inbox: Inbox
    address: str
    story: Story
    random: Random
    patience_s: float
    whole: bool
    """All opening lines in one message, as people write mail."""
    pace: float = 1.0
    answered: Callable[[], None] = lambda: None

    async def correspond(self) -> str:
        """The whole exchange; how it ended: `helped`, or `unanswered`."""
        before = self.inbox.count(self.address)
        for text in ["\n".join(self.story.opening)] if self.whole else self.story.opening:
            await self.post.say(text)
            await self._think()
        for number, text in enumerate((*self.story.then, self.story.bye), start=1):
            patience_s = self.patience_s if number == 1 else ANSWER_WITHIN_S
            if not await self.inbox.until(self.address, before + number, patience_s * self.pace):
                return "unanswered" if number == 1 else "helped"
            if number == 1:
                self.answered()
            await self._think()
            await self.post.say(text)
        return "helped"

    async def _think(self) -> None:
        await asyncio.sleep(self.random.uniform(*THINKS_S) * self.pace)
