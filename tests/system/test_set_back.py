"""A centre whose machine was set back by an hour goes on in time."""

import time
from pathlib import Path

import pytest

from router.journal.database import open_database
from tests.roles.centre import running
from tests.roles.redis_process import wait_until

pytestmark = pytest.mark.system

HOUR_MS = 3_600_000


def test_deadlines_pass_though_the_journal_is_an_hour_ahead(data_dir: Path):
    """By the wall clock nothing would be due for an hour: no offer would end, nothing be passed on."""
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables(site="lowen")
    with database.writing() as db:
        ahead_ms = time.time_ns() // 1_000_000 + HOUR_MS
        db.run("UPDATE stream SET last_at_ms = :ahead_ms WHERE own = 1", ahead_ms=ahead_ms)
    database.close()
    with running(data_dir) as centre, centre.journal() as journal:
        wait_until(lambda: centre.active_router() > 0, "a router is active")
        journal.say("arrived", "call-1", channel="chat")  # nobody reads it: it waits unread after two seconds
        wait_until(lambda: "call-1" in journal.refs("queued"), "it waits unread", within_s=7)
        (row,) = journal.rows("queued")
        assert row.at_ms > ahead_ms
        assert centre.stop() == 0
