"""The person behind a request: found by the hash of the session's token, never by what a page claims."""

from dataclasses import dataclass

from router.journal.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody signed in. must_change: a one-time password is still in use."""

    agent_id: str
    name: str
    role: str
    session_hash: str
    expires_at_ms: int
    must_change: bool


def find_person(db: Connection, *, session_hash: str, now_ms: int) -> Person | None:
    """Whose live session this is, or None: unknown, ended, expired, or the person is no longer active."""
    row = db.row(
        "SELECT p.agent_id, p.name, p.role, s.expires_at_ms, coalesce(c.must_change, 0)"
        " FROM session s JOIN person p ON p.agent_id = s.agent_id"
        " LEFT JOIN credential c ON c.agent_id = p.agent_id"
        " WHERE s.token_hash = :session_hash AND s.ended_at_ms = 0 AND s.expires_at_ms > :now_ms"
        " AND p.active = 1",
        session_hash=session_hash,
        now_ms=now_ms,
    )
    if row is None:
        return None
    agent_id, name, role, expires_at_ms, must_change = row
    return Person(
        agent_id=agent_id,
        name=name,
        role=role,
        session_hash=session_hash,
        expires_at_ms=expires_at_ms,
        must_change=bool(must_change),
    )
