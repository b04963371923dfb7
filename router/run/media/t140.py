"""Real-time text of a call (ITU-T T.140) over RTP, with redundancy (RFC 4103, RFC 2198).

Every packet repeats what the two before it said, so two lost in a row cost nothing; more leave a mark,
U+FFFD, where words are missing: a reader must know. What is read keeps its control characters; `TypedLines`
makes lines of it for people.
"""

import struct
import unicodedata
from collections import deque
from typing import Final

from router.run.media.rtp import RtpPacket, Stream

LOSS: Final = "\ufffd"
NEW_LINE: Final = "\u2028"
BACKSPACE: Final = "\b"
GENERATIONS: Final = 2
BUFFERED_MS: Final = 300
"""RFC 4103, 5.1: what was typed in this time goes out together."""

BYTES_MAX: Final = 240
"""Of one packet: two of them, and headers, fit into every network's packet."""

WAITING_MAX: Final = 8_192
"""Characters that wait to be sent; a longer text is cut, the words after that are lost."""

LINE_MAX: Final = 2_000
"""Characters of one line; a longer one is ended there."""

_ESCAPES: Final = "\x1b\x9b"
"""What begins a code for a terminal, of one character (7 bits) or with its bracket in it (8 bits)."""

_BOM: Final = "\ufeff"
_GENERATION: Final = struct.Struct("!BHB")


class TextReader:
    """Packets in, characters out. One for each source."""

    def __init__(self) -> None:
        self._expected: int | None = None
        self._rest = b""

    def read(self, packet: RtpPacket, *, redundant: bool) -> str:
        """What is new in this packet: with what it repeats of lost ones, and a mark if that is not enough."""
        blocks = _blocks(packet.payload) if redundant else [packet.payload]
        if not blocks:
            return ""
        repeated = len(blocks) - 1
        behind = repeated  # Of the first packet everything is new.
        if self._expected is not None:
            behind = (packet.sequence - self._expected + 0x8000 & 0xFFFF) - 0x8000
            if behind < 0:
                return ""  # Twice, or too late: its text came with a later packet, or is marked as lost.
        self._expected = (packet.sequence + 1) & 0xFFFF
        known = blocks[-1 - min(behind, repeated) :]
        lost = behind > repeated
        if lost:
            self._rest = b""
        return (LOSS if lost else "") + "".join(self._decoded(block) for block in known)

    def _decoded(self, block: bytes) -> str:
        """Some senders cut between the bytes of a character: the rest of it comes with the next packet."""
        data = self._rest + block
        keep = _unfinished(data)
        self._rest = data[len(data) - keep :] if keep else b""
        text = data[: len(data) - keep].decode("utf-8", "replace").replace(_BOM, "")
        return text.replace("\r\n", NEW_LINE).replace("\r", NEW_LINE).replace("\n", NEW_LINE)


class TextWriter:
    """Characters in, packets out, asked every 300 ms."""

    def __init__(self) -> None:
        self._waiting = ""
        self._sent: deque[tuple[int, bytes]] = deque([(0, b"")] * GENERATIONS, maxlen=GENERATIONS)
        self._idle = True

    def send(self, text: str) -> None:
        """Put this at the end of what is typed."""
        plain = text.replace("\r\n", NEW_LINE).replace("\n", NEW_LINE)
        self._waiting = (self._waiting + plain)[:WAITING_MAX]

    def next(self, stream: Stream, *, text_type: int, redundant_type: int | None) -> bytes | None:
        """The packet that is due; None when nothing is new and all was repeated. Time is the stream's."""
        data = self._taken()
        if not data and not any(block for _, block in self._sent):
            self._idle = True
            return None
        marker, self._idle = self._idle, False
        payload = data if redundant_type is None else self._with_redundancy(stream.timestamp, text_type, data)
        self._sent.append((stream.timestamp, data if redundant_type is not None else b""))
        return stream.packet(text_type if redundant_type is None else redundant_type, payload, marker=marker)

    def _taken(self) -> bytes:
        text = self._waiting[: BYTES_MAX // 4]  # no character takes more than four bytes
        self._waiting = self._waiting[len(text) :]
        return text.encode("utf-8", "replace")

    def _with_redundancy(self, now: int, text_type: int, data: bytes) -> bytes:
        heads, blocks = b"", b""
        for at, block in self._sent:
            offset = min((now - at) & 0xFFFFFFFF, 0x3FFF)
            heads += _GENERATION.pack(0x80 | text_type, offset << 2 | len(block) >> 8, len(block) & 0xFF)
            blocks += block
        return heads + bytes([text_type]) + blocks + data


class TypedLines:
    """What a person sees of it: lines, with backspaces carried out and terminal codes left out."""

    def __init__(self) -> None:
        self.open = ""
        """The line that is being typed."""

        self._escape = False

    def feed(self, text: str) -> list[str]:
        """The lines that were finished with this text."""
        finished = []
        for character in text:
            if self._escape:
                self._escape = not ("@" <= character <= "~" and character != "[")
            elif character in _ESCAPES:
                self._escape = True
            elif character == NEW_LINE or len(self.open) >= LINE_MAX:
                finished.append(self.open)
                self.open = "" if character == NEW_LINE else character
            elif character == BACKSPACE:
                self.open = self.open[:-1]
            elif character == "\t" or not unicodedata.category(character).startswith("Cc"):
                self.open += character
        return finished


def _blocks(payload: bytes) -> list[bytes]:
    """The generations of a redundant packet, oldest first, the new one last. Empty: not readable."""
    lengths, at = [], 0
    while at < len(payload) and payload[at] & 0x80:
        if at + _GENERATION.size > len(payload):
            return []
        _, middle, low = _GENERATION.unpack_from(payload, at)
        lengths.append((middle & 3) << 8 | low)
        at += _GENERATION.size
    at += 1
    if at > len(payload) or at + sum(lengths) > len(payload):
        return []
    blocks = []
    for length in lengths:
        blocks.append(payload[at : at + length])
        at += length
    return [*blocks, payload[at:]]


def _unfinished(data: bytes) -> int:
    """Bytes at the end that begin a character of UTF-8 and do not end it."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needs = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return back if needs > back else 0
    return 0
