"""`muster backup`, `restore` and `recover`, as somebody types them who has never done it."""

import json
import sqlite3
from contextlib import closing

import pytest

from agents_ui.cli import main
from router.journal.committer import Committer
from router.journal.database import open_database
from tests.journal.writing import Arrival, all_rows, checked
from tests.sites.copying import copy_all
from tests.sites.site_pair import plan_of


@pytest.fixture
def site(data_dir, monkeypatch):
    """A site `a` of a pair with five contacts, as the commands find it; a function that opens a database."""
    plan = data_dir / "plan.toml"
    plan.write_text(plan_of())
    for name, value in {
        "MUSTER_DATA": str(data_dir / "a"),
        "MUSTER_PLAN": str(plan),
        "MUSTER_SITE": "a",
        "MUSTER_UNSAFE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (data_dir / "a").mkdir()
    opened = []

    def database(path):
        found = open_database(f"sqlite:///{data_dir}/{path}", unsafe=True)
        opened.append(found)
        return found

    own = database("a/muster.db")
    own.create_tables(site="a")
    with closing(Committer(own)) as committer:
        for number in range(5):
            committer.submit(Arrival(number)).result(20)
    yield database
    for each in opened:
        each.close()


def said(capsys, *words, status=0):
    """What the command printed as JSON."""
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_backup_becomes_a_site_again(site, data_dir, monkeypatch, capsys):
    """The whole way back, in the words of docs/operating.md."""
    folder = data_dir / "backups"
    folder.mkdir()
    made = [said(capsys, "backup", str(folder), "--keep", "2") for _ in range(3)]
    assert [each["seq"] for each in made] == [5, 5, 5]
    assert main(["backup", str(data_dir / "one.db")]) == 0
    words = capsys.readouterr().out
    assert "5 rows" in words
    assert "Verified: the journal in it is whole and its tables say the same." in words
    monkeypatch.setenv("MUSTER_DATA", str(data_dir / "again"))
    done = said(capsys, "restore", str(data_dir / "one.db"))
    assert (done["site"], done["backup_seq"], done["seq"]) == ("a", 5, 6)
    again = site("again/muster.db")
    assert all_rows(again)[:5] == all_rows(site("a/muster.db"))
    assert checked(again).problems == []
    assert main(["restore", str(data_dir / "one.db")]) == 2
    assert "never writes over anything" in capsys.readouterr().err


def test_a_damaged_backup_is_said_and_not_started_on(site, data_dir, monkeypatch, capsys):
    """Nobody finds out a month later; and in need there is a way to take it all the same."""
    assert main(["backup", str(data_dir / "one.db")]) == 0
    with closing(sqlite3.connect(data_dir / "one.db")) as db, db:
        db.execute("UPDATE journal SET ref = 'x' WHERE seq = 2")
    monkeypatch.setenv("MUSTER_DATA", str(data_dir / "again"))
    capsys.readouterr()
    assert main(["restore", str(data_dir / "one.db")]) == 1
    assert "row 2 (arrived) is not what was written" in capsys.readouterr().out
    assert main(["recover", "--alone"]) == 2
    assert "repeat muster restore" in capsys.readouterr().err
    assert main(["restore", str(data_dir / "one.db"), "--anyway"]) == 0


def test_keeping_backups_needs_a_folder(site, data_dir, capsys):
    """`--keep 3` beside a file must not remove what happens to lie there."""
    assert main(["backup", str(data_dir / "one.db"), "--keep", "3"]) == 2
    assert "--keep" in capsys.readouterr().err


def test_a_site_comes_back_from_the_copy_of_the_other_one(site, data_dir, monkeypatch, capsys):
    """The file peer.db on a disk, where there is no line between the sites."""
    copy = site("peer.db")
    copy.create_tables(site="a")
    copy_all(site("a/muster.db"), copy)
    monkeypatch.setenv("MUSTER_DATA", str(data_dir / "again"))
    done = said(capsys, "recover", "--from-copy", str(data_dir / "peer.db"))
    assert (done["from_peer"], done["peer_has"], done["seq"], done["alone"]) == (5, 5, 6, False)
    assert all_rows(site("again/muster.db"))[:5] == all_rows(site("a/muster.db"))
    done = said(capsys, "recover", "--from-copy", str(data_dir / "peer.db"))
    assert (done["from_peer"], done["seq"]) == (0, 7)


def test_a_site_may_go_on_alone(site, capsys):
    """The other site is gone as well: what is here is all there is."""
    done = said(capsys, "recover", "--alone")
    assert (done["alone"], done["seq"]) == (True, 6)
    assert all_rows(site("a/muster.db"))[-1].kind == "stream_begun"


def test_nothing_is_made_again_under_a_running_site(site, data_dir, monkeypatch, capsys):
    """A router that goes on would write into the life that has ended."""
    monkeypatch.setattr("router.sites.standstill.PATIENCE_S", 0.0)
    own = site("a/muster.db")
    with own.writing() as db:
        db.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('web/x', '', 0, 9999999999999)")
    before = all_rows(own)
    assert main(["recover", "--alone"]) == 2
    assert "this site runs (web): stop it first" in capsys.readouterr().err
    assert all_rows(own) == before


def test_without_the_other_site_recovering_says_what_is_missing(site, data_dir, capsys):
    """One line that says what to do: first the key, then the line itself."""
    assert main(["recover", "--from-peer"]) == 2
    assert "muster site keys" in capsys.readouterr().err
