"""Figures of the waiting lines: how many wait, by urgency, and since when. One value for all desks."""

from typing import Any  # entity values are JSON objects

from config.plan import Plan
from config.words import MANUAL_QUEUE, URGENCIES
from router.journal.database import Connection

Value = dict[str, Any]


def queue_figures(db: Connection, plan: Plan) -> dict[str, Value]:
    """Every queue's figures by id, the manual queue's included; empty queues too.

    Who waits in a queue that the plan no longer has is served, and counted, as the manual queue's.
    """
    figures: dict[str, Value] = {
        queue_id: {"queue_id": queue_id, "waiting": [0] * len(URGENCIES), "oldest_at_ms": 0}
        for queue_id in [*(queue.queue_id for queue in plan.queues), MANUAL_QUEUE]
    }
    rows = db.rows(
        "SELECT queue_id, urgency, count(*), min(accepted_at_ms) FROM interaction"
        " WHERE closed_seq = 0 AND state = 'waiting' GROUP BY queue_id, urgency"
    )
    for queue_id, urgency, count, oldest_at_ms in rows:
        if urgency not in URGENCIES:
            continue
        figure = figures.get(queue_id, figures[MANUAL_QUEUE])
        figure["waiting"][urgency - 1] += count
        oldest = figure["oldest_at_ms"]
        figure["oldest_at_ms"] = min(oldest, oldest_at_ms) if oldest else oldest_at_ms
    return figures
