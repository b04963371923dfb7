"""The one order in which waiting interactions are served.

Urgency first, strictly. Within one urgency the higher score, then the earlier accepted_at_ms, then the lower
id. Everything is an integer, so the order is exact at every instant, also between queues that age
differently.
"""

from config.plan import QueuePlan

Rank = tuple[int, int, int, str]
"""Sort key of the order at one instant: urgency, negative score, accepted_at_ms, id."""


def score_of(queue: QueuePlan, *, wait_ms: int) -> int:
    """How strongly an interaction of this queue asks to be next, among equally urgent ones.

    Units: hundredths of a millisecond: 100 x head_start_ms + ageing_pct x wait_ms.
    """
    return 100 * queue.head_start_ms + queue.ageing_pct * wait_ms


def handicap(queue: QueuePlan, *, accepted_at_ms: int) -> int:
    """The part of the score that time does not change: score = ageing_pct x now_ms - handicap.

    So interactions that age alike never overtake each other, and one heap can keep their order for ever.
    """
    return queue.ageing_pct * accepted_at_ms - 100 * queue.head_start_ms
