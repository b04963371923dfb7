"""Many desks in one process: they accept what is offered at once, hold it, and end it.

The time from the moment an agent frees (the outcome is sent) to the next offer's arrival is what those feel
who wait.
"""

import asyncio
import contextlib
import http.client
import json
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any  # Any: JSON values at the edge of the type system
from urllib.parse import urlsplit

import msgspec
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.parts import take_orders

WRAP_UP_S = 0.05
"""Of the time an agent holds an interaction, the last part is wrap-up."""

LATE_S = 10.0


@dataclass(slots=True)
class Seen:
    """What all desks saw since the last look."""

    offers: list[tuple[str, float]] = field(default_factory=list)
    """The number of the contact, and when its offer arrived."""

    accepted_at: list[float] = field(default_factory=list)
    freed_to_offer_ms: list[float] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """One agent's desk."""

    agent_id: str
    socket: ClientConnection
    seen: Seen
    hold_s: float = 1.0
    keep: bool = False
    """Keep what was accepted, for ever."""

    freed_at: float = 0.0
    taken: set[str] = field(default_factory=set)
    held: int = 0
    holding: list[str] = field(default_factory=list)
    """What it keeps, in the order in which it was accepted."""

    waiting: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self) -> None:
        """Follow the feed, and answer offers."""
        async for text in self.socket:
            message = msgspec.json.decode(text)
            if message["kind"] == "change":
                for change in message["changes"]:
                    self._look(change.get("put"), change.get("value"))
            elif message["kind"] == "snapshot":
                for what, values in message["entities"].items():
                    for value in values.values():
                        self._look(what, value)
            elif message["kind"] == "answer" and not message["ok"]:
                code = message["code"]
                self.seen.refused[code] = self.seen.refused.get(code, 0) + 1

    def _look(self, what: str | None, value: dict[str, Any] | None) -> None:
        if what == "offer" and value is not None and value["offer_id"] not in self.taken:
            now = time.monotonic()
            self.taken.add(value["offer_id"])
            words = value["summary"].split()
            self.seen.offers.append((words[1] if len(words) > 1 else "", now))
            if self.freed_at:
                self.seen.freed_to_offer_ms.append((now - self.freed_at) * 1000)
                self.freed_at = 0.0
            task = asyncio.create_task(self._handle(value["offer_id"], value["interaction_id"], now))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif what == "queue" and value is not None:
            self.waiting = sum(value["waiting"])

    async def _handle(self, offer_id: str, interaction_id: str, now: float) -> None:
        await self.send("accept", offer_id=offer_id)
        self.seen.accepted_at.append(time.monotonic())
        self.held += 1
        if self.keep:
            self.holding.append(interaction_id)
            return
        await asyncio.sleep(now + self.hold_s - WRAP_UP_S - time.monotonic())
        await self.send("end", interaction_id=interaction_id)
        await asyncio.sleep(now + self.hold_s - time.monotonic())
        self.freed_at = time.monotonic()
        self.held -= 1
        await self.send("dispose", interaction_id=interaction_id, disposition="done", note="")

    async def send(self, kind: str, **values: object) -> None:
        """One command."""
        command = {"kind": kind, "command_id": str(uuid.uuid4()), **values}
        await self.socket.send(msgspec.json.encode(command).decode())


@dataclass(slots=True)
class Desks:
    """All desks of a site."""

    url: str
    cookies: dict[str, str]
    seen: Seen = field(default_factory=Seen)
    desks: list[Desk] = field(default_factory=list)
    listening: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self) -> int:
        """Connect a desk for every agent; how many are there."""
        for agent_id, cookie in sorted(self.cookies.items()):
            ticket = await asyncio.to_thread(self._ticket, cookie)
            socket = await connect(
                "ws" + self.url.removeprefix("http") + "/desk/socket",
                origin=self.url,  # type: ignore[arg-type]  # websockets wants its NewType of str
                additional_headers={"Cookie": cookie},
                compression=None,
                proxy=None,
                max_size=None,
            )
            await socket.send(json.dumps({"kind": "hello", "ticket": ticket}))
            desk = Desk(agent_id, socket, self.seen)
            self.desks.append(desk)
            self.listening.append(asyncio.create_task(self._follow(desk)))
        return len(self.desks)

    async def available(self, hold_s: float = 1.0, keep: bool = False) -> float:
        """Everybody is available from now on; the moment it was said."""
        for desk in self.desks:
            desk.hold_s, desk.keep = hold_s, keep
        now = time.monotonic()
        await asyncio.gather(*(desk.send("presence", available=True, reason="") for desk in self.desks))
        return now

    async def hold(self, hold_s: float) -> None:
        """How long everybody holds what comes next."""
        for desk in self.desks:
            desk.hold_s = hold_s

    async def until_waiting(self, count: int) -> int:
        """Wait until the line is this long, as desks see it."""
        return await self._until(count, lambda: self.desks[0].waiting)

    async def until_accepted(self, count: int) -> int:
        """Wait until so many were accepted since the last look."""
        return await self._until(count, lambda: len(self.seen.accepted_at))

    async def until_offered(self, count: int) -> int:
        """Wait until so many offers came since the last look."""
        return await self._until(count, lambda: len(self.seen.offers))

    async def look(self) -> dict[str, Any]:
        """What was seen since the last look."""
        seen, self.seen = self.seen, Seen()
        for desk in self.desks:
            desk.seen = self.seen
        return {
            "offers": seen.offers,
            "accepted_at": seen.accepted_at,
            "freed_to_offer_ms": seen.freed_to_offer_ms,
            "refused": seen.refused,
        }

    async def _until(self, count: int, now: Callable[[], int]) -> int:
        """Wait until there are so many; when nothing changes for a while, give what there is."""
        last, since = now(), time.monotonic()
        while now() < count and time.monotonic() - since < LATE_S:
            await asyncio.sleep(0.01)
            if now() != last:
                last, since = now(), time.monotonic()
        return now()

    async def _follow(self, desk: Desk) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await desk.listen()
        raise RuntimeError(f"the desk of {desk.agent_id} was closed")

    def _ticket(self, cookie: str) -> str:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        headers = {"Cookie": cookie, "X-Muster": "1", "Origin": self.url, "Content-Type": "application/json"}
        connection.request("POST", "/api/ticket", body="{}", headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"no ticket: {response.status} {body!r}")
        return str(json.loads(body)["ticket"])


async def main(url: str, cookies: dict[str, str]) -> None:
    """Take orders for this site."""
    desks = Desks(url, cookies)
    changes = (desks.open, desks.available, desks.hold)
    looks = (desks.until_waiting, desks.until_accepted, desks.until_offered, desks.look)
    await take_orders({order.__name__: order for order in (*changes, *looks)})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
