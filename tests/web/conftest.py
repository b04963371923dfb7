"""A front with short limits before a small application, and a whole web process on a fresh database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.postgres import postgres_server, postgres_url
from tests.web.fronts import Front
from tests.web.sites import Site

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="module")
def one_front() -> Iterator[Front]:
    """The front and the guard as in production, with limits in tenths of seconds."""
    running = Front()
    yield running
    running.stop()


@pytest.fixture
def front(one_front: Front) -> Front:
    """That front, with nothing seen yet: what it survived in the last test must not show in this one."""
    one_front.seen = 0
    return one_front


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    """One web process; no router, unless a test plays it."""
    running = Site(data_dir)
    yield running
    running.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_site(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Site]:
    """The same on either database."""
    url: str = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    running = Site(data_dir, url)
    yield running
    running.stop()
