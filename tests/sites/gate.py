"""The other site of a test: it has a contact when the test says so."""

import asyncio
import threading


class Gate:
    """In place of SecondCopy. asked: the rows that somebody waits for; rang: those that nobody does."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.rang: list[int] = []
        self._open = threading.Event()

    async def copied(self, seq: int) -> None:
        """Waits, in whatever loop."""
        self.asked.append(seq)
        while not self._open.is_set():
            await asyncio.sleep(0.01)

    def beside(self, seq: int) -> None:
        self.rang.append(seq)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def open(self) -> None:
        """From now on the other site has everything."""
        self._open.set()
