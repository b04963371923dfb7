"""A database that hangs raises nothing. Whoever waits hears in time; what hung counts once when it ends."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.journal import committer as committing
from router.journal.bounded import NoAnswer, _until
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection
from router.journal.database import Database, open_database
from router.journal.hanging import Replicas, replica_text
from tests.journal.writing import all_rows, arrived
from tests.roles.redis_process import wait_until

GUARD_S = 20.0


class HangingDisk:
    """A database whose commits stand still while `goes` is not set, as when fsync does not return."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.goes = threading.Event()
        self.goes.set()
        self.dialect = database.dialect

    def connect(self) -> "Connection":
        return _Hanging(self._database.connect(), self.goes)  # type: ignore[return-value]  # all but one method


class _Hanging:
    def __init__(self, inner: Connection, goes: threading.Event) -> None:
        self._inner = inner
        self._goes = goes

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def commit(self) -> None:
        assert self._goes.wait(GUARD_S)
        self._inner.commit()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[HangingDisk]:
    database = open_database(f"sqlite:///{tmp_path}/muster.db", unsafe=True)
    database.create_tables()
    disk = HangingDisk(database)
    yield disk
    disk.goes.set()
    database.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits four seconds in a test."""
    monkeypatch.setattr(committing, "STANDS_S", 0.2)
    monkeypatch.setattr(committing, "SAID_S", 0.1)
    monkeypatch.setattr(committing, "LOOK_S", 0.02)


def refs(database: Database) -> list[str]:
    return [row.ref for row in all_rows(database)]


async def test_whoever_waits_for_a_stalled_disk_hears_that_the_outcome_is_unknown(
    disk: HangingDisk, hurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Pages and providers are told; the commit itself counts once when the disk writes again."""
    committer = Committer(disk)  # type: ignore[arg-type]  # a database in all that matters here
    caplog.set_level(logging.INFO, "muster.journal")
    await committer.append_facts(arrived("before"))
    disk.goes.clear()
    told = await asyncio.gather(
        *(committer.append_facts(arrived(each)) for each in ("one", "two")), return_exceptions=True
    )
    assert [type(each) for each in told] == [CommitUnknown] * 2
    assert committer.standing_s > 0
    await _until_logged(caplog, "the database stands still")
    assert "its disk does not write" in caplog.text and "Do: look at the disk" in caplog.text
    disk.goes.set()
    await asyncio.wait_for(committer.append_facts(arrived("after")), GUARD_S)
    assert refs(disk._database) == ["before", "one", "two", "after"]
    await _until_logged(caplog, "the database goes on")
    assert caplog.text.count("the database stands still") == 1
    committer.close()


async def test_a_long_queue_is_no_hanging_database(disk: HangingDisk, hurried: None) -> None:
    """Overload refuses nobody: a hundred transactions in a row may take long, as long as each one ends."""
    committer = Committer(disk)  # type: ignore[arg-type]
    kept = await asyncio.gather(*(committer.append_facts(arrived(f"c-{n}")) for n in range(600)))
    assert len(kept) == 600
    assert committer.standing_s == 0.0 or committer.standing_s < GUARD_S
    committer.close()


async def _until_logged(caplog: pytest.LogCaptureFixture, what: str) -> None:
    await asyncio.to_thread(wait_until, lambda: what in caplog.text, what, within_s=GUARD_S)


def test_a_server_that_sends_nothing_has_its_time_and_no_more() -> None:
    """psycopg asks ten times a second whether there is something; what comes begins the time anew."""

    def asked() -> "Iterator[int]":
        answers = 0
        while answers < 3:
            ready = yield 1
            answers += bool(ready)
        return "all of it"  # type: ignore[return-value]  # as psycopg's generators do

    limited = _until(asked(), 60.0)  # type: ignore[arg-type]
    next(limited)
    limited.send(0)
    limited.send(1)
    limited.send(1)
    with pytest.raises(StopIteration) as ended:
        limited.send(1)
    assert ended.value.value == "all of it"
    late = _until(asked(), 0.0)  # type: ignore[arg-type]
    next(late)
    late.send(1)
    with pytest.raises(NoAnswer, match="has not answered for 0 s"):
        late.send(0)


@pytest.mark.parametrize(
    ("names", "needed"),
    [
        ("", 0),
        ("*", 1),
        ("one, two", 1),
        ("2 (one, two, three)", 2),
        ("FIRST 2 (one, two)", 2),
        ("any 1 (one, two)", 1),
        ('ANY 3 ("a-b", c, d)', 3),
    ],
)
def test_how_many_replicas_a_commit_waits_for_is_read_as_postgresql_reads_it(names: str, needed: int) -> None:
    """One too few stops every commit: that is said before it happens."""
    found = Replicas(names=names, connected=needed, synchronous=needed, waiting=0)
    assert found.needed == needed
    assert not found.missing
    if needed:
        assert Replicas(names=names, connected=9, synchronous=needed - 1, waiting=0).missing


def test_what_is_said_of_replicas_says_which_of_them_is_missing() -> None:
    """One that is gone and one that is frozen are looked for in different places."""
    gone = replica_text(Replicas(names="*", connected=0, synchronous=0, waiting=3))
    assert gone.endswith("(synchronous_standby_names = '*'): 0 are connected")
    frozen = replica_text(Replicas(names="ANY 1 (a, b)", connected=1, synchronous=1, waiting=1))
    assert frozen.endswith("1 is connected, and does not answer")
