"""Opus for browsers: encoded from 8 kHz as it is, decoded to 48 kHz and brought down by one filter.

libopus takes 8 kHz, so nothing is resampled on the way out. ffmpeg's decoder gives 48 kHz always; a filter of
96 taps and a matrix product bring that down in some microseconds.
"""

from fractions import Fraction
from typing import Any, Final  # Any: packets that belong to no stream

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from numpy.lib.stride_tricks import as_strided

from router.run.media.frame import RATE, SAMPLES, Frame
from router.run.media.jitter import JitterBuffer
from router.run.media.one_thread import keep_to_one_thread

OPUS_RATE: Final = 48_000
"""What timestamps of Opus count in, whatever it carries (RFC 7587, 4.1)."""

RATIO: Final = OPUS_RATE // RATE
TAPS: Final = 96
KEPT: Final = TAPS - RATIO
"""Samples of before that the first window of a piece needs."""

CUTOFF_HZ: Final = 3_600
"""Of the filter: what is above 4 kHz would be heard as something else."""

BITS_PER_S: Final = 24_000
"""More than narrow-band speech needs (RFC 7587, 3.1.1: 8 to 12), so that music on hold survives as well."""

PARAMETERS: Final = "minptime=20;useinbandfec=1;stereo=0;maxplaybackrate=8000;sprop-maxcapturerate=8000"
"""What we tell a browser (RFC 7587, 6.1): more than 8 kHz would only cost both sides work."""

_OPTIONS: Final = {
    "application": "voip",
    "frame_duration": "20",
    "compression_level": "2",
    "fec": "1",
    "packet_loss": "5",
}
"""compression_level: of 10; half the work, and nobody hears it. fec: a lost packet is in the next one too."""

BRIDGED_MAX: Final = 5
"""Lost packets that the decoder makes up; after 100 ms nothing of what was before matters."""

HELD_MAX: Final = 1
"""Packets that wait for one before them; when one more comes, that one is lost. More would come too late."""


def opus_encoder(*, channels: int, bits_per_s: int = BITS_PER_S) -> AudioCodecContext:
    """One stream of Opus from frames of 8 kHz."""
    keep_to_one_thread()
    codec = av.CodecContext.create("libopus", "w")
    codec.bit_rate = bits_per_s
    codec.format = av.AudioFormat("s16")
    codec.layout = av.AudioLayout("mono" if channels == 1 else "stereo")
    codec.sample_rate = RATE
    codec.time_base = Fraction(1, RATE)
    codec.options = dict(_OPTIONS)
    return codec


class OpusMouth:
    """Frames in, packets out, their time in 48 kHz."""

    def __init__(self) -> None:
        self._codec = opus_encoder(channels=1)
        self._silence = np.zeros(SAMPLES, np.int16)
        self._pts = 0

    def packet(self, frame: Frame | None) -> "av.Packet[Any] | None":
        """The packet for these 20 ms. None: the encoder keeps it until the next."""
        given = av.AudioFrame.from_ndarray(
            (self._silence if frame is None else frame).reshape(1, -1), format="s16", layout="mono"
        )
        given.sample_rate, given.pts = RATE, self._pts // RATIO
        made = self._codec.encode(given)
        self._pts += SAMPLES * RATIO
        if not made:
            return None
        packet = made[0]
        packet.pts, packet.time_base = self._pts, Fraction(1, OPUS_RATE)
        return packet


class OpusEar:
    """Packets of one source in, in any order; their sound goes into a jitter buffer."""

    def __init__(self, jitter: JitterBuffer) -> None:
        self._jitter = jitter
        self.restart()

    def restart(self) -> None:
        """Another source begins."""
        self._codec = av.CodecContext.create("libopus", "r")
        self._codec.format = av.AudioFormat("s16")
        self._codec.layout = av.AudioLayout("mono")
        self._codec.sample_rate = OPUS_RATE
        self._down = Down()
        self._expected: int | None = None
        self._timestamp, self._at = 0, 0
        self._held: dict[int, tuple[int, bytes]] = {}
        self._head = b""
        self._jitter.restart()

    def put(self, sequence: int, timestamp: int, payload: bytes) -> None:
        """One packet. The decoder needs them in order, so one that is early waits a little."""
        if self._expected is None:
            self._expected, self._timestamp = sequence, timestamp
        ahead = (sequence - self._expected + 0x8000 & 0xFFFF) - 0x8000
        if ahead < 0:
            return
        self._held[sequence] = (timestamp, payload)
        if len(self._held) > HELD_MAX:
            first = min(self._held, key=lambda each: (each - sequence + 0x8000) & 0xFFFF)
            self._bridge_over((first - self._expected) & 0xFFFF)
            self._expected = first
        while self._expected in self._held:
            self._decode(*self._held.pop(self._expected))
            self._expected = (self._expected + 1) & 0xFFFF

    def _decode(self, timestamp: int, payload: bytes) -> None:
        self._at += ((timestamp - self._timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000) // RATIO
        self._timestamp = timestamp
        for sound in self._sounds(payload):
            self._jitter.put(self._at & 0xFFFFFFFF, sound)
        self._head = payload[:1]

    def _bridge_over(self, lost: int) -> None:
        """Let the decoder make up what is missing, so that what follows fits to it.

        A packet of its head alone means just that (RFC 6716, 3.1 and 4.4). What it makes up comes too late to
        be heard; the jitter buffer has filled the hole.
        """
        for _ in range(min(lost, BRIDGED_MAX) if self._head else 0):
            self._sounds(bytes([self._head[0] & 0xFC]))

    def _sounds(self, payload: bytes) -> list[Frame]:
        """Decoded. What cannot be is nothing: it counts as lost."""
        try:
            decoded = self._codec.decode(av.Packet(payload)) if payload else []
        except av.FFmpegError:
            return []
        # to_ndarray would stack planes; there is one, and its buffer may be longer than what is in it.
        sounds = (np.frombuffer(memoryview(each.planes[0]), np.int16, count=each.samples) for each in decoded)
        return [self._down.frame(each) for each in sounds]


class Down:
    """48 kHz to 8 kHz, piece by piece."""

    def __init__(self) -> None:
        self._taps = _low_pass()
        self._make_room(SAMPLES * RATIO)

    def frame(self, samples: npt.NDArray[np.int16]) -> Frame:
        """A sixth as many samples; they must be a multiple of six, as all of Opus's frames are."""
        before = self._line[-KEPT:]
        if len(self._line) != KEPT + len(samples):
            self._make_room(len(samples))
        self._line[:KEPT] = before
        self._line[KEPT:] = samples
        low: Frame = np.clip(self._windows @ self._taps, -32_768, 32_767).astype(np.int16)
        return low

    def _make_room(self, length: int) -> None:
        """A line for so many samples after those that are kept, and a view of all its windows, made once."""
        self._line = np.zeros(KEPT + length, np.float32)
        step = self._line.itemsize
        self._windows = as_strided(self._line, (length // RATIO, TAPS), (step * RATIO, step))


def _low_pass() -> npt.NDArray[np.float32]:
    at = np.arange(TAPS) - (TAPS - 1) / 2
    taps = np.sinc(2 * CUTOFF_HZ / OPUS_RATE * at) * np.hamming(TAPS)
    low: npt.NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return low
