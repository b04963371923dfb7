"""Who may see whom: the one function that answers it, asked again at every command and every request."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents_ui.access.person import Person
from agents_ui.access.table import SEES_EVERYTHING, WATCH
from router.journal.database import Connection
from router.records import Fact, fact


def may_see(db: Connection, person: Person, *, interaction_id: str = "", customer_id: str = "") -> bool:
    """Whether this person may look at this interaction, or at this customer's (give one of the two).

    An agent may see what is offered to or held by this agent now, and the earlier interactions of the
    customers concerned, and of whom these claim to be. Supervisors, admins and auditors may see everything.
    Every look is recorded by whoever shows it (Looked).
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
    return customer_id != "" and (
        _serves(db, person.agent_id, customer_id) or _serves_claimant(db, person.agent_id, customer_id)
    )


def may_change(db: Connection, person: Person, customer_id: str) -> bool:
    """Whether this person may link, split or name this customer: who serves them now, or a supervisor."""
    if person.role in WATCH:
        return db.row("SELECT 1 FROM customer WHERE customer_id = :c", c=customer_id) is not None
    return customer_id != "" and _serves(db, person.agent_id, customer_id, state="assigned")


def _serves_claimant(db: Connection, agent_id: str, customer_id: str) -> bool:
    """Whether a customer of this agent claims an address that is known to be this customer's."""
    row = db.row(
        "SELECT 1 FROM identity known JOIN identity claimed ON claimed.address_hash = known.address_hash"
        " JOIN interaction i ON i.customer_id = claimed.customer_id"
        " WHERE known.customer_id = :c AND known.verified = 1 AND claimed.verified = 0"
        " AND i.agent_id = :a AND i.closed_seq = 0 LIMIT 1",
        a=agent_id,
        c=customer_id,
    )
    return row is not None


def _serves(db: Connection, agent_id: str, customer_id: str, *, state: str = "") -> bool:
    """Whether an open interaction of the customer is with the agent now (in this state, if one is given)."""
    row = db.row(
        "SELECT 1 FROM interaction WHERE agent_id = :a AND customer_id = :c AND closed_seq = 0"
        " AND (:state = '' OR state = :state) LIMIT 1",
        a=agent_id,
        c=customer_id,
        state=state,
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
