"""Many customers in one process: they connect, say one thing, and listen.

Texts are `contact N`, so that the desk that is offered it knows whose it is.
"""

import asyncio
import secrets
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any  # Any: JSON values at the edge of the type system

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.parts import take_orders

AT_ONCE = 20
"""Handshakes at a time."""

PER_NETWORK = 400
"""A site lets one network open some hundred chats at once; 127.0.0.0/8 has networks enough."""

Say = dict[str, Any]


@dataclass(slots=True)
class Chats:
    """Customers of one site. `sockets` are those who have not said anything yet."""

    url: str
    sockets: list[ClientConnection] = field(default_factory=list)
    kept: int = 0
    opened: int = 0
    said: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    listening: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self, count: int) -> int:
        """Connect so many more customers; how many are there in all."""
        limit = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with limit:
                self.sockets.append(await self._connect())

        await asyncio.gather(*(one() for _ in range(count)))
        return self.opened

    async def say_all(self) -> int:
        """Everybody who has not spoken says something; how many contacts were kept when all were."""
        wanted = self.kept + len(self.sockets)
        while self.sockets:
            batch = [self.sockets.pop() for _ in range(min(50, len(self.sockets)))]
            await asyncio.gather(*(self._say(socket) for socket in batch))
            await self._until_kept(self.said - 100)
        await self._until_kept(wanted)
        return self.kept

    async def say_at_rate(self, per_s: float, count: int) -> dict[str, float]:
        """One contact after the other at a fixed rate, whatever the answers do; when each one left us."""
        sent: dict[str, float] = {}
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(began + number / per_s - time.monotonic())
            sent[str(self.said)] = time.monotonic()
            await self._say(self.sockets.pop())
        return sent

    async def hang_up(self) -> int:
        """Everybody closes; how many there were."""
        count = len(self.listening)
        for task in self.listening:
            task.cancel()
        await asyncio.gather(*self.listening, return_exceptions=True)
        self.listening.clear()
        return count

    async def _connect(self) -> ClientConnection:
        network = self.opened // PER_NETWORK
        self.opened += 1
        socket = await connect(
            "ws" + self.url.removeprefix("http") + "/chat/socket",
            origin=self.url,  # type: ignore[arg-type]  # websockets wants its NewType of str
            additional_headers={"Cookie": f"muster-chat={secrets.token_urlsafe(32)}"},
            compression=None,
            proxy=None,
            local_addr=(f"127.0.{network}.2", 0),
        )
        task = asyncio.create_task(self._listen(socket))
        self.listening.add(task)
        return socket

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                if '"kind":"kept"' in str(message)[:80]:
                    self.kept += 1
                    self.heard.set()
        finally:
            await socket.close()

    async def _say(self, socket: ClientConnection) -> None:
        number = self.said
        self.said += 1
        text = f"contact {number} says that something happened here"
        await socket.send(f'{{"kind":"say","client_id":"{uuid.uuid4()}","text":"{text}"}}')

    async def _until_kept(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.kept < count:
                self.heard.clear()
                await self.heard.wait()


async def main(url: str) -> None:
    """Take orders for this site."""
    chats = Chats(url)
    orders = (chats.open, chats.say_all, chats.say_at_rate, chats.hang_up)
    await take_orders({order.__name__: order for order in orders})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
