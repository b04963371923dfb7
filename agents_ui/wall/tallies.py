"""The day's measures, queue by queue: which contact counts where, and the values the wall shows of them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final  # Any: entity values are JSON objects

from agents_ui.wall.rows import Outcome
from config.plan import Plan, Target
from config.words import MANUAL_QUEUE
from queues.measures import NENA_TARGETS, Tally, share

Value = dict[str, Any]

PER_MILLE: Final = 1000
NENA: Final = tuple(
    Target(name=f"NENA: {percent} % within {within_ms // 1000} s", percent=percent, within_ms=within_ms)
    for percent, within_ms in NENA_TARGETS
)
"""What is held against where the plan names no target."""


class Tallies:
    """Contacts answered and left since `since_ms`, by queue."""

    def __init__(self, plan: Plan, since_ms: int) -> None:
        self.since_ms = since_ms
        self._targets = plan.targets or NENA
        self._gives_up_ms = {each.channel_id: each.abandoned_after_ms for each in plan.channels}
        self._thresholds = tuple(sorted({target.within_ms for target in self._targets}))
        queues = (*(queue.queue_id for queue in plan.queues), MANUAL_QUEUE)
        self._by_queue = {queue_id: self._tally() for queue_id in queues}

    def count(self, outcome: Outcome) -> str:
        """Count a contact that was answered or closed just now; the queue it counts for, or ''.

        To be called once for each contact: when it is first answered, or closed without that.
        """
        if outcome.answered_at_ms:
            if outcome.answered_at_ms < self.since_ms:
                return ""
            queue_id = self._known(outcome.answered_queue_id)
            self._by_queue[queue_id].answer(outcome.answered_at_ms - outcome.accepted_at_ms)
            return queue_id
        if outcome.closed_why != "abandoned" or outcome.closed_at_ms < self.since_ms:
            return ""
        queue_id = self._known(outcome.queue_id)
        self._by_queue[queue_id].abandon(max(0, self._left_at_ms(outcome) - outcome.accepted_at_ms))
        return queue_id

    def of_queue(self, queue_id: str) -> Value:
        """The day's figures of one queue."""
        targets = [each for each in self._targets if not each.queues or queue_id in each.queues]
        return self._figures(self._by_queue[queue_id], targets)

    def of_site(self) -> Value:
        """The day's figures of the whole centre; each target over the queues it is for."""
        figures = self._figures(self._sum(self._by_queue), ())
        figures["levels"] = [_level(self._sum(each.queues or self._by_queue), each) for each in self._targets]
        return figures

    def _sum(self, queues: Iterable[str]) -> Tally:
        whole = self._tally()
        for queue_id in queues:
            whole.add(self._by_queue[queue_id])
        return whole

    def _figures(self, tally: Tally, targets: Sequence[Target]) -> Value:
        return {
            "since_ms": self.since_ms,
            "answered": tally.answered,
            "abandoned": tally.abandoned,
            "abandoned_pm": per_mille(tally.abandonment),
            "asa_ms": tally.asa_ms,
            "levels": [_level(tally, target) for target in targets],
        }

    def _known(self, queue_id: str) -> str:
        """Who waits in a queue that the plan no longer has is served, and counted, as the manual queue's."""
        return queue_id if queue_id in self._by_queue else MANUAL_QUEUE

    def _left_at_ms(self, outcome: Outcome) -> int:
        """When the last connection closed: then the site waited for a return before it closed the contact."""
        if not outcome.abandon_at_ms:
            return outcome.closed_at_ms
        return outcome.abandon_at_ms - self._gives_up_ms.get(outcome.channel, 0)

    def _tally(self) -> Tally:
        return Tally(thresholds_ms=self._thresholds)


def per_mille(part: float | None) -> int | None:
    """In thousandths, to the one below: 94.96 % must not read as the 95 % that were not held."""
    return None if part is None else int(part * PER_MILLE)


def _level(tally: Tally, target: Target) -> Value:
    index = tally.thresholds_ms.index(target.within_ms)
    due = tally.answered + tally.left_late[index]
    return {
        "name": target.name,
        "percent": target.percent,
        "within_ms": target.within_ms,
        "within": tally.within[index],
        "due": due,
        "met_pm": tally.within[index] * PER_MILLE // due if due else None,
        "answered_only_pm": per_mille(share(tally.within[index], tally.answered)),
        "held": tally.held(target.percent, target.within_ms),
    }
