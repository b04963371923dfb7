"""An agent's browser as far as sound goes: aiortc where Chromium would be, speaking a tone."""

import asyncio
import fractions
from typing import Any, Final  # Any: aiortc's tracks and frames

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.browser.far_side import pitch_of

RATE: Final = 8_000
FRAME: Final = 160
SIXTH: Final = 6
"""aiortc hears 48,000 samples a second, of which every sixth is enough for a tone."""

HEARD: Final = 25
"""Frames: half a second."""


class Tone(MediaStreamTrack):
    """A steady tone, 20 ms at a time."""

    kind = "audio"

    def __init__(self, hertz: int = 440) -> None:
        super().__init__()
        self._hertz, self._at = hertz, 0
        self._began = 0.0

    async def recv(self) -> Any:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        wait = self._began + self._at / RATE - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        times = (np.arange(FRAME) + self._at) / RATE
        sound = (np.sin(2 * np.pi * self._hertz * times) * 12_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, fractions.Fraction(1, RATE)
        self._at += FRAME
        return frame


class Desk:
    """One line of sound to the voice process. `loudest` is the peak of what was heard."""

    def __init__(self, hertz: int = 440) -> None:
        self._line = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._line.addTrack(Tone(hertz))
        self.loudest = 0
        self._heard: list[np.ndarray] = []
        self._hearing: list[asyncio.Task[None]] = []
        self._line.on("track", self._track)

    @property
    def pitch(self) -> float:
        """The strongest frequency of the newest half second; 0.0 where it was silent, or is not over yet."""
        return pitch_of(self._heard) if len(self._heard) == HEARD else 0.0

    async def offer(self) -> str:
        await self._line.setLocalDescription(await self._line.createOffer())
        return str(self._line.localDescription.sdp)

    async def take(self, answer: str) -> None:
        await self._line.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        for task in self._hearing:
            task.cancel()
        await asyncio.gather(*self._hearing, return_exceptions=True)
        await self._line.close()

    def _track(self, track: MediaStreamTrack) -> None:
        self._hearing.append(asyncio.create_task(self._hear(track)))

    async def _hear(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame: Any = await track.recv()
            except MediaStreamError:  # The other side has ended it.
                return
            sound = frame.to_ndarray()
            self.loudest = max(self.loudest, int(np.abs(sound).max()))
            left = sound.reshape(-1)[:: len(frame.layout.channels)]
            self._heard = [*self._heard[1 - HEARD :], left[::SIXTH]]
