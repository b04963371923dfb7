"""Many people who text at once: signed webhooks over 64 connections, one after the other on each.

Every text is of a new person, which is what a disaster looks like and the dearest case. Requests are made and
signed beforehand; what is left costs this process a few microseconds each.
"""

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import cast
from urllib.parse import quote_plus, urlsplit

import uvloop

from benchmarks.parts import take_orders

CONNECTIONS = 64
WORDS = "There is smoke in the stairwell of 12 Mill Road, second floor. I have two children with me. Nr"
SECRET = b"benchmark-token"
ACCOUNT_SID = "AC" + "0" * 31 + "1"
NUMBER = "+15550100100"


def request_of(url: str, number: int) -> bytes:
    """The webhook of one text of one person, as its provider would send it."""
    fields = {
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "Body": f"{WORDS} {number}",
        "From": f"+1444{number:07}",
        "FromCity": "LOWEN",
        "FromCountry": "US",
        "FromState": "NY",
        "FromZip": "12801",
        "MessageSid": f"SM{number:032x}",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": f"SM{number:032x}",
        "SmsSid": f"SM{number:032x}",
        "SmsStatus": "received",
        "To": NUMBER,
        "ToCity": "",
        "ToCountry": "US",
        "ToState": "",
        "ToZip": "",
    }
    signed = url + "".join(name + value for name, value in fields.items())
    signature = base64.b64encode(hmac.digest(SECRET, signed.encode(), hashlib.sha1)).decode()
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"Accept: */*\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        f"X-Twilio-Signature: {signature}\r\nI-Twilio-Idempotency-Token: {number:032x}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Rush:
    """One rush of texts: what is still to be said, and how long each answer took."""

    ready: list[bytes]
    per_s: float
    until: float
    began: float
    said: int = 0
    took: list[float] = field(default_factory=list)
    refused: int = 0

    def next(self) -> bytes | None:
        """The next text; None when the rush is over."""
        if time.monotonic() >= self.until or self.said >= len(self.ready):
            return None
        self.said += 1
        return self.ready[self.said - 1]

    def wait_s(self) -> float:
        """How long the next one is still to wait, where there is a rate to keep."""
        return self.began + self.said / self.per_s - time.monotonic() if self.per_s else 0.0


class Connection(asyncio.Protocol):
    """One connection of the provider."""

    def __init__(self, rush: Rush) -> None:
        self.rush = rush
        self.over = asyncio.get_running_loop().create_future()
        self._heard = b""
        self._said_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # of TCP; uvloop's is no subclass
        self._say_in_time()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._heard = b""
        self.rush.took.append(time.monotonic() - self._said_at)
        self.rush.refused += not head.startswith(b"HTTP/1.1 200")
        self._say_in_time()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionError("closed in the middle"))

    def _say_in_time(self) -> None:
        wait_s = self.rush.wait_s()
        if wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self._say)
        else:
            self._say()

    def _say(self) -> None:
        text = self.rush.next()
        if text is None:
            self.over.set_result(None)
            self._transport.close()
            return
        self._said_at = time.monotonic()
        self._transport.write(text)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length: ")
    return int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


@dataclass(slots=True)
class Texters:
    """The provider of one site's account."""

    url: str
    made: int = 0
    ready: list[bytes] = field(default_factory=list)

    async def make(self, count: int) -> int:
        """Make and sign so many texts, each of somebody new."""
        self.ready = [request_of(self.url, number) for number in range(self.made, self.made + count)]
        self.made += count
        return count

    async def say(self, seconds: float, per_s: float = 0.0) -> dict[str, float]:
        """Say them for so long, at a rate or as fast as they are answered; what was seen."""
        began = time.monotonic()
        rush = Rush(ready=self.ready, per_s=per_s, until=began + seconds, began=began)
        parts = urlsplit(self.url)
        loop = asyncio.get_running_loop()
        connections = await asyncio.gather(
            *(
                loop.create_connection(lambda: Connection(rush), parts.hostname or "", parts.port or 80)
                for _ in range(CONNECTIONS)
            )
        )
        await asyncio.gather(*(protocol.over for _, protocol in connections))
        took = time.monotonic() - began
        return {
            "answered": len(rush.took),
            "refused": rush.refused,
            "per_s": len(rush.took) / took,
            "p50_ms": 1000 * median(rush.took),
            "p99_ms": 1000 * quantiles(rush.took, n=100, method="inclusive")[98],
        }


async def main(url: str) -> None:
    """Take orders for this webhook."""
    texters = Texters(url)
    await take_orders({order.__name__: order for order in (texters.make, texters.say)})


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
