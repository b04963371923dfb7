"""Definitions of every table, column and index. The only module, beside verify.py, that needs SQLAlchemy.

Importing SQLAlchemy and SQLModel took half of a web's start (0.7 of 1.3 s of a core), and everybody waits for
the start that follows a kill. So whoever needs definitions imports this only when it needs them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final  # Any: a column's default may be of any type

from sqlalchemy import Column, DefaultClause, Integer, LargeBinary, MetaData, Table, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlmodel import SQLModel

from router.journal import tables

POSTGRESQL: Final = "postgresql"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDefinition:
    """One table in the words of one database. Shape: columns and indexes by name; a column's has a default
    even where the table, made new, has none, because rows are there already when it is added."""

    name: str
    key: tuple[str, ...]
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


@cache
def table_definitions(dialect: str) -> tuple[TableDefinition, ...]:
    """Every table, those first that others need. Written out once in a process: that takes 0.1 s."""
    words = _dialect(dialect)
    found = [each for each in SQLModel.metadata.sorted_tables if each.name in tables.EVERY]
    return tuple(_definition(table, words) for table in found)


def _definition(table: Table, words: Dialect) -> TableDefinition:
    made, added = _copy(table, words), _copy(table, words, all_columns=True)
    compiler = words.ddl_compiler(words, None)  # type: ignore[arg-type]  # no statement: columns of one
    return TableDefinition(
        name=table.name,
        key=tuple(column.name for column in table.primary_key),
        create=_said(str(CreateTable(made, if_not_exists=True).compile(dialect=words)), words),
        columns={each.name: _said(compiler.get_column_specification(each), words) for each in added.columns},
        indexes={
            str(each.name): str(CreateIndex(each, if_not_exists=True).compile(dialect=words))
            for each in sorted(made.indexes, key=lambda each: str(each.name))
        },
    )


def _copy(table: Table, words: Dialect, *, all_columns: bool = False) -> Table:
    """The table with its defaults in the database as well: an older release, which does not know a column,
    must be able to insert rows beside a newer one. With all_columns what has no default gets an empty one."""
    copy = table.to_metadata(MetaData())
    for column in copy.columns:
        if isinstance(column.default, ScalarElementColumnDefault):
            column.server_default = DefaultClause(text(_literal(column.default.arg)))
        elif all_columns and not column.nullable:
            column.server_default = DefaultClause(text(_empty(column, words)))
    return copy


def _empty(column: "Column[Any]", words: Dialect) -> str:
    """What a column holds where nothing applies."""
    if isinstance(column.type, Integer):
        return "0"
    return "x''" if isinstance(column.type, LargeBinary) and words.name != POSTGRESQL else "''"


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
