"""RTP and RTCP as bytes: what others send is read, what is broken is nothing, reports are right."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.run.media.rtp import (
    NTP_EPOCH_S,
    Reception,
    RtpPacket,
    Stream,
    farewell,
    is_rtcp,
    read_rtp,
    report,
    sent_at,
)


def packet(sequence: int, *, timestamp: int = 0, ssrc: int = 7) -> RtpPacket:
    """A packet with this number."""
    return RtpPacket(0, False, sequence & 0xFFFF, timestamp, ssrc, b"")


def test_a_packet_is_read_as_it_was_written():
    """Both directions of one format."""
    stream = Stream(ssrc=0xDEADBEEF, sequence=0xFFFF, timestamp=0xFFFFFFF0)
    first = read_rtp(stream.packet(8, b"abc", marker=True))
    stream.advance(160)
    second = read_rtp(stream.packet(8, b"def"))
    assert first == RtpPacket(8, True, 0xFFFF, 0xFFFFFFF0, 0xDEADBEEF, b"abc")
    assert second == RtpPacket(8, False, 0, 144, 0xDEADBEEF, b"def")


def test_extensions_sources_and_padding_are_no_sound():
    """A conference bridge adds sources, an encryptor padding: read as samples they crackle."""
    head = struct.pack("!BBHII", 0x80 | 0x30 | 2, 0, 1, 2, 3)
    data = head + bytes(8) + b"\xbe\xde\x00\x01abcd" + b"sound" + b"\x00\x00\x03"
    found = read_rtp(data)
    assert found is not None
    assert found.payload == b"sound"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x00" + bytes(9),
        b"\x40\x00" + bytes(10),
        b"\x8f\x00" + bytes(10),
        b"\x90\x00" + bytes(12),
        b"\x90\x00" + bytes(10) + b"\x00\x00\xff\xff",
        b"\xa0\x00" + bytes(10) + b"\xff",
        b"\x80\xc8" + bytes(20),
    ],
)
def test_what_is_no_packet_is_nothing(data: bytes):
    """Anybody can send bytes to an open port."""
    assert read_rtp(data) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes):
    """One exception in the event loop for each datagram would be a way to stop a call."""
    found = read_rtp(data)
    assert found is None or len(found.payload) <= len(data) - 12


def test_loss_is_counted_over_the_wrap_of_the_count():
    """Trunk operators act on these figures."""
    reception = Reception(packet(0xFFFE), rate=8_000)
    for number in (0xFFFE, 0xFFFF, 0x10000, 0x10003, 0x10002, 0x10005):
        reception.count(packet(number), 0.0)
    assert reception.lost == 2
    block = reception.block(0.0)
    ssrc, lost, highest, _, _, _ = struct.unpack("!IIIIII", block)
    assert (ssrc, lost >> 24, lost & 0xFFFFFF, highest) == (7, 2 * 256 // 8, 2, 0x10005)


def test_the_share_lost_is_that_since_the_last_report():
    """Else a bad minute is reported for the rest of the call."""
    reception = Reception(packet(0), rate=8_000)
    for number in (0, 2):
        reception.count(packet(number), 0.0)
    reception.block(0.0)
    reception.count(packet(3), 0.0)
    assert reception.block(0.0)[4] == 0


def test_packets_that_come_evenly_have_no_jitter_and_others_have():
    """RFC 3550, A.8."""
    even, uneven = Reception(packet(0), rate=8_000), Reception(packet(0), rate=8_000)
    for number in range(50):
        even.count(packet(number, timestamp=number * 160), number * 0.02)
        uneven.count(packet(number, timestamp=number * 160), number * 0.02 + (number % 2) * 0.01)
    assert struct.unpack("!I", even.block(0.0)[12:16])[0] == 0
    assert 60 <= struct.unpack("!I", uneven.block(0.0)[12:16])[0] <= 80


def test_a_report_says_what_was_sent_and_gives_their_time_back():
    """The other side measures the way there and back with it."""
    stream, reception = Stream(ssrc=1, sequence=0, timestamp=160), Reception(packet(5), rate=8_000)
    reception.count(packet(5), 10.0)
    reception.heard_report(0xAABBCCDD, 10.0)
    stream.packet(0, b"12345")
    data = report(stream, reception, cname=b"muster", at_s=12.0, wall_s=1.5)
    assert is_rtcp(data)
    assert data[1] == 200
    ntp, timestamp, packets, octets = struct.unpack("!QIII", data[8:28])
    assert (ntp, timestamp, packets, octets) == (int((NTP_EPOCH_S + 1.5) * 2**32), 160, 1, 5)
    assert sent_at(data) == ntp >> 16 & 0xFFFFFFFF
    assert struct.unpack("!II", data[44:52]) == (0xAABBCCDD, 2 * 65_536)
    assert data[52 + 8 : 52 + 16] == b"\x01\x06muster"
    assert len(data) % 4 == 0


def test_who_sends_nothing_reports_as_a_receiver():
    """RFC 3550, 6.4: a sender report without packets would be a lie."""
    data = report(Stream(ssrc=1, sequence=0, timestamp=0), None, cname=b"m", at_s=0.0, wall_s=0.0)
    assert (data[1], data[0] & 31, sent_at(data)) == (201, 0, None)
    assert farewell(Stream(ssrc=1, sequence=0, timestamp=0))[1] == 203
