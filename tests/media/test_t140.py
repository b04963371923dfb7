"""Real-time text: nothing is lost without a mark, nothing is doubled, and lines are what people typed."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.run.media.rtp import RtpPacket, Stream, read_rtp
from router.run.media.t140 import BYTES_MAX, LOSS, NEW_LINE, TextReader, TextWriter, TypedLines


def written(*texts: str, redundant: bool = True) -> list[RtpPacket]:
    """The packets for these, each typed 300 ms after the other, until all was repeated."""
    writer, stream = TextWriter(), Stream(ssrc=1, sequence=0xFFFE, timestamp=0)
    packets = []
    for text in itertools.chain(texts, itertools.repeat("", 6)):
        writer.send(text)
        data = writer.next(stream, text_type=98, redundant_type=99 if redundant else None)
        stream.advance(300)
        found = read_rtp(data) if data is not None else None
        packets += [found] if found is not None else []
    return packets


def read(packets: list[RtpPacket], *, redundant: bool = True) -> str:
    """What is read of them."""
    reader = TextReader()
    return "".join(reader.read(each, redundant=redundant) for each in packets)


def test_text_is_read_as_it_was_typed():
    """Every packet repeats two others: without counting, each word would come three times."""
    assert read(written("help", " me", " 火事")) == "help me 火事"


def test_two_packets_lost_in_a_row_lose_nothing():
    """This is what the redundancy is for."""
    packets = written("a", "b", "c", "d", "e")
    for lost in range(len(packets) - 2):
        assert read(packets[:lost] + packets[lost + 2 :]) == "abcde"


def test_more_lost_than_repeated_leaves_one_mark():
    """Somebody who reads 'I did take the pills' must see that a word is missing."""
    packets = written("I did ", "n", "o", "t ", "take ", "it")
    assert read(packets[:1] + packets[4:]) == f"I did {LOSS}ot take it"


def test_without_redundancy_every_gap_is_marked():
    """Some gateways do not do it."""
    packets = written("a", "b", "c", redundant=False)
    assert read([packets[0], packets[2]], redundant=False) == f"a{LOSS}c"


def test_packets_that_come_twice_or_late_add_nothing():
    """What was late came already, with a later packet."""
    packets = written("a", "b", "c", "d")
    shuffled = [packets[0], packets[0], packets[2], packets[1], packets[3], packets[2], *packets[4:]]
    assert read(shuffled) == "abcd"


def test_a_character_cut_between_packets_is_whole():
    """Counting bytes is simpler than counting characters; some senders do."""
    data = "ä火🔥".encode()
    packets = [RtpPacket(98, False, n, 0, 1, data[n : n + 1]) for n in range(len(data))]
    assert read(packets, redundant=False) == "ä火🔥"


def test_idle_ends_and_the_next_packet_is_marked_as_a_beginning():
    """RFC 4103, 5.1: nothing is sent while nobody types, and the first packet after that has the marker."""
    writer, stream = TextWriter(), Stream(ssrc=1, sequence=0, timestamp=0)
    markers = []
    for text in ("a", "", "", "", "", "b"):
        writer.send(text)
        data = writer.next(stream, text_type=98, redundant_type=99)
        markers.append(None if data is None else bool(data[1] & 0x80))
        stream.advance(300)
    assert markers == [True, False, False, None, None, True]


def test_a_long_text_goes_in_packets_that_fit():
    """A whole page pasted at once must not be one datagram."""
    packets = written("火" * 1_000, *[""] * 20)
    assert all(len(each.payload) <= 3 * BYTES_MAX + 9 for each in packets)
    assert read(packets) == "火" * 1_000


@given(st.lists(st.text(max_size=8), max_size=12), st.integers(0, 1_000))
def test_loss_of_any_packets_is_either_repaired_or_marked(texts: list[str], seed: int):
    """Whatever is lost in between: what is read is the text, or has a mark in it."""
    packets = written(*texts)
    luck = random.Random(seed)
    kept = [each for each in packets if luck.random() > 0.3]
    whole, found = read(packets), read(kept)
    lost_at_the_end = bool(packets) and (not kept or kept[-1] is not packets[-1])
    lost_at_the_beginning = bool(packets) and (not kept or kept[0].sequence != packets[0].sequence)
    assert found == whole or LOSS in found or lost_at_the_end or lost_at_the_beginning


@pytest.mark.parametrize("payload", [b"", b"\xe2", b"\xe2\x00\x04", b"\xe2\x00\x03\xff\x62ab", b"\x80"])
def test_a_broken_packet_is_nothing(payload: bytes):
    """Lengths that point beyond the end, heads without an end."""
    assert TextReader().read(RtpPacket(99, False, 0, 0, 1, payload), redundant=True) == ""


@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_break_the_reader(payload: bytes, redundant: bool):
    """Content never causes loss."""
    reader = TextReader()
    assert isinstance(reader.read(RtpPacket(99, False, 0, 0, 1, payload), redundant=redundant), str)


def test_new_lines_and_beginnings_of_every_kind_are_one():
    """T.140 has U+2028; terminals send CR, LF or both, and a byte order mark first."""
    packet = RtpPacket(98, False, 0, 0, 1, "\ufeffa\r\nb\rc\u2028d\ne".encode())
    assert TextReader().read(packet, redundant=False) == NEW_LINE.join("abcde")


def test_backspaces_take_back_and_lines_end():
    """What an agent reads is what the caller left standing."""
    lines = TypedLines()
    assert lines.feed("I am in the bath\b\b\b\bkitch") == []
    assert lines.open == "I am in the kitch"
    assert lines.feed("en" + NEW_LINE + "\b\b2nd") == ["I am in the kitchen"]
    assert lines.open == "2nd"


def test_codes_for_terminals_are_left_out():
    """Colours, bells and cursor keys of a text telephone are no words."""
    lines = TypedLines()
    lines.feed("\x1b[31mred\x1b[0m \x07\x9b1mbell\x1baok\x00")
    assert lines.open == "red bellok"


def test_a_line_without_an_end_is_ended():
    """Memory has a limit, and a line is a message."""
    lines = TypedLines()
    assert [len(each) for each in lines.feed("x" * 4_500)] == [2_000, 2_000]
    assert len(lines.open) == 500
