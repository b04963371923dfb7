"""Delivery is tried on both databases: claims are SQL, and what holds on one must hold on the other."""

from collections.abc import AsyncIterator

import pytest

from router.journal.database import Database
from tests.delivery.office import Office, open_office
from tests.journal.conftest import database, database_url
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database", "database_url", "postgres_server", "postgres_url"]


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    """A worker at work."""
    async with open_office(database) as office:
        yield office
