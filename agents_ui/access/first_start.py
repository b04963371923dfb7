"""First start: the people of the plan get sign-ins, once, with one-time passwords that nobody keeps."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agents_ui.access.passwords import Passwords, one_time_password
from agents_ui.access.people import AddPeople, ChangePerson, NewPerson
from config.plan import PersonPlan, Plan
from router.journal.committer import Committer
from router.journal.database import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimePassword:
    """A sign-in to hand over. The password must be changed at its first use."""

    agent_id: str
    name: str
    role: str
    password: str


def prepare_site(
    database: Database, committer: Committer, plan: Plan, *, makes_people: bool = True
) -> list[OneTimePassword]:
    """Add the plan's people who are missing and bring names and roles up to the plan. Idempotent.

    People whom the plan does not know (any more) are left alone: `muster people` added or removes them. The
    second site of a pair makes nobody: two passwords of one person would be one too many.
    """
    with database.reading() as db:
        known = _known(db)
    _follow_plan(committer, plan, known)
    missing = [person for person in plan.people if person.agent_id not in known] if makes_people else []
    return add_people(committer, missing)


def add_people(committer: Committer, people: list[PersonPlan]) -> list[OneTimePassword]:
    """Add these people; what comes back are the passwords of those who were really added."""
    if not people:
        return []
    passwords = {person.agent_id: one_time_password() for person in people}
    hasher = Passwords()
    with ThreadPoolExecutor(2) as threads:
        hashes = dict(zip(passwords, threads.map(hasher.hash, passwords.values()), strict=True))
    new = tuple(
        NewPerson(agent_id=p.agent_id, name=p.name, role=p.role, password_hash=hashes[p.agent_id])
        for p in people
    )
    added = {row.ref for row in committer.submit(AddPeople(people=new)).result()}
    return [
        OneTimePassword(agent_id=p.agent_id, name=p.name, role=p.role, password=passwords[p.agent_id])
        for p in people
        if p.agent_id in added
    ]


def _known(db: Connection) -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in db.rows("SELECT agent_id, name, role FROM person")}


def _follow_plan(committer: Committer, plan: Plan, known: dict[str, tuple[str, str]]) -> None:
    """Names and roles of the plan win; another role signs the person out."""
    for person in plan.people:
        if known.get(person.agent_id, (person.name, person.role)) != (person.name, person.role):
            change = ChangePerson(agent_id=person.agent_id, name=person.name, role=person.role)
            committer.submit(change).result()
