"""`muster people`: who may sign in. Works on the database alone, so also when nothing else runs."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final  # Any: values on their way into JSON

from agents_ui.access.first_start import OneTimePassword, add_people
from agents_ui.access.passwords import Passwords, one_time_password
from agents_ui.access.people import ChangePerson, EndSessions, PersonUnknown, SetPassword
from agents_ui.commands import Subparsers
from config.plan import PersonPlan
from config.settings import read_settings
from config.words import ROLES
from router.journal.committer import Append, Committer, wall_ms
from router.journal.database import Database, open_database

FINE: Final = 0
WRONG: Final = 2

_LIST: Final = """
    SELECT p.agent_id, p.name, p.role, p.active, coalesce(c.must_change, 1),
        (SELECT count(*) FROM session s
         WHERE s.agent_id = p.agent_id AND s.ended_at_ms = 0 AND s.expires_at_ms > :now_ms)
    FROM person p LEFT JOIN credential c ON c.agent_id = p.agent_id ORDER BY p.agent_id
"""


def add_to(subparsers: Subparsers) -> None:
    """Add `muster people` and what can be done."""
    words = "list, add and remove people, reset passwords, end sessions"
    parser = subparsers.add_parser("people", help=words, description=words)
    acts = parser.add_subparsers(title="acts", metavar="ACT", required=True)
    _act(acts, "list", "who may sign in", _list)
    add = _act(acts, "add", "add somebody, with a one-time password", _add)
    add.add_argument("agent_id")
    add.add_argument("name")
    add.add_argument("--role", choices=ROLES, default="agent")
    for name, line, run in (
        ("reset", "replace a password by a one-time password; all sessions end", _reset),
        ("sign-out", "end all sessions of somebody, everywhere, within seconds", _sign_out),
        ("remove", "somebody may no longer sign in; what they did stays on record", _remove),
        ("restore", "somebody who was removed may sign in again", _restore),
    ):
        _act(acts, name, line, run).add_argument("agent_id")


def _act(
    acts: Subparsers, name: str, line: str, run: Callable[[argparse.Namespace, Database], int]
) -> argparse.ArgumentParser:
    parser = acts.add_parser(name, help=line, description=line)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=lambda arguments: _run(arguments, run))
    return parser


def _run(arguments: argparse.Namespace, act: Callable[[argparse.Namespace, Database], int]) -> int:
    settings = read_settings()
    database = open_database(settings.database_url, unsafe=settings.unsafe)
    try:
        return act(arguments, database)
    except PersonUnknown as unknown:
        sys.stderr.write(
            f"muster: there is nobody called {unknown}: `muster people list` shows who is there\n"
        )
        return WRONG
    finally:
        database.close()


def _list(arguments: argparse.Namespace, database: Database) -> int:
    with database.reading() as db:
        rows = db.rows(_LIST, now_ms=wall_ms())
    people = [
        {
            "agent_id": row[0],
            "name": row[1],
            "role": row[2],
            "active": bool(row[3]),
            "must_change": bool(row[4]),
        }
        | {"sessions": row[5]}
        for row in rows
    ]
    if arguments.json:
        return _print(people)
    width = max((len(str(person["agent_id"])) for person in people), default=0)
    for person in people:
        print(f"{person['agent_id']:<{width}}  {person['role']:<10}  {_state(person):<28}  {person['name']}")
    return FINE


def _state(person: dict[str, Any]) -> str:
    if not person["active"]:
        return "removed"
    if person["sessions"]:
        return f"signed in ({person['sessions']})"
    return "one-time password not used" if person["must_change"] else "signed out"


def _add(arguments: argparse.Namespace, database: Database) -> int:
    person = PersonPlan(agent_id=arguments.agent_id, name=arguments.name, role=arguments.role)
    with _committer(database) as committer:
        added = add_people(committer, [person])
    if not added:
        sys.stderr.write(
            f"muster: {person.agent_id} is there already: "
            f"`muster people reset {person.agent_id}` gives a new password\n"
        )
        return WRONG
    return _hand_over(arguments, added[0])


def _reset(arguments: argparse.Namespace, database: Database) -> int:
    agent_id, password = arguments.agent_id, one_time_password()
    with database.reading() as db:
        row = db.row("SELECT name, role FROM person WHERE agent_id = :a", a=agent_id)
    if row is None:
        raise PersonUnknown(agent_id)
    _append(
        database,
        SetPassword(agent_id=agent_id, password_hash=Passwords().hash(password), must_change=True),
    )
    once = OneTimePassword(agent_id=agent_id, name=row[0], role=row[1], password=password)
    return _hand_over(arguments, once)


def _sign_out(arguments: argparse.Namespace, database: Database) -> int:
    ended = _append(database, EndSessions(agent_id=arguments.agent_id))
    if arguments.json:
        return _print({"agent_id": arguments.agent_id, "sessions_ended": ended})
    print(f"{ended} sessions of {arguments.agent_id} ended")
    return FINE


def _remove(arguments: argparse.Namespace, database: Database) -> int:
    return _set_active(arguments, database, active=False)


def _restore(arguments: argparse.Namespace, database: Database) -> int:
    return _set_active(arguments, database, active=True)


def _set_active(arguments: argparse.Namespace, database: Database, *, active: bool) -> int:
    _append(database, ChangePerson(agent_id=arguments.agent_id, active=active))
    if arguments.json:
        return _print({"agent_id": arguments.agent_id, "active": active})
    print(f"{arguments.agent_id} {'may sign in again' if active else 'may no longer sign in'}")
    return FINE


def _append(database: Database, append: Append) -> int:
    """How many rows it led to."""
    with _committer(database) as committer:
        return len(committer.submit(append).result())


@contextmanager
def _committer(database: Database) -> Iterator[Committer]:
    committer = Committer(database)
    try:
        yield committer
    finally:
        committer.close()


def _hand_over(arguments: argparse.Namespace, once: OneTimePassword) -> int:
    if arguments.json:
        return _print(
            {"agent_id": once.agent_id, "name": once.name, "role": once.role, "password": once.password}
        )
    print(f"{once.agent_id} ({once.role}) signs in once with: {once.password}")
    return FINE


def _print(value: object) -> int:
    print(json.dumps(value, ensure_ascii=False))
    return FINE
