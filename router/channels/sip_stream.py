"""Cuts a TCP stream into SIP messages by their Content-Length (RFC 3261 section 18.3). No I/O."""

import re
from typing import Final

from router.channels.sip_message import MESSAGE_BYTES_MAX

_LENGTH: Final = re.compile(rb"\n[ \t]*(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class StreamBroken(Exception):
    """Nobody can tell where the next message begins: the connection is of no more use."""


class SipStream:
    """One connection's bytes. `pings` counts keep-alives to be answered (RFC 5626 section 3.5.1)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.pings = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now. Raises StreamBroken."""
        self._buffer += data
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> bytes | None:
        self._skip_keep_alives()
        end = re.search(rb"\r?\n\r?\n", self._buffer)
        if end is None:
            if len(self._buffer) > MESSAGE_BYTES_MAX:
                raise StreamBroken("a head without an end")
            return None
        length = _length(bytes(self._buffer[: end.start()]))
        whole = end.end() + length
        if whole > MESSAGE_BYTES_MAX:
            raise StreamBroken("too large")
        if len(self._buffer) < whole:
            return None
        message = bytes(self._buffer[:whole])
        del self._buffer[:whole]
        return message

    def _skip_keep_alives(self) -> None:
        while self._buffer[:4] == b"\r\n\r\n":
            self.pings += 1
            del self._buffer[:4]
        if self._buffer[:2] == b"\r\n" and len(self._buffer) > 3:
            del self._buffer[:2]  # What is left between two messages.


def _length(head: bytes) -> int:
    """Without a Content-Length there is no body; one that is no number leaves no way to go on."""
    found = _LENGTH.search(head)
    if found is None:
        return 0
    told = found[1].strip()
    if not re.fullmatch(rb"[0-9]{1,9}", told):
        raise StreamBroken("Content-Length is wrong")
    return int(told)
