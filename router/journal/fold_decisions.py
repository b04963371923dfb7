"""What the router's decisions do to the journalled tables: the same change that Core makes in memory."""

from typing import Any, Final  # Any: JSON values at the edge of the type system

from router.journal.connection import Connection, Value
from router.records import Row, canonical


class FoldRefused(Exception):
    """A decision about something that is not there: memory and tables disagree, and nothing is committed."""


def _change(db: Connection, row: Row, sql: str, **values: Value) -> None:
    """A decision changes exactly one row of each table it is about. Raises FoldRefused."""
    changed = db.run(sql, **values)
    if changed != 1:
        raise FoldRefused(f"{row.kind} of {row.ref} in row {row.seq} changes {changed} rows: {row.data}")


def _queued(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET state = 'waiting', queue_id = :queue_id, urgency = :urgency,
               requirement = :requirement, rule_id = :rule_id, step = 0, offer_id = '', agent_id = '',
               parked_until_ms = 0, named_agent_id = '', named_until_ms = 0, assigned_at_ms = 0,
               wrap_up_since_ms = 0
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        queue_id=data["queue_id"],
        urgency=data["urgency"],
        requirement=canonical(data["requirement"]),
        rule_id=data["rule_id"],
        interaction_id=row.ref,
    )


def _held(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET state = 'waiting', offer_id = '', agent_id = '', parked_until_ms = 0,
               named_agent_id = :agent_id, named_until_ms = :until_ms, assigned_at_ms = 0,
               wrap_up_since_ms = 0
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        agent_id=data["agent_id"],
        until_ms=data["until_ms"],
        interaction_id=row.ref,
    )


def _offered(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET state = 'offered', offer_id = :offer_id, agent_id = :agent_id,
               offer_count = offer_count + 1
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        offer_id=data["offer_id"],
        agent_id=data["agent_id"],
        interaction_id=row.ref,
    )
    db.run(
        """INSERT INTO offer (interaction_id, agent_id, offer_id, offered_at_ms, deadline_ms, outcome,
               ended_at_ms, cooldown_until_ms, explanation)
           VALUES (:interaction_id, :agent_id, :offer_id, :at_ms, :deadline_ms, 'outstanding',
               0, 0, :explanation)
           ON CONFLICT (interaction_id, agent_id) DO UPDATE
           SET offer_id = excluded.offer_id, offered_at_ms = excluded.offered_at_ms,
               deadline_ms = excluded.deadline_ms, outcome = excluded.outcome,
               ended_at_ms = excluded.ended_at_ms, cooldown_until_ms = excluded.cooldown_until_ms,
               explanation = excluded.explanation""",
        interaction_id=row.ref,
        agent_id=data["agent_id"],
        offer_id=data["offer_id"],
        at_ms=data["at_ms"],
        deadline_ms=data["deadline_ms"],
        explanation=canonical(data["explanation"]),
    )


def _offer_ended(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE offer SET outcome = :outcome, ended_at_ms = :at_ms, cooldown_until_ms = :cooldown_until_ms
           WHERE offer_id = :offer_id""",
        outcome=data["outcome"],
        at_ms=data["at_ms"],
        cooldown_until_ms=data["cooldown_until_ms"],
        offer_id=data["offer_id"],
    )
    _change(
        db,
        row,
        """UPDATE interaction SET state = 'waiting', offer_id = '', agent_id = '', assigned_at_ms = 0,
               wrap_up_since_ms = 0
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        interaction_id=row.ref,
    )
    if data["outcome"] == "transferred":
        _idle_since(db, row, data["agent_id"], data["at_ms"])


def _accepted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE offer SET outcome = 'accepted', ended_at_ms = :at_ms, cooldown_until_ms = 0
           WHERE offer_id = :offer_id""",
        at_ms=data["at_ms"],
        offer_id=data["offer_id"],
    )
    _change(
        db,
        row,
        """UPDATE interaction SET state = 'assigned', offer_id = :offer_id, agent_id = :agent_id,
               named_agent_id = '', named_until_ms = 0, abandon_at_ms = 0, assigned_at_ms = :at_ms,
               answered_queue_id = CASE answered_at_ms WHEN 0 THEN queue_id ELSE answered_queue_id END,
               answered_at_ms = CASE answered_at_ms WHEN 0 THEN :at_ms ELSE answered_at_ms END,
               wrap_up_since_ms = 0
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        offer_id=data["offer_id"],
        agent_id=data["agent_id"],
        at_ms=data["at_ms"],
        interaction_id=row.ref,
    )
    _idle_since(db, row, data["agent_id"], data["at_ms"])


