"""What a caller hears besides people: tones made here, and files of the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from router.run.media.frame import RATE, SAMPLES, Frame

SECONDS_MAX: Final = 600
"""Of a file: it is kept in memory, 1 MB a minute."""

PEAK: Final = 4_000
"""-18 dB of full scale: heard well, and nobody's ear is hurt."""

EDGE_MS: Final = 10
"""Tones begin and end in this time, so that they do not click."""


class PromptWrong(ValueError):
    """The file is no sound that can be played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Frames to play to the caller: once, or again and again until something else comes.

    Shape: to_agent: the agent hears it as well (what both have to know: that a recording began).
    """

    frames: Sequence[Frame]
    loops: bool = False
    to_agent: bool = False

    @classmethod
    def of_wav(cls, path: Path, *, loops: bool = False) -> "Prompt":
        """A file, mixed down to one channel of 8 kHz. Raises PromptWrong and OSError."""
        pieces, down = [], av.AudioResampler(format="s16", layout="mono", rate=RATE)
        try:
            with av.open(str(path), format="wav") as file:
                if file.duration is not None and file.duration > SECONDS_MAX * 1_000_000:
                    raise PromptWrong(f"{path.name} is longer than {SECONDS_MAX} s")
                for frame in file.decode(audio=0):
                    pieces += [each.to_ndarray().reshape(-1) for each in down.resample(frame)]
                pieces += [each.to_ndarray().reshape(-1) for each in down.resample(None)]
        except (av.FFmpegError, IndexError) as error:
            if isinstance(error, OSError):
                raise
            raise PromptWrong(f"{path.name} is no WAV file that can be played") from error
        sound = np.concatenate(pieces).astype(np.int16) if pieces else np.zeros(0, np.int16)
        if not len(sound):
            raise PromptWrong(f"{path.name} has no sound in it")
        return cls(frames=_cut(sound), loops=loops)


def tones(*parts: tuple[int, int], loops: bool = False, to_agent: bool = False) -> Prompt:
    """Tones one after the other: (Hz, ms); 0 Hz is a pause."""
    pieces = []
    for hz, length_ms in parts:
        at = np.arange(RATE * length_ms // 1_000)
        edge = np.minimum(1.0, np.minimum(at, at[::-1]) / (RATE * EDGE_MS / 1_000))
        pieces.append((PEAK * edge * np.sin(2 * np.pi * hz / RATE * at)).astype(np.int16))
    return Prompt(frames=_cut(np.concatenate(pieces)), loops=loops, to_agent=to_agent)


def _cut(sound: Frame) -> tuple[Frame, ...]:
    """Whole frames; the last is filled up with silence."""
    missing = -len(sound) % SAMPLES
    return tuple(np.concatenate((sound, np.zeros(missing, np.int16))).reshape(-1, SAMPLES))


QUEUE_TONE: Final = tones((440, 240), (0, 80), (554, 320), (0, 3_360), loops=True)
"""Two notes upwards every four seconds: the line is alive, and nobody takes it for ringing or busy."""

HOLD_TONE: Final = tones((554, 240), (0, 80), (440, 320), (0, 5_360), loops=True)
"""The same two notes downwards, every six seconds."""

RECORDING_BEEP: Final = tones((1_400, 200), to_agent=True)
"""The tone that people in North America know (47 CFR 64.501 as it was: 1260 to 1540 Hz, 0.2 s)."""
