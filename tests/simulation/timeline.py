"""One clock, one pair of dice, and all that is still to happen: shared by everything simulated together.

Also notices mistakes that the product's own code survives by rebuilding: in here they are failures.
"""

import heapq
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.simulation.audit import Broken
from tests.simulation.journal import Clock

BEGIN_MS = 1_800_000_000_000
"""Some day in 2027: large numbers, as in production."""

Action = Callable[[], None]


class Timeline:
    """Everything that happens is an action at an instant, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = Clock(BEGIN_MS)
        self.calm = False
        self._actions: list[tuple[int, int, Action]] = []
        self._count = 0
        self._mistakes = _Mistakes()

    def at(self, delay_ms: float, action: Action) -> None:
        """Do this so much later."""
        self._count += 1
        heapq.heappush(self._actions, (self.clock.now_ms + max(round(delay_ms), 0), self._count, action))

    def soon(self, least_ms: float, most_ms: float, action: Action) -> None:
        """Do this somewhere between."""
        self.at(self.dice.uniform(least_ms, most_ms), action)

    def chance(self, share: float) -> bool:
        """Whether bad luck strikes: never in a calm world."""
        return not self.calm and self.dice.random() < share

    def until(self, end_ms: int) -> None:
        """Let everything happen up to then. Raises Broken."""
        while self._actions and self._actions[0][0] <= end_ms:
            at_ms, _, action = heapq.heappop(self._actions)
            self.clock.now_ms = at_ms
            action()
            self._mistakes.none()
        self.clock.now_ms = end_ms

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Meanwhile a mistake that the router notes in its log is found by `until`."""
        logger = logging.getLogger("muster.router")
        logger.addHandler(self._mistakes)
        logging.getLogger("muster.watch").addHandler(_SAYS_NOTHING)  # that it took over is in the journal
        propagated, logger.propagate = logger.propagate, False
        try:
            yield
        finally:
            logger.removeHandler(self._mistakes)
            logger.propagate = propagated


_SAYS_NOTHING = logging.NullHandler()


class _Mistakes(logging.Handler):
    """Notices when the router's own code failed and it went on after a rebuild: in here that is a failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(record)

    def none(self) -> None:
        """Raises Broken when there was a mistake."""
        if self._found:
            cause = self._found[0].exc_info
            raise Broken(self._found[0].getMessage()) from (cause[1] if cause else None)
