"""Is the journal whole, and do the tables say what it says? Names every row and table that does not.

The chain is checked row by row (chain.py), and all content whose hash a row has. Then the fold that filled
the tables runs on an empty database, and both are compared. What a peer's copy says is not asked here.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final  # Any: a column's value is whatever the table says

import msgspec
from sqlalchemy import Table
from sqlmodel import SQLModel

from router.journal import chain, fold, stream
from router.journal.appends import ROUTER
from router.journal.connection import Connection
from router.journal.hashed_content import DAMAGED, findings, named_in
from router.journal.tables import JOURNALLED
from router.journal.twin import empty_twin
from router.records import Row, canonical

PAGE: Final = 2_000
"""Rows fetched at once: a journal of millions is checked in little memory."""

SHOWN: Final = 20
"""Differences listed per table, and chain problems in all: after that one knows enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be. seq is 0 where no row is to blame."""

    seq: int
    where: str
    text: str


@dataclass(slots=True, kw_only=True)
class Contents:
    """What was looked at of what rows name. absent was erased, or lost; unhashed is named without a hash.

    Apart from the problems of journal and tables: a site and a backup of it are whole without one file.
    """

    checked: int = 0
    damaged: int = 0
    absent: int = 0
    unhashed: int = 0
    texts: list[str] = field(default_factory=list)
    """The first of what is damaged."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What was looked at, and what was found wrong."""

    site: str = ""
    incarnation: str = ""
    rows: int = 0
    head_seq: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    """Rows compared in each journalled table."""
    contents: Contents = field(default_factory=Contents)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    def note(self, problem: Problem) -> None:
        """Counts every problem of one place and keeps the first ones."""
        self.problem_count += 1
        if sum(known.where == problem.where for known in self.problems) < SHOWN:
            self.problems.append(problem)


def verify(db: Connection, progress: Callable[[int], None] = lambda seq: None) -> Report:
    """Checks the site's own stream and every journalled table. Call it inside one read transaction."""
    report = Report()
    head = stream.read_head(db)
    report.site, report.incarnation, report.head_seq = head.site, head.incarnation, head.seq
    with closing(empty_twin()) as twin:
        last = _check_rows(db, twin, report, progress)
        _check_head(db, head, last, report)
        for table in JOURNALLED:
            _compare(db, twin, SQLModel.metadata.tables[table], report)
    return report


def _check_rows(
    db: Connection, twin: Connection, report: Report, progress: Callable[[int], None]
) -> stream.Head:
    """Follows the chain and folds every row into the twin; where the chain really ends."""
    last = chain.beginning()
    while page := stream.read_rows(db, after_seq=last.seq, limit=PAGE):
        for row in page:
            for fault in chain.faults(row, last):
                report.note(Problem(seq=row.seq, where="journal", text=fault.text))
            _fold(twin, row, report)
            chain.go_on(last, row)
        _check_content(db, page, report)
        report.rows += len(page)
        progress(last.seq)
    return last


def _check_content(db: Connection, page: list[Row], report: Report) -> None:
    """What is gone is no fault: erasing a person keeps the journal whole."""
    named, unhashed = named_in(page)
    found = [each for each in findings(db, named) if not each.hashed.passing]
    damaged = [each for each in found if each.what == DAMAGED]
    contents = report.contents
    contents.texts += [each.text for each in damaged][: SHOWN - len(contents.texts)]
    contents.checked += len(named) - len(found) + len(damaged)
    contents.damaged += len(damaged)
    contents.absent += len(found) - len(damaged)
    contents.unhashed += unhashed


def _fold(twin: Connection, row: Row, report: Report) -> None:
    try:
        if canonical(msgspec.json.decode(row.data)) != row.data:
            report.note(Problem(seq=row.seq, where="journal", text=f"data of row {row.seq} is not canonical"))
        fold.apply(twin, row)
    except Exception as error:  # noqa: BLE001  a damaged row may fail in any way; all of them are findings
        text = f"row {row.seq} ({row.kind}) cannot be folded: {type(error).__name__}: {error}"
        report.note(Problem(seq=row.seq, where="journal", text=text))


def _check_head(db: Connection, head: stream.Head, last: stream.Head, report: Report) -> None:
    fault = chain.head_fault(head, last)
    if fault is not None:
        report.note(Problem(seq=last.seq, where="stream", text=fault.text))
    position = db.row("SELECT read_through FROM position WHERE reader = :reader", reader=ROUTER)
    if position is not None and position[0] > last.seq:
        text = f"the router has read through {position[0]}, but the journal ends at {last.seq}"
        report.note(Problem(seq=last.seq, where="position", text=text))


def _compare(db: Connection, twin: Connection, table: Table, report: Report) -> None:
    """Compares one table of the site with the twin's, key by key."""
    keys = len(table.primary_key.columns)
    columns = [column.name for column in _ordered(table)]
    ours, theirs = _pages(db, table), _pages(twin, table)
    compared = 0
    for mine, folded in _aligned(ours, theirs, keys):
        compared += 1
        if mine == folded:
            continue
        key = "/".join(str(value) for value in (mine or folded or ())[:keys])
        text = f"{table.name} {key}: {_difference(columns, mine, folded)}"
        report.note(Problem(seq=0, where=table.name, text=text))
    report.compared[table.name] = compared


def _difference(columns: list[str], mine: tuple[Any, ...] | None, folded: tuple[Any, ...] | None) -> str:
    if mine is None:
        return "in the journal, but not in the table"
    if folded is None:
        return "in the table, but not in the journal"
    changed = [
        f"{name} is {found!r}, the journal says {said!r}"
        for name, found, said in zip_longest(columns, mine, folded)
        if found != said
    ]
    return "; ".join(changed)


def _aligned(
    ours: Iterator[tuple[Any, ...]], theirs: Iterator[tuple[Any, ...]], keys: int
) -> Iterator[tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]]:
    """Pairs rows of equal keys from two sources in key order; None stands for what the other side lacks."""
    mine, folded = next(ours, None), next(theirs, None)
    while mine is not None or folded is not None:
        if folded is None or (mine is not None and mine[:keys] < folded[:keys]):
            yield mine, None
            mine = next(ours, None)
        elif mine is None or folded[:keys] < mine[:keys]:
            yield None, folded
            folded = next(theirs, None)
        else:
            yield mine, folded
            mine, folded = next(ours, None), next(theirs, None)


def _ordered(table: Table) -> list[Any]:
    """The columns, key first."""
    keys = list(table.primary_key.columns)
    return keys + [column for column in table.columns if not column.primary_key]


def _pages(db: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """All rows in key order, fetched page by page. Text compares by its bytes on both databases."""
    names = ", ".join(column.name for column in _ordered(table))
    keys = [column.name for column in table.primary_key.columns]
    order = ", ".join(keys)
    after = f"WHERE ({order}) > ({', '.join(f':{key}' for key in keys)})"
    page = db.rows(f"SELECT {names} FROM {table.name} ORDER BY {order} LIMIT {PAGE}")
    while page:
        yield from page
        if len(page) < PAGE:
            return
        place = dict(zip(keys, page[-1], strict=False))
        page = db.rows(f"SELECT {names} FROM {table.name} {after} ORDER BY {order} LIMIT {PAGE}", **place)
