"""Records a call: Ogg Opus, the caller left and the agent right, whole up to the last second after a kill.

Frames are gathered for half a second, then a thread encodes and writes them: neither the work nor a slow disk
makes the call stutter. What the disk cannot take within a minute is lost, and counted. A file that is full is
ended and the next begun.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer

from router.run.media.frame import FRAME_MS, RATE, SAMPLES, Frame
from router.run.media.one_thread import keep_to_one_thread

_log = logging.getLogger("muster.voice")

BYTES_MAX: Final = 16 * 1_024 * 1_024
"""Of one file: an hour or two. Whoever keeps or plays it takes it in one piece."""

BATCH: Final = 25
"""Frames that are written together: half a second."""

WAITING_MAX: Final = 60_000 // FRAME_MS
"""Frames that wait for the disk: a minute, 2 MB."""

PAGE_US: Final = "200000"
"""A page of Ogg is written when it is whole; with half a second of frames not yet written this leaves less
than one second to lose."""

BITS_PER_S: Final = 48_000
"""So that libopus keeps the two sides apart: what one says is 50 dB below on the other."""

Pair = tuple[Frame | None, Frame | None]


class Recorder:
    """Writes to `path`, then `<name>-2.ogg` and so on; files that are there already are left alone."""

    def __init__(self, path: Path, *, bytes_max: int = BYTES_MAX) -> None:
        self.failed = ""
        """Why nothing is recorded any more, as the system says it."""

        self.lost_ms = 0
        self._files = _Files(path, bytes_max)
        self._waiting: deque[Pair] = deque()
        self._writing: asyncio.Future[None] | None = None
        self._closing: asyncio.Future[None] | None = None

    @property
    def paths(self) -> Sequence[Path]:
        """The files until now, in order."""
        return tuple(self._files.paths)

    def write(self, caller: Frame | None, agent: Frame | None) -> None:
        """The next 20 ms of both."""
        if self.failed or self._closing is not None:
            return
        if len(self._waiting) >= WAITING_MAX:
            self.lost_ms += FRAME_MS
            return
        self._waiting.append((caller, agent))
        if len(self._waiting) >= BATCH and self._writing is None:
            self._write_batch()

    async def close(self) -> Sequence[Path]:
        """Write what is left; the files, in order. Again: the same."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._finish())
        await asyncio.shield(self._closing)
        return self.paths

    def _write_batch(self) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._files.write, batch)
        self._writing.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._writing = None
        error = done.exception()
        if error is not None:
            self._fail(error)
        elif len(self._waiting) >= BATCH and self._closing is None:
            self._write_batch()

    def _fail(self, error: BaseException) -> None:
        if not isinstance(error, OSError | av.FFmpegError):
            raise error
        self.failed = str(error)
        self._waiting.clear()
        _log.error("a recording failed error=%s", type(error).__name__)

    async def _finish(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
        loop, left = asyncio.get_running_loop(), list(self._waiting)
        self._waiting.clear()
        try:
            if left and not self.failed:
                await loop.run_in_executor(None, self._files.write, left)
        except (OSError, av.FFmpegError) as error:
            self._fail(error)
        try:
            await loop.run_in_executor(None, self._files.close)
        except (OSError, av.FFmpegError) as error:
            self._fail(error)


class _Files:
    """The files of one recording, one open at a time. In a thread; never in two at once."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        self.paths: list[Path] = []
        self._path, self._bytes_max = path, bytes_max
        self._open: tuple[OutputContainer, AudioStream] | None = None
        self._samples = 0

    def write(self, pairs: Sequence[Pair]) -> None:
        """Encode and write. Raises OSError and av.FFmpegError."""
        container, stream = self._open = self._open or self._next()
        sound = np.zeros((len(pairs), SAMPLES, 2), np.int16)
        for number, pair in enumerate(pairs):
            for side, frame in enumerate(pair):
                if frame is not None:
                    sound[number, :, side] = frame
        for each in sound:
            given = av.AudioFrame.from_ndarray(each.reshape(1, -1), format="s16", layout="stereo")
            given.sample_rate, given.pts = RATE, self._samples
            self._samples += SAMPLES
            container.mux(stream.encode(given))
        if self.paths[-1].stat().st_size >= self._bytes_max:
            self.close()

    def close(self) -> None:
        """End the file that is open, if one is."""
        if self._open is None:
            return
        (container, stream), self._open = self._open, None
        try:
            container.mux(stream.encode(None))
        finally:
            container.close()

    def _next(self) -> tuple[OutputContainer, AudioStream]:
        keep_to_one_thread()
        path = _claimed(self._path)
        self.paths.append(path)
        self._samples = 0
        options = {"page_duration": PAGE_US, "flush_packets": "1"}
        container = av.open(str(path), "w", format="ogg", options=options)
        stream = container.add_stream("libopus", rate=RATE)
        stream.layout = av.AudioLayout("stereo")
        stream.format = av.AudioFormat("s16")
        stream.bit_rate = BITS_PER_S
        stream.options = {"application": "voip", "frame_duration": "20", "compression_level": "2"}
        return container, stream


def _claimed(path: Path) -> Path:
    """A new file of this name, or with a number after it; readable by nobody else: it is what people said."""
    number = 1
    while True:
        name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            number += 1
        else:
            return name
