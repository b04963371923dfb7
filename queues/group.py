"""Waiting interactions that are alike: same channel, urgency, audience and ageing, in one order."""

from collections import deque
from heapq import heapify, heappop, heappush

from queues.interaction import Entry, Interaction
from queues.wish import Audience

STALE_MAX = 32
"""A group may keep this many entries of interactions that have left, and as many again as live ones."""


class Group:
    """Interactions that never overtake each other. Its lane puts them in and takes them out (lane.py).

    `head` is the entry of the first of them; `live` counts those that are here.

    Nearly everybody comes to the end: those stand in a row, which costs the same however long it is. Who
    comes back to an old place stands in a heap beside it. Interactions leave the middle by forgetting their
    entry; what is left of it is swept out when it comes up, or when such entries are more than half of all.
    """

    __slots__ = ("_back", "_row", "ageing_pct", "audience", "bit", "head", "live")

    def __init__(self, audience: Audience, ageing_pct: int) -> None:
        self.audience = audience
        self.ageing_pct = ageing_pct
        self.head: Entry | None = None
        self.live = 0
        self.bit = 0
        """Its number in its lane, as a power of two."""
        self._row: deque[Entry] = deque()
        self._back: list[Entry] = []

    def __len__(self) -> int:
        """How many entries it keeps, also of interactions that have left."""
        return len(self._row) + len(self._back)

    def insert(self, entry: Entry) -> bool:
        """This entry's interaction waits here from now on. Whether it is the first."""
        entry[3].entry = entry
        self.live += 1
        row = self._row
        if not row or row[-1] < entry:
            row.append(entry)
        else:
            heappush(self._back, entry)
        if self.head is None or entry < self.head:
            self.head = entry
            return True
        return False

    def remove(self, interaction: Interaction) -> None:
        """It waits here no longer."""
        entry = interaction.entry
        interaction.entry = None
        self.live -= 1
        if entry is self.head:
            self.head = self._first()
        if len(self._row) + len(self._back) > 2 * self.live + STALE_MAX:
            self._sweep()

    def members(self) -> list[Interaction]:
        """Everybody who waits here, in the order of the group."""
        return [entry[3] for entry in sorted(self._lives())]

    def _first(self) -> Entry | None:
        """The first live entry; those before it are forgotten."""
        row, back = self._row, self._back
        while row and row[0][3].entry is not row[0]:
            row.popleft()
        while back and back[0][3].entry is not back[0]:
            heappop(back)
        if not back:
            return row[0] if row else None
        return min(row[0], back[0]) if row else back[0]

    def _sweep(self) -> None:
        row = [entry for entry in self._row if entry[3].entry is entry]
        self._row = deque(row)
        self._back = [entry for entry in self._back if entry[3].entry is entry]
        heapify(self._back)

    def _lives(self) -> list[Entry]:
        return [entry for entry in (*self._row, *self._back) if entry[3].entry is entry]
