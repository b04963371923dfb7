"""A telephone's sound: what comes by RTP is kept and measured, and a tone is said, in a thread of its own."""

import socket
import threading
import time
from typing import Final

import numpy as np

from router.run.media.frame import FRAME_S, RATE, SAMPLES, Frame
from router.run.media.g711 import ulaw
from tests.browser.far_side import pitch_of

HOST: Final = "127.0.0.1"
NEWEST: Final = 50
"""The newest second is what is measured."""

PCMU: Final = 0
KEYS: Final = 101
ENDS: Final = 0x80
"""The bit of a telephone event (RFC 4733) that says the key is up again."""


class Ear:
    """One UDP port for sound. `sings(to)` also says a tone there, every 20 ms, until it is closed."""

    def __init__(self, *, hertz: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self.digits = ""
        self.packets = 0
        self._hertz, self._frames, self._pressed = hertz, list[Frame](), -1
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    @property
    def pitch(self) -> float:
        """The strongest frequency of the newest second; 0.0 where it was silent."""
        return pitch_of(tuple(self._frames[-NEWEST:]))

    def sings(self, to: tuple[str, int]) -> None:
        """Begin to say the tone."""
        thread = threading.Thread(target=self._sing, args=(to,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """No longer."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _listen(self) -> None:
        law = ulaw()
        while not self._closed.is_set():
            try:
                data = self._socket.recv(4_096)
            except TimeoutError:
                continue
            self.packets += 1
            kind, payload = data[1] & 0x7F, data[12:]
            if kind == PCMU:
                self._frames = [*self._frames[-NEWEST:], law.decode(payload)]
            elif kind == KEYS and payload[1] & ENDS:
                began = int.from_bytes(data[4:8], "big")
                if began != self._pressed:  # The end of a key is said three times.
                    self._pressed = began
                    self.digits += "0123456789*#ABCD"[payload[0]]

    def _sing(self, to: tuple[str, int]) -> None:
        law, began = ulaw(), time.monotonic()
        for number in range(10**6):
            wait = began + number * FRAME_S - time.monotonic()
            if self._closed.wait(max(0.0, wait)):
                return
            head = bytes((0x80, PCMU)) + (number & 0xFFFF).to_bytes(2, "big")
            at = (number * SAMPLES).to_bytes(4, "big")
            self._socket.sendto(head + at + b"EARS" + law.encode(tone(self._hertz, number)), to)


def tone(hertz: int, number: int) -> Frame:
    """20 ms of an even tone that goes on from frame to frame."""
    at = (np.arange(SAMPLES) + number * SAMPLES) / RATE
    sung: Frame = (8_000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16)
    return sung
