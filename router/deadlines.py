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


class Deadlines:
    """A heap of dues of one kind."""

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: list[Due] = []

    def add(self, at_ms: int, what: int, ref: str) -> None:
        """Something becomes due."""
        heappush(self._heap, (at_ms, what, ref))

    def first(self) -> Due | None:
        """The earliest one, which stays."""
        return self._heap[0] if self._heap else None

    def __contains__(self, due: object) -> bool:
        return due in self._heap

    def drop(self) -> None:
        """Forget the earliest one."""
        heappop(self._heap)
