"""The centre's end of a line, as the voice process has it: says a tone, and measures what it hears.

Real WebRTC, with the leg that the voice process has for a browser: only who is behind it is made up.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from router.run.media.browser_leg import BrowserLeg
from router.run.media.frame import FRAME_S, RATE, SAMPLES, Frame

HEARD_FRAMES = 50
"""The newest second is what is measured."""


@dataclass(kw_only=True)
class FarSide:
    """Answers offers of pages; everything on one event loop. `hertz` is what it says, 0 for nothing."""

    hertz: int = 700
    legs: list[BrowserLeg] = field(default_factory=list)
    heard: list[Frame] = field(default_factory=list)
    _ticking: "asyncio.Task[None] | None" = None
    _said: int = 0

    async def answer(self, sdp: str) -> str:
        """The answer to this offer; the line before is closed, as the voice process does."""
        leg = BrowserLeg("127.0.0.1")
        answer = await leg.answer(sdp)
        before, self.legs = self.legs, [leg]
        for old in before:
            await old.close()
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())
        return answer

    async def cut(self) -> None:
        """The line is gone, and nobody says why."""
        while self.legs:
            await self.legs.pop().close()

    async def close(self) -> None:
        """Everything ends."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        await self.cut()

    @property
    def pitch(self) -> float:
        """The strongest frequency of the newest second that was heard; 0.0 where it was silent."""
        return pitch_of(self.heard)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(FRAME_S)
            for leg in self.legs:
                leg.play(self._tone())
                frame = leg.next_frame()
                heard = np.zeros(SAMPLES, np.int16) if frame is None else frame
                self.heard = [*self.heard[-HEARD_FRAMES + 1 :], heard]

    def _tone(self) -> Frame | None:
        if not self.hertz:
            return None
        at = (np.arange(SAMPLES) + self._said) / RATE
        self._said += SAMPLES
        tone: Frame = (8_000 * np.sin(2 * np.pi * self.hertz * at)).astype(np.int16)
        return tone


def pitch_of(frames: Sequence[Frame]) -> float:
    """The strongest frequency in these frames; 0.0 where nothing above the noise is in them."""
    if not frames:
        return 0.0
    sound = np.concatenate(frames).astype(np.float64)
    if np.sqrt(np.mean(sound**2)) < 100:
        return 0.0
    strength = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(strength[1:]) + 1) * RATE / len(sound)
