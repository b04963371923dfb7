"""The jitter buffer: packets come as networks deliver them, sound goes out as it was said."""

import numpy as np
import pytest

from router.run.media.frame import SAMPLES, Frame
from router.run.media.jitter import BEHIND, BEHIND_MAX, LATE_IN_A_ROW_MAX, LOOK, PATIENCE, JitterBuffer
from tests.media.sound import joined, silence

FIRST = 1_000_000


def numbered(number: int) -> Frame:
    """A loud frame that can be told from all others."""
    return np.full(SAMPLES, 1_000 + number % 10_000, np.int16)


def numbers(frames: list[Frame | None]) -> list[int]:
    """The numbers of the frames that came out; -1 for silence and what is not one of ours."""
    return [int(each[0]) - 1_000 if each is not None and np.ptp(each) == 0 else -1 for each in frames]


def at(number: int) -> int:
    """The timestamp of a frame."""
    return (FIRST + number * SAMPLES) & 0xFFFFFFFF


def run(buffer: JitterBuffer, arrivals: list[list[int]]) -> list[int]:
    """What comes out when these arrive before each beat."""
    out: list[Frame | None] = []
    for beat in arrivals:
        for number in beat:
            buffer.put(at(number), numbered(number))
        out.append(buffer.next())
    return numbers(out)


def test_sound_comes_out_in_order_40_ms_later():
    """The delay is what a conversation pays for every network that is not perfect."""
    assert run(JitterBuffer(), [[n] for n in range(6)]) == [-1, -1, 0, 1, 2, 3]


def test_reordered_packets_are_put_back():
    """Two ways through a network are enough for that."""
    assert run(JitterBuffer(), [[0], [2], [1], [3], [5], [4], [6]]) == [-1, -1, 0, 1, 2, 3, 4]


def test_doubled_packets_count_once_even_when_the_second_is_late():
    """Else a network that says everything twice would make each call slower and slower."""
    buffer = JitterBuffer()
    out = run(buffer, [[n, n, n - 5] if n > 5 else [n] for n in range(40)])
    assert out[2:] == list(range(38))
    assert (buffer.late, buffer.put_in) == (0, 0)


def test_a_lost_packet_sounds_like_the_one_before_fading():
    """A hole clicks; a repeated frame of a voice is not noticed."""
    buffer = JitterBuffer()
    for number in (0, 1, 3, 4):
        buffer.put(at(number), numbered(number))
    out = [buffer.next() for _ in range(6)]
    assert numbers(out)[2:4] == [0, 1]
    assert out[4] is not None and int(out[4][0]) == 1_001 >> 1
    assert numbers(out)[5] == 3
    assert buffer.concealed == 1


def test_a_long_hole_is_silence_not_a_robot():
    """After 60 ms of repetition people hear a machine."""
    buffer = JitterBuffer()
    out = run(buffer, [[0]] + [[]] * 9)
    assert out[2] == 0
    assert buffer.next() is None


def test_one_late_packet_makes_room_for_the_next():
    """What was late once will be late again: better 20 ms more delay than a hole each time."""
    buffer = JitterBuffer()
    arrivals = [[n] for n in range(10)] + [[], [], [], [10, 11, 12, 13]] + [[n] for n in range(14, 30)]
    run(buffer, arrivals)
    before = buffer.concealed
    run(buffer, [[], [], [], [30, 31, 32, 33]] + [[n] for n in range(34, 40)])
    assert buffer.put_in > 0
    assert buffer.concealed - before < 2


def test_the_delay_has_an_end():
    """240 ms and more, and people talk over each other; then sound is dropped instead."""
    buffer, out = JitterBuffer(), 0
    for number in range(400):
        for each in range(number * 20, number * 20 + 20):
            buffer.put(at(each), numbered(each))
        out += sum(buffer.next() is not None for _ in range(20))
        assert buffer.behind_ms <= 20 * 20 + BEHIND_MAX * 20 // SAMPLES + 60
    assert out > 0


def test_packets_that_come_earlier_than_needed_shorten_the_delay():
    """After the network calmed down the conversation gets quick again, by leaving out silence first."""
    buffer = JitterBuffer()
    run(buffer, [[n] for n in range(10)] + [[]] * 6 + [list(range(10, 17))])
    slow = buffer.behind_ms
    for number in range(17, 17 + 10 * LOOK):
        buffer.put(at(number), silence()[0])
        buffer.next()
    assert slow > 60
    assert BEHIND * 20 // SAMPLES <= buffer.behind_ms + 20 <= 80


