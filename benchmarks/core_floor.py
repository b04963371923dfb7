"""The floor under the core: heaps in buckets and nothing else. No offers, no deadlines, no explanations.

What the cheapest thing that finds the exact best interaction for a freed agent costs in this language, on
this machine, right now: for every bucket (what is asked, and how urgent) a heap; for every kind of agent the
list of buckets it may serve. The core is measured as a share of this.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from benchmarks.core_load import Load

RATES = (100, 200, 400, 800, 1600)
"""One ageing rate for each urgency: that is how the floor makes the urgent go first."""


class Buckets:
    """Waiting numbers by bucket; `serves` lists for every kind of agent the buckets it may serve."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._heaps: list[list[tuple[int, int]]] = [[] for _ in range(len(load.requirements) * len(RATES))]
        self._serves = [
            [requirement * len(RATES) + urgency for requirement in served for urgency in range(len(RATES))]
            for served in load.served_by_profile
        ]

    def arrives(self, number: int, requirement: int, urgency: int) -> None:
        """One more waits; a millisecond passes between contacts."""
        heappush(self._heaps[requirement * len(RATES) + urgency], (RATES[urgency] * number, number))

    def freed(self, profile: int, now_ms: int) -> int:
        """The best one for an agent of this profile, who takes it; -1 when there is none."""
        heaps = self._heaps
        best, best_score = -1, -1
        for bucket in self._serves[profile]:
            heap = heaps[bucket]
            if heap:
                score = RATES[bucket % 5] * now_ms - heap[0][0]
                if score > best_score:
                    best, best_score = bucket, score
        return heappop(heaps[best])[1] if best >= 0 else -1

    def fills(self, numbers: Iterable[int]) -> None:
        """These arrive, and nobody is freed."""
        for number in numbers:
            self.arrives(number, self._load.requirement[number], self._load.urgency[number])

    def decides(self, numbers: Iterable[int]) -> None:
        """For each of these, one arrival and one agent freed."""
        arrives, freed, load = self.arrives, self.freed, self._load
        requirement, urgency, profile = load.requirement, load.urgency, load.profile
        for number in numbers:
            arrives(number, requirement[number], urgency[number])
            freed(profile[number], number)
