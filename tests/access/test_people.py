"""First start and `muster people`: who gets in for the first time, and how somebody is put out."""

import json
import sqlite3
from pathlib import Path

import pytest

from agents_ui import cli
from agents_ui.access.first_start import prepare_site
from agents_ui.access.passwords import Passwords
from config.plan_file import parse_plan
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from tests.desk import plans


@pytest.fixture
def database(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A centre's database before its first start, where `muster people` finds it."""
    monkeypatch.setenv("MUSTER_DATA", str(data_dir))
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables()
    return database


def people(database: Database) -> dict[str, tuple[str, str, int]]:
    with database.reading() as db:
        return {row[0]: row[1:] for row in db.rows("SELECT agent_id, name, role, active FROM person")}


def test_first_start_gives_everybody_of_the_plan_a_one_time_password_once(database: Database) -> None:
    """Without default passwords nobody can walk in; a second start must not lock anybody out."""
    committer = Committer(database)
    given = prepare_site(database, committer, plans.plan())
    assert {(each.agent_id, each.role) for each in given} == set(plans.PEOPLE.items())
    assert len({each.password for each in given}) == len(given)
    assert prepare_site(database, committer, plans.plan()) == []
    with database.reading() as db:
        stored = db.rows("SELECT agent_id, password_hash, must_change FROM credential")
        journal = "".join(row[0] for row in db.rows("SELECT data FROM journal"))
    passwords = {each.agent_id: each.password for each in given}
    hasher = Passwords()
    assert all(must_change for _, _, must_change in stored)
    assert all(hasher._verify(password_hash, passwords[agent]) for agent, password_hash, _ in stored[:2])
    assert not any(password in journal for password in passwords.values())
    assert "$argon2id$" not in journal
    committer.close()
    database.close()


def test_a_plan_with_another_name_or_role_changes_the_person(database: Database) -> None:
    """The plan says who somebody is; a password stays what it was."""
    committer = Committer(database)
    prepare_site(database, committer, plans.plan())
    text = plans.plan().text.replace('name = "Ada"\nrole = "admin"', 'name = "Adele"\nrole = "supervisor"')
    assert prepare_site(database, committer, parse_plan(text)) == []
    assert people(database)["ada"] == ("Adele", "supervisor", 1)
    committer.close()
    database.close()


def test_people_are_added_reset_removed_and_restored_on_the_command_line(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """It works when nothing else runs, for the night when nothing else runs."""

    def muster(*words: str) -> dict[str, str]:
        assert cli.main(["people", *words, "--json"]) == 0
        out: dict[str, str] = json.loads(capsys.readouterr().out)
        return out

    added = muster("add", "dia", "Dia Díaz", "--role", "supervisor")
    assert (added["agent_id"], added["role"]) == ("dia", "supervisor")
    reset = muster("reset", "dia")
    assert reset["password"] != added["password"]
    muster("remove", "dia")
    assert people(database)["dia"] == ("Dia Díaz", "supervisor", 0)
    muster("restore", "dia")
    assert muster("sign-out", "dia") == {"agent_id": "dia", "sessions_ended": 0}
    [shown] = muster("list")
    assert shown == {
        "agent_id": "dia",
        "name": "Dia Díaz",
        "role": "supervisor",
        "active": True,
        "must_change": True,
        "sessions": 0,
    }
    database.close()


def test_mistakes_on_the_command_line_say_what_to_type(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error must not add somebody, nor replace a password that works."""
    assert cli.main(["people", "add", "dia", "Dia"]) == 0
    assert cli.main(["people", "add", "dia", "Dia"]) == 2
    assert "muster people reset dia" in capsys.readouterr().err
    for act in ("reset", "remove", "restore", "sign-out"):
        assert cli.main(["people", act, "nobody"]) == 2
        assert "muster people list" in capsys.readouterr().err
    assert list(people(database)) == ["dia"]
    database.close()


def test_a_list_is_readable(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Who may come in, and who has not come in yet, at one look."""
    cli.main(["people", "add", "dia", "Dia Díaz"])
    capsys.readouterr()
    assert cli.main(["people", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        "dia",
        "agent",
        "one-time",
        "password",
        "not",
        "used",
        "Dia",
        "Díaz",
    ]
    database.close()


def test_the_file_tells_nobody_a_password(database: Database, data_dir: Path) -> None:
    """A stolen backup must not be a list of keys."""
    committer = Committer(database)
    given = prepare_site(database, committer, plans.plan())
    committer.close()
    database.close()
    with sqlite3.connect(data_dir / "muster.db") as file:
        dump = "\n".join(file.iterdump())
    file.close()
    assert "person_added" in dump
    assert not any(each.password in dump for each in given)
