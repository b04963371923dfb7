"""The journal's tests run on both databases: what holds on one must hold on the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.journal.committer import Committer
from router.journal.database import Database, open_database
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, data_dir: Path) -> str:
    """DATABASE_URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{data_dir}/muster.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """That database with its tables. unsafe: /tmp may be a memory disk, which tests may use."""
    database = open_database(database_url, unsafe=True)
    database.create_tables(site="north")
    yield database
    database.close()


@pytest.fixture
def committer(database: Database) -> Iterator[Committer]:
    """A committer on that database."""
    committer = Committer(database)
    yield committer
    committer.close()
