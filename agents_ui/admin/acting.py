"""An administrator's acts on people and sessions; who acts is asked again under the counter's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol  # Any: the answer is a JSON value

from agents_ui.access.people import PersonUnknown
from agents_ui.access.person import Person
from agents_ui.access.sessions import is_live
from router.journal.database import Connection, Database
from router.records import Fact, fact

Value = dict[str, Any]

SIGN_LENGTH: Final = 16
"""Characters by which a session is named to people: enough to tell a thousand apart, too few to be it."""

_PEOPLE: Final = (
    "SELECT p.agent_id, p.name, p.role, p.active, coalesce(c.must_change, 0),"
    " (SELECT count(*) FROM session s WHERE s.agent_id = p.agent_id AND s.ended_at_ms = 0"
    "  AND s.expires_at_ms > :now_ms),"
    " (SELECT count(*) FROM connection d WHERE d.owner_id = p.agent_id AND d.kind = 'desk')"
    " FROM person p LEFT JOIN credential c ON c.agent_id = p.agent_id ORDER BY p.agent_id"
)
_SESSIONS: Final = (
    "SELECT s.token_hash, s.agent_id, p.name, p.role, s.begun_at_ms, s.expires_at_ms FROM session s"
    " LEFT JOIN person p ON p.agent_id = s.agent_id"
    " WHERE s.ended_at_ms = 0 AND s.expires_at_ms > :now_ms ORDER BY s.begun_at_ms DESC, s.token_hash"
)
_ADMINS: Final = "SELECT count(*) FROM person WHERE role = 'admin' AND active = 1 AND agent_id <> :a"


class NotAdmin(Exception):
    """Whoever acts is signed out, or no longer an administrator."""


class LastAdmin(Exception):
    """Nobody would be left who can undo it."""


class Inner(Protocol):
    """The append that changes something (agents_ui/access/people.py)."""

    def write_content(self, db: Connection) -> None: ...

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Append: the inner one, if the person is an administrator at this moment.

    keeps_admin: whom it may take the administrator's rights from. Refused for the last one.
    """

    inner: Inner
    person: Person
    keeps_admin: str = ""

    def write_content(self, db: Connection) -> None:
        """As the inner one; goes with it when facts() refuses."""
        self.inner.write_content(db)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Raises NotAdmin, LastAdmin, PersonUnknown."""
        check_admin(db, self.person, at_ms)
        if self.keeps_admin:
            left = db.row(_ADMINS, a=self.keeps_admin)
            if left is None or not left[0]:
                raise LastAdmin(self.keeps_admin)
        return self.inner.facts(db, at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOne:
    """Append: ends the session with this sign. A repeat changes nothing."""

    sign: str
    by: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """`session_ended` of the one live session whose hash begins so."""
        rows = db.rows(_SESSIONS, now_ms=at_ms)
        found = [row for row in rows if row[0].startswith(self.sign)] if len(self.sign) == SIGN_LENGTH else []
        return [fact("session_ended", row[0], agent_id=row[1], by=self.by) for row in found]


def check_admin(db: Connection, person: Person, at_ms: int) -> None:
    """Raises NotAdmin unless the session holds and the role is still an administrator's."""
    row = db.row("SELECT role FROM person WHERE agent_id = :a AND active = 1", a=person.agent_id)
    if row is None or row[0] != "admin" or not is_live(db, person.session_hash, at_ms):
        raise NotAdmin(person.agent_id)


def people_now(database: Database, now_ms: int) -> list[Value]:
    """Everybody who ever could sign in."""
    names = ("agent_id", "name", "role", "active", "must_change", "sessions", "desks")
    with database.reading() as db:
        rows = db.rows(_PEOPLE, now_ms=now_ms)
    return [
        {**dict(zip(names, row, strict=True)), "active": bool(row[3]), "must_change": bool(row[4])}
        for row in rows
    ]


def sessions_now(database: Database, now_ms: int, own: str) -> list[Value]:
    """Everybody who is signed in, newest first; `own` is the asker's session."""
    names = ("agent_id", "name", "role", "begun_at_ms", "expires_at_ms")
    with database.reading() as db:
        rows = db.rows(_SESSIONS, now_ms=now_ms)
    return [
        {"session": row[0][:SIGN_LENGTH], "own": row[0] == own, **dict(zip(names, row[1:], strict=True))}
        for row in rows
    ]


def person_of(database: Database, agent_id: str) -> tuple[str, str]:
    """Name and role. Raises PersonUnknown."""
    with database.reading() as db:
        row = db.row("SELECT name, role FROM person WHERE agent_id = :a", a=agent_id)
    if row is None:
        raise PersonUnknown(agent_id)
    return row[0], row[1]
