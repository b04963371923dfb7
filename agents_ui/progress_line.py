"""How far long work at the command line has come: one line that is written over, on a terminal only."""

import sys
import time
from typing import Final

EVERY_S: Final = 0.1
"""A terminal far away takes its time for each line."""


class ProgressLine:
    """Says nothing into a pipe. Use it as a context: at the end the line is gone."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._said_at = 0.0

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *_: object) -> None:
        if self._said_at:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def say(self, what: str, done: int, of: int = 0) -> None:
        """What is being done, how much of it is, and of how much (0: not known)."""
        now = time.monotonic()
        if not self._shown or now - self._said_at < EVERY_S:
            return
        self._said_at = now
        share = f" of {of:,} ({done * 100 // of} %)" if of else ""
        sys.stderr.write(f"\r\033[K{what} {done:,}{share}")
        sys.stderr.flush()
