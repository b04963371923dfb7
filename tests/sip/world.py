"""Two or more user agents and the network between them, with a clock that only moves when told to."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from router.channels.sdp import AUDIO, LocalStream, offer_sdp
from router.channels.sip_call import SipCall
from router.channels.sip_message import SipMessage, read_message
from router.channels.sip_outgoing import Dialled
from router.channels.sip_timers import Timers
from router.channels.sip_transaction import Flow
from router.channels.sip_user_agent import UserAgent

US, TRUNK, STRANGER = "10.0.0.1", "192.0.2.1", "203.0.113.66"
PORT = 5060
OURS = offer_sdp(address=US, session_id=1, audio=LocalStream(port=4000, codecs=AUDIO))
THEIRS = offer_sdp(address=TRUNK, session_id=2, audio=LocalStream(port=6000, codecs=AUDIO))


class World:
    """A network without a real clock: 20 ms from end to end; `loses` decides which datagrams get lost."""

    def __init__(self, seed: int = 1) -> None:
        self.now_ms = 1_000_000
        self.timers = Timers(lambda: self.now_ms)
        self.random = random.Random(seed)
        self.loses: Callable[[bytes, str], bool] = lambda data, to: False
        self.sent: list[tuple[str, str, bytes]] = []
        """(from, to, bytes) of everything that was sent, also what got lost."""

        self._hosts: dict[str, Callable[[bytes, Flow], None]] = {}

    def agent(self, host: str, *, calls: list[SipCall] | None = None, **more: object) -> UserAgent:
        """A user agent at this address; calls to it are put into the list."""
        arguments: dict[str, object] = {
            "may_call": lambda ip: "trunk" if ip in (US, TRUNK) else "",
            "on_call": (calls if calls is not None else []).append,
            **more,
        }
        agent = UserAgent(
            self.timers,
            lambda data, flow: self.carry(data, host, flow),
            token=lambda: f"{self.random.getrandbits(96):024x}",
            host=host,
            port=PORT,
            **arguments,  # type: ignore[arg-type]
        )
        self._hosts[host] = agent.receive
        return agent

    def listens(self, host: str) -> list[SipMessage]:
        """A peer that only listens: what it got, as it comes."""
        got: list[SipMessage] = []
        self._hosts[host] = lambda data, flow: got.append(read_message(data))
        return got

    def carry(self, data: bytes, source: str, flow: Flow, *, wait_ms: int = 20) -> None:
        """One datagram on its way."""
        self.sent.append((source, flow.host, data))
        if self.loses(data, flow.host):
            return
        came = Flow(flow.transport, source, PORT, flow.connection)

        def arrive() -> None:
            if flow.host in self._hosts:
                self._hosts[flow.host](data, came)

        self.timers.after(wait_ms, arrive)

    async def passes(self, seconds: float = 1.0) -> None:
        """Time goes by; everything that falls due happens in its order."""
        until = self.now_ms + int(seconds * 1_000)
        await _settle()
        while (at_ms := self.timers.next_ms()) is not None and at_ms <= until:
            self.now_ms = max(self.now_ms, at_ms)
            self.timers.run_due()
            await _settle()
        self.now_ms = until

    def said(self, source: str, begins: str) -> list[SipMessage]:
        """What somebody sent whose first line begins like this, repeats included."""
        return [
            read_message(data)
            for who, _, data in self.sent
            if who == source and data.startswith(begins.encode())
        ]


def dialled(number: str = "112") -> Dialled:
    """An ordinary call to us."""
    return Dialled(to_uri=f"sip:{number}@{US}", from_uri=f"<sip:+15551234@{TRUNK}>", sdp=THEIRS)


class Story:
    """A centre and a trunk, and what each of them heard of the end of the call."""

    def __init__(self, seed: int = 1, **more: object) -> None:
        """more is for our user agent."""
        self.world = World(seed)
        self.ours = OURS
        self.came: list[SipCall] = []
        self.ends: list[tuple[str, str]] = []
        self.us: UserAgent = self.world.agent(US, calls=self.came, **more)
        self.trunk: UserAgent = self.world.agent(TRUNK)

    async def rings(self) -> tuple[SipCall, SipCall]:
        """A call that waits here: the trunk's side of it, and ours."""
        theirs = self.trunk.dial(dialled())
        while not self.came:
            await self.world.passes(0.1)
        ours = self.came[-1]
        theirs.on_end = lambda why: self.ends.append(("trunk", why))
        ours.on_end = lambda why: self.ends.append(("us", why))
        return theirs, ours

    async def talks(self) -> tuple[SipCall, SipCall]:
        """A call that was answered."""
        theirs, ours = await self.rings()
        await self.sees(ours.answer(OURS))
        return theirs, ours

    async def sees(self, deed: Awaitable[object], seconds: float = 40) -> object:
        """What comes of something that waits for the other side."""
        task = asyncio.ensure_future(deed)
        for _ in range(int(seconds * 10)):
            await self.world.passes(0.1)
            if task.done():
                return task.result()
        raise AssertionError("nothing came of it")

    def is_quiet(self) -> bool:
        """Whether nobody keeps anything of the call any more."""
        both = (self.us, self.trunk)
        return not any(agent.calls or len(agent.transactions) for agent in both)


async def _settle() -> None:
    """Whoever was waiting for what just happened goes on."""
    for _ in range(5):
        await asyncio.sleep(0)
