"""The real-time text of an RtpLeg: a socket of its own, beside that of the sound."""

import random
from collections.abc import Callable

from router.channels.sdp import RED, T140
from router.channels.sdp import Stream as TheirStream
from router.run.media.datagrams import Datagrams
from router.run.media.frame import FRAME_MS
from router.run.media.ports import Ports, udp_socket
from router.run.media.rtp import Stream, read_rtp
from router.run.media.source import Source, SourceGate
from router.run.media.t140 import BUFFERED_MS, TextReader, TextWriter


class TextSide:
    """Reads and writes T.140. `heard` gets what was typed. Raises NoPorts."""

    def __init__(self, address: str, ports: Ports, *, latch: bool, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._gate = SourceGate(latch=latch)
        self._reader, self._source = TextReader(), -1
        self._writer = TextWriter()
        self._stream = Stream(
            ssrc=random.getrandbits(32), sequence=random.getrandbits(15), timestamp=random.getrandbits(31)
        )
        self._text_type, self._redundant_type = T140.payload, 0
        self._ms = 0
        self._datagrams = Datagrams(udp_socket(address, ports), self._read)
        self.port = self._datagrams.port

    def signal(self, theirs: TheirStream) -> None:
        """What they said about their side."""
        text, redundant = theirs.codec(T140), theirs.codec(RED)
        self._text_type = text.payload if text is not None else T140.payload
        self._redundant_type = redundant.payload if redundant is not None else 0
        self._gate.signal(theirs.address, theirs.port)

    def send(self, text: str) -> None:
        """Type this."""
        self._writer.send(text)

    def tick(self) -> None:
        """20 ms have passed."""
        self._stream.advance(FRAME_MS)
        self._ms += FRAME_MS
        target = self._gate.target
        if self._ms < BUFFERED_MS or target is None:
            return
        packet = self._writer.next(
            self._stream, text_type=self._text_type, redundant_type=self._redundant_type or None
        )
        if packet is not None:
            self._ms = 0
            self._datagrams.send(packet, target)

    def close(self) -> None:
        """Again: harmless."""
        self._datagrams.close()

    def _read(self, data: bytes, source: Source) -> None:
        packet = read_rtp(data)
        if packet is None or not self._gate.admits(source):
            return
        if packet.payload_type not in (self._text_type, self._redundant_type):
            return
        if packet.ssrc != self._source:
            self._reader, self._source = TextReader(), packet.ssrc
        text = self._reader.read(packet, redundant=packet.payload_type == self._redundant_type)
        if text:
            self._heard(text)
