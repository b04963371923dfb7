"""The plan in force, the check of another one, and putting it in force: through the one way there is."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: the answer is a JSON value

from agents_ui.access.person import Person
from agents_ui.admin.acting import check_admin
from config.plan import Plan
from config.plan_file import parse_plan
from config.problems import PlanWrong
from router.journal.database import Connection, Database
from router.records import Fact
from router.run.plan_activation import ActivatePlan

Value = dict[str, Any]

PLANS_SHOWN: Final = 50
DIFFERENCE_LINES: Final = 1_000
"""Of a difference; a plan that differs in more is read as a whole."""

_IN_FORCE: Final = (
    "SELECT version, activated_at_ms, activated_by, digest, text FROM plan ORDER BY version DESC LIMIT 1"
)
_EARLIER: Final = (
    "SELECT version, activated_at_ms, activated_by, digest FROM plan ORDER BY version DESC LIMIT :n"
)


class PlanReplaced(Exception):
    """Another plan was put in force since the one this was meant to replace was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """Append: puts the plan in force if the one it was compared with still is."""

    plan: Plan
    against: str
    person: Person

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """`plan_activated`; nothing when this very plan is in force. Raises PlanReplaced, NotAdmin."""
        check_admin(db, self.person, at_ms)
        row = db.row(_IN_FORCE)
        if row is not None and row[3] not in (self.against, self.plan.digest):
            raise PlanReplaced(row[3])
        return ActivatePlan(plan=self.plan, by=self.person.agent_id).facts(db, at_ms)


def plan_in_force(database: Database) -> Value:
    """The whole text, since when, by whom; and those before it."""
    with database.reading() as db:
        version, at_ms, by, digest, text = db.row(_IN_FORCE) or (0, 0, "", "", "")
        earlier = db.rows(_EARLIER, n=PLANS_SHOWN)
    return {
        "version": version,
        "at_ms": at_ms,
        "by": by,
        "digest": digest,
        "text": text,
        "earlier": [dict(zip(("version", "at_ms", "by", "digest"), row, strict=True)) for row in earlier],
    }


def checked(text: str, in_force: str) -> Value:
    """What is wrong with a plan, all of it; or what it would change."""
    try:
        plan = parse_plan(text, "the new plan")
    except PlanWrong as wrong:
        problems = [{"line": each.line, "text": each.text} for each in wrong.problems]
        return {"fine": False, "problems": problems, "digest": "", "difference": []}
    lines = difflib.unified_diff(
        in_force.splitlines(), text.splitlines(), "in force", "new", lineterm="", n=2
    )
    difference = [line for line, _ in zip(lines, range(DIFFERENCE_LINES), strict=False)]
    return {"fine": True, "problems": [], "digest": plan.digest, "difference": difference}
