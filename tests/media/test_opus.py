"""Opus without a network: what a browser sends becomes frames, whatever happened to it on the way."""

import itertools
import os
import random
from collections.abc import Sequence

import numpy as np
import pytest

from router.run.media.frame import RATE, Frame
from router.run.media.jitter import JitterBuffer
from router.run.media.opus import OPUS_RATE, Down, OpusEar, OpusMouth
from tests.media.sound import joined, level_of, loudest_hz, tone

FIRST = 0xFFFFFF00


def encoded(frames: Sequence[Frame | None]) -> list[bytes]:
    """A packet for each frame."""
    mouth = OpusMouth()
    return [bytes(packet) for each in frames if (packet := mouth.packet(each)) is not None]


def heard(
    arrivals: Sequence[Sequence[int]], packets: Sequence[bytes]
) -> tuple[list[Frame | None], JitterBuffer]:
    """What comes out when these packets arrive before each beat."""
    buffer, out = JitterBuffer(), []
    ear = OpusEar(buffer)
    for beat in arrivals:
        for number in beat:
            sequence, timestamp = (65_530 + number) & 0xFFFF, (FIRST + 960 * number) & 0xFFFFFFFF
            ear.put(sequence, timestamp, packets[number])
        out.append(buffer.next())
    return out, buffer


def test_a_tone_comes_out_as_it_went_in():
    """Through encoder, decoder and filter: pitch and loudness stay."""
    packets = encoded(tone(440, frames=60))
    out, buffer = heard([[n] for n in range(len(packets))], packets)
    assert loudest_hz(joined(out[10:])) == pytest.approx(440, abs=3)
    assert level_of(joined(out[10:]), 440) == pytest.approx(8_000, rel=0.15)
    assert (buffer.late, buffer.concealed) == (0, 0)


def test_reordered_packets_are_decoded_in_order():
    """The decoder has a memory: out of order it crackles."""
    packets = encoded(tone(440, frames=60))
    order = [[n + 1] if n % 6 == 2 else [n - 1] if n % 6 == 3 else [n] for n in range(len(packets) - 1)]
    out, buffer = heard(order, packets)
    assert level_of(joined(out[10:]), 440) == pytest.approx(8_000, rel=0.15)
    assert buffer.concealed <= 1


def test_lost_packets_cost_their_own_time_only():
    """One in ten lost: what follows comes in its time, and the decoder finds back to what is said."""
    packets = encoded(tone(440, frames=200))
    luck = random.Random(3)
    arrivals = [[n] if n > 120 or luck.random() > 0.1 else [] for n in range(len(packets))]
    out, buffer = heard(arrivals, packets)
    assert buffer.put_in <= 1
    assert level_of(joined(out[-50:]), 440) == pytest.approx(8_000, rel=0.15)


def test_doubled_packets_are_decoded_once():
    """Twice the same packet is not twice the sound."""
    packets = encoded(tone(440, frames=60))
    out, _ = heard([[n, n] for n in range(len(packets))], packets)
    assert level_of(joined(out[10:]), 440) == pytest.approx(8_000, rel=0.15)


def test_a_packet_that_is_no_opus_is_a_lost_one():
    """Who speaks to us chooses the bytes."""
    packets = encoded(tone(440, frames=60))
    packets[20], packets[30] = b"\xff" * 1_200, b""
    out, _ = heard([[n] for n in range(len(packets))], packets)
    assert level_of(joined(out[35:]), 440) == pytest.approx(8_000, rel=0.15)


def test_silence_is_sent_and_is_silent():
    """A browser that gets nothing for seconds thinks that the line is dead."""
    packets = encoded([None] * 30)
    assert len(packets) >= 29
    out, _ = heard([[n] for n in range(len(packets))], packets)
    assert np.abs(joined(out)).max() < 50


def test_a_call_starts_no_threads():
    """ffmpeg would start as many for each encoder as there are processors: thousands on a large machine."""
    before = len(os.listdir("/proc/self/task"))
    packets = encoded(tone(440, frames=5))
    heard([[n] for n in range(len(packets))], packets)
    mouths = [OpusMouth() for _ in range(5)]
    for mouth in mouths:
        mouth.packet(None)
    assert len(os.listdir("/proc/self/task")) == before


def test_time_goes_on_by_the_frame():
    """The browser's own buffer works by these figures."""
    mouth = OpusMouth()
    times = [packet.pts for each in [None] * 10 if (packet := mouth.packet(each)) is not None]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {960}


@pytest.mark.parametrize(("hz", "kept"), [(300, 1), (2_500, 1), (5_000, 0), (7_700, 0), (12_000, 0)])
def test_what_8_khz_cannot_hold_is_left_out(hz: int, kept: int):
    """Without a filter 7.7 kHz would be heard as 300 Hz."""
    at = np.arange(OPUS_RATE)
    sound = (10_000 * np.sin(2 * np.pi * hz / OPUS_RATE * at)).astype(np.float32)
    down = Down()
    low = np.concatenate([down.frame(each) for each in np.split(sound, 50)])
    assert len(low) == RATE
    alias = hz if hz < 4_000 else abs(hz - 8_000 * round(hz / 8_000))
    assert level_of(low[100:], alias) / 10_000 == pytest.approx(kept, abs=0.06)
