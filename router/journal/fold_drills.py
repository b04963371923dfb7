"""What facts about drills do to the journalled tables."""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection
from router.records import Row, canonical


def _drill_began(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO drill (drill_id, seq, began_ms, ended_ms, agent_id, share_pct, count, report)
           VALUES (:drill_id, :seq, :at_ms, 0, :agent_id, :share_pct, :count, '{}')
           ON CONFLICT (drill_id) DO NOTHING""",
        drill_id=row.ref,
        seq=row.seq,
        at_ms=row.at_ms,
        agent_id=data["agent_id"],
        share_pct=data["share_pct"],
        count=data["count"],
    )


def _drill_sent(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Until it has ended, its report is what was sent."""
    db.run(
        "UPDATE drill SET report = :report WHERE drill_id = :drill_id AND ended_ms = 0",
        report=canonical(data),
        drill_id=row.ref,
    )


def _drill_ended(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        "UPDATE drill SET report = :report, ended_ms = :at_ms WHERE drill_id = :drill_id AND ended_ms = 0",
        report=canonical(data["report"]),
        at_ms=row.at_ms,
        drill_id=row.ref,
    )


DRILL_FOLDS: Final = {
    "drill_began": _drill_began,
    "drill_sent": _drill_sent,
    "drill_ended": _drill_ended,
}
