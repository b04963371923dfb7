"""The telephones of a crowd hear at one port: what comes from each of ours is told apart and measured."""

import socket
import threading
from collections import Counter, defaultdict
from typing import Final

from router.run.media.frame import Frame
from router.run.media.g711 import ulaw
from tests.browser.far_side import pitch_of
from tests.voice.singing_ear import HOST, PCMU

BLOCK: Final = 25
"""Frames of 20 ms in which a tone is looked for."""


class ManyEars:
    """One UDP port. `heard` says, stream by stream, how many half seconds of each tone came."""

    def __init__(self, *, tones: tuple[int, ...], near: int) -> None:
        self._tones, self._near = tones, near
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self._blocks: dict[tuple[int, bytes], list[Frame]] = defaultdict(list)
        self._heard: dict[int, dict[bytes, Counter[int]]] = defaultdict(dict)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def heard(self, port: int, number: int) -> Counter[int]:
        """Half seconds of each tone in the stream that was this one, from 0, of those from this port."""
        streams = list(self._heard[port].values())
        return streams[number] if number < len(streams) else Counter()

    def close(self) -> None:
        """No longer."""
        self._closed.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        law = ulaw()
        while not self._closed.is_set():
            try:
                data, (_, port) = self._socket.recvfrom(4_096)
            except TimeoutError:
                continue
            if data[1] & 0x7F == PCMU:
                self._take(port, data[8:12], law.decode(data[12:]))

    def _take(self, port: int, source: bytes, frame: Frame) -> None:
        """source: the stream's name (SSRC); a port is used again by later calls."""
        counts = self._heard[port].setdefault(source, Counter())
        block = self._blocks[port, source]
        block.append(frame)
        if len(block) == BLOCK:
            pitch = pitch_of(block)
            counts.update(tone for tone in self._tones if abs(pitch - tone) < self._near)
            block.clear()
