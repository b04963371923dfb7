"""Changes to who may sign in: the appends behind first start, `muster people` and the password page."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents_ui.access.passwords import digest_of
from agents_ui.access.sessions import live_sessions
from router.journal.database import Connection
from router.records import Fact, fact


class PersonUnknown(Exception):
    """There is nobody with this id, or no longer."""


class CredentialChanged(Exception):
    """The password was changed by somebody else in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to add, with the hash of a one-time password."""

    agent_id: str
    name: str
    role: str
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPeople:
    """Adds those who are not there yet; the rows it appends name whom it added."""

    people: tuple[NewPerson, ...]

    def write_content(self, db: Connection) -> None:
        """Nothing: credentials of people who are there must not be touched, so facts() writes them."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One `person_added` for each who was missing."""
        return [_added(db, person) for person in self.people if not _exists(db, person.agent_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePerson:
    """Sets name, role and whether the person may sign in. Another role, or none, ends the sessions."""

    agent_id: str
    name: str | None = None
    role: str | None = None
    active: bool | None = None
    by: str = ""
    """Who does it; empty for the command line, whose user the machine knows."""

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """`person_changed` when something does change, and the ends of the sessions."""
        name, role, active, digest = _person(db, self.agent_id)
        after = (
            name if self.name is None else self.name,
            role if self.role is None else self.role,
            active if self.active is None else self.active,
        )
        if after == (name, role, active):
            return []
        changed = _changed(
            self.agent_id, name=after[0], role=after[1], active=after[2], digest=digest, by=self.by
        )
        keeps_sessions = after[1:] == (role, active)
        return [changed, *([] if keeps_sessions else ends_of(db, self.agent_id, at_ms, by=self.by))]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword:
    """Replaces the password. Every session but `keep_session` ends.

    was_hash: the hash the person proved to know; None when an administrator resets it.
    """

    agent_id: str
    password_hash: str
    must_change: bool
    was_hash: str | None = None
    keep_session: str = ""
    by: str = ""

    def write_content(self, db: Connection) -> None:
        """The new hash. If facts() raises, this goes with it."""
        changed = db.run(
            "UPDATE credential SET password_hash = :hash, must_change = :must_change WHERE agent_id = :a",
            a=self.agent_id,
            hash=self.password_hash,
            must_change=int(self.must_change),
        )
        if changed == 0:
            _insert_credential(db, self.agent_id, self.password_hash, must_change=self.must_change)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """`person_changed` with the new digest, and the ends of the other sessions."""
        name, role, active, digest = _person(db, self.agent_id)
        if self.was_hash is not None and digest != digest_of(self.was_hash):
            raise CredentialChanged(self.agent_id)
        new_digest = digest_of(self.password_hash)
        changed = _changed(
            self.agent_id, name=name, role=role, active=active, digest=new_digest, by=self.by, password=True
        )
        return [changed, *ends_of(db, self.agent_id, at_ms, but=self.keep_session, by=self.by)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessions:
    """Signs somebody out everywhere."""

    agent_id: str
    by: str = ""

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One `session_ended` for each live session."""
        _person(db, self.agent_id)
        return ends_of(db, self.agent_id, at_ms, by=self.by)


def ends_of(db: Connection, agent_id: str, at_ms: int, *, but: str = "", by: str = "") -> list[Fact]:
    """The ends of a person's live sessions, all but one."""
    live = live_sessions(db, agent_id, at_ms)
    values = {"agent_id": agent_id, "by": by}
    return [fact("session_ended", token_hash, **values) for token_hash in live if token_hash != but]


def _exists(db: Connection, agent_id: str) -> bool:
    return db.row("SELECT 1 FROM person WHERE agent_id = :a", a=agent_id) is not None


def _person(db: Connection, agent_id: str) -> tuple[str, str, bool, str]:
    row = db.row("SELECT name, role, active, credential_digest FROM person WHERE agent_id = :a", a=agent_id)
    if row is None:
        raise PersonUnknown(agent_id)
    return row[0], row[1], bool(row[2]), row[3]


def _added(db: Connection, person: NewPerson) -> Fact:
    db.run("DELETE FROM credential WHERE agent_id = :a", a=person.agent_id)
    _insert_credential(db, person.agent_id, person.password_hash, must_change=True)
    return fact(
        "person_added",
        person.agent_id,
        name=person.name,
        role=person.role,
        active=True,
        credential_digest=digest_of(person.password_hash),
    )


def _insert_credential(db: Connection, agent_id: str, password_hash: str, *, must_change: bool) -> None:
    db.run(
        "INSERT INTO credential (agent_id, password_hash, must_change) VALUES (:a, :hash, :must_change)",
        a=agent_id,
        hash=password_hash,
        must_change=int(must_change),
    )


def _changed(
    agent_id: str, *, name: str, role: str, active: bool, digest: str, by: str, password: bool = False
) -> Fact:
    values = {"name": name, "role": role, "active": active, "credential_digest": digest}
    return fact("person_changed", agent_id, by=by, password=password, **values)
