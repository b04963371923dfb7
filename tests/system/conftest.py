"""A real PostgreSQL for the tests here."""

from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
