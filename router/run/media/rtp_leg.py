"""A telephone's side of a call: RTP to a trunk. G.711, key presses (RFC 4733), real-time text (RFC 4103).

What was said about it by signalling comes in by `accept`, what we say by `local_sdp`. One leg is one pair of
ports from `open` to `close`; the other side may move, hold, and begin anew as often as it likes.
"""

import ipaddress
import random
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

from router.channels.sdp import (
    AUDIO,
    KEYS,
    PCMA,
    PCMU,
    TEXT,
    Codec,
    Description,
    LocalStream,
    SdpWrong,
    agreed_codecs,
    answer_sdp,
    offer_sdp,
    read_sdp,
)
from router.run.media.datagrams import Datagrams
from router.run.media.digits import DigitReader, DigitWriter, info_digits
from router.run.media.frame import FRAME_MS, RATE, SAMPLES, Frame
from router.run.media.g711 import Law, alaw, ulaw
from router.run.media.jitter import JitterBuffer
from router.run.media.leg import BadSdp, no_news, no_words
from router.run.media.ports import ANY_PORT, Ports, udp_pair
from router.run.media.rtp import Reception, RtpPacket, Stream, farewell, is_rtcp, read_rtp, report, sent_at
from router.run.media.rtp_text import TextSide
from router.run.media.source import Source, SourceGate

LOST_S: Final = 30.0
"""Nothing at all came for so long from somebody who should be sending. Pauses of senders that leave silence
out are shorter, and their RTCP comes every few seconds."""

REPORT_MS: Final = 5_000
"""RFC 3550, 6.2: the least interval between reports of a call of two."""

COMFORT_NOISE: Final = (13, 19)
"""Payload types of packets that say how silence sounds (RFC 3389, and what was used before it)."""


