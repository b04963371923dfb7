"""Who waits in each queue: counts by urgency, and since when the one who waits longest."""

import heapq
from typing import Any, Final  # Any: entity values are JSON objects

from agents_ui.wall.rows import Contact
from config.plan import Plan
from config.words import MANUAL_QUEUE, URGENCIES

Value = dict[str, Any]

SLACK: Final = 64
"""From so many on, heap entries of contacts that no longer wait are dropped when they are more than half."""


class Waiting:
    """The waiting lines, moved by one contact at a time. A contact costs a logarithm, whatever waits."""

    def __init__(self, plan: Plan) -> None:
        queues = (*(queue.queue_id for queue in plan.queues), MANUAL_QUEUE)
        self._lines = {queue_id: _Line() for queue_id in queues}

    def count(self, contact: Contact, change: int) -> str:
        """It waits (+1) or no longer does (-1); the queue, or '' for one that is not waiting in any."""
        if contact.state != "waiting" or contact.urgency not in URGENCIES:
            return ""
        queue_id = contact.queue_id if contact.queue_id in self._lines else MANUAL_QUEUE
        line = self._lines[queue_id]
        line.counts[contact.urgency - 1] += change
        if change > 0:
            line.add(contact)
        else:
            line.waiting.discard((contact.accepted_at_ms, contact.interaction_id))
        return queue_id

    def of_queue(self, queue_id: str) -> Value:
        """How many wait, by urgency, and since when; the same as desks show."""
        line = self._lines[queue_id]
        return {"queue_id": queue_id, "waiting": list(line.counts), "oldest_at_ms": line.oldest_at_ms()}


class _Line:
    def __init__(self) -> None:
        self.counts = [0] * len(URGENCIES)
        self.waiting: set[tuple[int, str]] = set()
        self._heap: list[tuple[int, str]] = []

    def add(self, contact: Contact) -> None:
        place = (contact.accepted_at_ms, contact.interaction_id)
        self.waiting.add(place)
        heapq.heappush(self._heap, place)
        if len(self._heap) > SLACK + 2 * len(self.waiting):
            self._heap = sorted(self.waiting)

    def oldest_at_ms(self) -> int:
        while self._heap and self._heap[0] not in self.waiting:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else 0
