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

SLOT_BITS: Final = 8
"""Dues are kept by slots of 256 ms: at a thousand contacts a second a few hundred, sorted at one go."""


class Deadlines:
    """Dues of one kind, the earliest first. `next_ms` is when that one is due, or was.

    Most dues are forgotten when they come up. So they are only collected, by slot of time, and a slot is
    sorted when it is the first: one heap of all costs three times as much with tens of thousands in it.
    """

    __slots__ = ("_dues", "_slots", "_sorted", "next_ms")

    def __init__(self) -> None:
        self._dues: dict[int, list[Due]] = {}
        """By slot; latest first where the slot is in `_sorted`."""
        self._slots: list[int] = []
        """A heap of the slots that there are."""
        self._sorted: set[int] = set()
        self.next_ms = NEVER

    def add(self, at_ms: int, what: int, ref: str) -> None:
        """Something becomes due."""
        slot = at_ms >> SLOT_BITS
        dues = self._dues.get(slot)
        if dues is None:
            self._dues[slot] = [(at_ms, what, ref)]
            heappush(self._slots, slot)
        else:
            dues.append((at_ms, what, ref))
            if slot in self._sorted:
                self._sorted.remove(slot)
        if at_ms < self.next_ms:
            self.next_ms = at_ms

    def first(self) -> Due | None:
        """The earliest one, which stays."""
        return self._first_slot()[-1] if self._slots else None

    def drop(self) -> Due:
        """The earliest one, which is forgotten."""
        dues = self._first_slot()
        due = dues.pop()
        if not dues:
            slot = heappop(self._slots)
            self._sorted.remove(slot)
            del self._dues[slot]
            if not self._slots:
                self.next_ms = NEVER
                return due
            dues = self._first_slot()
        self.next_ms = dues[-1][0]
        return due

    def _first_slot(self) -> list[Due]:
        """The dues of the earliest slot, latest first."""
        slot = self._slots[0]
        dues = self._dues[slot]
        if slot not in self._sorted:
            dues.sort(reverse=True)
            self._sorted.add(slot)
        return dues

    def __contains__(self, due: Due) -> bool:
        return due in self._dues.get(due[0] >> SLOT_BITS, ())
