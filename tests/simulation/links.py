"""The line between two sites, one direction at a time: it loses, delays, doubles, reorders, and is cut."""

from collections.abc import Callable

from tests.simulation.timeline import Action, Timeline

USUAL_MS = (2, 40)
SLOW_MS = (500, 1_500)
"""Around the second that a contact waits for its copy: sometimes in time, sometimes not."""


class Link:
    """What is sent here arrives at one site, or does not.

    Shape: rate is the share that is lost, and that comes twice; heard() is whether anybody is there.
    """

    def __init__(self, timeline: Timeline, *, rate: float, heard: Callable[[], bool]) -> None:
        self.cut = False
        self.slow = False
        self.lost = 0
        self._timeline = timeline
        self._rate = rate
        self._heard = heard

    def carry(self, arrives: Action) -> None:
        """Send something. What overtakes something else on the way arrives before it."""
        timeline = self._timeline
        for _ in range(2 if timeline.chance(self._rate) else 1):
            if timeline.chance(self._rate):
                self.lost += 1
                continue
            least, most = SLOW_MS if self.slow else USUAL_MS
            timeline.soon(
                least, most * (20 if timeline.chance(self._rate) else 1), lambda: self._end(arrives)
            )

    def _end(self, arrives: Action) -> None:
        if self.cut or not self._heard():
            self.lost += 1
            return
        arrives()
