"""Putting a plan in force: a fact in the journal that carries the whole text. Checking it is config's."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.plan import Plan
from router.journal.connection import Connection
from router.journal.restore import readable_plan
from router.records import Fact, fact

_IN_FORCE = "SELECT version, digest, text FROM plan ORDER BY version DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatePlan:
    """Append: this plan is in force from here on. Nothing when the plan in force has the same digest."""

    plan: Plan
    by: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        version, digest, _ = db.row(_IN_FORCE) or (0, "", "")
        if digest == self.plan.digest:
            return ()
        return (
            fact("plan_activated", self.plan.digest, version=version + 1, text=self.plan.text, by=self.by),
        )


def plan_in_force(db: Connection) -> tuple[int, Plan] | None:
    """The newest plan that can be read, and its version; None before the first. Raises PlanWrong."""
    found = db.row(_IN_FORCE)
    return None if found is None else readable_plan(db, found[0])
