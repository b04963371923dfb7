"""The floor under the core: heaps in buckets and nothing else. No offers, no deadlines, no explanations.

What the cheapest thing that finds the exact best interaction for a freed agent costs in this language, on
this machine, right now: for every bucket (what is asked, and how urgent) a heap; for every kind of agent the
list of buckets it may serve. The core is measured as a share of this.
"""

import time
from collections.abc import Sequence
from heapq import heappop, heappush

from benchmarks.core_load import Load

RATES = (100, 200, 400, 800, 1600)
"""One ageing rate for each urgency: that is how the floor makes the urgent go first."""


class Buckets:
    """Waiting numbers by bucket; `serves` lists for every kind of agent the buckets it may serve."""

    def __init__(self, load: Load) -> None:
        self._heaps: list[list[tuple[int, int]]] = [[] for _ in range(len(load.requirements) * len(RATES))]
        self._serves = [
            [requirement * len(RATES) + urgency for requirement in served for urgency in range(len(RATES))]
            for served in load.served_by_profile
        ]

    def arrives(self, number: int, requirement: int, urgency: int, now_ms: int) -> None:
        """One more waits."""
        heappush(self._heaps[requirement * len(RATES) + urgency], (RATES[urgency] * now_ms, number))

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


def decisions_per_second(load: Load, waiting: int, decisions: int) -> float:
    """How many pairs of an arrival and a freed agent a second, with so many waiting.

    Shape: `load` brings at least waiting + decisions arrivals.
    """
    buckets = Buckets(load)
    now_ms = 0
    for number in range(waiting):
        now_ms += 1
        buckets.arrives(number, load.requirement[number], load.urgency[number], now_ms)
    freed: Sequence[int] = load.profile
    began = time.process_time()
    for number in range(waiting, waiting + decisions):
        now_ms += 1
        buckets.arrives(number, load.requirement[number], load.urgency[number], now_ms)
        buckets.freed(freed[number], now_ms)
    return decisions / (time.process_time() - began)
