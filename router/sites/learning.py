"""What is learned from the other site: people, their passwords, sessions and their ends, the console's plans.

Both sites come to the same without asking each other: of a person and of a plan the later change wins (time,
then site), an end of a session always does. What is looked at are the tables of the copy, not its rows, so
looking again changes nothing and nothing goes round in circles: what was learned is equal, hence not later.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from config.plan_file import parse_plan
from config.problems import PlanWrong
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.journal.stream import OWN_ROWS, last_seq, read_head
from router.records import Fact, fact
from router.run.trouble import NoticeTrouble

KINDS: Final = "('person_added', 'person_changed', 'session_begun', 'session_ended', 'plan_activated')"
PAGE: Final = 500

NOT_LEARNED: Final = "not_learned"
"""Code of the alarm that something of the other site could not be learned; its ref is through which row."""

_log = logging.getLogger("muster.learning")

_NEWS: Final = f"""
    SELECT seq, kind, ref FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind IN {KINDS}
    ORDER BY seq LIMIT {PAGE}
"""
_PERSON: Final = """
    SELECT p.name, p.role, p.active, p.credential_digest, p.changed_at_ms, p.changed_site,
        coalesce(c.password_hash, ''), coalesce(c.must_change, 0)
    FROM person p LEFT JOIN credential c ON c.agent_id = p.agent_id WHERE p.agent_id = :agent_id
"""
_CHANGED: Final = "SELECT changed_at_ms, changed_site FROM person WHERE agent_id = :agent_id"
_PUT_CREDENTIAL: Final = """
    INSERT INTO credential (agent_id, password_hash, must_change) VALUES (:agent_id, :hash, :must_change)
    ON CONFLICT (agent_id) DO UPDATE
    SET password_hash = excluded.password_hash, must_change = excluded.must_change
"""
_SESSION: Final = "SELECT agent_id, expires_at_ms, ended_at_ms FROM session WHERE token_hash = :token_hash"
_PLAN: Final = """
    SELECT version, digest, text, activated_by, changed_at_ms, changed_site FROM plan
    ORDER BY version DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as the other site knows them, with their password."""

    agent_id: str
    name: str
    role: str
    active: bool
    credential_digest: str
    changed_at_ms: int
    changed_site: str
    password_hash: str
    must_change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in as the other site knows it."""

    token_hash: str
    agent_id: str
    expires_at_ms: int
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """The plan in force there, which a person put in force at some site."""

    digest: str
    text: str
    by: str
    changed_at_ms: int
    changed_site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Learn:
    """Append: all of that, as far as it is later than what is known here. said: `<site>/<seq>`."""

    said: str
    people: tuple[Person, ...] = ()
    sessions: tuple[Session, ...] = ()
    plan: NewPlan | None = None

    def singly(self) -> Iterator["Learn"]:
        """Each thing by itself."""
        nothing = Learn(said=self.said)
        yield from (replace(nothing, people=(each,)) for each in self.people)
        yield from (replace(nothing, sessions=(each,)) for each in self.sessions)
        if self.plan is not None:
            yield replace(nothing, plan=self.plan)

    def write_content(self, db: Connection) -> None:
        """None: a password is written only with the change that it belongs to."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the lock: what is changed here at this moment is looked at."""
        for person in self.people:
            if person.password_hash and _is_later(db, person):
                db.run(
                    _PUT_CREDENTIAL,
                    agent_id=person.agent_id,
                    hash=person.password_hash,
                    must_change=person.must_change,
                )
        return self.later(db, at_ms)

    def later(self, db: Connection, at_ms: int) -> list[Fact]:
        """What would be appended now: asked first, because a look disturbs nobody."""
        found = [self._person(db, person) for person in self.people if _is_later(db, person)]
        found += [each for session in self.sessions for each in self._session(db, session, at_ms)]
        return [*found, *self._plan(db)]

    def _person(self, db: Connection, person: Person) -> Fact:
        known = db.row(_CHANGED, agent_id=person.agent_id) is not None
        return fact(
            "person_changed" if known else "person_added",
            person.agent_id,
            name=person.name,
            role=person.role,
            active=person.active,
            credential_digest=person.credential_digest,
            changed_at_ms=person.changed_at_ms,
            changed_site=person.changed_site,
            learned=self.said,
        )

    def _session(self, db: Connection, session: Session, at_ms: int) -> Iterator[Fact]:
        here = db.row(_SESSION, token_hash=session.token_hash)
        about = {"agent_id": session.agent_id, "learned": self.said}
        if session.expires_at_ms <= at_ms:
            return  # nobody can use it any more, at either site
        if here is None:
            # One that has ended is learned as well: the page that held it may still knock here.
            yield fact("session_begun", session.token_hash, expires_at_ms=session.expires_at_ms, **about)
        if session.ended and (here is None or not here[2]):
            yield fact("session_ended", session.token_hash, **about)

    def _plan(self, db: Connection) -> Iterator[Fact]:
        plan = self.plan
        if plan is None:
            return
        version, digest, _, _, at_ms, site = db.row(_PLAN) or (0, "", "", "", 0, "")
        if digest == plan.digest or (at_ms, site) >= (plan.changed_at_ms, plan.changed_site):
            return
        yield fact(
            "plan_activated",
            plan.digest,
            version=version + 1,
            text=plan.text,
            by=plan.by,
            changed_at_ms=plan.changed_at_ms,
            changed_site=plan.changed_site,
            learned=self.said,
        )