class RtpLeg:
    """See `Leg`. Made by `open`."""

    def __init__(
        self,
        address: str,
        pair: tuple[socket.socket, socket.socket],
        ports: Ports,
        *,
        latch: bool,
        now: Callable[[], float],
    ) -> None:
        self.flowing = False
        self.on_digits: Callable[[str], None] = no_words
        self.on_text: Callable[[str], None] = no_words
        self.on_lost: Callable[[], None] = no_news
        self.on_flowing: Callable[[], None] = no_news
        self.jitter = JitterBuffer()
        self._address, self._ports, self._latch, self._now = address, ports, latch, now
        self._gate = SourceGate(latch=latch)
        self._theirs: Description | None = None
        self._session, self._version, self._said = random.getrandbits(31), 0, ""
        self._law, self._law_type, self._keys_type = ulaw(), PCMU.payload, -1
        self._laws: Mapping[int, Law] = {PCMU.payload: ulaw(), PCMA.payload: alaw()}
        self._they_hear = self._they_send = self._talking = False
        self._stream = Stream(
            ssrc=random.getrandbits(32), sequence=random.getrandbits(15), timestamp=random.getrandbits(31)
        )
        self._reception: Reception | None = None
        self._keys_in, self._keys_out, self._keys_by = DigitReader(), DigitWriter(), ""
        self._text: TextSide | None = None
        self._heard_at, self._lost, self._report_ms = now(), False, 0
        self._rtp = Datagrams(pair[0], self._take)
        self._rtcp = Datagrams(pair[1], self._take_report)

    @classmethod
    def open(
        cls,
        address: str,
        ports: Ports = ANY_PORT,
        *,
        latch: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> "RtpLeg":
        """A leg on ports of its own; `address` is what the other side is told. Raises NoPorts.

        latch: the other side is behind a router that changes addresses; what its description says is not
        where it is, so the first who sends is it.
        """
        return cls(address, udp_pair(address, ports), ports, latch=latch, now=now)

    @property
    def port(self) -> int:
        """Where we listen for sound."""
        return self._rtp.port

    def accept(self, sdp: str) -> None:
        """Their offer or answer. Raises BadSdp; NoPorts when they offer text and no port is left for it."""
        try:
            theirs = read_sdp(sdp)
        except SdpWrong as error:
            raise BadSdp(str(error)) from error
        audio = theirs.first("audio")
        if audio is None:
            raise BadSdp("no audio that we can speak")
        agreed = agreed_codecs(audio, AUDIO)
        spoken = next((each for each in agreed if not each.is_like(KEYS)), None)
        if spoken is None or not _is_address(audio.address):
            raise BadSdp("no audio that we can speak, or no address for it")
        text = theirs.first("text")
        if text is not None and _is_address(text.address):
            if self._text is None:
                self._text = TextSide(self._address, self._ports, latch=self._latch, heard=self._typed)
            self._text.signal(text)
        self._theirs = theirs
        self._agree(agreed, spoken)
        self._they_hear = not audio.on_hold
        self._they_send = audio.direction in ("sendrecv", "sendonly")
        self._heard_at = self._now()
        self._gate.signal(audio.address, audio.port)

    def local_sdp(self, kind: Literal["offer", "answer"]) -> str:
        """Our description; its version counts on whenever it changes."""
        said = self._described(kind, version=0)
        if said != self._said:
            self._said, self._version = said, self._version + 1
        return self._described(kind, version=self._version)

    def send_digits(self, digits: str) -> None:
        """Press these keys, one after the other, instead of sound. ValueError: no keys, or too many."""
        self._keys_out.send(digits)

    def send_text(self, text: str) -> None:
        """Type this. Where no text was agreed on it goes nowhere."""
        if self._text is not None:
            self._text.send(text)

    @property
    def has_text(self) -> bool:
        """Whether real-time text was agreed on."""
        return self._text is not None

    def take_info(self, content_type: str, body: bytes) -> None:
        """Keys that came by signalling. Some gateways say each press twice: the way heard first counts."""
        key = info_digits(content_type, body)
        if key:
            self._pressed(key, by="info")

    def next_frame(self) -> Frame | None:
        """The next 20 ms of the caller."""
        if self._they_send and not self._lost and self._now() - self._heard_at > LOST_S:
            self._lost = True
            self.on_lost()
        return self.jitter.next()

    def play(self, frame: Frame | None) -> None:
        """The next 20 ms for the caller. Silence is sent too: it keeps ways through routers open."""
        target = self._gate.target
        if target is not None and self._they_hear:
            self._send(frame, target)
        self._stream.advance(SAMPLES)
        if self._text is not None:
            self._text.tick()
        self._report_ms += FRAME_MS
        if self._report_ms >= REPORT_MS and target is not None:
            self._report_ms = random.randrange(0, REPORT_MS // 2, FRAME_MS)
            self._rtcp.send(self._report(), (target[0], target[1] + 1))

    async def close(self) -> None:
        """Ports are free again."""
        target = self._gate.target
        if target is not None and self._stream.packets:
            self._rtcp.send(self._report() + farewell(self._stream), (target[0], target[1] + 1))
        self._rtp.close()
        self._rtcp.close()
        if self._text is not None:
            self._text.close()

    def _agree(self, agreed: tuple[Codec, ...], spoken: Codec) -> None:
        """What we send is the first they named; what we hear may be any that both know."""
        keys = next((each for each in agreed if each.is_like(KEYS)), None)
        self._keys_type = keys.payload if keys is not None else -1
        self._law, self._law_type = _law_of(spoken), spoken.payload
        named = {each.payload: _law_of(each) for each in agreed if not each.is_like(KEYS)}
        self._laws = {PCMU.payload: ulaw(), PCMA.payload: alaw(), **named}

    def _described(self, kind: Literal["offer", "answer"], *, version: int) -> str:
        address, session_id = self._address, self._session
        audio = LocalStream(port=self._rtp.port, codecs=AUDIO)
        text = LocalStream(port=self._text.port, codecs=TEXT) if self._text is not None else None
        if kind == "offer":
            return offer_sdp(address=address, session_id=session_id, version=version, audio=audio, text=text)
        if self._theirs is None:
            raise BadSdp("there is no offer to answer")
        return answer_sdp(
            self._theirs, address=address, session_id=session_id, version=version, audio=audio, text=text
        )

    def _send(self, frame: Frame | None, target: Source) -> None:
        if self._keys_out.busy and self._keys_type >= 0:
            for event in self._keys_out.next():
                began = (self._stream.timestamp - event.age) & 0xFFFFFFFF
                packet = self._stream.packet(
                    self._keys_type, event.payload, marker=event.marker, timestamp=began
                )
                self._rtp.send(packet, target)
            self._talking = False
            return
        if self._keys_out.busy:
            frame = self._keys_out.next_tone()
        payload = bytes([self._law.silence]) * SAMPLES if frame is None else self._law.encode(frame)
        self._rtp.send(self._stream.packet(self._law_type, payload, marker=not self._talking), target)
        self._talking = True

    def _take(self, data: bytes, source: Source) -> None:
        if is_rtcp(data):
            self._take_report(data, source)
            return
        packet = read_rtp(data)
        if packet is None or not self._gate.admits(source):
            return
        self._heard_at = self._now()
        reception = self._reception
        if reception is None or reception.ssrc != packet.ssrc:
            # Another device speaks now, or the same one that began anew: its counts are its own.
            reception = self._reception = Reception(packet, rate=RATE)
            self.jitter.restart()
            self._keys_in = DigitReader()
        reception.count(packet, self._heard_at)
        self._hear(packet)

    def _hear(self, packet: RtpPacket) -> None:
        law = self._laws.get(packet.payload_type)
        if law is not None:
            self.jitter.put(packet.timestamp, law.decode(packet.payload))
            if not self.flowing:
                self.flowing = True
                self.on_flowing()
        elif packet.payload_type in COMFORT_NOISE:
            self.jitter.put(packet.timestamp, None)
        elif packet.payload_type in (self._keys_type, KEYS.payload):
            key = self._keys_in.read(packet)
            held = int.from_bytes(packet.payload[2:4], "big") if len(packet.payload) >= 4 else 0
            self.jitter.put((packet.timestamp + max(0, held - SAMPLES)) & 0xFFFFFFFF, None)
            if key:
                self._pressed(key, by="rtp")

    def _pressed(self, keys: str, *, by: str) -> None:
        self._keys_by = self._keys_by or by
        if self._keys_by == by:
            self.on_digits(keys)

    def _typed(self, text: str) -> None:
        self._heard_at = self._now()
        self.on_text(text)

    def _take_report(self, data: bytes, source: Source) -> None:
        if not is_rtcp(data) or not self._gate.admits_address(source[0]):
            return
        self._heard_at = self._now()
        middle = sent_at(data)
        if middle is not None and self._reception is not None:
            self._reception.heard_report(middle, self._heard_at)

    def _report(self) -> bytes:
        return report(self._stream, self._reception, cname=b"muster", at_s=self._now(), wall_s=time.time())


def _law_of(codec: Codec) -> Law:
    return alaw() if codec.is_like(PCMA) else ulaw()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
