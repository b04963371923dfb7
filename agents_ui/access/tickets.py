"""Tickets: how a session opens a socket. Single use, 30 seconds, only the hash is kept.

Not the cookie alone: a page of another site can open a socket with it, but cannot read a ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents_ui.access.person import Person, find_person
from agents_ui.access.sessions import hash_of
from agents_ui.access.table import DESK
from router.journal.database import Connection
from router.records import Fact

TICKET_MS: Final = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTicket:
    """Writes a ticket; a local row, no fact. Tickets that nobody used in time go at the same occasion."""

    ticket: str
    person: Person
    now_ms: int

    def write_content(self, db: Connection) -> None:
        """Nothing: the row needs the journal's time, by which it is redeemed."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """No fact, as a ticket says nothing about the world: the new row, and away with the old ones.

        The journal's time stays ahead of the time of day once a machine's clock was set back.
        """
        db.run("DELETE FROM ticket WHERE expires_at_ms < :now_ms", now_ms=self.now_ms)
        db.run(
            "INSERT INTO ticket (ticket_hash, agent_id, session_hash, expires_at_ms)"
            " VALUES (:ticket_hash, :agent_id, :session_hash, :expires_at_ms)",
            ticket_hash=hash_of(self.ticket),
            agent_id=self.person.agent_id,
            session_hash=self.person.session_hash,
            expires_at_ms=max(self.now_ms, at_ms) + TICKET_MS,
        )
        return []


def redeem(db: Connection, ticket: str, now_ms: int) -> Person | None:
    """Whom the ticket admits, or None. In a write transaction: the row is gone afterwards either way."""
    ticket_hash = hash_of(ticket)
    row = db.row("SELECT session_hash, expires_at_ms FROM ticket WHERE ticket_hash = :h", h=ticket_hash)
    if row is None or db.run("DELETE FROM ticket WHERE ticket_hash = :h", h=ticket_hash) != 1:
        return None
    session_hash, expires_at_ms = row
    person = find_person(db, session_hash=session_hash, now_ms=now_ms) if now_ms <= expires_at_ms else None
    admitted = person is not None and person.role in DESK and not person.must_change
    return person if admitted else None
