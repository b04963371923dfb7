"""Real processes on one journal, killed, frozen, many at once; an observer notes what was acknowledged."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from router.journal.committer import Committer
from router.journal.database import open_database
from tests.journal.writing import PATIENCE_S, Arrival, all_rows, checked

pytestmark = pytest.mark.system

FROZEN_S = 3.0
"""What `muster up` gives a silent child before it kills it."""


@contextmanager
def writer(url: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """A running tests.journal.writer, killed at the end if it is still there."""
    command = [sys.executable, "-m", "tests.journal.writer", url, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_two_processes_number_their_rows_without_gaps(database, database_url):
    """Any number of web processes append to one stream; a reader that counts must miss none of them."""
    with writer(database_url, 1_000, 500) as one, writer(database_url, 2_000, 500) as two:
        said = [one.communicate(timeout=60)[0], two.communicate(timeout=60)[0]]
    assert [one.returncode, two.returncode] == [0, 0]
    assert [len(text.split()) for text in said] == [500, 500]
    rows = all_rows(database)
    assert [row.seq for row in rows] == list(range(1, 1_001))
    assert {row.ref for row in rows} == set(" ".join(said).split())
    assert checked(database).problems == []


@pytest.mark.parametrize("acknowledged", [1, 23, 200])
def test_a_writer_killed_at_any_point_loses_nothing_acknowledged(database, database_url, acknowledged):
    """kill -9 in the middle: what a customer was told is kept is there, the chain holds (S-01 to S-03)."""
    noted: set[str] = set()
    with writer(database_url, 0, 0) as process:
        for line in process.stdout or ():
            noted.add(line.strip())
            if len(noted) == acknowledged:
                process.kill()
    kept = {row.ref for row in all_rows(database)}
    assert noted <= kept
    assert len(kept - noted) <= 1  # the one whose answer was on its way
    assert checked(database).problems == []


def test_a_frozen_writer_stops_the_site_only_until_it_is_killed(database, database_url):
    """Stopped while it holds the lock: `up` kills it after 3 s, and everybody goes on (H-10, S-17)."""
    committer = Committer(database)
    with writer(database_url, 1, 1, "freeze") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "frozen"
        waiting = [committer.submit(Arrival(n)) for n in range(100, 110)]
        started = time.monotonic()
        killer = threading.Timer(FROZEN_S, process.kill)
        killer.start()
        answers = [future.result(PATIENCE_S) for future in waiting]
        waited = time.monotonic() - started
        killer.cancel()
    committer.close()
    assert all(len(rows) == 1 for rows in answers)
    assert waited < FROZEN_S + 1
    report = checked(database)
    assert (report.rows, report.problems) == (10, [])


def test_postgresql_frees_itself_from_a_frozen_writer(postgres_url):
    """The server ends the frozen session after a second; thawed, the writer appends its contact once."""
    database = open_database(postgres_url)
    database.create_tables()
    committer = Committer(database)
    with writer(postgres_url, 1, 1, "freeze") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "frozen"
        started = time.monotonic()
        assert len(committer.submit(Arrival(100)).result(PATIENCE_S)) == 1
        assert time.monotonic() - started < 2.5
        os.kill(process.pid, signal.SIGCONT)
        # Frozen again in its second try, as its append says: thawed once more it ends well.
        _thaw_until_it_ends(process)
        assert process.returncode == 0
    committer.close()
    assert sorted(row.ref for row in all_rows(database)) == ["c-000001", "c-000100"]
    assert checked(database).problems == []
    database.close()


def test_a_quiet_writer_gets_its_turn_beside_a_flood(database, database_url):
    """The router commits rarely and must not starve while a flood of contacts is being kept."""
    committer = Committer(database)
    waits: list[float] = []
    with writer(database_url, 10_000, 0, "flood") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "flooding"
        for number in range(50):
            started = time.monotonic()
            committer.submit(Arrival(number)).result(PATIENCE_S)
            waits.append(time.monotonic() - started)
    committer.close()
    assert sorted(waits)[25] < 0.1
    assert max(waits) < 0.5
    assert len(all_rows(database)) > 150


def test_tables_created_by_two_processes_at_once_are_created_once(database_url):
    """Two roles that start together on an empty database must not fail over each other."""
    code = (
        "import sys; from router.journal.database import open_database; "
        "open_database(sys.argv[1], unsafe=True).create_tables(site='north')"
    )
    command = [sys.executable, "-c", code, database_url]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    database = open_database(database_url, unsafe=True)
    with database.reading() as db:
        assert db.row("SELECT count(*), min(site) FROM stream") == (1, "north")
    database.close()


def _thaw_until_it_ends(process: "subprocess.Popen[str]") -> None:
    give_up = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < give_up:
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.01)
