"""`muster backup`, `restore` and `recover`, as somebody types them who has never done it."""

import json
import sqlite3
from contextlib import closing

import pytest

from agents_ui.cli import main
from router.journal.committer import Committer
from router.journal.database import open_database
from router.journal.unfinished import BACKUP, unfinished
from tests.journal.writing import Arrival, all_rows, checked
from tests.sites.copying import copy_all
from tests.sites.site_pair import plan_of
from tests.sites.test_line import Other


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


@pytest.fixture
def other(site, data_dir, monkeypatch):
    """Site b at a real line, with everything that `a` has; the new machine of `a` knows the key."""
    key = b"one key for both of the two sites of this pair"
    with closing(site("a/muster.db")) as own:
        found = Other(data_dir, key=key)
        copy_all(own, found.copy)
    (data_dir / "again" / "secrets").mkdir(parents=True)
    (data_dir / "again" / "secrets" / "peer-key").write_bytes(key)
    monkeypatch.setenv("MUSTER_PEERS", f"b=http://127.0.0.1:{found.port}")
    yield found
    found.close()
    found.copy.close()


def grows(database, copy, *, by):
    """So many contacts more, of which the other site has every one."""
    with closing(Committer(database)) as committer:
        for number in range(5, 5 + by):
            committer.submit(Arrival(number)).result(20)
    copy_all(database, copy)


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


def test_a_backup_goes_on_with_what_the_other_site_has_since(site, other, data_dir, monkeypatch, capsys):
    """Last night's backup and the copy of the other one: together not a row is missing."""
    assert main(["backup", str(data_dir / "one.db")]) == 0
    own = site("a/muster.db")
    grows(own, other.copy, by=3)
    monkeypatch.setenv("MUSTER_DATA", str(data_dir / "again"))
    capsys.readouterr()
    done = said(capsys, "restore", str(data_dir / "one.db"), "--with-peer")
    assert (done["site"], done["backup_seq"], done["from_peer"], done["seq"]) == ("a", 5, 3, 9)
    again = site("again/muster.db")
    assert all_rows(again)[:8] == all_rows(own)
    assert all_rows(again)[8].kind == "stream_begun"
    assert checked(again).problems == []
    with again.reading() as db:
        words = db.rows("SELECT content_id FROM content ORDER BY content_id")
    assert words == [(f"c-{number:06}-words",) for number in range(8)]
    assert main(["restore", str(data_dir / "one.db"), "--with-peer"]) == 2
    assert "never writes over anything" in capsys.readouterr().err


def test_a_restore_goes_on_where_the_line_broke_and_nothing_starts_before(
    site, other, data_dir, monkeypatch, capsys
):
    """Half of it must not become a site: it would begin a life without what people were told is kept."""
    assert main(["backup", str(data_dir / "one.db")]) == 0
    own = site("a/muster.db")
    grows(own, other.copy, by=3)
    other.close()
    monkeypatch.setenv("MUSTER_DATA", str(data_dir / "again"))
    capsys.readouterr()
    assert main(["restore", str(data_dir / "one.db"), "--with-peer"]) == 2
    assert capsys.readouterr().err
    with site("again/muster.db").reading() as db:
        assert unfinished(db) == BACKUP
    other.open()
    done = said(capsys, "restore", str(data_dir / "one.db"), "--with-peer")
    assert (done["from_peer"], done["seq"]) == (3, 9)
    again = site("again/muster.db")
    assert all_rows(again)[:8] == all_rows(own)
    with again.reading() as db:
        assert unfinished(db) == ""


def test_a_restore_keeps_what_the_backup_has_more_than_the_other_site(
    site, other, data_dir, monkeypatch, capsys
):
    """The line was cut when the disk died: what the copy never got is in the backup alone."""
    own = site("a/muster.db")
    with closing(Committer(own)) as committer:
        committer.submit(Arrival(5)).result(20)
    assert main(["backup", str(data_dir / "one.db")]) == 0
    monkeypatch.setenv("MUSTER_DATA", str(data_dir / "again"))
    capsys.readouterr()
    done = said(capsys, "restore", str(data_dir / "one.db"), "--with-peer")
    assert (done["backup_seq"], done["from_peer"], done["seq"]) == (6, 0, 7)
    assert all_rows(site("again/muster.db"))[:6] == all_rows(own)


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
