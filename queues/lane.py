"""One channel and one urgency of the waiting line, and how a crew finds its best interaction in it.

A crew that may serve few groups looks at the head of each. For a crew that may serve many (all skills,
thousands of requirements) that is too slow: it keeps heaps of heads, brought up to date only as far as a
question needs.
"""

from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from queues.crew import Crew
from queues.group import Group
from queues.interaction import Entry, Interaction

DENSE: Final = 64
"""Up to so many groups, looking at every head is faster than keeping heaps of heads (measured: about 50)."""


class Lane:
    """The groups of one channel and urgency."""

    __slots__ = ("_filled_bits", "_views", "filled", "forgotten", "groups", "improved")

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.filled: dict[Group, None] = {}
        """Groups in which somebody waits."""
        self._filled_bits = 0
        """The same as bits: one look tells a crew that nothing here is for it."""
        self._views: dict[Crew, View] = {}
        self.improved: list[Group] = []
        """Groups whose head got better, in order, for heaps of heads to catch up with."""
        self.forgotten = 0
        """How many of those have been dropped from the front of `improved`, ever."""

    def add(self, group: Group) -> None:
        """A new group of this lane."""
        group.bit = 1 << len(self.groups)
        self.groups.append(group)
        for crew, view in self._views.items():
            if group.audience in crew.serves:
                view.groups.append(group)
                view.bits |= group.bit

    def insert(self, group: Group, entry: Entry) -> None:
        """This entry's interaction waits in this group of the lane from now on."""
        if group.insert(entry):
            self.filled[group] = None
            self._filled_bits |= group.bit
            self.improved.append(group)
            if len(self.improved) > 4 * len(self.groups) + DENSE:
                self.forgotten += len(self.improved)
                self.improved.clear()

    def remove(self, group: Group, interaction: Interaction) -> None:
        """This interaction waits in this group no longer."""
        group.remove(interaction)
        if group.head is None:
            del self.filled[group]
            self._filled_bits ^= group.bit

    def best(self, crew: Crew, now_ms: int) -> Entry | None:
        """The entry this crew should serve first of those in this lane."""
        filled = self.filled
        view = self._views.get(crew)
        if view is None:
            mine = [group for group in self.groups if group.audience in crew.serves]
            view = self._views[crew] = View(mine)
        if not view.bits & self._filled_bits:
            return None
        groups = view.groups
        if len(filled) < len(groups):
            if len(filled) > DENSE:
                return view.best(self, crew, now_ms)
            serves = crew.serves
            heads = [group for group in filled if group.audience in serves]
        elif len(groups) > DENSE:
            return view.best(self, crew, now_ms)
        else:
            heads = groups
        best: Entry | None = None
        best_score = 0
        for group in heads:
            entry = group.head
            if entry is not None:
                score = group.ageing_pct * now_ms - entry[0]
                if best is None or score > best_score or (score == best_score and entry[1:3] < best[1:3]):
                    best = entry
                    best_score = score
        return best


class View:
    """What one crew sees of a lane: the groups it may serve and, when they are many, heaps of their heads.

    One heap for each ageing rate, as groups that age alike keep their order for ever. The heap holds for
    every group an entry that is at least as good as its head: a head that got worse is corrected when it
    comes up, one that got better is in Lane.improved. So the top, once it is true, is the best of all.
    """

    __slots__ = ("_heaps", "_read", "_size", "bits", "groups")

    def __init__(self, groups: list[Group]) -> None:
        self.groups = groups
        self.bits = sum(group.bit for group in groups)
        self._heaps: dict[int, list[tuple[Entry, Group]]] = {}
        self._read = -1
        self._size = 0

    def best(self, lane: Lane, crew: Crew, now_ms: int) -> Entry | None:
        """The best entry over all groups of this view."""
        self._catch_up(lane, crew)
        best: Entry | None = None
        best_score = 0
        for ageing_pct, heap in self._heaps.items():
            entry = _true_top(heap)
            if entry is not None:
                score = ageing_pct * now_ms - entry[0]
                if best is None or score > best_score or (score == best_score and entry[1:3] < best[1:3]):
                    best = entry
                    best_score = score
        return best

    def _catch_up(self, lane: Lane, crew: Crew) -> None:
        end = lane.forgotten + len(lane.improved)
        if self._read < lane.forgotten or self._size > 4 * len(self.groups) + DENSE:
            self._rebuild()
        else:
            serves = crew.serves
            for group in lane.improved[self._read - lane.forgotten :]:
                if group.head is not None and group.audience in serves:
                    heappush(self._heaps.setdefault(group.ageing_pct, []), (group.head, group))
                    self._size += 1
        self._read = end

    def _rebuild(self) -> None:
        heaps: dict[int, list[tuple[Entry, Group]]] = {}
        for group in self.groups:
            if group.head is not None:
                heaps.setdefault(group.ageing_pct, []).append((group.head, group))
        for heap in heaps.values():
            heapify(heap)
        self._heaps = heaps
        self._size = sum(map(len, heaps.values()))


def _true_top(heap: list[tuple[Entry, Group]]) -> Entry | None:
    """The first entry of a heap of heads that is a head; what is found to be outdated is corrected."""
    while heap:
        entry, group = heap[0]
        head = group.head
        if head is entry:
            return entry
        if head is None:
            heappop(heap)
        else:
            heapreplace(heap, (head, group))
    return None
