"""Every provider with a webhook at once: genuine requests, each at its moment, on connections of its own.

What their requests look like and how they are signed is in tests/contracts, written from the documentation of
each. A provider that is not played here stops the measurement: the figure is about all of them.
"""

import asyncio
import hashlib
import hmac
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, cast  # Any: JSON for another process; players, which are of many classes
from urllib.parse import urlencode, urlsplit

import uvloop

from benchmarks.parts import take_orders
from router.channels.ids import message_id_of
from router.channels.port import Account, Webhook
from router.channels.providers import PROVIDERS
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.partner import Partner
from tests.contracts.plays import Plays, Said
from tests.contracts.telegram import Telegram
from tests.contracts.twilio import Twilio
from tests.contracts.viber import Viber
from tests.contracts.whatsapp import WhatsApp

WORDS: Final = "There is smoke in the stairwell of 12 Mill Road, second floor. I have two children here. Nr"
AGAIN: Final = 0.5
"""Share of messages of people who have written before."""

STATUSES: Final = 0.25
BATCHES: Final = 0.25
AT_ONCE: Final = 5
SENT_EACH: Final = 400
"""Answers of each account that a status can be about, each once: more than come in the time."""

PATIENCE_S: Final = 30.0

PLAYERS: Final[Sequence[Callable[[str], Any]]] = (
    lambda hooks: Twilio("texts", f"{hooks}/texts"),
    lambda hooks: WhatsApp("wa"),
    lambda hooks: Messenger("messenger", "page"),
    lambda hooks: Messenger("instagram", "insta"),
    lambda hooks: Telegram("bot"),
    lambda hooks: Line("friends"),
    lambda hooks: Partner("mill", endpoint=""),
    lambda hooks: Viber("viber"),
)
PERSON: Final = {
    "twilio": "+1444{:07}",
    "whatsapp": "1444{:07}",
    "line": "U{:032x}",
    "partner": "panel-{}",
}
MESSAGE: Final = {
    "twilio": "SM{:032x}",
    "whatsapp": "wamid.HBgL{:032x}",
    "line": "01H{:023}",
    "partner": "r-{}",
}
"""How people and messages are named there; elsewhere both are numbers."""

ELS: Final = Account(
    account_id="els",
    channel="partner",
    provider="aml",
    address="bench-els",
    secret=b"benchmark-els",
    endpoint="",
    public_url="",
    options={},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One webhook, and what of it must be in the database once it is acknowledged: the ids there."""

    account: Account
    webhook: Webhook
    messages: Sequence[str] = ()
    statuses: Sequence[str] = ()
    reports: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class Sender:
    """One provider with one account of ours, and whom it has brought so far."""

    account: Account
    plays: Plays | None
    """None: telephones' reports, which are nobody's words."""
    random: Random
    people: int = 0
    said: int = 0
    told: int = 0

    @property
    def tells_status(self) -> bool:
        """Whether it says what became of a message of ours."""
        return self.plays is not None and any(ours == "delivered" for _, ours in self.plays.statuses)

    def next(self) -> Request:
        """What it posts next."""
        if self.plays is None:
            return self._report()
        if self.tells_status and self.told < SENT_EACH and self.random.random() < STATUSES:
            return self._status(self.plays)
        batch = self.plays.batches and self.random.random() < BATCHES
        return self._messages(self.plays, AT_ONCE if batch else 1)

    def _messages(self, plays: Plays, count: int) -> Request:
        said = [self._said(plays.name) for _ in range(count)]
        account = self.account
        return Request(
            account=account,
            webhook=_signed_now(plays, plays.message(*said)),
            messages=[message_id_of(account.channel, account.account_id, each.provider_id) for each in said],
        )

    def _said(self, provider: str) -> Said:
        self.said += 1
        return Said(
            provider_id=MESSAGE.get(provider, "{}").format(self.said),
            sender=PERSON.get(provider, "{}").format(10_000 + self._person()),
            text=f"{WORDS} {self.said}",
        )

    def _person(self) -> int:
        if self.people and self.random.random() < AGAIN:
            return self.random.randrange(self.people)
        self.people += 1
        return self.people - 1

    def _status(self, plays: Plays) -> Request:
        word = next(theirs for theirs, ours in plays.statuses if ours == "delivered")
        about = sent_id(self.account.account_id, self.told)
        self.told += 1
        webhook = plays.status(word, provider_id=about, outbox_id=about)
        return Request(account=self.account, webhook=_signed_now(plays, webhook), statuses=[about])

    def _report(self) -> Request:
        """Of somebody who texts, or of nobody known."""
        self.said += 1
        form = {
            "v": "3",
            "emergency_number": "911",
            "location_latitude": f"52.37{self.said:04}",
            "location_longitude": "4.895168",
            "location_accuracy": "9.3",
            "device_number": PERSON["twilio"].format(10_000 + self._person()),
        }
        body = urlencode(form).encode()
        body += b"&hmac=" + hmac.new(self.account.secret, body, hashlib.sha1).hexdigest().encode()
        account, name = self.account, hashlib.sha256(body).hexdigest()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Request(
            account=account,
            webhook=Webhook(method="POST", path="", query="", headers=headers, body=body, received_at_ms=0),
            reports=[message_id_of(account.channel, account.account_id, name)],
        )


def every_sender(site_url: str) -> list[Sender]:
    """One for each provider there is. Raises LookupError: one that nobody plays."""
    plays: list[Plays] = [make(f"{site_url}/hooks") for make in PLAYERS]
    senders = [Sender(account=each.account, plays=each, random=Random(each.name)) for each in plays]
    senders.append(Sender(account=ELS, plays=None, random=Random("aml")))
    missing = sorted(set(PROVIDERS) - {each.account.provider for each in senders})
    if missing:
        raise LookupError(f"nobody plays {', '.join(missing)}")
    return senders


def sent_id(account_id: str, number: int) -> str:
    """The id, ours and the provider's, of an answer that had been sent."""
    return f"sent-{account_id}-{number}"


def _signed_now(plays: Plays, webhook: Webhook) -> Webhook:
    """A partner signs the time as well."""
    return plays.over(webhook.body, at_s=int(time.time())) if isinstance(plays, Partner) else webhook


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

    def note(self, request: Request, status: bytes, took: float) -> None:
        """One answer."""
        self.took_ms[request.account.provider].append(1000 * took)
        if not status.startswith(b"2"):
            self.refused += 1
            return
        self.messages += request.messages
        self.statuses += request.statuses
        self.reports += request.reports


@dataclass(slots=True)
class Providers:
    """All of them, towards one site."""

    url: str
    senders: list[Sender] = field(init=False)
    random: Random = field(default_factory=lambda: Random(1))
    free: deque[Connection] = field(default_factory=deque)
    """The one that waited longest first: none is idle for so long that the centre closes it."""

    def __post_init__(self) -> None:
        self.senders = every_sender(self.url)

    async def say(self, seconds: float, per_s: float) -> dict[str, Any]:
        """Post at random moments, so many a second on average; what was seen, and what must be kept."""
        seen, at = Round(), time.monotonic()
        over = at + seconds
        async with asyncio.TaskGroup() as posting:
            number = 0
            while (at := at + self.random.expovariate(per_s)) < over:
                request = self.senders[number % len(self.senders)].next()
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
