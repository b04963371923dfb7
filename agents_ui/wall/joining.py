"""Opening a wall: a ticket redeemed. A wall is no desk: it says nothing about who is there, so no fact."""

from collections.abc import Sequence

from agents_ui.access.person import Person
from agents_ui.access.table import WATCH
from agents_ui.access.tickets import redeem
from router.journal.database import Connection
from router.records import Fact


class JoinWall:
    """Redeems a ticket. Read `person` after the commit: None when it was refused."""

    def __init__(self, *, ticket: str) -> None:
        self.person: Person | None = None
        self._ticket = ticket

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """No fact. The ticket is used up either way; it admits those who may watch the room."""
        person = redeem(db, self._ticket, at_ms)
        self.person = person if person is not None and person.role in WATCH else None
        return ()
