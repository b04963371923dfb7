"""How the journalled tables follow the journal: apply(row), in the transaction that appends the row.

They change nowhere else, so the same function on an empty database rebuilds them (verify.py does it). What
facts do is in fold_arrivals.py, fold_facts.py, fold_places.py, fold_sending.py and fold_sites.py, what
decisions do in fold_decisions.py.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from router.journal.connection import Connection, Value
from router.journal.fold_adoption import ADOPTION_FOLDS
from router.journal.fold_arrivals import ADDING, READING, Change
from router.journal.fold_decisions import DECISION_FOLDS
from router.journal.fold_drills import DRILL_FOLDS
from router.journal.fold_facts import FACT_FOLDS
from router.journal.fold_places import PLACE_FOLDS
from router.journal.fold_sending import SENDING_FOLDS
from router.journal.fold_sites import SITE_FOLDS
from router.journal.many_rows import ManyRows
from router.records import GROUP, Row

Fold = Callable[[Connection, Row, dict[str, Any]], None]

UNFOLDED: Final = frozenset(
    {
        GROUP,
        "presence_declared",
        "accept_pressed",
        "decline_pressed",
        "conversation_ended",
        "disposition_given",
        "transfer_asked",
        "urgency_declared",
        "call_back_asked",
        "call_back_changed",
        "call_back_cancelled",
        "handover_began",
        "place_learned",
        "session_moved",
        "viewed",
        "quarantine_replayed",
        "refused",
        "stream_begun",
    }
)
"""Kinds that change no table: requests (the router's decision does), refusals, and who looked at whom."""

Changes = Callable[[Row, dict[str, Any]], list[Change]]


def _by_rows(changes: Changes) -> Fold:
    return lambda db, row, data: _run(db, changes(row, data))


BY_ROWS: Final[Mapping[str, Changes]] = {**ADDING, **READING}
FOLDS: Final[Mapping[str, Fold]] = {
    **{kind: _by_rows(changes) for kind, changes in BY_ROWS.items()},
    **FACT_FOLDS,
    **DECISION_FOLDS,
    **SENDING_FOLDS,
    **PLACE_FOLDS,
    **SITE_FOLDS,
    **ADOPTION_FOLDS,
    **DRILL_FOLDS,
}


class UnknownKind(Exception):
    """A row of a kind nobody has said how to fold: it is not appended."""


def apply(db: Connection, row: Row) -> None:
    """Changes the journalled tables as this row says. Raises UnknownKind."""
    fold = FOLDS.get(row.kind)
    if fold is not None:
        fold(db, row, msgspec.json.decode(row.data))
    elif row.kind not in UNFOLDED:
        raise UnknownKind(f"kind {row.kind!r} of {row.ref!r}: add it to router/journal/fold.py")


def apply_all(db: Connection, rows: Sequence[Row]) -> None:
    """The same for these rows in their order, arrivals and readings in few statements. Raises UnknownKind."""
    together: list[Row] = []
    for row in rows:
        if together and not _goes_with(row, together):
            _apply_together(db, together)
            together = []
        together.append(row)
    if together:
        _apply_together(db, together)


def _goes_with(row: Row, together: Sequence[Row]) -> bool:
    kind = together[0].kind
    if kind in ADDING:
        return row.kind in ADDING
    return row.kind in READING and kind in READING and all(row.ref != each.ref for each in together)


def _apply_together(db: Connection, rows: Sequence[Row]) -> None:
    if len(rows) == 1:
        apply(db, rows[0])
        return
    _run(db, (each for row in rows for each in BY_ROWS[row.kind](row, msgspec.json.decode(row.data))))


def _run(db: Connection, changes: Iterable[Change]) -> None:
    """Statement by statement, in the order in which they come first: what is referred to comes before."""
    rows: dict[ManyRows, list[Mapping[str, Value]]] = {}
    for statement, values in changes:
        rows.setdefault(statement, []).append(values)
    for statement, several in rows.items():
        statement.run(db, several)
