"""The copy of the other site, in memory: real tables, filled by the product's own take_batch."""

from collections.abc import Iterator
from contextlib import contextmanager

from router.journal.stream import last_seq
from router.sites.copies import Batch, Taken, take_batch
from tests.simulation.journal import Clock, SimulatedConnection, new_tables


class CopyTables:
    """What Database is to the real copy, as far as it is used."""

    dialect = "sqlite"

    def __init__(self, clock: Clock, peer: str) -> None:
        self.db = new_tables(clock, peer)

    @contextmanager
    def reading(self) -> Iterator[SimulatedConnection]:
        """One read transaction."""
        self.db.begin_reading()
        try:
            yield self.db
        finally:
            self.db.rollback()

    def take(self, batch: Batch) -> Taken:
        """In one transaction, or not at all. Raises Refused."""
        self.db.begin()
        try:
            taken = take_batch(self.db, batch)
        except BaseException:
            self.db.rollback()
            raise
        self.db.commit()
        return taken

    def last_seq(self) -> int:
        """How far the copy goes."""
        return last_seq(self.db)

    def close(self) -> None:
        """Forget everything."""
        self.db.close()
