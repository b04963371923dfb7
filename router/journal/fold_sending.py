"""What facts about sending do to the journalled tables: other ways, consent, texts that are switched off."""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection
from router.records import Row

TEXTS_OFF: Final = "texts_off"
"""Code of the alarm that texts are switched off: nobody is to forget it."""


def _fallback_decided(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """One that is still to leave here has failed: two ways at once would be two copies."""
    db.run(
        "UPDATE outbox SET fallback = :fallback, fallback_why = :why WHERE outbox_id = :outbox_id",
        fallback=data["to_outbox_id"] or "none",
        why=data["why"],
        outbox_id=row.ref,
    )
    if not data["to_outbox_id"]:
        return
    left = db.run(
        "UPDATE outbox SET status = 'failed', detail = :why, due_at_ms = 0"
        " WHERE outbox_id = :outbox_id AND status = 'due'",
        why=data["why"],
        outbox_id=row.ref,
    )
    if left:
        db.run(
            "UPDATE message SET status = 'failed',"
            " trouble = CASE trouble WHEN 'maybe_twice' THEN trouble ELSE :why END"
            " WHERE message_id = :message_id",
            why=data["why"],
            message_id=data["message_id"],
        )


def _consent_changed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """From the message on in which it was said: what they wrote after it is no part of it."""
    said = db.row("SELECT seq FROM message WHERE message_id = :m", m=data.get("message_id", ""))
    for category in data["categories"]:
        db.run(
            """INSERT INTO consent (channel, address_hash, category, state, at_ms, seq, how, agent_id,
                   blocked)
               VALUES (:channel, :address_hash, :category, :state, :at_ms, :seq, :how, :agent_id, :blocked)
               ON CONFLICT (channel, address_hash, category) DO UPDATE
               SET state = excluded.state, at_ms = excluded.at_ms, seq = excluded.seq, how = excluded.how,
                   agent_id = excluded.agent_id, blocked = excluded.blocked""",
            channel=data["channel"],
            address_hash=data["address_hash"],
            category=category,
            state=data["state"],
            at_ms=data.get("said_at_ms", row.at_ms),
            seq=said[0] if said else row.seq,
            how=data["how"],
            agent_id=data.get("agent_id", ""),
            blocked=int(data.get("blocked", False)),
        )


def _text_switched(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO text_switch (scope, is_off, since_ms, seq, agent_id, reason)
           VALUES (:scope, :is_off, :at_ms, :seq, :agent_id, :reason)
           ON CONFLICT (scope) DO UPDATE
           SET is_off = excluded.is_off, since_ms = excluded.since_ms, seq = excluded.seq,
               agent_id = excluded.agent_id, reason = excluded.reason""",
        seq=row.seq,
        scope=row.ref,
        is_off=int(data["off"]),
        at_ms=data.get("said_at_ms", row.at_ms),
        agent_id=data["agent_id"],
        reason=data["reason"],
    )
    if data["off"]:
        db.run(
            """INSERT INTO alarm (alarm_id, at_ms, code, ref, detail, seen_by, seen_at_ms)
               VALUES (:alarm_id, :at_ms, :code, :ref, :detail, '', 0)""",
            alarm_id=f"{row.site}/{row.seq}",
            at_ms=row.at_ms,
            code=TEXTS_OFF,
            ref=row.ref,
            detail=data["reason"],
        )


def _turned_away(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO notice (message_id, kind, account, address_hash, at_ms, seq)
           VALUES (:message_id, 'text-off', :account, :address_hash, :at_ms, :seq)
           ON CONFLICT (message_id) DO NOTHING""",
        message_id=data["message_id"],
        account=data["account"],
        address_hash=data["address_hash"],
        at_ms=row.at_ms,
        seq=row.seq,
    )


SENDING_FOLDS: Final = {
    "fallback_decided": _fallback_decided,
    "consent_changed": _consent_changed,
    "text_switched": _text_switched,
    "turned_away": _turned_away,
}
