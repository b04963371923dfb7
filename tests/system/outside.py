"""The customers of a test, seen from outside: each notes what the site acknowledged, and when.

They use the real chat socket, come back after a lost connection with the same cookie, and send again what was
not acknowledged, as the page does. What they were told is kept must be found afterwards, whatever happened.
"""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from math import ceil, inf
from random import Random
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

OPENINGS: Final = (
    "There is a fire in the house next door.",
    "My neighbour fell and is hurt.",
    "Somebody parked in front of the station.",
    "When is the bridge open again?",
)
"""Urgency 1 to 4 under the plan of centre.py."""

RETRY_S: Final = (0.0, 0.3)
"""After the site takes connections again: people's pages do not all come back in one instant."""

OPEN_S: Final = 10
DOOR_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One acknowledgement. Times are time.monotonic(): due_at when the customer wanted to say it."""

    client_id: str
    message_id: str
    text: str
    due_at: float
    kept_at: float


@dataclass(slots=True)
class Door:
    """Whether the site takes connections, asked by one for all who wait.

    In life they knock from machines of their own; here a thousand refused attempts a second would take the
    very core on which the site starts again.
    """

    url: str
    _open_at: float = -inf
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def opens(self) -> None:
        """Wait until it does."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        async with self._asking:
            while time.monotonic() - self._open_at > DOOR_S:
                try:
                    _, writer = await asyncio.open_connection(host, int(port))
                except OSError:
                    await asyncio.sleep(DOOR_S)
                else:
                    writer.close()
                    self._open_at = time.monotonic()


