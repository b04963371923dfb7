"""What was acknowledged before the other site had it: the gaps of the second copy, until they are healed.

A gap is a range of seqs; which contacts of it are still at this site only follows from how far the other one
is (router/sites/copy_gaps.py). The first gap while none is open raises an alarm; when the last one is healed,
that alarm says so.
"""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection
from router.records import Row

SINGLE_COPY: Final = "single_copy"
"""Code of the alarm that contacts are at this site only."""

HEALED: Final = "copy_healed"
"""Its detail, once the other site has them all; before that copy_slow, copy_lagging or copy_gone."""


def _copy_missed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    outage = db.row("SELECT 1 FROM copy_gap WHERE healed_ms = 0")
    db.run(
        """INSERT INTO copy_gap (from_seq, through_seq, why, began_ms, healed_ms)
           VALUES (:from_seq, :through_seq, :why, :at_ms, 0)
           ON CONFLICT (from_seq) DO UPDATE
           SET through_seq = CASE
                   WHEN copy_gap.healed_ms = 0 AND copy_gap.through_seq = 0 THEN 0
                   WHEN copy_gap.healed_ms = 0 AND excluded.through_seq <> 0
                       AND copy_gap.through_seq > excluded.through_seq THEN copy_gap.through_seq
                   ELSE excluded.through_seq END,
               why = excluded.why,
               began_ms = CASE WHEN copy_gap.healed_ms = 0 THEN copy_gap.began_ms ELSE excluded.began_ms END,
               healed_ms = 0""",
        from_seq=data["from_seq"],
        through_seq=data["through_seq"],
        why=data["why"],
        at_ms=row.at_ms,
    )
    if outage is None:
        db.run(
            """INSERT INTO alarm (alarm_id, at_ms, code, ref, detail, seen_by, seen_at_ms)
               VALUES (:alarm_id, :at_ms, :code, :ref, :detail, '', 0)""",
            alarm_id=f"{row.site}/{row.seq}",
            at_ms=row.at_ms,
            code=SINGLE_COPY,
            ref=row.site,
            detail=f"copy_{data['why']}",
        )


def _copy_healed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """One without an end gets it here: nobody who comes after this row may rely on it."""
    db.run(
        "UPDATE copy_gap SET through_seq = :before WHERE through_seq = 0 AND healed_ms = 0",
        before=row.seq - 1,
    )
    db.run(
        """UPDATE copy_gap SET healed_ms = :at_ms
           WHERE healed_ms = 0 AND through_seq <= :through_seq""",
        at_ms=row.at_ms,
        through_seq=data["through_seq"],
    )
    if data.get("alarm_id"):
        db.run(
            "UPDATE alarm SET detail = :detail WHERE alarm_id = :alarm_id",
            detail=HEALED,
            alarm_id=data["alarm_id"],
        )


COPY_FOLDS: Final = {"copy_missed": _copy_missed, "copy_healed": _copy_healed}
