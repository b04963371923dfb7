"""A browser without a browser: aiortc as a page would use it, with a tone as its microphone."""

import asyncio
import contextlib
import time
from fractions import Fraction

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from router.run.media.ice import OneAddress

RATE = 48_000


class Peer:
    """Says a tone, keeps what it hears."""

    def __init__(self, hz: float = 1_000, *, direction: str = "sendrecv") -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = self.connection.addTransceiver(_Tone(hz), direction=direction)
        gatherer = transceiver.receiver.transport.transport.iceGatherer
        OneAddress("127.0.0.1", (0, 0), time.monotonic).replaces_gathering_of(gatherer)
        self.heard: list[np.ndarray] = []
        self._hearing: asyncio.Task[None] | None = None
        self.connection.on("track", self._hear)

    async def offer(self) -> str:
        """A complete offer."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        """The answer to it."""
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def last(self, seconds: float) -> np.ndarray:
        """What was heard last, at 48 kHz."""
        line = np.concatenate(self.heard) if self.heard else np.zeros(1, np.int16)
        return line[-int(RATE * seconds) :]

    async def close(self) -> None:
        """As when the page is closed."""
        await self.connection.close()
        if self._hearing is not None:
            # The track of a connection that never came about does not end by itself.
            self._hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._hearing

    def _hear(self, track: MediaStreamTrack) -> None:
        self._hearing = asyncio.ensure_future(self._collect(track))

    async def _collect(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                self.heard.append(frame.to_ndarray().reshape(-1)[::2])


class _Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self, hz: float) -> None:
        super().__init__()
        self._hz, self._sent, self._began = hz, 0, 0.0

    async def recv(self) -> av.AudioFrame:
        self._began = self._began or time.monotonic()
        at = np.arange(960) + self._sent
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE - time.monotonic()))
        sound = (8_000 * np.sin(2 * np.pi * self._hz / RATE * at)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(sound, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += 960
        return frame
