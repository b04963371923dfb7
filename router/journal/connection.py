"""What a connection to either database can do, and the four ways it can fail."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol  # Any: a column's value is whatever the table says

Value = str | int | bytes | None


class DatabaseUnsafe(Exception):
    """The database would lose what it acknowledged. The message is one line that says what to do."""


class DatabaseGone(Exception):
    """The database cannot be used now: not reachable, disk full, connection lost."""


class DatabaseDamaged(DatabaseGone):
    """What was asked for cannot be read: a sector, or a page, is rotten there. The rest of it still can.

    Shape: by is the connection that says so; of is its database, where that was being read.
    """

    def __init__(self, message: str, *, by: object = None) -> None:
        super().__init__(message)
        self.by = by
        self.of: object = None


NO_TABLES = "the database has no tables yet: start it once with `muster up`"
"""Message of the DatabaseGone that is raised where a table is missing."""


class DatabaseBusy(Exception):
    """Somebody held a lock for too long, or a deadlock was broken: nothing changed, try again."""


class Connection(Protocol):
    """One connection, for one thread at a time. Outside begin … commit each statement stands alone.

    Every method may raise DatabaseGone or DatabaseBusy; other errors are the driver's own.
    """

    dialect: str

    def rows(self, sql: str, /, **values: Value) -> list[tuple[Any, ...]]:
        """All rows a statement gives."""

    def row(self, sql: str, /, **values: Value) -> tuple[Any, ...] | None:
        """The first row a statement gives, or None."""

    def run(self, sql: str, /, **values: Value) -> int:
        """Executes a statement; how many rows it changed."""

    def rows_listed(self, sql: str, values: Sequence[Value], /) -> list[tuple[Any, ...]]:
        """All rows of a statement that has ? for each value: much cheaper where there are hundreds."""

    def run_listed(self, sql: str, values: Sequence[Value], /) -> int:
        """The same for one that changes rows; how many."""

    def run_many(self, sql: str, values: Iterable[Mapping[str, Value]], /) -> None:
        """Executes a statement once for each set of values."""

    def begin(self) -> None:
        """Starts a writing transaction; in SQLite nobody else writes from here on."""

    def begin_reading(self) -> None:
        """Starts a transaction that only reads and sees one moment."""

    def commit(self) -> None:
        """Makes the transaction durable. DatabaseGone means: the outcome is unknown."""

    def rollback(self) -> None:
        """Undoes the transaction; harmless where there is none or the connection is lost."""

    def close(self) -> None:
        """Gives the connection back to the system."""

    @property
    def usable(self) -> bool:
        """False after the connection was lost or closed."""
