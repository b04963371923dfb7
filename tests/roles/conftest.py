"""A real PostgreSQL for the tests of this folder."""

from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
