"""Opening and closing a desk as facts: admission by the ticket and the fact in one transaction."""

from collections.abc import Sequence

from agents_ui.access.person import Person
from agents_ui.access.tickets import redeem
from router.journal.database import Connection
from router.records import Fact, fact


class JoinDesk:
    """Redeems a ticket and opens a desk. Read `person` after the commit: None when the ticket was refused."""

    def __init__(self, *, ticket: str, desk_id: str, web_id: str) -> None:
        self.person: Person | None = None
        self._ticket = ticket
        self.desk_id = desk_id
        self._web_id = web_id

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """`desk_joined`, when the ticket is good; it is used up either way."""
        self.person = redeem(db, self._ticket, at_ms)
        if self.person is None:
            return ()
        return (fact("desk_joined", self.person.agent_id, desk_id=self.desk_id, web_id=self._web_id),)


def left(agent_id: str, desk_id: str, web_id: str) -> Fact:
    """The fact that a desk is closed."""
    return fact("desk_left", agent_id, desk_id=desk_id, web_id=web_id)
