"""A running site for each test, whose walls are told at once: twice a second is for people."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk.small_site import Site, running_site
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(autouse=True)
def _told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents_ui.wall.fan.TELL_S", 0.0)
    monkeypatch.setattr("agents_ui.wall.fan.REST", 0.0)


@pytest.fixture
async def site(data_dir: Path) -> AsyncIterator[Site]:
    """One web process over a fresh SQLite file."""
    async with running_site(data_dir) as running:
        yield running
