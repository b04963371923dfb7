"""Alarms that nobody has said seen to, for those who watch."""

from collections.abc import Iterable
from typing import Any, Final  # Any: entity values are JSON objects

from router.journal.database import Connection

Value = dict[str, Any]

ALARMS_MAX: Final = 100
"""Newest open alarms a snapshot carries; a hundred and first changes nobody's mind."""

_COLUMNS: Final = "alarm_id, at_ms, code, ref, detail"


def open_alarms(db: Connection) -> dict[str, Value]:
    """The newest alarms nobody has seen, by id."""
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM alarm WHERE seen_at_ms = 0 ORDER BY at_ms DESC, alarm_id DESC LIMIT :n",
        n=ALARMS_MAX,
    )
    return {row[0]: _alarm(row) for row in rows}


def alarms(db: Connection, ids: Iterable[str]) -> dict[str, Value]:
    """Those of these alarms that nobody has seen."""
    values = {}
    for alarm_id in sorted(set(ids)):
        row = db.row(f"SELECT {_COLUMNS} FROM alarm WHERE alarm_id = :i AND seen_at_ms = 0", i=alarm_id)
        if row is not None:
            values[alarm_id] = _alarm(row)
    return values


def _alarm(row: tuple[Any, ...]) -> Value:  # Any: columns of _COLUMNS
    return dict(zip(("alarm_id", "at_ms", "code", "ref", "detail"), row, strict=True))
