"""A database that has lost rows is noticed: by who lives, and by who starts."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents_ui import cli
from router.journal.appends import FactsAppend
from router.journal.committer import Committer, NotCommitted
from router.journal.connection import DatabaseUnsafe
from router.journal.database import Database, open_database
from router.journal.stream import begin_incarnation
from router.records import fact
from router.run.head_mark import FILE, HeadWatch, Mark, note_mark, read_mark, refuse_older
from tests.roles.redis_process import wait_until


@pytest.fixture
def database(data_dir: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables(site="here")
    yield database
    database.close()


def _append(database: Database, *refs: str) -> None:
    with closing(Committer(database)) as committer:
        for ref in refs:
            committer.submit(FactsAppend(facts_to_append=(fact("viewed", ref, agent_id="a"),))).result()


def _seen(database: Database, data_dir: Path) -> Mark:
    """What a role that has lived here for a second notes."""
    watch = HeadWatch(database, data_dir)
    watch._look()
    return read_mark(data_dir)


def _back_up(data_dir: Path) -> None:
    with closing(open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)) as database:
        db = database.connect()
        db.run("VACUUM INTO :path", path=str(data_dir / "backup.db"))
        db.close()


def _restore(data_dir: Path) -> Database:
    for each in data_dir.glob("muster.db*"):
        each.unlink()
    shutil.copy(data_dir / "backup.db", data_dir / "muster.db")
    return open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)


def test_a_database_without_rows_that_were_seen_is_refused(database: Database, data_dir: Path):
    """An old backup put back, a replica that lagged: what people were told is kept is not there."""
    _append(database, "a")
    _back_up(data_dir)
    _append(database, "b", "c")
    assert _seen(database, data_dir).seq == 3
    database.close()
    with closing(_restore(data_dir)) as older:
        with pytest.raises(DatabaseUnsafe, match="row 3 was there, and now the last one is 1") as refused:
            refuse_older(older, data_dir)
        assert "docs/deploy.md" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_row_that_has_another_ones_place_is_noticed_too(database: Database, data_dir: Path):
    """By the time a role starts again, others may have put new rows over what was lost."""
    _append(database, "a")
    _back_up(data_dir)
    _append(database, "b")
    _seen(database, data_dir)
    database.close()
    with closing(_restore(data_dir)) as older:
        _append(older, "x", "y", "z")
        with pytest.raises(DatabaseUnsafe, match="row 2 was there, and now another one has its place"):
            refuse_older(older, data_dir)


def test_a_new_incarnation_is_a_decision_somebody_took(database: Database, data_dir: Path):
    """After a recovery, with or without the rows, roles must start again."""
    _append(database, "a")
    _back_up(data_dir)
    _append(database, "b")
    _seen(database, data_dir)
    database.close()
    with closing(_restore(data_dir)) as older:
        with older.writing() as db:
            begin_incarnation(db, "restored", 1)
        refuse_older(older, data_dir)
        assert _seen(older, data_dir).seq == 2


def test_recover_alone_is_the_way_out_where_nobody_has_the_rows(
    database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    """What docs/deploy.md says to type must let the roles start again."""
    _append(database, "a")
    _back_up(data_dir)
    _append(database, "b")
    _seen(database, data_dir)
    database.close()
    with closing(_restore(data_dir)) as older:
        monkeypatch.setenv("MUSTER_DATA", str(data_dir))
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data_dir}/muster.db")
        monkeypatch.setenv("MUSTER_UNSAFE", "1")
        with pytest.raises(DatabaseUnsafe, match="muster recover"):
            refuse_older(older, data_dir)
        assert cli.main(["recover", "--alone"]) == 0
        refuse_older(older, data_dir)


def test_another_database_is_none_of_its_business(database: Database, data_dir: Path):
    """Whoever moves from SQLite to PostgreSQL keeps the folder."""
    note_mark(data_dir, Mark(site="elsewhere", incarnation="i", seq=9, hash="00"))
    refuse_older(database, data_dir)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"seq": "x"}', b'{"seq": 3, "hash": "zz"}', b"\xff"])
def test_a_file_that_was_torn_says_nothing(database: Database, data_dir: Path, content: bytes):
    """It is a help, not a condition: a torn one must not stop a centre."""
    (data_dir / FILE).write_bytes(content)
    assert read_mark(data_dir) == Mark()
    refuse_older(database, data_dir)


def test_the_mark_never_goes_back(database: Database, data_dir: Path):
    """Several roles share the folder, and one of them may be behind."""
    newer = Mark(site="here", incarnation="i", seq=9, hash="00")
    note_mark(data_dir, newer)
    threads = [
        threading.Thread(
            target=note_mark, args=(data_dir, Mark(site="here", incarnation="i", seq=seq, hash="00"))
        )
        for seq in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_mark(data_dir) == newer


def test_nothing_is_put_over_rows_that_were_lost(database: Database, data_dir: Path):
    """A committer that lives knows exactly what it committed, and looks whenever it connects anew."""
    _append(database, "a")
    _back_up(data_dir)
    committer = Committer(database)
    ask = FactsAppend(facts_to_append=(fact("viewed", "b", agent_id="a"),))
    committer.submit(ask).result()
    database.close()
    with closing(_restore(data_dir)) as older:
        committer._database, committer._db = older, None
        with pytest.raises(NotCommitted, match="lacks row 2, which was acknowledged"):
            committer.submit(ask).result()
        committer.close()
        with older.reading() as db:
            assert db.row("SELECT last_seq FROM stream") == (1,)


@pytest.mark.system
def test_a_role_ends_when_rows_are_gone_and_none_starts_again(database: Database, data_dir: Path):
    """The desks of a web that shows more than there is must not go on as if nothing had happened."""
    _append(database, "a", "b")
    code = (
        "import sys, time, pathlib\n"
        "from router.journal.database import open_database\n"
        "from router.run.head_mark import HeadWatch\n"
        "HeadWatch(open_database(sys.argv[2], unsafe=True), pathlib.Path(sys.argv[1])).start()\n"
        "time.sleep(100)\n"
    )
    words = [sys.executable, "-c", code, str(data_dir), f"sqlite:///{data_dir}/muster.db"]
    role = subprocess.Popen(words)
    try:
        wait_until(lambda: read_mark(data_dir).seq == 2, "it has seen both rows", within_s=60)
        with database.writing() as db:  # as a replica that lagged would have it
            db.run("DELETE FROM journal WHERE seq = 2")
            db.run("UPDATE stream SET last_seq = 1, head_hash = (SELECT hash FROM journal WHERE seq = 1)")
        assert role.wait(60) == -signal.SIGTERM
        assert subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == 1
    finally:
        role.kill()
        role.wait()
