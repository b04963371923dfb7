"""A browser's side of a call: WebRTC by aiortc, Opus. The page offers, we answer, without trickling.

Of aiortc we use what is hard (ICE, DTLS, SRTP) and leave out what costs: it would decode in a thread of its
own for each leg, behind 80 ms of buffer. So it only sends (encoded packets, made here), and what comes in is
taken from its transport by an object that has the shape of its receivers (`_Ear`).

The page comes to us: none of the addresses in its description is used. A page of a customer could name any
host and port of our network there, and names ending in .local would have to be asked for by multicast.
The only address we name is the one we are told to (`address`), never those of all interfaces.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any, Final  # Any: aiortc's RTCP packets, and streams that packets do not belong to

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtcrtptransceiver import RTCRtpTransceiver
from aiortc.rtp import RtcpSrPacket
from aiortc.rtp import RtpPacket as TheirPacket
from av import Packet

from router.run.media.browser_sdp import read_offer, written_answer
from router.run.media.frame import Frame
from router.run.media.ice import OneAddress
from router.run.media.jitter import JitterBuffer
from router.run.media.leg import BadSdp, no_news, no_words
from router.run.media.opus import OPUS_RATE, OpusEar, OpusMouth
from router.run.media.ports import ANY_PORT, Ports
from router.run.media.rtp import Reception, RtpPacket, Stream, report
from router.run.media.ticks import CATCH_UP_MAX

CONNECT_S: Final = 10.0
"""A browser that has not connected by then never will."""

SILENCE_S: Final = 7.5
"""Nothing at all came for so long: the browser is gone. It asks for consent every 2.5 s (Chromium) to 6 s
(RFC 7675), and sends sound all the time. With the look every second it is noticed within 10 s."""

CLOSE_S: Final = 5.0
"""Of aiortc, to say good-bye and stop its tasks: milliseconds. A call that ends must not hang on it."""

LOOK_S: Final = 1.0
REPORT_LOOKS: Final = 5
WAITING_MAX: Final = CATCH_UP_MAX + 2
"""Packets that wait for the transport: as many as one late beat makes. Older sound is worth nothing."""

_WRONG_SDP: Final = (
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    TypeError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
"""What aiortc raises for descriptions that make no sense: it was not written for strangers'."""


