"""An empty database to fold the journal into once more: for verify, replay and why."""

from router.journal.definitions import definitions
from router.journal.sqlite import SqliteConnection


def empty_twin() -> SqliteConnection:
    """All tables, nothing in them, in one transaction that is never committed. It leaves nothing behind."""
    twin = SqliteConnection.temporary()
    for statement in definitions("sqlite"):
        twin.run(statement)
    twin.begin()
    return twin
