"""Whether an account at a provider is worth trying now, and how long to wait after a failure. Pure.

A circuit forgets nothing that matters when its process dies: it only spares a provider that is down, and the
time of those who wait behind it. Times are milliseconds of a clock that never goes back, given by the caller.
"""

from dataclasses import dataclass
from typing import Final

FAILURES_MAX: Final = 5
"""In a row, whichever messages they were: one that fails alone is that message's own trouble."""

OPEN_MS: Final = (2_000, 15_000)
"""Until the first single try, and the longest time between two: a provider that is back is noticed soon."""

REFUSED_MS: Final = 15_000
"""Our credentials are refused: to ask often helps nobody, and locks some accounts."""

HELD_MS_MAX: Final = 900_000
"""What a provider asks for in Retry-After is believed up to a quarter of an hour."""

RETRY_MS: Final = (1_000, 60_000)
"""A message's first pause before it is tried again, and the longest."""


@dataclass(slots=True)
class Circuit:
    """What an account's tries have come to: closed (any number), open (none), or one try to see.

    Shape: `failures` counts those in a row; `held_until_ms` is when the next try may begin.
    """

    failures: int = 0
    held_until_ms: int = 0
    _careful: bool = False
    _pause_ms: int = 0

    @property
    def open(self) -> bool:
        """Whether nothing but single tries may begin."""
        return self.failures >= FAILURES_MAX

    def room(self, *, now_ms: int, under_way: int, width: int) -> int:
        """How many tries may begin now, beside those under way."""
        if now_ms < self.held_until_ms:
            return 0
        return max((1 if self.open or self._careful else width) - under_way, 0)

    def succeeded(self) -> None:
        """The provider does its work: what it said to this message does not matter."""
        self.failures, self._careful, self._pause_ms = 0, False, 0

    def failed(self, *, now_ms: int) -> None:
        """The provider did not do its work. Failures of tries that began before it opened prolong nothing."""
        self.failures += 1
        if self.open and now_ms >= self.held_until_ms:
            first, longest = OPEN_MS
            self._pause_ms = min(2 * self._pause_ms, longest) or first
            self.held_until_ms = now_ms + self._pause_ms

    def refused(self, *, now_ms: int) -> None:
        """The provider refuses the account itself: open at once."""
        self.failures = max(self.failures + 1, FAILURES_MAX)
        self.held_until_ms = max(self.held_until_ms, now_ms + REFUSED_MS)

    def held(self, *, now_ms: int, for_ms: int) -> None:
        """The provider asks for a pause: it is well, and gets one; then one try goes before the others."""
        self._careful = True
        self.held_until_ms = max(self.held_until_ms, now_ms + min(for_ms, HELD_MS_MAX))


def retry_ms(attempt: int, dice: int) -> int:
    """The pause after this attempt (from 1): doubling; between half and the whole of it by a random number.

    The random part keeps what failed together from coming back together.
    """
    first, longest = RETRY_MS
    whole = min(first << min(attempt - 1, 16), longest)
    return whole // 2 + dice % (whole // 2 + 1)
