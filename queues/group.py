"""Waiting interactions that are alike: same channel, urgency, audience and ageing, in one heap."""

from heapq import heapify

from queues.interaction import Entry, Interaction
from queues.wish import Audience

STALE_MAX = 32
"""A heap may hold this many entries of interactions that have left, and as many again as live ones."""


class Group:
    """Interactions that never overtake each other. Its lane puts them in and takes them out (lane.py).

    `heap[0]`, when there is one, is always live; `live` counts those that are.

    Interactions leave the middle of the heap by forgetting their entry; what is left of it is swept out when
    it reaches the top, or when such entries are more than half of the heap.
    """

    __slots__ = ("ageing_pct", "audience", "bit", "heap", "live")

    def __init__(self, audience: Audience, ageing_pct: int) -> None:
        self.audience = audience
        self.ageing_pct = ageing_pct
        self.heap: list[Entry] = []
        self.live = 0
        self.bit = 0
        """Its number in its lane, as a power of two."""

    def sweep(self) -> None:
        """Forget the entries of those who have left."""
        self.heap[:] = [entry for entry in self.heap if entry[3].entry is entry]
        heapify(self.heap)

    def members(self) -> list[Interaction]:
        """Everybody who waits here, in the order of the group."""
        return [entry[3] for entry in sorted(entry for entry in self.heap if entry[3].entry is entry)]
