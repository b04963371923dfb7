"""What everybody who appends relies on, on both databases."""

import asyncio
import threading
from concurrent.futures import Future, wait
from contextlib import suppress

import pytest

from router.journal.committer import Closed, Committer, CommitUnknown, NotCommitted
from router.journal.connection import Connection, DatabaseGone
from router.journal.database import Database, open_database
from router.journal.stream import last_seq
from router.records import Row, fact
from tests.journal.writing import PATIENCE_S, Arrival, Faulty, all_rows, append, arrived, checked


def test_rows_are_numbered_without_gaps_and_chained(database, committer):
    """Readers and the peer count: a gap or a wrong hash must mean damage, never an ordinary day."""
    for number in range(5):
        committer.submit(Arrival(number)).result(PATIENCE_S)
    append(committer, arrived("one"), arrived("two"), arrived("three"))
    rows = all_rows(database)
    assert [row.seq for row in rows] == list(range(1, 9))
    assert {row.site for row in rows} == {"north"}
    assert len({row.incarnation for row in rows}) == 1
    assert len({row.hash for row in rows}) == 8
    assert checked(database).problems == []


def test_time_in_the_journal_never_goes_back(database):
    """A machine's clock may be set back; the order of facts and of their times must stay one order."""
    times = iter([5_000, 3_000, 7_000])
    committer = Committer(database, clock=lambda: next(times))
    seen = [append(committer, arrived(name))[0].at_ms for name in ("a", "b", "c")]
    committer.close()
    assert seen == [5_000, 5_000, 7_000]


