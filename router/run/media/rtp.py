"""RTP packets and the one report of RTCP that others need from us (RFC 3550). Bytes in, bytes out; no I/O."""

import struct
from dataclasses import dataclass
from typing import Final

HEADER: Final = struct.Struct("!BBHII")
DATAGRAM_MAX: Final = 2_048
"""More than an Ethernet frame carries; nothing that a call sends is larger."""

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, BYE = 200, 201, 202, 203
NTP_EPOCH_S: Final = 2_208_988_800
"""From 1900, where network time begins, to 1970."""

DROPOUT_MAX: Final = 3_000
"""A jump of the sequence numbers beyond this is a sender that began anew (RFC 3550, A.1)."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet as it came, without padding, extension and contributing sources."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def read_rtp(data: bytes) -> RtpPacket | None:
    """The packet, or None when it is none: another version, cut short, or RTCP on the same port."""
    if len(data) < HEADER.size or data[0] >> 6 != 2 or is_rtcp(data):
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    begin, end = HEADER.size + 4 * (first & 15), len(data)
    if first & 0x10:
        if len(data) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    if first & 0x20:
        end -= data[-1]
    if begin > end:
        return None
    return RtpPacket(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[begin:end])


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram is RTCP: its packet types are no payload types that anybody uses (RFC 5761)."""
    return len(data) >= 8 and data[0] >> 6 == 2 and 192 <= data[1] <= 223


class Stream:
    """What we send: counts sequence numbers and timestamps on."""

    def __init__(self, *, ssrc: int, sequence: int, timestamp: int) -> None:
        self.ssrc, self.packets, self.octets = ssrc, 0, 0
        self.timestamp = timestamp
        self._sequence = sequence

    def packet(
        self, payload_type: int, payload: bytes, *, marker: bool = False, timestamp: int = -1
    ) -> bytes:
        """The next packet. Without a timestamp of its own it has that of the stream."""
        at = self.timestamp if timestamp < 0 else timestamp
        header = HEADER.pack(
            0x80, payload_type | (0x80 if marker else 0), self._sequence, at & 0xFFFFFFFF, self.ssrc
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return header + payload

    def advance(self, samples: int) -> None:
        """Time goes on, whether something was sent or not."""
        self.timestamp = (self.timestamp + samples) & 0xFFFFFFFF


class Reception:
    """What we count of one source, for reports (RFC 3550, A.3 and A.8)."""

    def __init__(self, first: RtpPacket, *, rate: int) -> None:
        self.ssrc = first.ssrc
        self.highest = first.sequence
        self.received = 0
        self._base, self._rate = first.sequence, rate
        self._transit: float | None = None
        self._jitter = 0.0
        self._expected_before = self._received_before = 0
        self._report_middle, self._report_at = 0, 0.0

    def count(self, packet: RtpPacket, at_s: float) -> None:
        """One packet came."""
        self.received += 1
        ahead = _ahead(packet.sequence, self.highest & 0xFFFF)
        if 0 < ahead < DROPOUT_MAX:
            self.highest += ahead
        transit = at_s * self._rate - packet.timestamp
        if self._transit is not None:
            # A wrapped or restarted timestamp is no jitter.
            moved = abs(transit - self._transit)
            self._jitter += (moved - self._jitter) / 16 if moved < self._rate * 60 else 0
        self._transit = transit

    def heard_report(self, ntp_middle: int, at_s: float) -> None:
        """Their sender report: the time in it goes back to them in ours."""
        self._report_middle, self._report_at = ntp_middle, at_s

    @property
    def lost(self) -> int:
        """Packets that never came; less than none when packets came twice."""
        return self.highest - self._base + 1 - self.received

    def block(self, at_s: float) -> bytes:
        """The report block; what it says of the last interval begins anew."""
        expected = self.highest - self._base + 1
        due = expected - self._expected_before
        missing = due - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        fraction = min(255, missing * 256 // due) if due > 0 and missing > 0 else 0
        lost = max(-0x800000, min(0x7FFFFF, self.lost)) & 0xFFFFFF
        delay = int((at_s - self._report_at) * 65_536) & 0xFFFFFFFF if self._report_middle else 0
        return struct.pack(
            "!IIIIII",
            self.ssrc, fraction << 24 | lost, self.highest & 0xFFFFFFFF, int(self._jitter) & 0xFFFFFFFF,
            self._report_middle, delay,
        )  # fmt: skip


def report(stream: Stream, reception: Reception | None, *, cname: bytes, at_s: float, wall_s: float) -> bytes:
    """Our RTCP: a sender report (a receiver's while nothing was sent) and who we are (RFC 3550, 6.4, 6.5)."""
    blocks = reception.block(at_s) if reception is not None else b""
    body = struct.pack("!I", stream.ssrc)
    kind = RECEIVER_REPORT
    if stream.packets:
        kind = SENDER_REPORT
        ntp = int((wall_s + NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF
        body += struct.pack(
            "!QIII", ntp, stream.timestamp, stream.packets & 0xFFFFFFFF, stream.octets & 0xFFFFFFFF
        )
    item = bytes([1, len(cname)]) + cname
    chunk = struct.pack("!I", stream.ssrc) + item
    chunk += bytes(4 - len(chunk) % 4)
    return _rtcp(kind, len(blocks) // 24, body + blocks) + _rtcp(SOURCE_DESCRIPTION, 1, chunk)


def farewell(stream: Stream) -> bytes:
    """RTCP BYE: this stream has ended."""
    return _rtcp(BYE, 1, struct.pack("!I", stream.ssrc))


def sent_at(data: bytes) -> int | None:
    """The middle 32 bits of network time in somebody's sender report; None when it is none."""
    if len(data) < 28 or data[1] != SENDER_REPORT:
        return None
    return int.from_bytes(data[10:14], "big")


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _ahead(sequence: int, of: int) -> int:
    """How far one sequence number is after another, -32768 to 32767."""
    return (sequence - of + 0x8000 & 0xFFFF) - 0x8000
