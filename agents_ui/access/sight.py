"""Who may see whom: the one function that answers it, asked again at every command and every request."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents_ui.access.person import Person
from agents_ui.access.table import SEES_EVERYTHING
from router.journal.database import Connection
from router.records import Fact, fact


def may_see(db: Connection, person: Person, *, interaction_id: str = "", customer_id: str = "") -> bool:
    """Whether this person may look at this interaction, or at this customer's (give one of the two).

    An agent may see what is offered to or held by this agent now, and the earlier interactions of the
    customers concerned. Supervisors, admins and auditors may see everything. Every look is recorded
    by whoever shows it (Looked).
    """
    if interaction_id:
        row = db.row(
            "SELECT customer_id, agent_id, closed_seq FROM interaction WHERE interaction_id = :i",
            i=interaction_id,
        )
        if row is None:
            return False
        customer_id, agent_id, closed_seq = row
        if agent_id == person.agent_id and not closed_seq:
            return True
        if not customer_id:
            return person.role in SEES_EVERYTHING
    if person.role in SEES_EVERYTHING:
        return db.row("SELECT 1 FROM customer WHERE customer_id = :c", c=customer_id) is not None
    return customer_id != "" and _serves(db, person.agent_id, customer_id)


def _serves(db: Connection, agent_id: str, customer_id: str) -> bool:
    """Whether an open interaction of the customer is with the agent now."""
    row = db.row(
        "SELECT 1 FROM interaction WHERE agent_id = :a AND customer_id = :c AND closed_seq = 0 LIMIT 1",
        a=agent_id,
        c=customer_id,
    )
    return row is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Puts on record that somebody looked: at `refs`, interactions or customers; `what` says by which way."""

    person: Person
    refs: tuple[str, ...]
    what: str

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One `viewed` each."""
        return [fact("viewed", ref, agent_id=self.person.agent_id, what=self.what) for ref in self.refs]