class Learning:
    """The follower's step. It remembers how far it has looked; a new one looks at everything once more."""

    def __init__(self) -> None:
        self._seen = 0

    def step(self, committer: Committer, own: Database, copy: Database) -> None:
        """Learn what is new in the copy. Raises CommitUnknown, DatabaseGone, DatabaseBusy."""
        while True:
            with copy.reading() as db:
                news = db.rows(_NEWS, after=self._seen)
                through = int(news[-1][0]) if len(news) == PAGE else last_seq(db)
                learn = _learn(db, [(kind, ref) for _, kind, ref in news], through) if news else None
            if learn is not None:
                _take(committer, own, learn)
            self._seen = through
            if len(news) < PAGE:
                return


def _take(committer: Committer, own: Database, learn: Learn) -> None:
    """Learn all of it; where one of it cannot be, the others by themselves: an end of a session must come."""
    try:
        if _something(own, learn):
            committer.submit(learn).result()
    except (CommitUnknown, DatabaseBusy, DatabaseGone):
        raise
    except Exception as fault:  # noqa: BLE001 - one row of theirs that nobody foresaw
        parts = list(learn.singly())
        if len(parts) > 1:
            for each in parts:
                _take(committer, own, each)
            return
        _log.exception("not learned said=%s", learn.said)
        alarm = NoticeTrouble(code=NOT_LEARNED, ref=learn.said, detail=type(fault).__name__)
        committer.submit(alarm).result()


def _something(own: Database, learn: Learn) -> bool:
    with own.reading() as db:
        return bool(learn.later(db, read_head(db).at_ms))


def _is_later(db: Connection, person: Person) -> bool:
    here = db.row(_CHANGED, agent_id=person.agent_id)
    return here is None or (here[0], here[1]) < (person.changed_at_ms, person.changed_site)


def _learn(copy: Connection, news: Sequence[tuple[str, str]], through: int) -> Learn:
    """What the copy's tables say now of those whom these rows are about, each once."""
    refs = dict.fromkeys(news)
    people = dict.fromkeys(ref for kind, ref in refs if kind.startswith("person_"))
    sessions = dict.fromkeys(ref for kind, ref in refs if kind.startswith("session_"))
    planned = any(kind == "plan_activated" for kind, _ in refs)
    return Learn(
        said=f"{read_head(copy).site}/{through}",
        people=tuple(each for ref in people for each in _people(copy, ref)),
        sessions=tuple(each for ref in sessions for each in _sessions(copy, ref)),
        plan=_new_plan(copy) if planned else None,
    )


def _people(copy: Connection, agent_id: str) -> Iterator[Person]:
    for name, role, active, digest, at_ms, site, password, must_change in copy.rows(
        _PERSON, agent_id=agent_id
    ):
        yield Person(
            agent_id=agent_id,
            name=name,
            role=role,
            active=bool(active),
            credential_digest=digest,
            changed_at_ms=at_ms,
            changed_site=site,
            password_hash=password,
            must_change=must_change,
        )


def _sessions(copy: Connection, token_hash: str) -> Iterator[Session]:
    for agent_id, expires_at_ms, ended_at_ms in copy.rows(_SESSION, token_hash=token_hash):
        yield Session(
            token_hash=token_hash, agent_id=agent_id, expires_at_ms=expires_at_ms, ended=bool(ended_at_ms)
        )


def _new_plan(copy: Connection) -> NewPlan | None:
    """Only what a person put in force: the plan of a file is each machine's own. Nothing that cannot be read:
    it may need the newer release, and a site goes on with the plan that it has."""
    found = copy.row(_PLAN)
    if found is None:
        return None
    _, digest, text, by, at_ms, site = found
    if copy.row(_CHANGED, agent_id=by) is None:
        return None
    try:
        parse_plan(text, file_name="the plan of the other site")
    except PlanWrong as wrong:
        _log.warning("the plan of the other site is not learned reason=%s", wrong.problems[0])
        return None
    return NewPlan(digest=digest, text=text, by=by, changed_at_ms=at_ms, changed_site=site)
