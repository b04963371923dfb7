"""Which releases may work on one database at the same time, and whether it has what this one needs.

Tables only grow (expansion.py), so during an upgrade two releases work side by side. A change that an older
release cannot live with raises OLDEST; from then on such a release refuses to start, in one line. Here is
what everybody asks at the start: it loads no definitions.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from router.journal.connection import Connection, DatabaseUnsafe

NUMBER: Final = 1
"""Of the tables of this release. Raised with OLDEST, or when a later release has to tell this one apart."""

OLDEST: Final = 0
"""The lowest NUMBER of a release that can work on with the tables as this one leaves them. 0: before there
were numbers."""

_TABLE: Final = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :table",
    "postgresql": "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = :table",
}
_MADE: Final = "SELECT 1 FROM tables_made WHERE digest = :digest"
_NEWEST: Final = "SELECT number, oldest FROM tables_made ORDER BY oldest DESC, number DESC"
_NOTE: Final = """
    INSERT INTO tables_made (digest, number, oldest, at_ms) VALUES (:digest, :number, :oldest, :at_ms)
    ON CONFLICT (digest) DO NOTHING
"""


@cache
def digest() -> str:
    """Of the modules that define tables: another one means that there may be something to make."""
    here = Path(__file__).parent
    seal = hashlib.sha256()
    others = (here / f"{name}.py" for name in ("definitions", "expansion", "backfill"))
    for path in sorted((*here.glob("*tables.py"), *others)):
        seal.update(path.read_bytes())
    return seal.hexdigest()


def has_tables(db: Connection) -> bool:
    """Whether this database has been made at all."""
    return _has(db, "stream")


def is_made(db: Connection) -> bool:
    """Whether this release has seen to everything here. Raises DatabaseUnsafe where it is too old."""
    if not _has(db, "tables_made"):
        return False
    found = db.row(_NEWEST)
    if found is not None and found[1] > NUMBER:
        raise DatabaseUnsafe(
            f"a newer release of Muster has changed this database (its tables {found[0]} need a release that "
            f"knows tables {found[1]}, this one knows {NUMBER}): start the newer release"
        )
    return db.row(_MADE, digest=digest()) is not None


def note_made(db: Connection, at_ms: int) -> None:
    """Everything is here."""
    db.run(_NOTE, digest=digest(), number=NUMBER, oldest=OLDEST, at_ms=at_ms)


def _has(db: Connection, table: str) -> bool:
    return db.row(_TABLE[db.dialect], table=table) is not None