@dataclass(slots=True)
class Customer:
    """One chat session, from its first words until somebody has dealt with it."""

    url: str
    door: Door
    random: Random
    pace_s: float
    """Between two messages; the next is said only once the one before is acknowledged."""

    cookie: str = ""
    kept: list[Kept] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Numbers of one connection that do not follow each other: the page would show less than there is."""

    reconnects: int = 0
    over: bool = False
    silent: bool = False
    _state: str = "new"
    _due_at: float = 0.0
    _saying: tuple[str, str, float] | None = None
    """client_id, text and due time of what is not acknowledged yet."""

    async def stay(self) -> None:
        """Until dealt with, or cancelled."""
        while not self.over:
            try:
                async with self.connection() as socket:
                    self._note_cookie(socket)
                    self._due_at = self._due_at or time.monotonic()
                    await self._visit(socket)
            except (OSError, WebSocketException, TimeoutError):
                self.reconnects += 1
                await self.door.opens()
                await asyncio.sleep(self.random.uniform(*RETRY_S))

    @property
    def looks_only(self) -> bool:
        """Whether nothing was ever said and nothing will be: such a page is nobody's to deal with."""
        return self.silent and not self.kept and self._saying is None

    def standing(self) -> str:
        """What the page shows, for who reads why a test failed."""
        said = self.kept[-1].message_id if self.kept else "nothing"
        waits = "" if self._saying is None else ", the next unacknowledged"
        return f"{self._state}, {self.reconnects} reconnects, said {said} last{waits}"

    def waits_since(self) -> float | None:
        """Since when something said is unacknowledged; None when nothing is."""
        if self._saying is not None:
            return self._saying[2]
        return self._due_at if 0 < self._due_at < time.monotonic() and not self.silent else None

    def connection(self) -> connect:
        """A socket of this session, to be used as `async with`."""
        return connect(
            "ws" + self.url.removeprefix("http") + "/chat/socket",
            origin=self.url,  # type: ignore[arg-type]  # websockets wants its NewType of str
            additional_headers={"Cookie": self.cookie} if self.cookie else None,
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=1,
            ping_interval=None,
            proxy=None,
        )

    def _note_cookie(self, socket: ClientConnection) -> None:
        assert socket.response is not None
        for line in socket.response.headers.get_all("Set-Cookie"):
            self.cookie = "; ".join(f"{name}={part.value}" for name, part in SimpleCookie(line).items())

    async def _visit(self, socket: ClientConnection) -> None:
        if self._saying is not None:
            await self._send(socket)
        number = 0
        while not self.over:
            try:
                async with asyncio.timeout(self._patience_s()):
                    message = json.loads(await socket.recv())
            except TimeoutError:
                await self._say(socket)
                continue
            if "n" in message:
                number += 1
                if message["n"] != number:
                    self.faults.append(f"number {message['n']} came after {number - 1}")
            self._hear(message)

    def _patience_s(self) -> float | None:
        if self._saying is not None or self.silent:
            return None
        return max(self._due_at - time.monotonic(), 0)

    async def _say(self, socket: ClientConnection) -> None:
        if self.silent:
            return
        text = self.random.choice(OPENINGS) if not self.kept else f"More of it: {self.random.random()}"
        self._saying = (str(uuid.UUID(int=self.random.getrandbits(128), version=4)), text, self._due_at)
        await self._send(socket)

    async def _send(self, socket: ClientConnection) -> None:
        assert self._saying is not None
        client_id, text, _ = self._saying
        await socket.send(json.dumps({"kind": "say", "client_id": client_id, "text": text}))

    def _hear(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "snapshot":
                self._state = message["conversation"]["state"]
            case "change":
                for put in message["puts"]:
                    if put["what"] == "conversation":
                        self._state = put["value"]["state"]
            case "kept" if self._saying is not None and message["client_id"] == self._saying[0]:
                self._note_kept(message["message_id"])
            case "refused":
                self.refused.append(message["code"])
        if self._state == "ended" and self._saying is None:
            self.over = True

    def _note_kept(self, message_id: str) -> None:
        assert self._saying is not None
        client_id, text, due_at = self._saying
        now = time.monotonic()
        self._saying = None
        self._due_at = now + self.random.uniform(0.5, 1.5) * self.pace_s
        self.kept.append(
            Kept(client_id=client_id, message_id=message_id, text=text, due_at=due_at, kept_at=now)
        )


@dataclass(slots=True)
class Crowd:
    """So many chats at once: whoever has been dealt with is followed by another."""

    door: Door
    size: int
    pace_s: float
    seed: int = 1
    customers: list[Customer] = field(default_factory=list)
    _coming: bool = True
    _staying: dict[asyncio.Task[None], Customer] = field(default_factory=dict)

    async def come(self, per_s: float = 60.0) -> None:
        """Fill up, and stay full, until cancelled."""
        try:
            while True:
                for task in [each for each in self._staying if each.done()]:
                    self._staying.pop(task)
                    task.result()
                if self._coming and len(self._staying) < self.size:
                    self._one_more()
                await asyncio.sleep(1 / per_s)
        finally:
            for task in self._staying:
                task.cancel()
            await asyncio.gather(*self._staying, return_exceptions=True)

    def _one_more(self) -> None:
        random = Random(self.seed * 1_000_003 + len(self.customers))
        customer = Customer(self.door.url, self.door, random, self.pace_s)
        self.customers.append(customer)
        self._staying[asyncio.create_task(customer.stay())] = customer

    @property
    def here(self) -> int:
        """How many are being dealt with or wait."""
        return len(self.staying())

    def staying(self) -> list[Customer]:
        """Those."""
        return [each for each in self._staying.values() if not each.looks_only]

    def hush(self) -> None:
        """Nobody comes any more, and who is here has said everything."""
        self._coming = False
        for customer in self.customers:
            customer.silent = True

    def unacknowledged(self) -> int:
        """How many said something that nobody has acknowledged."""
        return sum(each.waits_since() is not None for each in self._staying.values())

    def kept(self) -> list[tuple[Customer, Kept]]:
        """Everything that was ever acknowledged."""
        return [(customer, each) for customer in self.customers for each in customer.kept]

    def answer_times(self, since: float, until: float) -> list[float]:
        """Seconds to the acknowledgement of all that was due in this time; for ever, while it is missing."""
        unanswered = [at for each in self._staying.values() if (at := each.waits_since()) is not None]
        answered = [each.kept_at - each.due_at for _, each in self.kept() if since <= each.due_at < until]
        return answered + [inf for at in unanswered if since <= at < until]


def p99(seconds: Sequence[float]) -> float:
    """The time within which 99 of 100 were answered (nearest rank); for ever where nobody even asked.

    Nobody asks while everybody still waits for the answer before.
    """
    return inf if not seconds else sorted(seconds)[ceil(0.99 * len(seconds)) - 1]


async def missing_from_fresh_pages(crowd: Crowd, answers: Sequence[str], *, at_once: int = 16) -> list[str]:
    """What a page that is opened now does not show as it should.

    That is every acknowledged message of its customer once and in their order; and on all pages together each
    of these answers of agents once.
    """
    places = asyncio.Semaphore(at_once)
    seen: Counter[str] = Counter()

    async def look(customer: Customer) -> list[str]:
        async with places, customer.connection() as socket:
            snapshot = json.loads(await socket.recv())
        seen.update(each["text"] for each in snapshot["messages"] if each["from"] == "agent")
        shown = [
            (each["client_id"], each["message_id"]) for each in snapshot["messages"] if each["from"] == "you"
        ]
        kept = [(each.client_id, each.message_id) for each in customer.kept]
        return [] if shown == kept else [f"a page shows {shown} instead of {kept}"]

    with_words = [each for each in crowd.customers if each.kept]
    found = await asyncio.gather(*(look(each) for each in with_words))
    wrong = [f"{text}: on {seen[text]} pages" for text in answers if seen[text] != 1]
    return [*wrong, *(problem for problems in found for problem in problems)]
