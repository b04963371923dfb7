"""What facts about two sites do to the journalled tables: what is observed, what is moved, what is told.

Who serves, and interactions that come from the other site, are in fold_adoption.py. What the kinds mean:
docs/architecture.md §12.
"""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection
from router.journal.fold_copies import COPY_FOLDS
from router.records import Row


def act_done(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Of facts that say `once`: those of before are not known by their commands."""
    if not data.get("once") or not data["command_id"]:
        return
    db.run(
        """INSERT INTO act_done (command_id, ref, kind, seq) VALUES (:command_id, :ref, :kind, :seq)
           ON CONFLICT (command_id, ref) DO NOTHING""",
        command_id=data["command_id"],
        ref=f"{row.ref}/{data['mode']}" if "mode" in data else row.ref,
        kind=row.kind,
        seq=row.seq,
    )


def _reroute_set(db: Connection, row: Row, data: dict[str, Any]) -> None:
    act_done(db, row, data)
    db.run(
        """INSERT INTO reroute (scope, share_pct, since_ms, agent_id, why, seq)
           VALUES (:scope, :share_pct, :at_ms, :agent_id, :why, :seq)
           ON CONFLICT (scope) DO UPDATE
           SET share_pct = excluded.share_pct, since_ms = excluded.since_ms,
               agent_id = excluded.agent_id, why = excluded.why, seq = excluded.seq""",
        scope=row.ref,
        share_pct=data["share_pct"],
        at_ms=row.at_ms,
        agent_id=data["agent_id"],
        why=data["why"],
        seq=row.seq,
    )


def _state_observed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _known_site(db, row.ref)
    db.run(
        """UPDATE site_state SET observed = :state, observed_why = :why, observed_ms = :at_ms
           WHERE site = :site""",
        state=data["state"],
        why=data["why"],
        at_ms=row.at_ms,
        site=row.ref,
    )


def _state_overridden(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Beside what is observed, never over it. An empty state takes it back; who did so is kept."""
    act_done(db, row, data)
    _known_site(db, row.ref)
    db.run(
        """UPDATE site_state SET override = :state, override_by = :agent_id, override_why = :why,
               override_ms = :at_ms
           WHERE site = :site""",
        state=data["state"],
        agent_id=data["agent_id"],
        why=data["why"],
        at_ms=row.at_ms,
        site=row.ref,
    )


def _known_site(db: Connection, site: str) -> None:
    db.run(
        """INSERT INTO site_state (site, observed, observed_why, observed_ms, override, override_by,
               override_why, override_ms)
           VALUES (:site, '', '', 0, '', '', '', 0)
           ON CONFLICT (site) DO NOTHING""",
        site=site,
    )


def _action_due(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """The run's id is made of what asked for it: asked twice, it runs once."""
    db.run(
        """INSERT INTO action_run (run_id, action_id, domain, mode, status, attempts, due_at_ms, at_ms,
               detail)
           VALUES (:run_id, :action_id, :domain, :mode, 'due', 0, :due_at_ms, :at_ms, '')
           ON CONFLICT (run_id) DO NOTHING""",
        run_id=row.ref,
        action_id=data["action_id"],
        domain=data["domain"],
        mode=data["mode"],
        due_at_ms=data.get("due_at_ms", row.at_ms),
        at_ms=row.at_ms,
    )


def _action_tried(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """later: due again. What is done stays done, whatever a slower process says of it later."""
    db.run(
        """UPDATE action_run SET status = :status, attempts = :attempt, detail = :detail,
               due_at_ms = :due_at_ms, at_ms = :at_ms
           WHERE run_id = :run_id AND status <> 'done'""",
        status={"done": "done", "failed": "failed"}.get(data["outcome"], "due"),
        attempt=data["attempt"],
        detail=data.get("detail", ""),
        due_at_ms=data.get("due_at_ms", 0),
        at_ms=row.at_ms,
        run_id=row.ref,
    )


SITE_FOLDS: Final = {
    "reroute_set": _reroute_set,
    "state_observed": _state_observed,
    "state_overridden": _state_overridden,
    "action_due": _action_due,
    "action_tried": _action_tried,
    **COPY_FOLDS,
}
