"""The same statements on PostgreSQL."""

from pathlib import Path

import pytest

from tests.system.postgres import postgres_server, postgres_url
from tests.voice.exchange import Exchange, running
from tests.voice.test_after_a_death import left_behind

__all__ = ["postgres_server", "postgres_url"]

pytestmark = [pytest.mark.system, pytest.mark.long]


async def test_a_call_from_its_ring_to_its_recording_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """Upserts, leases and parts are written in the words of both databases."""
    exchange = Exchange(data_dir, url=postgres_url)
    async with running(exchange):
        record = await left_behind(exchange)
        lost = "SELECT why FROM call WHERE call_id = :c"
        await exchange.until(lambda: exchange.rows(lost, c=record.call_id) == [("lost",)], "lost")
        await exchange.until(lambda: exchange.journal("part_added"), "its recording is kept")
        (call,) = exchange.board.calls.values()
        call.hung_up("caller_hung_up")
        await exchange.until(lambda: len(exchange.journal("part_added")) == 2, "and the other's")
    exchange.close()