def test_fifty_copies_of_one_contact_at_once_make_one(database, committer):
    """Providers repeat what they believe unanswered, and pages reconnect: the customer is one person."""
    ready = threading.Barrier(50)
    futures: list[Future[tuple[Row, ...]]] = []

    def submit() -> None:
        ready.wait()
        futures.append(committer.submit(Arrival(7)))

    threads = [threading.Thread(target=submit) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = [future.result(PATIENCE_S) for future in futures]
    assert sorted(len(rows) for rows in answers) == [0] * 49 + [1]
    with database.reading() as db:
        assert db.row("SELECT count(*) FROM message") == (1,)
        assert db.row("SELECT count(*) FROM content") == (1,)


def test_an_offender_in_a_batch_fails_alone(database, committer):
    """One malformed contact must not take the others of its instant with it."""
    blocker = threading.Event()
    first = committer.submit(Arrival(0, while_locked=lambda db: blocker.wait() and None))
    batch = [committer.submit(Faulty(n) if n == 3 else Arrival(n)) for n in range(1, 6)]
    blocker.set()
    assert len(first.result(PATIENCE_S)) == 1
    with pytest.raises(ValueError, match="c-000003 cannot be appended"):
        batch[2].result(PATIENCE_S)
    assert [len(future.result(PATIENCE_S)) for future in batch if future is not batch[2]] == [1] * 4
    assert [row.ref for row in all_rows(database)] == [
        "c-000000",
        "c-000001",
        "c-000002",
        "c-000004",
        "c-000005",
    ]
    with database.reading() as db:
        assert db.row("SELECT count(*) FROM content WHERE content_id LIKE 'c-000003%'") == (0,)


def test_everything_queued_goes_into_one_commit(database, committer):
    """One fsync serves all who wait: that is what keeps 64 customers as quick as one."""
    blocker = threading.Event()
    first = committer.submit(Arrival(0, while_locked=lambda db: blocker.wait() and None))
    others = [committer.submit(Arrival(n)) for n in range(1, 101)]
    blocker.set()
    first.result(PATIENCE_S)
    times = {rows[0].at_ms for rows in (future.result(PATIENCE_S) for future in others)}
    assert len(times) == 1


def test_hints_name_the_last_row_after_it_is_committed(database):
    """A hint before the commit would send readers to look for what is not there yet."""
    seen: list[tuple[int, int]] = []

    def after_commit(seq: int) -> None:
        with database.reading() as db:
            seen.append((seq, last_seq(db)))

    committer = Committer(database, after_commit=after_commit)
    append(committer, arrived("a"), arrived("b"))
    committer.submit(Arrival(1)).result(PATIENCE_S)
    committer.submit(Arrival(1)).result(PATIENCE_S)
    committer.close()
    assert seen == [(2, 2), (3, 3)]


def test_close_commits_what_was_queued_and_refuses_what_comes_later(database):
    """A process that is told to stop keeps what it accepted, and says no to the rest."""
    committer = Committer(database)
    futures = [committer.submit(Arrival(n)) for n in range(20)]
    committer.close()
    assert all(len(future.result(0)) == 1 for future in futures)
    with pytest.raises(Closed):
        committer.submit(Arrival(99))
    assert not committer.running


def test_nobody_who_submits_while_it_closes_waits_for_ever(database):
    """What comes between the last commit and the end of the thread is refused, not forgotten."""
    for _ in range(20):
        committer = Committer(database)
        futures: list[Future[tuple[Row, ...]]] = []

        def submit(committer=committer, futures=futures) -> None:
            with suppress(Closed):
                for number in range(10_000):
                    futures.append(committer.submit(Arrival(number)))

        submitting = threading.Thread(target=submit)
        submitting.start()
        committer.close()
        submitting.join(PATIENCE_S)
        wait(futures, PATIENCE_S)
        assert all(future.done() for future in futures)
        assert {type(future.exception(0)) for future in futures} <= {type(None), Closed}


async def test_a_cancelled_caller_does_not_take_back_what_it_submitted(database, committer):
    """A customer who disconnects in the middle must not undo the commit that others share (H-09)."""
    blocker = threading.Event()
    first = committer.submit(Arrival(0, while_locked=lambda db: blocker.wait() and None))
    task = asyncio.create_task(committer.append(Arrival(1)))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    blocker.set()
    await asyncio.wrap_future(first)
    rows = await committer.append_facts(arrived("last"))
    assert rows[0].seq == 3
    assert [row.ref for row in all_rows(database)] == ["c-000000", "c-000001", "last"]


def test_a_kind_nobody_folds_is_not_appended(database, committer):
    """A fact that changes no table by mistake would be found months later, by a peer."""
    with pytest.raises(Exception, match="teleported"):
        append(committer, fact("teleported", "x"))
    assert all_rows(database) == []


class _Unreliable(Database):
    """A database whose connections fail at commit as told: before it happened, or after."""

    def __init__(self, database: Database, faults: list[str]) -> None:
        super().__init__(database._driver)
        self.faults = faults

    def connect(self) -> Connection:
        real = super().connect()
        commit = real.commit

        def faulty() -> None:
            fault = self.faults.pop(0) if self.faults else ""
            if fault == "before":
                real.close()
            if fault != "before":
                commit()
            if fault:
                raise DatabaseGone("the connection died")

        real.commit = faulty  # type: ignore[method-assign]
        return real


@pytest.mark.parametrize(("fault", "stored"), [("before", 0), ("after", 1)])
def test_a_connection_that_dies_around_commit_is_told_as_unknown(database, fault, stored):
    """Neither success nor failure may be claimed: the repeat decides, and it is harmless (H-08)."""
    committer = Committer(_Unreliable(database, [fault]))
    with pytest.raises(CommitUnknown) as caught:
        committer.submit(Arrival(1)).result(PATIENCE_S)
    assert not isinstance(caught.value, NotCommitted)
    assert len(all_rows(database)) == stored
    assert len(committer.submit(Arrival(1)).result(PATIENCE_S)) == 1 - stored
    committer.close()
    assert len(all_rows(database)) == 1
    assert checked(database).problems == []


def test_without_its_database_a_committer_says_so_at_once_and_recovers(tmp_path):
    """While SQL is gone each contact is answered 503 at once; when it is back nothing has to be restarted."""
    folder = tmp_path / "site"
    folder.mkdir()
    database = open_database(f"sqlite:///{folder}/muster.db", unsafe=True)
    database.create_tables()
    away = tmp_path / "away"
    folder.rename(away)
    committer = Committer(database)
    with pytest.raises(NotCommitted):
        committer.submit(Arrival(1)).result(PATIENCE_S)
    away.rename(folder)
    for _ in range(1_000):
        with suppress(NotCommitted):
            committer.submit(Arrival(2)).result(PATIENCE_S)
            break
        threading.Event().wait(0.01)
    committer.close()
    assert [row.ref for row in all_rows(database)] == ["c-000002"]


@pytest.mark.system
def test_a_backend_killed_in_the_middle_costs_nobody_anything(postgres_server, postgres_url):
    """An administrator's pg_terminate_backend before the commit: known as undone, so it is done again."""
    database = open_database(postgres_url)
    database.create_tables()
    killed: list[int] = []

    def kill(db: Connection) -> None:
        (pid,) = db.row("SELECT pg_backend_pid()") or (0,)
        if not killed:
            killed.append(pid)
            postgres_server.execute(f"SELECT pg_terminate_backend({pid}, 5000)")

    committer = Committer(database)
    rows = committer.submit(Arrival(1, while_locked=kill)).result(PATIENCE_S)
    committer.close()
    assert len(rows) == 1
    assert len(killed) == 1
    assert [row.seq for row in all_rows(database)] == [1]
    database.close()


@pytest.mark.system
def test_a_backend_killed_at_commit_is_unknown(postgres_server, postgres_url):
    """The same at the COMMIT itself: nobody can know, and nothing pretends to."""
    database = open_database(postgres_url)
    database.create_tables()

    class Killing(Database):
        def connect(self) -> Connection:
            real = super().connect()
            commit = real.commit

            def kill_and_commit() -> None:
                (pid,) = real.row("SELECT pg_backend_pid()") or (0,)
                postgres_server.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
                commit()

            real.commit = kill_and_commit  # type: ignore[method-assign]
            return real

    committer = Committer(Killing(database._driver))
    with pytest.raises(CommitUnknown):
        committer.submit(Arrival(1)).result(PATIENCE_S)
    committer.close()
    assert all_rows(database) == []
    database.close()
