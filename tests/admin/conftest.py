"""A running site for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk.small_site import Site, running_site
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
async def site(data_dir: Path) -> AsyncIterator[Site]:
    """One web process over a fresh SQLite file."""
    async with running_site(data_dir) as running:
        yield running
