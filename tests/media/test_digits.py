"""Key presses: each counts once, however its packets arrive; what we send every receiver understands."""

import struct

import numpy as np
import pytest

from router.run.media.digits import HIGH_HZ, KEYS, LOW_HZ, DigitReader, DigitWriter, info_digits
from router.run.media.frame import RATE
from router.run.media.rtp import RtpPacket
from tests.media.sound import joined, level_of


def event(key: str, *, timestamp: int, held: int, end: bool = False) -> RtpPacket:
    """One packet of a press."""
    payload = struct.pack("!BBH", KEYS.index(key), 10 | (0x80 if end else 0), held)
    return RtpPacket(101, False, 0, timestamp, 1, payload)


def read(packets: list[RtpPacket]) -> str:
    """What was pressed."""
    reader = DigitReader()
    return "".join(reader.read(each) for each in packets)


def press(key: str, timestamp: int) -> list[RtpPacket]:
    """All packets of a press of 100 ms, the end three times."""
    begin = [event(key, timestamp=timestamp, held=160 * n) for n in range(1, 5)]
    return begin + [event(key, timestamp=timestamp, held=800, end=True)] * 3


def test_a_press_with_three_ends_counts_once():
    """RFC 4733 sends the end three times so that it arrives; a menu must not hear 111."""
    assert read(press("1", 0)) == "1"


def test_the_same_key_again_counts_again():
    """55 is what a silent caller is asked to press in some countries: it is two presses."""
    assert read(press("5", 0) + press("5", 1_600)) == "55"


@pytest.mark.parametrize("kept", [slice(0, 1), slice(4, 5), slice(6, 7)])
def test_one_packet_of_a_press_is_enough(kept: slice):
    """Whichever of them the network lets through."""
    assert read(press("#", 0)[kept]) == "#"


def test_a_late_packet_of_the_press_before_is_no_press():
    """Networks reorder."""
    first, second = press("1", 0), press("2", 1_600)
    assert read([*first[:3], second[0], first[6], *second[1:], first[5]]) == "12"


def test_a_key_held_for_long_is_one_press():
    """After 8 s the event goes on under a new timestamp (RFC 4733, 2.5.1.3)."""
    held = [event("0", timestamp=0, held=0xFFFF), event("0", timestamp=0xFFFF, held=800)]
    assert read([*held, event("0", timestamp=0xFFFF, held=900, end=True)]) == "0"


@pytest.mark.parametrize("payload", [b"", b"\x05\x0a", struct.pack("!BBH", 16, 10, 160), b"\xff" * 4])
def test_other_events_and_broken_ones_are_no_press(payload: bytes):
    """A hook flash or a fax tone is not a key."""
    assert DigitReader().read(RtpPacket(101, False, 0, 0, 1, payload)) == ""


def test_what_is_sent_is_read_as_it_was_meant():
    """Our writer against our reader, packet by packet."""
    writer, reader, found, now, packets = DigitWriter(), DigitReader(), "", 0, 0
    writer.send("112*#d")
    while writer.busy:
        for each in writer.next():
            found += reader.read(RtpPacket(101, each.marker, 0, now - each.age, 1, each.payload))
            packets += 1
        now += 160
    assert found == "112*#D"
    assert packets == 6 * 7
    assert now == 6 * 9 * 160


def test_a_press_sent_has_one_time_a_growing_length_and_three_ends():
    """What gateways expect of it, field by field."""
    writer = DigitWriter()
    writer.send("7")
    sent = [list(writer.next()) for _ in range(5)]
    first = [each[0] for each in sent]
    assert [struct.unpack("!BBH", each.payload) for each in first] == [
        (7, 10, 160), (7, 10, 320), (7, 10, 480), (7, 10, 640), (7, 0x8A, 800),
    ]  # fmt: skip
    assert [each.age for each in first] == [0, 160, 320, 480, 640]
    assert [each.marker for each in first] == [True, False, False, False, False]
    assert [len(each) for each in sent] == [1, 1, 1, 1, 3]


@pytest.mark.parametrize("key", KEYS)
def test_the_tones_of_a_key_are_the_two_of_its_row_and_column(key: str):
    """For a side that knows no events: a receiver finds exactly these two, equally loud."""
    writer = DigitWriter()
    writer.send(key)
    sound = joined([writer.next_tone() for _ in range(5)])
    levels = {hz: level_of(sound, hz) for hz in {*LOW_HZ.values(), *HIGH_HZ.values()}}
    assert sorted(levels, key=lambda hz: -levels[hz])[:2] in (
        [LOW_HZ[key], HIGH_HZ[key]],
        [HIGH_HZ[key], LOW_HZ[key]],
    )
    assert np.abs(sound).max() < 12_500
    assert len(sound) == RATE // 10


@pytest.mark.parametrize("digits", ["", "1" * 65, "1 2", "x", "١"])
def test_only_keys_can_be_sent(digits: str):
    """What is refused here is answered with bad_digits; half of it must not go out."""
    with pytest.raises(ValueError, match="digits"):
        DigitWriter().send(digits)


def test_more_digits_than_fit_are_refused_whole():
    """A number that is cut calls somebody else."""
    writer = DigitWriter()
    writer.send("1" * 60)
    with pytest.raises(ValueError, match="too many"):
        writer.send("12345")


@pytest.mark.parametrize(
    ("content_type", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 250", "*"),
        ("Application/DTMF-Relay; charset=x", b"duration=1\nSIGNAL=#", "#"),
        ("application/dtmf-relay", b"Signal=11\r\n", "#"),
        ("application/dtmf", b"0\r\n", "0"),
        ("application/dtmf", b"d", "D"),
        ("application/dtmf-relay", b"Signal=16", ""),
        ("application/dtmf-relay", b"\xff\xfe", ""),
        ("application/sdp", b"5", ""),
        ("application/dtmf", b"12345", ""),
    ],
)
def test_keys_of_old_trunks_are_read_out_of_info(content_type: str, body: bytes, key: str):
    """Each vendor writes it a little differently."""
    assert info_digits(content_type, body) == key
