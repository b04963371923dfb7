"""A front with short limits before a small application, and a whole web process on a fresh database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.fronts import Front
from tests.web.sites import Site


@pytest.fixture
def front() -> Iterator[Front]:
    """The front and the guard as in production, with limits in tenths of seconds."""
    running = Front()
    yield running
    running.stop()


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    """One web process; no router, unless a test plays it."""
    running = Site(data_dir)
    yield running
    running.stop()
