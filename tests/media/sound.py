"""Tones to say, what was heard measured, and legs without a network."""

from collections.abc import Callable, Sequence

import numpy as np

from router.run.media.frame import RATE, SAMPLES, Frame
from router.run.media.leg import no_news, no_words

Number = int | float


def tone(hz: Number, *, frames: int, peak: int = 8_000, begin: int = 0) -> list[Frame]:
    """Frames of a tone that go on where others ended (`begin`, in frames)."""
    at = np.arange(frames * SAMPLES) + begin * SAMPLES
    return list((peak * np.sin(2 * np.pi * hz / RATE * at)).astype(np.int16).reshape(-1, SAMPLES))


def silence(frames: int = 1) -> list[Frame]:
    """Frames of nothing."""
    return [np.zeros(SAMPLES, np.int16)] * frames


def joined(frames: Sequence[Frame | None]) -> Frame:
    """One line of samples; None is silence."""
    return np.concatenate([np.zeros(SAMPLES, np.int16) if frame is None else frame for frame in frames])


def loudest_hz(samples: np.ndarray, rate: int = RATE) -> float:
    """The frequency that is heard most."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float) * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def level_of(samples: np.ndarray, hz: Number, rate: int = RATE) -> float:
    """How loud one frequency is, as the peak of a tone."""
    at = np.arange(len(samples)) / rate
    return float(2 * abs(np.mean(samples * np.exp(-2j * np.pi * hz * at))))


class FakeLeg:
    """A side of a call that says what a test puts in, and keeps what it heard."""

    def __init__(self, *says: Frame | None) -> None:
        self.says: list[Frame | None] = list(says)
        self.heard: list[Frame | None] = []
        self.asked = self.closed = 0
        self.flowing = True
        self.on_digits: Callable[[str], None] = no_words
        self.on_text: Callable[[str], None] = no_words
        self.on_lost: Callable[[], None] = no_news
        self.on_flowing: Callable[[], None] = no_news

    def next_frame(self) -> Frame | None:
        self.asked += 1
        return self.says.pop(0) if self.says else None

    def play(self, frame: Frame | None) -> None:
        self.heard.append(frame)

    async def close(self) -> None:
        self.closed += 1


class FakeTicks:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.beats = self.late = self.skipped = 0
        self._tick: Callable[[], None] | None = None

    def start(self, tick: Callable[[], None]) -> None:
        self._tick = tick

    def stop(self) -> None:
        self._tick = None

    def passes(self, frames: int) -> None:
        for _ in range(frames):
            if self._tick is not None:
                self._tick()
