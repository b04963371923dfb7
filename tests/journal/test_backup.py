"""A backup is one moment of a database, whatever goes on, and becomes a database again on either kind."""

import threading
from contextlib import closing

import pytest

from router.journal.backup import NoBackup, back_up, prune, read_manifest
from router.journal.connection import DatabaseGone
from router.journal.database import open_database
from router.journal.replay import replay
from router.journal.restore import load_state
from router.journal.restoring import NotEmpty, finish, restore_backup
from router.journal.sqlite import SqliteConnection
from router.journal.unfinished import unfinished
from tests.journal.history import History
from tests.journal.writing import Arrival, all_rows, checked

NOW_MS = 1_795_000_000_000


def backed_up(database, path, heard=None):
    """A backup of it; `heard` gets what it says meanwhile."""
    tell = (lambda *_: None) if heard is None else (lambda *said: heard.append(said))
    return back_up(database, path, release="test", now_ms=NOW_MS, say=tell)


def empty(kind, request):
    """An empty database of that kind, without tables."""
    if kind == "sqlite":
        url = f"sqlite:///{request.getfixturevalue('data_dir')}/again.db"
    else:
        url = request.getfixturevalue("postgres_server").new_schema()
    return open_database(url, unsafe=True)


@pytest.fixture
def another(database, request):
    """One of the same kind."""
    with closing(empty(database.dialect, request)) as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def of_either_kind(request):
    """One of each kind in turn."""
    with closing(empty(request.param, request)) as found:
        yield found


@pytest.fixture
def day(database):
    """A centre's day, decided by the real core."""
    history = History(database, seed=9)
    for _ in range(40):
        history.step()
    history.close()
    return database


def test_a_backup_restored_is_the_same_database_in_another_incarnation(day, of_either_kind, data_dir):
    """From each kind into each kind: every row, every table, and the router goes on where it was."""
    before, (read_through, state) = all_rows(day), _state(day)
    made = backed_up(day, data_dir / "b.db")
    assert made.fine
    restore_backup(of_either_kind, made.path, now_ms=NOW_MS, say=lambda *_: None)
    assert all_rows(of_either_kind) == before
    assert checked(of_either_kind).problems == []
    begun = finish(of_either_kind, why="restored", now_ms=NOW_MS)
    assert (begun.seq, begun.kind) == (before[-1].seq + 1, "stream_begun")
    assert begun.incarnation != before[-1].incarnation
    assert checked(of_either_kind).problems == []
    assert _state(of_either_kind)[0] <= read_through
    assert _state(of_either_kind)[1].agents == state.agents
    assert _state(of_either_kind)[1].offers == state.offers
    with of_either_kind.reading() as db:
        *_, seen = replay(db)
    assert seen.difference is None


def test_a_backup_is_one_moment_while_contacts_go_on_arriving(database, committer, data_dir):
    """A backup that waited for a quiet moment would never be made; one of several is worth nothing."""
    stop = threading.Event()
    kept = 0

    def arrive() -> None:
        nonlocal kept
        while not stop.is_set():
            committer.submit(Arrival(kept)).result(20)
            kept += 1

    arriving = threading.Thread(target=arrive)
    arriving.start()
    try:
        while kept < 50:
            stop.wait(0.005)
        made = [backed_up(database, data_dir / f"b{number}.db") for number in range(3)]
    finally:
        stop.set()
        arriving.join()
    assert all(each.fine for each in made)
    seqs = [each.manifest.seq for each in made]
    assert 50 <= seqs[0] < seqs[1] < seqs[2] <= kept
    for each in made:
        with closing(SqliteConnection.kept_file(each.path)) as db:
            assert db.row("SELECT count(*), max(seq) FROM journal") == (each.manifest.seq, each.manifest.seq)
            assert db.row("SELECT count(*) FROM content") == (each.manifest.seq,)


def test_a_backup_says_what_it_is_of_and_is_for_its_owner_only(day, data_dir):
    """It holds the words of people in need; and whoever finds it in a year must know what it is."""
    heard = []
    made = backed_up(day, data_dir / "b.db", heard)
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.bytes == made.path.stat().st_size
    with closing(SqliteConnection.kept_file(made.path)) as db:
        assert read_manifest(db) == made.manifest
    last = all_rows(day)[-1]
    assert (made.manifest.site, made.manifest.seq, made.manifest.hash) == ("north", last.seq, last.hash.hex())
    assert [each.name for each in data_dir.glob("b.db*")] == ["b.db"]
    assert heard[-1][0] == "verifying row"