class BrowserLeg:
    """See `Leg`. Made for one offer; a reloaded page is another leg.

    Shape: speaks False: somebody who listens only; what their microphone says is not even taken.
    """

    def __init__(
        self,
        address: str,
        ports: Ports = ANY_PORT,
        *,
        speaks: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.flowing = False
        self.on_digits: Callable[[str], None] = no_words
        self.on_text: Callable[[str], None] = no_words
        self.on_lost: Callable[[], None] = no_news
        self.on_flowing: Callable[[], None] = no_news
        self.jitter = JitterBuffer()
        self._address, self._ports, self._speaks, self._now = address, ports, speaks, now
        self._ear = _Ear(self.jitter, now)
        self._mouth, self._track = OpusMouth(), _Track()
        self._peer: RTCPeerConnection | None = None
        self._line: OneAddress | None = None
        self._began = now()
        self._watching: asyncio.Task[None] | None = None
        self._closed = self._lost = False

    async def answer(self, sdp: str) -> str:
        """Our complete answer to their complete offer. Raises BadSdp and NoPorts."""
        offer = read_offer(sdp)
        line = self._line = OneAddress(self._address, self._ports, self._now)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            answer = await self._negotiated(self._peer, line, offer.sdp)
        except _WRONG_SDP as error:
            await self.close()
            raise BadSdp(f"the offer cannot be answered: {type(error).__name__}") from error
        except BaseException:
            await self.close()
            raise
        self._began = self._now()
        self._peer.on("connectionstatechange", self._changed)
        self._watching = asyncio.create_task(self._watch(self._peer.getTransceivers()[0], line))
        return written_answer(answer, speaks=self._speaks and offer.they_speak)

    def next_frame(self) -> Frame | None:
        """The next 20 ms of this browser's microphone."""
        return self.jitter.next()

    def play(self, frame: Frame | None) -> None:
        """The next 20 ms for this browser's loudspeaker."""
        if not self.flowing or self._lost or self._closed:
            return
        packet = self._mouth.packet(frame)
        if packet is not None:
            self._track.put(packet)

    async def close(self) -> None:
        """The connection ends; the page is told."""
        if self._closed:
            return
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        if self._peer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._peer.close()
        if self._line is not None:
            await self._line.close()
        self._track.stop()

    async def _negotiated(self, peer: RTCPeerConnection, line: OneAddress, offer: str) -> str:
        transceiver = peer.addTransceiver(self._track, direction="sendonly")
        capabilities = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([each for each in capabilities if each.mimeType == "audio/opus"])
        line.replaces_gathering_of(transceiver.receiver.transport.transport.iceGatherer)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        if self._speaks:
            self._listen(transceiver)
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    def _listen(self, transceiver: RTCRtpTransceiver) -> None:
        """Take what comes in before aiortc would decode it."""
        parameters = RTCRtpReceiveParameters(
            codecs=transceiver._codecs,
            headerExtensions=transceiver._headerExtensions,
            muxId=transceiver.mid or "",
        )
        transceiver.receiver.transport._register_rtp_receiver(self._ear, parameters)

    def _changed(self) -> None:
        state = self._peer.connectionState if self._peer is not None else "closed"
        if state == "connected" and not self.flowing:
            self.flowing = True
            self.on_flowing()
        elif state in ("failed", "closed"):
            self._is_lost()

    def _is_lost(self) -> None:
        if not self._lost and not self._closed:
            self._lost = True
            self.on_lost()

    async def _watch(self, transceiver: RTCRtpTransceiver, line: OneAddress) -> None:
        """Notice a browser that is gone without a word; report to it how its sound arrives."""
        looks = random.randrange(REPORT_LOOKS)
        while not self._lost:
            await asyncio.sleep(LOOK_S)
            looks += 1
            if not self.flowing:
                if self._now() - self._began > CONNECT_S:
                    self._is_lost()
            elif self._now() - line.heard_at > SILENCE_S:
                self._is_lost()
            elif looks % REPORT_LOOKS == 0 and self._ear.reception is not None:
                await self._report(transceiver, self._ear.reception)

    async def _report(self, transceiver: RTCRtpTransceiver, reception: Reception) -> None:
        us = Stream(ssrc=transceiver.sender._ssrc, sequence=0, timestamp=0)
        said = report(us, reception, cname=b"muster", at_s=self._now(), wall_s=time.time())
        with contextlib.suppress(ConnectionError):
            await transceiver.sender.transport._send_rtp(said)


class _Track(MediaStreamTrack):
    """Where aiortc's sender takes packets from, encoded already."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[Packet[Any]] = asyncio.Queue(WAITING_MAX)

    def put(self, packet: "Packet[Any]") -> None:
        """Where too many wait, the oldest is too old."""
        if self._packets.full():
            self._packets.get_nowait()
        self._packets.put_nowait(packet)

    async def recv(self) -> "Packet[Any]":
        """The next packet."""
        return await self._packets.get()


class _Ear:
    """What aiortc's transport takes for one of its receivers."""

    def __init__(self, jitter: JitterBuffer, now: Callable[[], float]) -> None:
        self.reception: Reception | None = None
        self._ear, self._now = OpusEar(jitter), now

    async def _handle_rtp_packet(self, packet: TheirPacket, arrival_time_ms: int) -> None:
        mine = RtpPacket(
            packet.payload_type, False, packet.sequence_number, packet.timestamp, packet.ssrc, packet.payload
        )
        if self.reception is None or self.reception.ssrc != packet.ssrc:
            self.reception = Reception(mine, rate=OPUS_RATE)
            self._ear.restart()
        self.reception.count(mine, self._now())
        self._ear.put(mine.sequence, mine.timestamp, mine.payload)

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        if isinstance(packet, RtcpSrPacket) and self.reception is not None:
            middle = (packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF
            self.reception.heard_report(middle, self._now())

    def _handle_disconnect(self) -> None:
        """The state of the connection says so too."""
