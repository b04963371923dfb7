"""Letting somebody in who was signed in at the other site: the same session, its work, its presence.

The ticket proves that the other site knew the session. Whether it still holds is asked here: its end,
wherever it was, is learned by both sites within seconds while the line between them holds. In a split nobody
here can know that it ended there: it holds until the line is back, and no longer than it would have anyway.
In a disaster nobody is kept out who may be in; and every arrival is on record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agents_ui.access.person import Person, find_person
from agents_ui.access.sessions import SESSION_MS, has_desk, hash_of
from agents_ui.access.table import DESK
from agents_ui.elsewhere.copy_reader import CopyReader
from router.journal.database import Connection
from router.records import Fact, fact
from router.sites.moving import Ticket


class NotArrived(Exception):
    """The session does not hold here: ended, over, of somebody else, or of somebody who may not be in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What an agent had declared at the other site."""

    available: bool
    reason: str = ""


def presence_there(copy: CopyReader, agent_id: str) -> Presence | None:
    """As the other site's copy has it; None where it says nothing about this agent. Blocks."""
    row = copy.ask(lambda db: db.row("SELECT available, reason FROM agent WHERE agent_id = :a", a=agent_id))
    return None if row is None else Presence(available=bool(row[0]), reason=row[1])


class ArriveDesk:
    """Append: the session goes on here. Read `person` after the commit. Raises NotArrived."""

    def __init__(self, ticket: Ticket, presence: Presence | None) -> None:
        self.person: Person | None = None
        self._ticket = ticket
        self._presence = presence

    def write_content(self, db: Connection) -> None:
        """Nothing: the token exists in the browser only."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """That it arrived; before it the session, where it was not known here; then the presence it had."""
        ticket, session_hash = self._ticket, hash_of(self._ticket.token)
        known = db.row("SELECT 1 FROM session WHERE token_hash = :h", h=session_hash) is not None
        person = (
            find_person(db, session_hash=session_hash, now_ms=at_ms)
            if known
            else _unlearned(db, ticket, session_hash=session_hash, now_ms=at_ms)
        )
        if person is None or person.agent_id != ticket.agent_id or person.must_change:
            raise NotArrived
        self.person = person
        whose = {"agent_id": person.agent_id}
        begun = fact("session_begun", session_hash, **whose, expires_at_ms=person.expires_at_ms)
        moved = fact("session_moved", session_hash, **whose, from_site=ticket.site, known=known)
        return [*(() if known else (begun,)), moved, *self._presence_facts(db, person)]

    def _presence_facts(self, db: Connection, person: Person) -> list[Fact]:
        """None where a desk of this person is open here: what was declared at it counts."""
        presence = self._presence
        if presence is None or person.role not in DESK or has_desk(db, person.agent_id):
            return []
        declared = {"available": presence.available, "reason": presence.reason}
        agent_id = person.agent_id
        return [fact("presence_declared", agent_id, **declared, command_id="", by=agent_id)]


def _unlearned(db: Connection, ticket: Ticket, *, session_hash: str, now_ms: int) -> Person | None:
    """Whose session it is, by the ticket alone: begun while the line was cut. Of somebody known here."""
    row = db.row(
        "SELECT p.name, p.role, coalesce(c.must_change, 0) FROM person p"
        " LEFT JOIN credential c ON c.agent_id = p.agent_id WHERE p.agent_id = :a AND p.active = 1",
        a=ticket.agent_id,
    )
    expires_at_ms = min(ticket.session_until_ms, now_ms + SESSION_MS)
    if row is None or expires_at_ms <= now_ms:
        return None
    return Person(
        agent_id=ticket.agent_id,
        name=row[0],
        role=row[1],
        session_hash=session_hash,
        expires_at_ms=expires_at_ms,
        must_change=bool(row[2]),
    )