def test_a_backup_of_a_damaged_journal_does_not_pass_for_one(day, data_dir):
    """It is kept, because nothing better may exist, but under a name that says so."""
    with day.writing() as db:
        db.run("UPDATE journal SET data = '{}' WHERE seq = 5")
    made = backed_up(day, data_dir / "b.db")
    assert not made.fine
    assert made.path.name == "b.db.damaged"
    assert not (data_dir / "b.db").exists()


def test_a_restore_never_writes_over_anything(day, another, data_dir):
    """The wrong address at night: what is there stays."""
    made = backed_up(day, data_dir / "b.db")
    restore_backup(another, made.path, now_ms=NOW_MS, say=lambda *_: None)
    finish(another, why="restored", now_ms=NOW_MS)
    before = all_rows(another)
    with pytest.raises(NotEmpty):
        restore_backup(another, made.path, now_ms=NOW_MS, say=lambda *_: None)
    assert all_rows(another) == before


def test_a_restore_that_was_killed_is_done_again(day, another, data_dir):
    """Half a database says so itself, and the same command makes it whole."""
    made = backed_up(day, data_dir / "b.db")

    def killed(table, rows):
        if table == "message":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_backup(another, made.path, now_ms=NOW_MS, say=killed)
    with another.reading() as db:
        assert unfinished(db) == "backup"
    restore_backup(another, made.path, now_ms=NOW_MS, say=lambda *_: None)
    finish(another, why="restored", now_ms=NOW_MS)
    assert checked(another).problems == []
    with another.reading() as db:
        assert not unfinished(db)


def test_nothing_of_processes_that_are_gone_is_restored_but_mailboxes_are(
    database, committer, another, data_dir
):
    """A lease or a ticket of the old life would be believed; a lost position skips mails that came since."""
    committer.submit(Arrival(1)).result(20)
    with database.writing() as db:
        db.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('router', 'x', 7, 9999999999999)")
        db.run("INSERT INTO claim (ref, owner, until_ms) VALUES ('r', 'x', 9999999999999)")
        db.run("INSERT INTO ticket VALUES ('t', 'ana', 's', 9999999999999)")
        db.run("INSERT INTO mailbox (mailbox, validity, last_uid, at_ms) VALUES ('m', 3, 17, 1)")
    made = backed_up(database, data_dir / "b.db")
    restore_backup(another, made.path, now_ms=NOW_MS, say=lambda *_: None)
    finish(another, why="restored", now_ms=NOW_MS)
    with another.reading() as db:
        for name in ("lease", "claim", "ticket"):
            assert db.rows(f"SELECT * FROM {name}") == [], name
        assert db.rows("SELECT mailbox, validity, last_uid FROM mailbox") == [("m", 3, 17)]


def test_large_files_are_copied_a_few_at_a_time(database, another, data_dir):
    """Pictures and recordings: a site's content does not fit in memory, so no page of it may either."""
    bodies = {f"c-{number}": bytes([number]) * 3_000_000 for number in range(5)}
    with database.writing() as db:
        for content_id, body in bodies.items():
            db.run(
                "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
                " VALUES (:id, 'image/png', '', :salt, :body, 1)",
                id=content_id,
                salt=b"s",
                body=body,
            )
    made = backed_up(database, data_dir / "b.db")
    told = []
    restore_backup(another, made.path, now_ms=NOW_MS, say=lambda *said: told.append(said))
    assert [rows for table, rows in told if table == "content"] == [2, 4, 5]
    with another.reading() as db:
        found = db.rows("SELECT content_id, body FROM content")
    assert {key: bytes(body) for key, body in found} == bodies


def test_only_old_backups_of_this_site_are_pruned(day, data_dir):
    """A folder may hold what somebody else put there."""
    for number in range(4):
        backed_up(day, data_dir / f"north-{number}.db")
    (data_dir / "north-notes.db").write_bytes(b"not a backup")
    (data_dir / "south-1.db").write_bytes((data_dir / "north-1.db").read_bytes())
    removed = prune(data_dir, "north", keep=2)
    assert [each.name for each in removed] == ["north-0.db", "north-1.db"]
    left = {each.name for each in data_dir.glob("*.db")} - {"muster.db"}
    assert left == {"north-2.db", "north-3.db", "north-notes.db", "south-1.db"}


def test_what_is_no_backup_is_refused(another, data_dir):
    """A database file, a text, a folder: one line, and nothing changed."""
    open_database(f"sqlite:///{data_dir}/plain.db", unsafe=True).create_tables(site="north")
    (data_dir / "text.db").write_text("hello")
    for name in ("plain.db", "text.db", "missing.db"):
        with pytest.raises((NoBackup, DatabaseGone)):
            restore_backup(another, data_dir / name, now_ms=NOW_MS, say=lambda *_: None)


def _state(database):
    with database.reading() as db:
        return load_state(db)