def _idle_since(db: Connection, row: Row, agent_id: str, at_ms: int) -> None:
    _change(
        db,
        row,
        "UPDATE agent SET idle_since_ms = :at_ms WHERE agent_id = :agent_id",
        at_ms=at_ms,
        agent_id=agent_id,
    )


def _wrap_up_began(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET wrap_up_since_ms = :at_ms
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        at_ms=data["at_ms"],
        interaction_id=row.ref,
    )


def _closed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET state = 'closed', closed_seq = :seq, closed_at_ms = :at_ms,
               closed_by = :agent_id, closed_why = :why, disposition = :disposition
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        seq=row.seq,
        at_ms=data["at_ms"],
        agent_id=data["agent_id"],
        why=data["why"],
        disposition=data["disposition"],
        interaction_id=row.ref,
    )
    db.run("DELETE FROM offer WHERE interaction_id = :interaction_id", interaction_id=row.ref)
    if data["why"] == "disposed":
        _idle_since(db, row, data["agent_id"], data["at_ms"])


def _call_back_opened(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Account, address, thread, language, customer are those of what it follows: whoever answers joins it.

    One that is over begins anew: what it follows was given up again, after it had come back from the other
    site.
    """
    _change(
        db,
        row,
        """INSERT INTO interaction (interaction_id, channel, account, customer_id, identity_id, address_hash,
               thread, traffic, follows, arrived_seq, accepted_at_ms, reading, language,
               closed_seq, state, queue_id, urgency, requirement, rule_id, step, offer_count, offer_id,
               agent_id, parked_until_ms, named_agent_id, named_until_ms, connection_ids, abandon_at_ms,
               assigned_at_ms, answered_at_ms, answered_queue_id, wrap_up_since_ms, disposition, closed_by,
               closed_why, closed_at_ms, linked_to)
           SELECT :interaction_id, :channel, coalesce(max(account), ''), coalesce(max(customer_id), ''),
               :identity_id, coalesce(max(address_hash), ''), coalesce(max(thread), ''),
               :traffic, :follows, :seq, :accepted_at_ms, 'read', coalesce(max(language), ''),
               0, :state, :queue_id, :urgency, :requirement, :rule_id, 0, 0, '', '', :parked_until_ms,
               :named_agent_id, 0, '[]', 0, 0, 0, '', 0, '', '', '', 0, :linked_to
           FROM interaction WHERE interaction_id = :follows
           ON CONFLICT (interaction_id) DO UPDATE SET
               channel = excluded.channel, identity_id = excluded.identity_id,
               arrived_seq = excluded.arrived_seq, accepted_at_ms = excluded.accepted_at_ms,
               traffic = excluded.traffic, follows = excluded.follows, closed_seq = 0,
               state = excluded.state, queue_id = excluded.queue_id, urgency = excluded.urgency,
               requirement = excluded.requirement, rule_id = excluded.rule_id, step = 0, offer_count = 0,
               offer_id = '', agent_id = '', parked_until_ms = excluded.parked_until_ms,
               named_agent_id = excluded.named_agent_id, named_until_ms = 0, connection_ids = '[]',
               abandon_at_ms = 0, assigned_at_ms = 0, wrap_up_since_ms = 0, disposition = '',
               closed_by = '', closed_why = '', closed_at_ms = 0, linked_to = excluded.linked_to
           WHERE interaction.closed_seq <> 0""",
        interaction_id=row.ref,
        channel=data["channel"],
        identity_id=data["identity_id"],
        linked_to=data["linked_to"],
        state="parked" if data["parked_until_ms"] else "waiting",
        parked_until_ms=data["parked_until_ms"],
        named_agent_id=data["named_agent_id"],
        traffic=data["traffic"],
        follows=data["follows"],
        seq=row.seq,
        accepted_at_ms=data["accepted_at_ms"],
        queue_id=data["queue_id"],
        urgency=data["urgency"],
        requirement=canonical(data["requirement"]),
        rule_id=data["rule_id"],
    )


def _rescheduled(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET parked_until_ms = :due_at_ms, accepted_at_ms = :due_at_ms,
               queue_id = :queue_id, requirement = :requirement, named_agent_id = :named_agent_id
           WHERE interaction_id = :interaction_id AND closed_seq = 0 AND state = 'parked'""",
        due_at_ms=data["due_at_ms"],
        queue_id=data["queue_id"],
        requirement=canonical(data["requirement"]),
        named_agent_id=data["named_agent_id"],
        interaction_id=row.ref,
    )


