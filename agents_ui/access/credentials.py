"""Reading what a sign-in compares with. Blocks; call it in a thread."""

from dataclasses import dataclass

from router.journal.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An active person and the hash of the password."""

    agent_id: str
    name: str
    role: str
    password_hash: str
    must_change: bool


def find_credential(db: Connection, agent_id: str) -> Credential | None:
    """The credential of an active person, or None."""
    row = db.row(
        "SELECT p.name, p.role, c.password_hash, c.must_change FROM person p"
        " JOIN credential c ON c.agent_id = p.agent_id WHERE p.agent_id = :a AND p.active = 1",
        a=agent_id,
    )
    if row is None:
        return None
    name, role, password_hash, must_change = row
    return Credential(
        agent_id=agent_id,
        name=name,
        role=role,
        password_hash=password_hash,
        must_change=bool(must_change),
    )
