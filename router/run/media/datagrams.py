"""A UDP socket in the event loop: nothing waits, and it is cheaper than a transport."""

import asyncio
import socket
from collections.abc import Callable

from router.run.media.rtp import DATAGRAM_MAX
from router.run.media.source import Source

AT_ONCE_MAX = 64
"""Datagrams read in one turn; the rest comes in the next one, after others had theirs."""


class Datagrams:
    """Owns the socket. `heard` is called with each datagram and who sent it."""

    def __init__(self, bound: socket.socket, heard: Callable[[bytes, Source], None]) -> None:
        self._socket, self._heard = bound, heard
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._read)
        self.port: int = bound.getsockname()[1]
        self._closed = False

    def send(self, data: bytes, to: Source) -> None:
        """At once, or, when the kernel has no room or no way there, never: late sound is worth nothing."""
        if self._closed:
            return
        try:
            self._socket.sendto(data, to)
        except OSError:
            return

    def close(self) -> None:
        """Again: harmless."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self) -> None:
        for _ in range(AT_ONCE_MAX):
            try:
                data, source = self._socket.recvfrom(DATAGRAM_MAX)
            except OSError:
                return
            self._heard(data, (source[0], source[1]))
            if self._closed:
                return
