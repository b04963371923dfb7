"""Makes what an older release left out: tables, columns with their defaults, indexes. Nothing is changed.

So that the older release may work on meanwhile: what it does not know gets its default when it inserts a row,
and what only it knows gets one too. Nothing of a column's contents is rewritten.

PostgreSQL gets statements of their own, each short and harmless when done twice: in one transaction they
would lock tables in another order than those who write. Whoever reads for long makes us wait, not the others:
we ask for a lock for a moment only, again and again. SQLite is used by one machine and gets one transaction.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.definitions import TableDefinition, table_definitions

LOCK: Final = "300ms"
"""While we wait for a table everybody waits behind us."""

PAUSE_S: Final = 0.3
PATIENCE_S: Final = 90.0
"""Longer than any reader may sit idle in its transaction (postgres.IDLE_READING_MS)."""

_TRY_LOCK: Final = "SELECT pg_try_advisory_lock(7164, hashtext(current_schema()))"
_COLUMNS: Final = """
    SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL
    FROM information_schema.columns WHERE table_schema = current_schema()
"""
_INDEXES: Final = """
    SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = current_schema()::regnamespace
"""
_KEYS: Final = """
    SELECT t.relname, string_agg(a.attname, ',' ORDER BY part.number)
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS part (attnum, number)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part.attnum
    WHERE i.indisprimary AND t.relnamespace = current_schema()::regnamespace GROUP BY t.relname
"""
_TYPE: Final = """
    SELECT data_type FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = :name AND column_name = :column
"""
_NUMBERS: Final = ("bigint", "integer", "smallint")

Columns = dict[str, dict[str, bool]]
"""By table and column, whether a row must say it: it may not be null and has no default."""


def expand_sqlite(db: Connection) -> None:
    """In the transaction of the caller."""
    wanted = table_definitions("sqlite")
    for table in wanted:
        db.run(table.create)
        found = db.rows(f"PRAGMA table_info({table.name})")
        there = {name: bool(must) and default is None for _, name, _, must, default, _ in found}
        key = [name for _, name, _, _, _, part in sorted(found, key=lambda each: each[5]) if part]
        for name, words in _missing(table, there):
            db.run(f"ALTER TABLE {table.name} ADD COLUMN {words}")
            there[name] = False
        for name in _only_theirs(table, there):
            # SQLite cannot give it a default; and on this machine no older release runs beside us.
            db.run(f'ALTER TABLE {table.name} DROP COLUMN "{name}"')
        for statement in _indexes(table, key).values():
            db.run(statement)


def expand_postgresql(db: Connection) -> None:
    """On a connection of its own, outside a transaction. Raises DatabaseGone when somebody is in the way."""
    _patiently(lambda: bool((db.row(_TRY_LOCK) or (False,))[0]), "another process changes the tables")
    db.run(f"SET lock_timeout = '{LOCK}'")
    wanted = table_definitions("postgresql")
    columns: Columns = {}
    for table_name, column, must in db.rows(_COLUMNS):
        columns.setdefault(table_name, {})[column] = bool(must)
    for table in wanted:
        if table.name not in columns:
            for statement in (table.create, *table.indexes.values()):
                _alter(db, statement)
            continue
        there = columns[table.name]
        for _, words in _missing(table, there):
            _alter(db, f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {words}")
        for name in _only_theirs(table, there):
            number = (db.row(_TYPE, name=table.name, column=name) or ("",))[0] in _NUMBERS
            empty = "0" if number else "''"
            _alter(db, f'ALTER TABLE {table.name} ALTER COLUMN "{name}" SET DEFAULT {empty}')
    _index(db, wanted)


def _indexes(table: TableDefinition, key: Sequence[str]) -> Mapping[str, str]:
    """What this table has to have, and one in the order of our key where it was made with another order."""
    if tuple(key) == table.key:
        return table.indexes
    name = f"{table.name}_key"
    words = f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {table.name} ({', '.join(table.key)})"
    return {**table.indexes, name: words}


def _index(db: Connection, wanted: Sequence[TableDefinition]) -> None:
    """Indexes on tables in use are made without stopping those who write; one half made is made anew."""
    there = {str(name): bool(valid) for name, valid in db.rows(_INDEXES)}
    keys = {str(name): str(key).split(",") for name, key in db.rows(_KEYS)}
    for table in wanted:
        for name, statement in _indexes(table, keys[table.name]).items():
            if there.get(name):
                continue
            if name in there:
                _alter(db, f"DROP INDEX {name}")
            db.run("SET lock_timeout = 0")
            db.run(re.sub(r"\bINDEX IF NOT", "INDEX CONCURRENTLY IF NOT", statement))
            db.run(f"SET lock_timeout = '{LOCK}'")


def _missing(table: TableDefinition, there: dict[str, bool]) -> Iterator[tuple[str, str]]:
    """Columns, and their words, that are not there."""
    return ((name, words) for name, words in table.columns.items() if name not in there)


def _only_theirs(table: TableDefinition, there: dict[str, bool]) -> list[str]:
    """Columns that no row of ours will say, and that a row must say: those of a release before us."""
    return sorted(name for name, must in there.items() if must and name not in table.columns)


def _alter(db: Connection, statement: str) -> None:
    def done() -> bool:
        try:
            db.run(statement)
        except DatabaseBusy:
            return False
        return True

    _patiently(done, "a table that has to change is being read for long")


def _patiently(done: Callable[[], bool], why: str) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > give_up_s:
            raise DatabaseGone(f"the tables cannot be made as this release needs them: {why}")
        time.sleep(PAUSE_S)
