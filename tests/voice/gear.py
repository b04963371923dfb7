"""Telephones and sound without a network: they remember what was done to them, and do what a test says."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal  # Any: a leg of the test, whatever the product calls it

from router.channels.port import Account, CallProvider, HttpRequest
from router.run.media.frame import Frame
from router.run.voice.gear import RING_S, BadSdp, Leg, NotAnswered

OFFER = "v=0\r\nm=audio 4000 RTP/AVP 0\r\n"
OFFER_WITH_TEXT = OFFER + "m=text 4002 RTP/AVP 98\r\n"


def _ignore(*_: object) -> None:
    """Nobody listens."""


class FakeLeg:
    """A side that says what a test tells it to."""

    def __init__(self, *, flowing: bool = False) -> None:
        self.flowing = flowing
        self.closed = False
        self.accepted: list[str] = []
        self.digits: list[str] = []
        self.texts: list[str] = []
        self.refuses = False
        self.on_flowing: Callable[[], None] = _ignore
        self.on_digits: Callable[[str], None] = _ignore
        self.on_text: Callable[[str], None] = _ignore
        self.on_lost: Callable[[], None] = _ignore

    def next_frame(self) -> Frame | None:
        return None

    def play(self, frame: Frame | None) -> None:
        """Nobody listens."""

    def flows(self) -> None:
        """The first sound comes."""
        self.flowing = True
        self.on_flowing()

    def accept(self, sdp: str) -> None:
        if "m=audio" not in sdp:
            raise BadSdp("no audio")
        self.accepted.append(sdp)

    def local_sdp(self, kind: Literal["offer", "answer"]) -> str:
        return f"our {kind} m=audio"

    def send_digits(self, digits: str) -> None:
        if not set(digits) <= set("0123456789*#ABCD"):
            raise ValueError(digits)
        self.digits.append(digits)

    def send_text(self, text: str) -> None:
        self.texts.append(text)

    def take_info(self, content_type: str, body: bytes) -> None:
        self.on_digits(body.decode())

    async def answer(self, sdp: str) -> str:
        if "m=audio" not in sdp:
            raise BadSdp("no audio")
        return f"answer to {sdp}"

    async def close(self) -> None:
        self.closed = True


class FakeBridge:
    """Remembers who is on it."""

    def __init__(self, caller: Any) -> None:
        self.caller: Any = caller
        self.agent: Any = None
        self.listeners: list[Any] = []
        self.held = False
        self.tone = ""
        self.recording: Path | None = None
        self.announced = False
        self.closed = False
        self.silent_ms = 0
        self.recording_failed = ""

    def wait(self) -> None:
        self.tone = "queue"

    def record_into(self, path: Path, *, announced: bool) -> None:
        path.write_bytes(b"OggS of " + path.name.encode())
        self.recording, self.announced = path, announced

    def stop_recording(self) -> None:
        self.recording = None

    def connect(self, agent: Leg) -> None:
        self.disconnect()
        self.agent, self.tone = agent, ""

    def disconnect(self) -> None:
        if self.agent is not None:
            self.agent.closed = True
        self.agent = None

    def listen(self, leg: Leg) -> None:
        self.listeners.append(leg)

    def leave(self, leg: Leg) -> None:
        self.listeners.remove(leg)

    def hold(self, on: bool) -> None:
        self.held = on

    async def close(self) -> None:
        self.closed = True
        for leg in (self.caller, self.agent, *self.listeners):
            if leg is not None:
                await leg.close()


class FakeMedia:
    """Makes all of it, and shows what it made, newest last."""

    def __init__(self) -> None:
        self.trunk_legs: list[FakeLeg] = []
        self.page_legs: list[FakeLeg] = []
        self.bridges: list[FakeBridge] = []

    def trunk_leg(self) -> FakeLeg:
        self.trunk_legs.append(FakeLeg(flowing=True))
        return self.trunk_legs[-1]

    def page_leg(self, *, speaks: bool = True) -> FakeLeg:
        self.page_legs.append(FakeLeg())
        return self.page_legs[-1]

    def bridge(self, caller: Leg) -> FakeBridge:
        self.bridges.append(FakeBridge(caller))
        return self.bridges[-1]


class FakeTelephone:
    """A call of a trunk. `said` is what its network was told, in order."""

    def __init__(
        self,
        call_id: str = "call-1@trunk",
        *,
        number: str = "+15550100123",
        to: str = "+15550100911",
        offer: str = OFFER,
        withheld: bool = False,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.call_id = call_id
        self.headers = headers
        self.account_id = "trunk"
        self.from_number, self.from_name, self.to_number = number, "", to
        self.withheld, self.asserted = withheld, not withheld
        self.offer, self.answer_sdp, self.ended = offer, "", ""
        self.raw = f"INVITE sip:{to} SIP/2.0\r\nFrom: <sip:{number}@trunk>\r\n\r\n{offer}".encode()
        self.said: list[str] = []
        self.refers = False
        self.answered: asyncio.Event = asyncio.Event()
        self.on_end: Callable[[str], None] = _ignore
        self.on_progress: Callable[[int, str], None] = _ignore
        self.on_reoffer: Callable[[str], str] = lambda sdp: ""
        self.on_info: Callable[[str, bytes], None] = _ignore

    @property
    def positions(self) -> list[int]:
        return [int(each.removeprefix("182 ")) for each in self.said if each.startswith("182 ")]

    def queued(self, position: int) -> None:
        self.said.append(f"182 {position}")

    async def answer(self, sdp: str) -> None:
        self.said.append("200")
        self.answered.set()

    async def refuse(self, status: int, *, reason: str = "") -> None:
        self.said.append(str(status))

    async def hang_up(self) -> None:
        self.said.append("BYE")

    async def refer(self, to_uri: str) -> bool:
        self.said.append(f"REFER {to_uri}")
        return self.refers


class FakeTelephones:
    """Calls out: `answers` says what becomes of the next one: a telephone, or why nobody answers."""

    def __init__(self) -> None:
        self.dialled: list[str] = []
        self.headers: list[tuple[tuple[str, str], ...]] = []
        self.answers: FakeTelephone | str | None = None
        self.of: dict[str, FakeTelephone | str | None] = {}
        """The same for single numbers."""
        self.cancelled = False

    def uri(self, account: Account, number: str) -> str:
        return f"sip:{number}@trunk.example" if account.endpoint else ""

    async def dial(
        self,
        account: Account,
        number: str,
        sdp: str,
        *,
        ring_s: float = RING_S,
        headers: Sequence[tuple[str, str]] = (),
    ) -> FakeTelephone:
        self.dialled.append(number)
        self.headers.append(tuple(headers))
        try:
            while (answers := self.of.get(number, self.answers)) is None:
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(answers, str):
            raise NotAnswered(answers)
        answers.answer_sdp = OFFER
        return answers


class FakeOrders:
    """A provider's API: `answers` says what comes of the next orders, the last one of all that follow."""

    def __init__(self) -> None:
        self.asked: list[HttpRequest] = []
        self.answers: list[str] = ["done"]
        self.on_order: Callable[[HttpRequest], None] = _ignore

    async def ask(self, provider: CallProvider, request: HttpRequest) -> str:
        self.asked.append(request)
        self.on_order(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def ordered(self, what: str) -> list[HttpRequest]:
        """Orders with this in their body."""
        return [each for each in self.asked if what.encode() in each.body]
