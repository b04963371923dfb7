"""Telephones and browsers that do as little as they can: what they cost is not to be measured.

Both say the same second of something like speech again and again, encoded beforehand. The browsers are real
aiortc peers with ICE, DTLS and SRTP; what they hear is counted, not decoded. For the way from mouth to ear
there is one whole peer, which decodes as aiortc does, behind its own jitter buffer of 80 ms.
"""

import asyncio
import contextlib
import random
import time
from fractions import Fraction
from typing import Any  # Any: aiortc's packets, which belong to no stream

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters

from benchmarks.parts import take_orders
from router.run.media.frame import FRAME_S, RATE, SAMPLES, Frame
from router.run.media.g711 import ulaw
from router.run.media.ice import OneAddress
from router.run.media.opus import OPUS_RATE, OpusMouth
from router.run.media.ports import ANY_PORT
from router.run.media.rtp_leg import RtpLeg

HOST = "127.0.0.1"
EVERY_FRAMES = 23
"""Between two marks: not a whole number of anything else, so that marks meet every phase of every buffer."""

MARK_PEAK = 12_000
HEARD_PEAK = 3_000


def speech() -> list[Frame]:
    """A second of something like it: a pitch that moves, harmonics that come and go."""
    at = np.arange(RATE) / RATE
    phase = 2 * np.pi * np.cumsum(130 + 30 * np.sin(2 * np.pi * at)) / RATE
    voice = sum(np.sin(k * phase) / k * (1 + np.sin(2 * np.pi * k * at)) for k in range(1, 20))
    return list((3_000 * voice).astype(np.int16).reshape(-1, SAMPLES))


class Phone:
    """Says its second by RTP, counts what comes. It is our own leg: sockets and packets are the same work."""

    def __init__(self) -> None:
        self.leg = RtpLeg.open(HOST)
        self.says: list[Frame | None] = list(speech())
        self.said = 0
        self._loop = asyncio.get_running_loop()

    @property
    def heard(self) -> int:
        """Packets."""
        return self.leg._reception.received if self.leg._reception is not None else 0

    def start(self) -> None:
        """At a time of its own, as callers call."""
        self._due = self._loop.time() + random.random() * FRAME_S
        self._loop.call_at(self._due, self._say)

    def _say(self) -> None:
        self.leg.play(self.says[self.said % len(self.says)])
        self.said += 1
        self._due += FRAME_S
        self._loop.call_at(self._due, self._say)


class Page:
    """A browser's connection: says encoded packets, counts what comes."""

    def __init__(self, packets: list[bytes]) -> None:
        self.heard = 0
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = self._transceiver = self.connection.addTransceiver(_Said(packets), direction="sendrecv")
        gatherer = transceiver.receiver.transport.transport.iceGatherer
        OneAddress(HOST, ANY_PORT, time.monotonic).replaces_gathering_of(gatherer)
        transceiver.receiver.receive = self._receive  # type: ignore[method-assign]

    async def offer(self) -> str:
        """A complete one."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        """The answer to it."""
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def _receive(self, parameters: RTCRtpReceiveParameters) -> None:
        self._transceiver.receiver.transport._register_rtp_receiver(self, parameters)

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        self.heard += 1

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        """Nothing to do."""

    def _handle_disconnect(self) -> None:
        """Nothing to do."""


class Ends:
    """All of them."""

    def __init__(self) -> None:
        mouth = OpusMouth()
        packets = [mouth.packet(each) for each in speech() * 2]
        self._packets = [bytes(each) for each in packets if each is not None][-50:]
        self._calls: list[tuple[Phone, Page]] = []

    async def call(self) -> dict[str, str]:
        """One more: both offers."""
        phone, page = Phone(), Page(self._packets)
        self._calls.append((phone, page))
        return {"phone": phone.leg.local_sdp("offer"), "page": await page.offer()}

    async def talk(self, phone: str, page: str) -> None:
        """Their answers: the last call begins."""
        caller, browser = self._calls[-1]
        caller.leg.accept(phone)
        caller.start()
        await browser.take(page)

    async def count(self) -> dict[str, int]:
        """Packets that came to telephones and to pages."""
        return {
            "phones": sum(phone.heard for phone, _ in self._calls),
            "pages": sum(page.heard for _, page in self._calls),
        }

    async def listen(self) -> dict[str, str]:
        """One call whose page really hears, for `delays`."""
        phone, self._listener = Phone(), Listener()
        phone.says = [None]
        self._calls.append((phone, self._listener))
        return {"phone": phone.leg.local_sdp("offer"), "page": await self._listener.offer()}

    async def delays(self, count: int) -> list[float]:
        """Milliseconds from the mouth to the ear, of so many marks in the last call.

        A word that begins in a packet was begun 20 ms before the packet could be sent; it is heard when the
        frame in which it begins has been decoded, and its place in that frame has come.
        """
        phone, found = self._calls[-1][0], list[float]()
        while len(found) < count:
            before = len(self._listener.marks)
            loud = np.full(SAMPLES, MARK_PEAK, np.int16)
            loud[1::2] = -MARK_PEAK  # 4 kHz would be filtered; every second pair turns it into 2 kHz
            loud = np.repeat(loud[::2] * np.tile([1, -1], SAMPLES // 4), 2).astype(np.int16)
            phone.says = [None] * phone.said + [loud, loud, loud] + [None] * 2_000_000
            said_at = phone._due - FRAME_S
            await asyncio.sleep(EVERY_FRAMES * FRAME_S)
            new = self._listener.marks[before:]
            if new:
                found.append((new[0] - said_at) * 1_000)
        return found


class Listener(Page):
    """A page that decodes; `marks` are the times at which something loud began."""

    def __init__(self) -> None:
        mouth = OpusMouth()
        silence = [packet for _ in range(4) if (packet := mouth.packet(None)) is not None]
        super().__init__([bytes(silence[-1])])
        del self._transceiver.receiver.receive  # its own again
        self.marks: list[float] = []
        self.connection.on("track", self._hear)

    def _hear(self, track: MediaStreamTrack) -> None:
        self._hearing = asyncio.ensure_future(self._collect(track))

    async def _collect(self, track: MediaStreamTrack) -> None:
        loud = False
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                sound = np.abs(frame.to_ndarray().reshape(-1)[::2].astype(np.int32))
                was_loud, loud = loud, bool(sound.max() > HEARD_PEAK)
                if loud and not was_loud:
                    self.marks.append(time.monotonic() + int(np.argmax(sound > HEARD_PEAK)) / OPUS_RATE)


class _Said(MediaStreamTrack):
    """Packets, fifty a second."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self._packets, self._said, self._began = packets, 0, 0.0

    async def recv(self) -> "av.Packet[Any]":
        """The next one, when it is due."""
        self._began = self._began or time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._said * FRAME_S - time.monotonic()))
        packet = av.Packet(self._packets[self._said % len(self._packets)])
        packet.pts, packet.time_base = self._said * 960, Fraction(1, OPUS_RATE)
        self._said += 1
        return packet


async def main() -> None:
    """Until stdin ends."""
    ends = Ends()
    orders = {name: getattr(ends, name) for name in ("call", "talk", "count", "listen", "delays")}
    await take_orders(orders)


if __name__ == "__main__":
    ulaw()
    asyncio.run(main())
