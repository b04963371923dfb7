"""How the journalled tables follow the journal: apply(row), in the transaction that appends the row.

They change nowhere else, so the same function on an empty database rebuilds them (verify.py does it). What
facts do is in fold_facts.py, fold_places.py and fold_sending.py, what the router's decisions do in
fold_decisions.py.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from router.journal.connection import Connection
from router.journal.fold_decisions import DECISION_FOLDS
from router.journal.fold_facts import FACT_FOLDS
from router.journal.fold_places import PLACE_FOLDS
from router.journal.fold_sending import SENDING_FOLDS
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
        "viewed",
        "quarantine_replayed",
        "refused",
    }
)
"""Kinds that change no table: requests (the router's decision does), refusals, and who looked at whom."""

FOLDS: Final[Mapping[str, Fold]] = {**FACT_FOLDS, **DECISION_FOLDS, **SENDING_FOLDS, **PLACE_FOLDS}


class UnknownKind(Exception):
    """A row of a kind nobody has said how to fold: it is not appended."""


def apply(db: Connection, row: Row) -> None:
    """Changes the journalled tables as this row says. Raises UnknownKind."""
    fold = FOLDS.get(row.kind)
    if fold is not None:
        fold(db, row, msgspec.json.decode(row.data))
    elif row.kind not in UNFOLDED:
        raise UnknownKind(f"kind {row.kind!r} of {row.ref!r}: add it to router/journal/fold.py")
