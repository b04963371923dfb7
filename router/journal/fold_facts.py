"""What facts (appended by web, intake, delivery, up) do to the journalled tables."""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection
from router.journal.fold_arrivals import customer_added, known_customer
from router.records import Row

_STATUS_RANK: Final = """
    CASE {column} WHEN 'sent' THEN 1 WHEN 'delivered' THEN 2 WHEN 'read' THEN 3 WHEN 'failed' THEN 4
    ELSE 0 END
"""
GIVEN_UP: Final = ("gave_up", "not_in_time")
"""Details of what failed by our own decision: its provider may have it, and say so later."""

NOT_DELIVERED: Final = "not_delivered"
"""Code of the alarm that an answer will not reach its customer; its detail says why."""

_NEW_RANK: Final = _STATUS_RANK.format(column=":status")
_OLD_RANK: Final = _STATUS_RANK.format(column="status")


def _identity_claimed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Somebody says that this address is the customer's: nobody vouches for it."""
    for statement, values in customer_added(row, {**data, "verified": 0}):
        statement.run(db, [values])


def _identity_moved(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Everything that ever came from it goes along. What the router links follows by its decision."""
    to_customer_id = data["to_customer_id"]
    statement, values = known_customer(row, to_customer_id)
    statement.run(db, [values])
    db.run(
        """UPDATE identity SET customer_id = :to_customer_id, moved_from = :from_customer_id,
               moved_at_ms = :at_ms, moved_by = :agent_id, moved_why = :why, moved_command_id = :command_id
           WHERE identity_id = :identity_id""",
        to_customer_id=to_customer_id,
        from_customer_id=data["from_customer_id"],
        at_ms=data.get("said_at_ms", row.at_ms),
        agent_id=data["agent_id"],
        why=data["why"],
        command_id=data["command_id"],
        identity_id=row.ref,
    )
    db.run(
        "UPDATE interaction SET customer_id = :to_customer_id"
        " WHERE customer_id = :from_customer_id AND identity_id = :identity_id",
        to_customer_id=to_customer_id,
        from_customer_id=data["from_customer_id"],
        identity_id=row.ref,
    )


def _customer_named(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        "UPDATE customer SET name_content_id = :content_id WHERE customer_id = :customer_id",
        content_id=data["content_id"],
        customer_id=row.ref,
    )


def _desk_joined(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _connect(db, connection_id=data["desk_id"], kind="desk", web_id=data.get("web_id", ""), owner_id=row.ref)


def _desk_left(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _disconnect(db, data["desk_id"])


def _customer_connected(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _connect(
        db,
        connection_id=data["connection_id"],
        kind="customer",
        web_id=data.get("web_id", ""),
        owner_id=row.ref,
    )


def _customer_disconnected(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """A call whose line is gone without its process having said why: that process is dead."""
    _disconnect(db, data["connection_id"])
    db.run(
        """UPDATE call SET state = 'ended', why = 'lost', since_ms = :at_ms, ended_ms = :at_ms
           WHERE call_id = :call_id AND ended_ms = 0""",
        at_ms=row.at_ms,
        call_id=data["connection_id"],
    )


def _call_changed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """A call that was taken for lost may go on: then it has no end again."""
    db.run(
        """INSERT INTO call (call_id, interaction_id, account, direction, state, why, agent_id, recording,
               silent, text, voice_id, begun_ms, since_ms, connected_ms, ended_ms)
           VALUES (:call_id, :interaction_id, :account, :direction, :state, :why, :agent_id, :recording,
               :silent, :text, :voice_id, :at_ms, :at_ms, :connected_ms, :ended_ms)
           ON CONFLICT (call_id) DO UPDATE
           SET interaction_id = excluded.interaction_id, account = excluded.account,
               direction = excluded.direction, state = excluded.state, why = excluded.why,
               agent_id = excluded.agent_id, recording = excluded.recording, silent = excluded.silent,
               text = excluded.text, voice_id = excluded.voice_id,
               since_ms = CASE WHEN call.state = excluded.state THEN call.since_ms
                          ELSE excluded.since_ms END,
               connected_ms = CASE call.connected_ms WHEN 0 THEN excluded.connected_ms
                              ELSE call.connected_ms END,
               ended_ms = excluded.ended_ms""",
        call_id=data["call_id"],
        interaction_id=row.ref,
        account=data["account"],
        direction=data["direction"],
        state=data["state"],
        why=data.get("why", ""),
        agent_id=data.get("agent_id", ""),
        recording=int(data.get("recording", False)),
        silent=int(data.get("silent", False)),
        text=int(data.get("text", False)),
        voice_id=data.get("voice_id", ""),
        at_ms=row.at_ms,
        connected_ms=row.at_ms if data["state"] == "connected" else 0,
        ended_ms=row.at_ms if data["state"] == "ended" else 0,
    )


def _connect(db: Connection, *, connection_id: str, kind: str, web_id: str, owner_id: str) -> None:
    """A connection that moves on to the customer's next interaction keeps its row."""
    db.run(
        """INSERT INTO connection (connection_id, kind, web_id, owner_id)
           VALUES (:connection_id, :kind, :web_id, :owner_id)
           ON CONFLICT (connection_id) DO UPDATE
           SET kind = excluded.kind, web_id = excluded.web_id, owner_id = excluded.owner_id""",
        connection_id=connection_id,
        kind=kind,
        web_id=web_id,
        owner_id=owner_id,
    )


def _disconnect(db: Connection, connection_id: str) -> None:
    db.run("DELETE FROM connection WHERE connection_id = :connection_id", connection_id=connection_id)


def _delivered(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _set_status(db, row, message_id=row.ref, status=data["status"], detail=data.get("detail", ""))


def _set_status(db: Connection, row: Row, *, message_id: str, status: str, detail: str) -> None:
    """sent, delivered, read only go up, and failed is final: then it says why, and somebody should look.

    What was delivered does not fail any more: it was sent twice, and the other one failed. And where it was
    we who gave it up, what its provider says later is true all the same.
    """
    moved = [
        db.run(
            f"UPDATE {table} SET status = :status WHERE message_id = :message_id"
            f" AND {_NEW_RANK} > {_OLD_RANK} AND NOT (:status = 'failed' AND {_OLD_RANK} IN (2, 3))",
            status=status,
            message_id=message_id,
        )
        for table in ("outbox", "message")
    ]
    if status != "failed" and not moved[0] and _given_up(db, message_id):
        for table in ("outbox", "message"):
            db.run(f"UPDATE {table} SET status = :s WHERE message_id = :m", s=status, m=message_id)
    if status == "failed" and moved[-1]:
        trouble = detail or "failed"
        db.run("UPDATE message SET trouble = :trouble WHERE message_id = :m", trouble=trouble, m=message_id)
        found = db.row("SELECT interaction_id FROM message WHERE message_id = :m", m=message_id)
        alarm(db, row, code=NOT_DELIVERED, ref=found[0] if found else "", detail=trouble)


def _given_up(db: Connection, message_id: str) -> bool:
    """Whether it failed because we waited no longer, and not because its provider said so."""
    row = db.row("SELECT status, detail FROM outbox WHERE message_id = :m", m=message_id)
    return row is not None and row[0] == "failed" and row[1] in GIVEN_UP


def _delivery_troubled(db: Connection, row: Row, data: dict[str, Any]) -> None:
    alarm(db, row, code=data["code"], ref=row.ref, detail=data["detail"])


def _trouble_noticed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    alarm(db, row, code=data["code"], ref=row.ref, detail=data["detail"])


def alarm(db: Connection, row: Row, *, code: str, ref: str, detail: str) -> None:
    """An alarm that is no decision of the router's."""
    db.run(
        """INSERT INTO alarm (alarm_id, at_ms, code, ref, detail, seen_by, seen_at_ms)
           VALUES (:alarm_id, :at_ms, :code, :ref, :detail, '', 0)""",
        alarm_id=f"{row.site}/{row.seq}",
        at_ms=row.at_ms,
        code=code,
        ref=ref,
        detail=detail,
    )


def _part_added(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """A part that was fetched, or given up, takes the place of the one that was wanted."""
    db.run(
        """INSERT INTO part (message_id, number, kind, content_id, content_hash)
           VALUES (:message_id, :number, :kind, :content_id, :content_hash)
           ON CONFLICT (message_id, number) DO UPDATE SET kind = excluded.kind,
               content_id = excluded.content_id, content_hash = excluded.content_hash""",
        message_id=row.ref,
        number=data["number"],
        kind=data["part_kind"],
        content_id=data["content_id"],
        content_hash=data.get("content_hash", ""),
    )


def _send_ordered(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO outbox (outbox_id, message_id, interaction_id, channel, account, address_hash, seq,
               ordered_at_ms, status, attempts, due_at_ms, detail, automatic, template, category, instead_of,
               fallback, fallback_why, lent_to, left_ms)
           VALUES (:outbox_id, :message_id, :interaction_id, :channel, :account, :address_hash, :seq,
               :ordered_at_ms, 'due', 0, :due_at_ms, '', :automatic, :template, :category, :instead_of,
               '', '', '', 0)""",
        outbox_id=row.ref,
        message_id=data["message_id"],
        interaction_id=data["interaction_id"],
        channel=data["channel"],
        account=data["account"],
        address_hash=data["address_hash"],
        seq=row.seq,
        ordered_at_ms=row.at_ms,
        due_at_ms=data.get("due_at_ms", row.at_ms),
        automatic=int(data.get("automatic", False)),
        template=data.get("template", ""),
        category=data.get("category", ""),
        instead_of=data.get("instead_of", ""),
    )


def _send_tried(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """later: due again. sent, failed: as the status of a receipt, never backwards."""
    db.run(
        "UPDATE outbox SET attempts = :attempt, detail = :detail, due_at_ms = :due_at_ms,"
        " left_ms = CASE left_ms WHEN 0 THEN :left_ms ELSE left_ms END WHERE outbox_id = :outbox_id",
        left_ms=row.at_ms if data.get("left") else 0,
        attempt=data["attempt"],
        detail=data.get("detail", ""),
        due_at_ms=data.get("due_at_ms", 0),
        outbox_id=row.ref,
    )
    db.run(
        "UPDATE message SET trouble = CASE trouble WHEN 'maybe_twice' THEN trouble ELSE :trouble END"
        " WHERE message_id = :message_id",
        trouble="maybe_twice" if data.get("maybe_twice") else data.get("detail", ""),
        message_id=data["message_id"],
    )
    if data["outcome"] != "later":
        status, detail = data["outcome"], data.get("detail", "")
        _set_status(db, row, message_id=data["message_id"], status=status, detail=detail)


def _plan_activated(db: Connection, row: Row, data: dict[str, Any]) -> None:
    before = db.row("SELECT max(changed_at_ms) FROM plan")
    later_ms = max(row.at_ms, (before[0] or 0) + 1 if before else 0)
    db.run(
        """INSERT INTO plan (version, seq, activated_at_ms, activated_by, digest, text, changed_at_ms,
               changed_site)
           VALUES (:version, :seq, :at_ms, :by, :digest, :text, :changed_at_ms, :changed_site)""",
        version=data["version"],
        seq=row.seq,
        at_ms=row.at_ms,
        by=data.get("by", ""),
        digest=row.ref,
        text=data["text"],
        changed_at_ms=data["changed_at_ms"] if "learned" in data else later_ms,
        changed_site=data["changed_site"] if "learned" in data else row.site,
    )


def _person(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """What was learned keeps its own time; what is changed here counts as later than what it changes."""
    learned = "learned" in data
    db.run(
        """INSERT INTO person (agent_id, name, role, active, credential_digest, changed_at_ms, changed_site)
           VALUES (:agent_id, :name, :role, :active, :credential_digest, :changed_at_ms, :changed_site)
           ON CONFLICT (agent_id) DO UPDATE
           SET name = excluded.name, role = excluded.role, active = excluded.active,
               credential_digest = excluded.credential_digest, changed_site = excluded.changed_site,
               changed_at_ms = CASE WHEN :learned = 1 OR excluded.changed_at_ms > person.changed_at_ms
                               THEN excluded.changed_at_ms ELSE person.changed_at_ms + 1 END""",
        agent_id=row.ref,
        name=data["name"],
        role=data["role"],
        active=int(data.get("active", 1)),
        credential_digest=data.get("credential_digest", ""),
        changed_at_ms=data["changed_at_ms"] if learned else row.at_ms,
        changed_site=data["changed_site"] if learned else row.site,
        learned=int(learned),
    )


def _session_begun(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO session (token_hash, agent_id, begun_at_ms, expires_at_ms, ended_at_ms)
           VALUES (:token_hash, :agent_id, :at_ms, :expires_at_ms, 0)
           ON CONFLICT (token_hash) DO NOTHING""",  # learned later than it arrived: what ended stays so
        token_hash=row.ref,
        agent_id=data["agent_id"],
        at_ms=row.at_ms,
        expires_at_ms=data["expires_at_ms"],
    )


def _session_ended(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        "UPDATE session SET ended_at_ms = :at_ms WHERE token_hash = :token_hash AND ended_at_ms = 0",
        at_ms=row.at_ms,
        token_hash=row.ref,
    )


def _alarm_seen(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """UPDATE alarm SET seen_by = :agent_id, seen_at_ms = :at_ms
           WHERE alarm_id = :alarm_id AND seen_by = ''""",
        agent_id=data["agent_id"],
        at_ms=row.at_ms,
        alarm_id=row.ref,
    )


FACT_FOLDS: Final = {
    "identity_claimed": _identity_claimed,
    "identity_moved": _identity_moved,
    "customer_named": _customer_named,
    "customer_connected": _customer_connected,
    "customer_disconnected": _customer_disconnected,
    "desk_joined": _desk_joined,
    "desk_left": _desk_left,
    "delivered": _delivered,
    "part_added": _part_added,
    "send_ordered": _send_ordered,
    "send_tried": _send_tried,
    "delivery_troubled": _delivery_troubled,
    "trouble_noticed": _trouble_noticed,
    "call_changed": _call_changed,
    "plan_activated": _plan_activated,
    "person_added": _person,
    "person_changed": _person,
    "session_begun": _session_begun,
    "session_ended": _session_ended,
    "alarm_seen": _alarm_seen,
}
