"""What the centre answered to the people of a demo, by address: their telephones and mailboxes in one."""

import asyncio
from collections import defaultdict
from typing import Final

KEPT_MAX: Final = 200
"""Texts of one address: a demo that runs for weeks forgets the oldest."""


class Inbox:
    """Messages by the address they were sent to. put() is called on the event loop."""

    def __init__(self) -> None:
        self._count: defaultdict[str, int] = defaultdict(int)
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        self._news = asyncio.Condition()

    async def put(self, address: str, text: str) -> None:
        """One more message for this address."""
        async with self._news:
            self._count[address] += 1
            self._texts[address] = [*self._texts[address], text][-KEPT_MAX:]
            self._news.notify_all()

    def count(self, address: str) -> int:
        """How many messages ever came to this address."""
        return self._count[address]

    def texts(self, address: str) -> tuple[str, ...]:
        """The newest of them, in order."""
        return tuple(self._texts[address])

    async def until(self, address: str, count: int, seconds: float) -> bool:
        """Wait until so many have come; whether they have."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self._count[address] >= count)
        except TimeoutError:
            return False
        return True
