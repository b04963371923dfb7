"""A site with calls for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.voice.exchange import Exchange, running


@pytest.fixture
async def exchange(data_dir: Path) -> AsyncIterator[Exchange]:
    made = Exchange(data_dir)
    async with running(made):
        yield made
    made.close()
