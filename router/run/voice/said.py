"""What callers say otherwise than by voice: keys they press, words they type. Gathered into messages.

A key alone, or three letters, are no message that somebody wants to read one by one; half a minute late is
too late. So they are gathered until there is a pause.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from router.channels.web_call import DIGITS_TYPE, T140_TYPE

PAUSE_S: Final = 1.5
CHARACTERS_MAX: Final = 500
LATELY_S: Final = 8.0

Keep = Callable[[int, str, bytes], None]
"""Keeps one message: its number on this call, media type, body."""


class Said:
    """The keys and words of one caller. `number` is that of the message before the first."""

    def __init__(self, call_id: str, keep: Keep, *, number: int = 0) -> None:
        self._keep = keep
        self._number = number
        self._media_type = ""
        self._body = ""
        self._pause: asyncio.TimerHandle | None = None
        self._latest = float("-inf")

    @property
    def lately(self) -> bool:
        """Whether the caller did any of it in the last seconds: then they are not silent."""
        return asyncio.get_running_loop().time() - self._latest < LATELY_S

    def pressed(self, digits: str) -> None:
        """Keys."""
        self._take(DIGITS_TYPE, digits)

    def typed(self, text: str) -> None:
        """Words, letter by letter; a new line ends a message."""
        self._take(T140_TYPE, text)
        if text.endswith(("\u2028", "\n", "\r")):
            self.flush()

    def flush(self) -> None:
        """Keep what there is."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        body, self._body = self._body, ""
        if body.strip("\ufeff"):
            self._number += 1
            self._keep(self._number, self._media_type, body.encode("utf-8", "replace"))

    def _take(self, media_type: str, text: str) -> None:
        if not text:
            return
        if media_type != self._media_type:
            self.flush()
            self._media_type = media_type
        loop = asyncio.get_running_loop()
        self._latest = loop.time()
        self._body += text
        if len(self._body) >= CHARACTERS_MAX:
            self.flush()
            return
        if self._pause is not None:
            self._pause.cancel()
        self._pause = loop.call_later(PAUSE_S, self.flush)
