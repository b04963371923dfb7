"""When something becomes due. Pure bookkeeping: what is due is decided in router/due.py.

Two kinds. A *deadline* ends somebody's chance (an offer, a reading, a grace) and fires in Core.advance only,
so that an answer given in time and already in the journal is read before. A *moment* only opens something (a
cool-down is over, a requirement widens, an alarm is due) and fires in every call.

Each is (at_ms, what, id); when it comes up it is compared with the state, and forgotten if that moved on. So
nothing ever has to be taken out, and a restored core has the same ones.
"""

from heapq import heappop, heappush
from typing import Final

Due = tuple[int, int, str]
"""at_ms, what, id of the interaction or agent. Equal times fire in this order."""

UNREAD: Final = 0
OFFER: Final = 1
NAMED: Final = 2
ABANDON: Final = 3
GRACE: Final = 4

WIDEN: Final = 5
COOLED: Final = 6
UNATTENDED: Final = 7
WRAP_UP: Final = 8


NEVER: Final = 1 << 62
"""Later than any time."""


class Deadlines:
    """A heap of dues of one kind. `next_ms` is when the earliest of them is due, or was."""

    __slots__ = ("_heap", "next_ms")

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self.next_ms = NEVER

    def add(self, at_ms: int, what: int, ref: str) -> None:
        """Something becomes due."""
        heappush(self._heap, (at_ms, what, ref))
        if at_ms < self.next_ms:
            self.next_ms = at_ms

    def first(self) -> Due | None:
        """The earliest one, which stays."""
        return self._heap[0] if self._heap else None

    def drop(self) -> Due:
        """The earliest one, which is forgotten."""
        due = heappop(self._heap)
        self.next_ms = self._heap[0][0] if self._heap else NEVER
        return due

    def __contains__(self, due: object) -> bool:
        return due in self._heap