def test_a_faster_clock_of_theirs_costs_a_frame_now_and_then():
    """Clocks of gateways differ by up to 100 ppm; without this the delay of a long call grows for ever."""
    buffer, number = JitterBuffer(), 0
    for beat in range(8 * PATIENCE):
        for _ in range(2 if beat % 150 == 149 else 1):
            buffer.put(at(number), numbered(number))
            number += 1
        buffer.next()
    assert buffer.left_out >= 8
    assert buffer.behind_ms <= 180


def test_a_slower_clock_of_theirs_costs_a_frame_now_and_then():
    """The other way round: where a frame is missing one is put in, and no packet is lost for good."""
    buffer, number = JitterBuffer(), 0
    for beat in range(4 * PATIENCE):
        if beat % 100 != 99:
            buffer.put(at(number), numbered(number))
            number += 1
        buffer.next()
    assert 6 <= buffer.put_in <= 14
    assert buffer.late <= buffer.put_in + 1


def test_a_pause_of_the_sender_is_silence_and_no_delay():
    """Senders that leave out silence count its time on: what follows is played as soon as ever."""
    buffer = JitterBuffer()
    run(buffer, [[n] for n in range(5)])
    assert run(buffer, [[]] * 200 + [[205], [206], [207], [208], [209]])[-3:] == [205, 206, 207]
    assert buffer.put_in == 0


def test_a_pause_that_the_sender_did_not_count_begins_anew():
    """Some do not count it on: they would be too late for ever."""
    buffer = JitterBuffer()
    run(buffer, [[n] for n in range(5)])
    out = run(buffer, [[]] * 300 + [[n] for n in range(5, 5 + 3 * LATE_IN_A_ROW_MAX)])
    assert out[-3:] == [30, 31, 32]


def test_a_jump_far_ahead_begins_anew():
    """A sender that was moved to another machine counts from somewhere else."""
    buffer = JitterBuffer()
    run(buffer, [[n] for n in range(5)])
    assert run(buffer, [[n] for n in range(1_000_000, 1_000_006)])[-4:] == [0, 1, 2, 3]


def test_the_count_of_timestamps_may_wrap():
    """It does so every six days, and begins anywhere."""
    buffer, out = JitterBuffer(), list[Frame | None]()
    for number in range(10):
        buffer.put((0xFFFFFFFF - 3 * SAMPLES + number * SAMPLES) & 0xFFFFFFFF, numbered(number))
        out.append(buffer.next())
    assert numbers(out)[2:] == list(range(8))


@pytest.mark.parametrize("length", [40, 80, 240, 320, 480])
def test_packets_of_any_length_are_one_sound(length: int):
    """ptime is a wish; gateways send 10, 30 or 60 ms as they like."""
    said = np.arange(2_400, dtype=np.int16)
    buffer, out, sent = JitterBuffer(), list[Frame | None](), 0
    for beat in range(24):
        while sent < len(said) and sent < (beat + 1) * SAMPLES:
            buffer.put(FIRST + sent, said[sent : sent + length])
            sent += length
        out.append(buffer.next())
    heard = joined(out)
    begin = int(np.argmax(heard == 1)) - 1
    assert np.array_equal(heard[begin : begin + 2_400], said)


def test_a_packet_that_says_silence_is_no_loss():
    """Comfort noise and key presses fill the time; nothing has to be made up for it."""
    buffer = JitterBuffer()
    run(buffer, [[n] for n in range(5)])
    for number in range(5, 10):
        buffer.put(at(number), None)
        buffer.next()
    assert buffer.concealed == 0
    assert not joined([buffer.next()]).any()


def test_a_busy_machine_does_not_leave_a_long_delay():
    """When nobody asked for half a second, what is too old is left out at once."""
    buffer = JitterBuffer()
    run(buffer, [[n] for n in range(5)] + [list(range(5, 30))] + [[n] for n in range(30, 34)])
    assert buffer.behind_ms <= 80


@pytest.mark.parametrize("length", [0, 4_001, 100_000])
def test_a_senseless_length_is_ignored(length: int):
    """An empty packet, or one of a second, is nobody's voice."""
    buffer = JitterBuffer()
    buffer.put(FIRST, np.ones(length, np.int16))
    assert buffer.next() is None