def _linked(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET linked_to = :linked_to
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        linked_to=data["linked_to"],
        interaction_id=row.ref,
    )


def _urgency_set(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        "UPDATE interaction SET urgency = :urgency WHERE interaction_id = :interaction_id AND closed_seq = 0",
        urgency=data["urgency"],
        interaction_id=row.ref,
    )


def _place_set(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        "UPDATE interaction SET accepted_at_ms = :accepted_at_ms"
        " WHERE interaction_id = :interaction_id AND closed_seq = 0",
        accepted_at_ms=data["accepted_at_ms"],
        interaction_id=row.ref,
    )


def _reading_noted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET queue_id = :queue_id, urgency = :urgency, requirement = :requirement,
               rule_id = :rule_id, step = 0
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        queue_id=data["queue_id"],
        urgency=data["urgency"],
        requirement=canonical(data["requirement"]),
        rule_id=data["rule_id"],
        interaction_id=row.ref,
    )


def _widened(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        "UPDATE interaction SET step = :step WHERE interaction_id = :interaction_id AND closed_seq = 0",
        step=data["step"],
        interaction_id=row.ref,
    )


def _presence_set(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO agent (agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids,
               grace_until_ms)
           VALUES (:agent_id, :available, :reason, :at_ms, :at_ms, '[]', 0)
           ON CONFLICT (agent_id) DO UPDATE SET
               idle_since_ms = CASE WHEN agent.available = 0 AND excluded.available = 1
                   THEN excluded.idle_since_ms ELSE agent.idle_since_ms END,
               presence_since_ms = CASE WHEN agent.available <> excluded.available
                   OR agent.reason <> excluded.reason
                   THEN excluded.presence_since_ms ELSE agent.presence_since_ms END,
               available = excluded.available, reason = excluded.reason""",
        agent_id=row.ref,
        available=int(data["available"]),
        reason=data["reason"],
        at_ms=data["at_ms"],
    )


def _desks_noted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """An agent who was gone (no desk, no grace) and comes back has been idle since then."""
    db.run(
        """INSERT INTO agent (agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids,
               grace_until_ms)
           VALUES (:agent_id, 0, '', :at_ms, :at_ms, :desk_ids, :grace_until_ms)
           ON CONFLICT (agent_id) DO UPDATE SET
               idle_since_ms = CASE WHEN agent.desk_ids = '[]' AND agent.grace_until_ms = 0
                   AND excluded.desk_ids <> '[]'
                   THEN excluded.idle_since_ms ELSE agent.idle_since_ms END,
               desk_ids = excluded.desk_ids, grace_until_ms = excluded.grace_until_ms""",
        agent_id=row.ref,
        at_ms=data["at_ms"],
        desk_ids=_sorted_texts(data["desk_ids"]),
        grace_until_ms=data["grace_until_ms"],
    )


def _connections_noted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _change(
        db,
        row,
        """UPDATE interaction SET connection_ids = :connection_ids, abandon_at_ms = :abandon_at_ms
           WHERE interaction_id = :interaction_id AND closed_seq = 0""",
        connection_ids=_sorted_texts(data["connection_ids"]),
        abandon_at_ms=data["abandon_at_ms"],
        interaction_id=row.ref,
    )


def _sorted_texts(texts: list[str]) -> str:
    return canonical(sorted(texts))


def _alarm_raised(db: Connection, row: Row, data: dict[str, Any]) -> None:
    db.run(
        """INSERT INTO alarm (alarm_id, at_ms, code, ref, detail, seen_by, seen_at_ms)
           VALUES (:alarm_id, :at_ms, :code, :ref, :detail, '', 0)""",
        alarm_id=f"{row.site}/{row.seq}",
        at_ms=data["at_ms"],
        code=data["code"],
        ref=row.ref,
        detail=data["detail"],
    )


DECISION_FOLDS: Final = {
    "queued": _queued,
    "held": _held,
    "offered": _offered,
    "offer_ended": _offer_ended,
    "accepted": _accepted,
    "wrap_up_began": _wrap_up_began,
    "closed": _closed,
    "call_back_opened": _call_back_opened,
    "rescheduled": _rescheduled,
    "urgency_set": _urgency_set,
    "linked": _linked,
    "place_set": _place_set,
    "reading_noted": _reading_noted,
    "widened": _widened,
    "presence_set": _presence_set,
    "desks_noted": _desks_noted,
    "connections_noted": _connections_noted,
    "alarm_raised": _alarm_raised,
}
