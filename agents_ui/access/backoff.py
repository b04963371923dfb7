"""How long somebody has to wait after wrong passwords: growing, bounded, per account and source.

Nobody is locked out for ever: an emergency worker who mistypes waits a minute at the most, and wrong attempts
from one place never slow down the same account from another. Kept in memory: after a restart counting begins
anew, which costs an attacker's patience nothing and a locked-out agent less.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

FREE_ATTEMPTS: Final = 4
"""Typing errors that cost nothing."""

DELAY_MS: Final = 1_000
DELAY_MS_MAX: Final = 60_000
"""1, 2, 4 … 60 s: about 1,400 guesses a day for one account from one place, and 79 bits to guess."""

FORGET_AFTER_MS: Final = 900_000
PAIRS_MAX: Final = 10_000
"""Pairs of account and source remembered; the longest unused is forgotten first."""


@dataclass(slots=True)
class _Attempts:
    failed: int
    last_ms: int
    not_before_ms: int


class Backoff:
    """Counts attempts by (account, source). One counts as wrong until succeeded() says otherwise."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[tuple[str, str], _Attempts] = OrderedDict()

    def begin(self, account: str, source: str, now_ms: int) -> int:
        """0 when the attempt may go on (it is counted), else the milliseconds to wait (it is not counted).

        Counting before the comparison keeps a thousand simultaneous guesses from passing one check.
        """
        pair = (account, source)
        attempts = self._pairs.get(pair)
        if attempts is None or now_ms - attempts.last_ms > FORGET_AFTER_MS:
            attempts = _Attempts(0, now_ms, 0)
        if now_ms < attempts.not_before_ms:
            return attempts.not_before_ms - now_ms
        attempts.failed += 1
        attempts.last_ms = now_ms
        over = attempts.failed - FREE_ATTEMPTS
        if over > 0:
            attempts.not_before_ms = now_ms + min(DELAY_MS << min(over - 1, 16), DELAY_MS_MAX)
        self._keep(pair, attempts)
        return 0

    def succeeded(self, account: str, source: str) -> None:
        """The attempt was right: everything is forgotten."""
        self._pairs.pop((account, source), None)

    def _keep(self, pair: tuple[str, str], attempts: _Attempts) -> None:
        self._pairs[pair] = attempts
        self._pairs.move_to_end(pair)
        if len(self._pairs) > PAIRS_MAX:
            self._pairs.popitem(last=False)
