"""CREATE statements of every table and index. The only module, beside verify.py, that needs SQLAlchemy.

Importing SQLAlchemy and SQLModel took half of a web's start (0.7 of 1.3 s of a core), and everybody waits for
the start that follows a kill. So whoever needs definitions imports this only when it needs them.
"""

import re
from typing import Final

from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

from router.journal import tables

POSTGRESQL: Final = "postgresql"


def definitions(dialect: str) -> list[str]:
    """CREATE statements of every table and index, in the words of one database: sqlite | postgresql.

    Text in PostgreSQL is compared by its bytes, as SQLite does: the same order on both, whatever the locale.
    """
    words = _dialect(dialect)
    statements: list[str] = []
    for table in SQLModel.metadata.sorted_tables:
        if table.name not in tables.EVERY:
            continue
        statements.append(str(CreateTable(table, if_not_exists=True).compile(dialect=words)))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            statements.append(str(CreateIndex(index, if_not_exists=True).compile(dialect=words)))
    if dialect == POSTGRESQL:
        statements = [re.sub(r"\b(VARCHAR|TEXT)\b", 'TEXT COLLATE "C"', each) for each in statements]
    return statements


def _dialect(name: str) -> Dialect:
    if name == POSTGRESQL:
        dialect: Dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
        return dialect
    return SQLiteDialect()
