"""`muster prepare`: a database made ready for roles that are started one by one."""

import pytest

from agents_ui import cli
from router.journal.database import open_database
from router.run.plan_activation import plan_in_force


@pytest.fixture
def environ(data_dir, monkeypatch):
    monkeypatch.setenv("MUSTER_DATA", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data_dir}/muster.db")
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    return data_dir


def test_prepare_makes_everything_roles_need_and_shows_passwords_once(environ, capsys):
    """On many machines nobody starts `muster up`; a second time must neither fail nor show anything new."""
    assert cli.main(["prepare"]) == 0
    first = capsys.readouterr().out
    assert "sign-ins, shown this once" in first
    assert "is ready for its roles" in first
    database = open_database(f"sqlite:///{environ}/muster.db", unsafe=True)
    with database.reading() as db:
        assert plan_in_force(db) is not None
    database.close()
    assert cli.main(["prepare"]) == 0
    again = capsys.readouterr().out
    assert "sign-ins" not in again
    assert "in force" not in again


def test_a_database_that_is_not_there_is_one_line(environ, monkeypatch, capsys):
    """It is the first thing that goes wrong on a new machine."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@/x?host=/nowhere")
    assert cli.main(["prepare"]) == cli.EXIT_WRONG
    said = capsys.readouterr().err
    assert said.startswith("muster: cannot use the database of DATABASE_URL")
    assert said.count("\n") == 1
