"""Definitions of every table, column and index. The only module, beside verify.py, that needs SQLAlchemy.

Importing SQLAlchemy and SQLModel took half of a web's start (0.7 of 1.3 s of a core), and everybody waits for
the start that follows a kill. So whoever needs definitions imports this only when it needs them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's default may be of any type

from sqlalchemy import Column, DefaultClause, Integer, MetaData, Table, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

from router.journal import tables

POSTGRESQL: Final = "postgresql"

EMPTY_NUMBER: Final = "0"
EMPTY_TEXT: Final = "''"
"""What a column holds where nothing applies; of bytes too, on both databases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDefinition:
    """One table in the words of one database. Shape: columns and indexes by name; a column's has a default
    even where the table, made new, has none, because rows are there already when it is added."""

    name: str
    create: str
    columns: Mapping[str, str]
    indexes: Mapping[str, str]


def definitions(dialect: str) -> list[str]:
    """CREATE statements of every table and index, in the words of one database: sqlite | postgresql.

    Text in PostgreSQL is compared by its bytes, as SQLite does: the same order on both, whatever the locale.
    """
    return [
        statement
        for table in table_definitions(dialect)
        for statement in (table.create, *table.indexes.values())
    ]


def table_definitions(dialect: str) -> list[TableDefinition]:
    """Every table, those first that others need."""
    words = _dialect(dialect)
    found = [each for each in SQLModel.metadata.sorted_tables if each.name in tables.EVERY]
    return [_definition(_with_defaults(table), words) for table in found]


def _definition(table: Table, words: Dialect) -> TableDefinition:
    indexes = sorted(table.indexes, key=lambda each: str(each.name))
    return TableDefinition(
        name=table.name,
        create=_said(str(CreateTable(table, if_not_exists=True).compile(dialect=words)), words),
        columns={column.name: _column(column, words) for column in table.columns},
        indexes={
            str(each.name): str(CreateIndex(each, if_not_exists=True).compile(dialect=words))
            for each in indexes
        },
    )


def _with_defaults(table: Table) -> Table:
    """The table with its defaults in the database as well: an older release, which does not know a column,
    must be able to insert rows beside a newer one."""
    copy = table.to_metadata(MetaData())
    for column in copy.columns:
        if column.default is not None and column.default.is_scalar:
            column.server_default = DefaultClause(text(_literal(column.default.arg)))
    return copy


def _column(column: "Column[Any]", words: Dialect) -> str:
    """What follows ADD COLUMN."""
    added = column.copy() if hasattr(column, "copy") else column._copy()
    if added.server_default is None and not added.nullable:
        empty = EMPTY_NUMBER if isinstance(added.type, Integer) else EMPTY_TEXT
        added.server_default = DefaultClause(text(empty))
    added.primary_key = False
    compiler = words.ddl_compiler(words, None)  # type: ignore[arg-type]  # no statement: one column of one
    return _said(compiler.get_column_specification(added), words)


def _literal(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(int(str(value)))


def _said(statement: str, words: Dialect) -> str:
    if words.name != POSTGRESQL:
        return statement
    return re.sub(r"\b(VARCHAR|TEXT)\b", 'TEXT COLLATE "C"', statement)


def _dialect(name: str) -> Dialect:
    if name == POSTGRESQL:
        dialect: Dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
        return dialect
    return SQLiteDialect()
