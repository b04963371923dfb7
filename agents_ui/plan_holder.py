"""The plan in force, as one web process knows it: loaded at the start, changed by the journal."""

import logging
from collections.abc import Sequence

from config.plan import Plan
from router import events
from router.journal.database import Database
from router.records import UNREADABLE, Row, event_of
from router.run.plan_activation import plan_in_force

_log = logging.getLogger("muster.web")


class PlanHolder:
    """Calling it gives the plan in force."""

    def __init__(self, plan: Plan, version: int) -> None:
        self._plan = plan
        self._version = version

    def __call__(self) -> Plan:
        return self._plan

    def hear(self, rows: Sequence[Row]) -> None:
        """Feed listener: a newer plan takes over, if it can be read."""
        for row in rows:
            event = _activated(row) if row.kind == "plan_activated" else None
            if isinstance(event, events.PlanActivated) and event.version > self._version:
                self._plan, self._version = event.plan, event.version


def load_plan(database: Database) -> PlanHolder | None:
    """The plan in force now; None before the first start has put one in force."""
    with database.reading() as db:
        found = plan_in_force(db)
    return None if found is None else PlanHolder(plan=found[1], version=found[0])


def _activated(row: Row) -> events.Event | None:
    try:
        return event_of(row)
    except UNREADABLE:
        _log.exception("plan cannot be read, the one before stays seq=%d", row.seq)
        return None
