"""Every provider with a webhook at once: each request at its moment, on connections that stay open."""

import asyncio
import sys
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, cast  # Any: JSON for another process
from urllib.parse import urlsplit

import uvloop

from benchmarks.parts import take_orders
from benchmarks.webhook_requests import Request, Sender, every_sender

PATIENCE_S: Final = 30.0


class Connection(asyncio.Protocol):
    """One connection to the centre, for one request after the other."""

    def __init__(self) -> None:
        self._heard = b""
        self._sent_at = 0.0
        self._answer: asyncio.Future[tuple[bytes, float]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # of TCP; uvloop's is no subclass

    async def ask(self, request: bytes) -> tuple[bytes, float]:
        """Its status and how long it took in seconds, from the last byte sent to the last received."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        self._sent_at = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            return await self._answer

    def data_received(self, data: bytes) -> None:
        took = time.monotonic() - self._sent_at
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head) or self._answer is None:
            return
        self._heard = b""
        self._answer.set_result((head[9:12], took))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed in the middle"))


@dataclass(slots=True)
class Round:
    """What was seen in one round."""

    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    messages: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def note(self, request: Request, status: bytes, took: float) -> None:
        """One answer."""
        self.took_ms[request.account.provider].append(1000 * took)
        if not status.startswith(b"2"):
            self.refused += 1
            return
        self.messages += request.messages
        self.statuses += request.statuses
        self.reports += request.reports
        self.calls += request.calls


@dataclass(slots=True)
class Providers:
    """All of them, towards one site."""

    url: str
    senders: Sequence[Sender] = field(init=False)
    random: Random = field(default_factory=lambda: Random(1))
    free: deque[Connection] = field(default_factory=deque)
    """The one that waited longest first: none is idle for so long that the centre closes it."""

    def __post_init__(self) -> None:
        self.senders = every_sender(self.url)

    async def say(self, seconds: float, per_s: float, only: str = "") -> dict[str, Any]:
        """Post at random moments, so many a second on average; what was seen, and what must be kept.

        only: the one provider that posts; else all of them in turn.
        """
        senders = [each for each in self.senders if only in ("", each.account.provider)]
        seen, at = Round(), time.monotonic()
        over = at + seconds
        async with asyncio.TaskGroup() as posting:
            number = 0
            while (at := at + self.random.expovariate(per_s)) < over:
                request = senders[number % len(senders)].next()
                await asyncio.sleep(at - time.monotonic())
                posting.create_task(self._post(request, seen))
                number += 1
        return {name: getattr(seen, name) for name in Round.__slots__}

    async def _post(self, request: Request, seen: Round) -> None:
        connection = self.free.popleft() if self.free else await self._connected()
        status, took = await connection.ask(_bytes_of(request, urlsplit(self.url).netloc))
        self.free.append(connection)
        seen.note(request, status, took)

    async def _connected(self) -> Connection:
        parts = urlsplit(self.url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, parts.hostname or "", parts.port or 80)
        return connection


def _bytes_of(request: Request, host: str) -> bytes:
    webhook = request.webhook
    path = f"/{webhook.path}" if webhook.path else ""
    query = f"?{webhook.query}" if webhook.query else ""
    headers = {
        "host": host,
        "accept": "*/*",
        **webhook.headers,
        "content-length": str(len(webhook.body)),
    }
    lines = [f"POST /hooks/{request.account.account_id}{path}{query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + webhook.body


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length: ")
    return int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def main(url: str) -> None:
    """Take orders for this site."""
    providers = Providers(url)
    await take_orders({"say": providers.say})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
