"""What facts about the other site's interactions do to the journalled tables (router/sites/ appends them).

An interaction may come, go and come again: its row stays, and what is open decides. Times of messages are
those of the site that kept them; their order here is the order in which they came here.
"""

from collections.abc import Iterable
from typing import Any, Final  # Any: JSON values at the edge of the type system

from config.words import MOVED
from router.events import READ_WITHIN_MS
from router.journal.connection import Connection
from router.journal.fold_facts import alarm
from router.journal.fold_sites import act_done
from router.records import Row, canonical

DUAL_ANSWERED: Final = "dual_answered"
"""Code of the alarm that agents of both sites answered one interaction; its detail names them."""

SENT_TWICE: Final = "sent_twice"
"""Code of the alarm that something left at both sites; each such message says so itself."""

_INTO: Final = """
    INSERT INTO interaction (interaction_id, channel, account, customer_id, identity_id, address_hash,
        thread, traffic, follows, arrived_seq, accepted_at_ms, reading, language, closed_seq, state, queue_id,
        urgency, requirement, rule_id, step, offer_count, offer_id, agent_id, parked_until_ms, named_agent_id,
        named_until_ms, connection_ids, abandon_at_ms, assigned_at_ms, answered_at_ms, answered_queue_id,
        wrap_up_since_ms, disposition, closed_by, closed_why, closed_at_ms, linked_to)
"""
_INTERACTION: Final = f"""{_INTO}
    VALUES (:interaction_id, :channel, :account, :customer_id, :identity_id, :address_hash,
        :thread, :traffic, :follows, :seq, :accepted_at_ms, :reading, :language, 0, 'parked', :queue_id,
        :urgency, :requirement, :rule_id, 0, :offer_count, '', '', :parked_until_ms, :named_agent_id,
        0, '[]', 0, 0, :answered_at_ms, :answered_queue_id, 0, '', '', '', 0, :linked_to)
    ON CONFLICT (interaction_id) DO UPDATE SET
        arrived_seq = excluded.arrived_seq, closed_seq = 0, state = 'parked', queue_id = excluded.queue_id,
        urgency = excluded.urgency, requirement = excluded.requirement, rule_id = excluded.rule_id, step = 0,
        offer_count = excluded.offer_count, offer_id = '', agent_id = '', named_until_ms = 0,
        parked_until_ms = excluded.parked_until_ms, named_agent_id = excluded.named_agent_id,
        connection_ids = '[]', abandon_at_ms = 0, assigned_at_ms = 0, wrap_up_since_ms = 0, disposition = '',
        closed_by = '', closed_why = '', closed_at_ms = 0, linked_to = excluded.linked_to,
        reading = excluded.reading, language = excluded.language, follows = excluded.follows,
        accepted_at_ms = excluded.accepted_at_ms, traffic = excluded.traffic
"""
_MESSAGE: Final = """
    INSERT INTO message (message_id, interaction_id, seq, at_ms, direction, author_id, kind,
        content_id, client_id, status, trouble, reading)
    VALUES (:message_id, :interaction_id, :seq, :at_ms, :direction, :author_id, :kind,
        :content_id, :client_id, :status, :trouble, :reading)
    ON CONFLICT (message_id) DO UPDATE SET status = excluded.status, trouble = excluded.trouble
    WHERE message.status = '' AND excluded.status <> ''
"""
_REJOIN: Final = "UPDATE message SET interaction_id = :ref, seq = :seq WHERE message_id = :message_id"
_PART: Final = """
    INSERT INTO part (message_id, number, kind, content_id, content_hash)
    VALUES (:message_id, :number, :kind, :content_id, :content_hash)
    ON CONFLICT (message_id, number) DO NOTHING
"""
_PLACE: Final = """
    INSERT INTO place (interaction_id, place_id, message_id, seq, source, radius_m, fix_at_ms, received_at_ms,
        confidence, content_id, newest, tightest)
    VALUES (:interaction_id, :place_id, :message_id, :seq, :source, :radius_m, :fix_at_ms, :received_at_ms,
        :confidence, :content_id, :newest, :tightest)
    ON CONFLICT (interaction_id, place_id) DO NOTHING
"""
_OUTBOX: Final = """
    INSERT INTO outbox (outbox_id, message_id, interaction_id, channel, account, address_hash, seq,
        ordered_at_ms, status, attempts, due_at_ms, detail, automatic, template, category, instead_of,
        fallback, fallback_why, lent_to, left_ms)
    VALUES (:outbox_id, :message_id, :interaction_id, :channel, :account, :address_hash, :seq,
        :ordered_at_ms, :status, :attempts, :due_at_ms, '', :automatic, :template, :category, :instead_of,
        :fallback, :fallback_why, '', 0)
    ON CONFLICT (outbox_id) DO UPDATE SET status = excluded.status, due_at_ms = excluded.due_at_ms,
        attempts = excluded.attempts, fallback = excluded.fallback, fallback_why = excluded.fallback_why,
        lent_to = ''
    WHERE outbox.status = 'moved'
"""

_TAKEN_UP: Final = "UPDATE outbox SET seq = :seq WHERE outbox_id = :outbox_id AND status = 'moved'"
_ENDED: Final = f"""{_INTO}
    VALUES (:interaction_id, :channel, :account, :customer_id, :identity_id, :address_hash,
        :thread, :traffic, :follows, :seq, :accepted_at_ms, :reading, :language, :seq, 'closed', :queue_id,
        :urgency, :requirement, :rule_id, 0, :offer_count, '', '', 0, '',
        0, '[]', 0, 0, :answered_at_ms, :answered_queue_id,
        0, :disposition, :closed_by, :closed_why, :closed_at_ms, :linked_to)
    ON CONFLICT (interaction_id) DO NOTHING
"""
_AS_ENDED: Final = (
    "channel",
    "account",
    "customer_id",
    "identity_id",
    "address_hash",
    "thread",
    "traffic",
    "follows",
    "accepted_at_ms",
    "reading",
    "language",
    "queue_id",
    "urgency",
    "rule_id",
    "offer_count",
    "answered_at_ms",
    "answered_queue_id",
    "disposition",
    "closed_by",
    "closed_why",
    "closed_at_ms",
)
"""What an ended one keeps of what its site says of it."""

_CONSENT: Final = """
    INSERT INTO consent (channel, address_hash, category, state, at_ms, seq, how, agent_id, blocked)
    VALUES (:channel, :address_hash, :category, :state, :at_ms, :seq, :how, :agent_id, :blocked)
    ON CONFLICT (channel, address_hash, category) DO UPDATE SET state = excluded.state,
        at_ms = excluded.at_ms, how = excluded.how, agent_id = excluded.agent_id, blocked = excluded.blocked
    WHERE consent.at_ms < excluded.at_ms
"""


def _adopted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _know_customer(db, row, data)
    db.run(
        _INTERACTION,
        interaction_id=row.ref,
        channel=data["channel"],
        account=data["account"],
        customer_id=data["customer_id"],
        identity_id=data["identity_id"],
        address_hash=data["address_hash"],
        thread=data["thread"],
        traffic=data["traffic"],
        follows=data["follows"],
        seq=row.seq,
        accepted_at_ms=data["accepted_at_ms"],
        reading=data["reading"],
        language=data["language"],
        queue_id=data["queue_id"],
        urgency=data["urgency"],
        requirement=canonical(data["requirement"]),
        rule_id=data["rule_id"],
        offer_count=data["offer_count"],
        parked_until_ms=data["parked_until_ms"] or row.at_ms + READ_WITHIN_MS,
        named_agent_id=data["named_agent_id"],
        answered_at_ms=data["answered_at_ms"],
        answered_queue_id=data["answered_queue_id"],
        linked_to=data["customer_id"] if data["verified"] else "",
    )
    _add_rest(db, row, data)


def _add_rest(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """What was said, where from, what is still to be said; and by which claim it is here.

    rejoined: of its messages, those that had begun another interaction here, which was let go in its favour.
    """
    for message_id in data.get("rejoined", ()):
        db.run(_REJOIN, ref=row.ref, seq=row.seq, message_id=message_id)
    _add_said(db, row, data)
    db.run(
        """INSERT INTO adoption (interaction_id, from_site, n, owner, at_ms, seq, held_by)
           VALUES (:interaction_id, :from_site, :n, :owner, :at_ms, :seq, :held_by)
           ON CONFLICT (interaction_id) DO UPDATE SET from_site = excluded.from_site, n = excluded.n,
               owner = excluded.owner, at_ms = excluded.at_ms, seq = excluded.seq,
               held_by = excluded.held_by""",
        interaction_id=row.ref,
        from_site=data["from_site"],
        n=data["n"],
        owner=data["owner"],
        at_ms=row.at_ms,
        seq=row.seq,
        held_by=data["agent_id"],
    )
    db.run("DELETE FROM yielding WHERE interaction_id = :id", id=row.ref)
    _doubt(db, data.get("doubtful", ()))


def _add_said(db: Connection, row: Row, data: dict[str, Any]) -> None:
    for message in data["messages"]:
        _add_message(db, row, message, seq=row.seq)
    for place in data["places"]:
        db.run(_PLACE, interaction_id=row.ref, seq=row.seq, **place)
    for order in data["outbox"]:
        db.run(
            _OUTBOX,
            interaction_id=row.ref,
            seq=row.seq,
            ordered_at_ms=row.at_ms,
            due_at_ms=row.at_ms,
            **{"fallback": "", "fallback_why": "", **order},
        )
    for consent in data["consents"]:
        db.run(_CONSENT, seq=row.seq, **consent)


def _orders_adopted(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """What had not left of a conversation that is over is this site's to send. It stays over, as it ended
    there; where it was moved from there, how it is here is how it is."""
    _know_customer(db, row, data)
    if data["closed_why"] != MOVED:
        db.run(
            _ENDED,
            interaction_id=row.ref,
            seq=row.seq,
            requirement=canonical(data["requirement"]),
            linked_to=data["customer_id"] if data["verified"] else "",
            **{name: data[name] for name in _AS_ENDED},
        )
    for order in data["outbox"]:
        db.run(_TAKEN_UP, seq=row.seq, outbox_id=order["outbox_id"])
    _add_said(db, row, data)
    _doubt(db, data["doubtful"])


def _doubt(db: Connection, message_ids: Iterable[str]) -> None:
    """They may have left at the other site before it died: whoever wrote them should know."""
    for message_id in message_ids:
        db.run("UPDATE message SET trouble = 'maybe_twice' WHERE message_id = :m", m=message_id)


def _orders_left(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """The other site sends them. What this one took up again since is its own."""
    for outbox_id in data["orders"]:
        db.run(
            "UPDATE outbox SET status = 'moved' WHERE outbox_id = :o AND status = 'due' AND seq <= :through",
            o=outbox_id,
            through=data["through_seq"],
        )


def _know_customer(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Whoever is known here already stays as known here."""
    if data["customer_id"]:
        db.run(
            """INSERT INTO customer (customer_id, created_at_ms, name_content_id)
               VALUES (:customer_id, :at_ms, :name_content_id) ON CONFLICT (customer_id) DO NOTHING""",
            customer_id=data["customer_id"],
            at_ms=row.at_ms,
            name_content_id=data["name_content_id"],
        )
    for identity in data["identities"]:
        db.run(
            """INSERT INTO identity (identity_id, customer_id, channel, account, address_hash, verified,
                   at_ms, moved_from, moved_at_ms, moved_by, moved_why, moved_command_id)
               VALUES (:identity_id, :customer_id, :channel, :account, :address_hash, :verified, :at_ms,
                   '', 0, '', '', '')
               ON CONFLICT (identity_id) DO NOTHING""",
            customer_id=data["customer_id"],
            **identity,
        )


def _message_copied(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """`early`: of what was said before the adoption it follows behind, and stands where it was said."""
    sql = "SELECT arrived_seq FROM interaction WHERE interaction_id = :id"
    found = db.row(sql, id=row.ref) if data.get("early") else None
    _add_message(db, row, data, seq=int(found[0]) if found else row.seq)


def _add_message(db: Connection, row: Row, message: dict[str, Any], *, seq: int) -> None:
    parts = message["parts"]
    said = {key: message[key] for key in MESSAGE_KEYS}
    db.run(_MESSAGE, interaction_id=row.ref, seq=seq, **said)
    for part in parts:
        db.run(_PART, message_id=message["message_id"], **part)


MESSAGE_KEYS: Final = (
    "message_id",
    "at_ms",
    "direction",
    "author_id",
    "kind",
    "content_id",
    "client_id",
    "status",
    "trouble",
    "reading",
)


def _yielded(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """What was still to be said to this customer is the other site's to say, as far as it has heard of it."""
    db.run(
        """INSERT INTO yielding (interaction_id, to_site, n, owner, at_ms, seq)
           VALUES (:interaction_id, :to_site, :n, :owner, :at_ms, :seq)
           ON CONFLICT (interaction_id) DO UPDATE SET to_site = excluded.to_site, n = excluded.n,
               owner = excluded.owner, at_ms = excluded.at_ms, seq = excluded.seq""",
        interaction_id=row.ref,
        to_site=data["to_site"],
        n=data["n"],
        owner=data["owner"],
        at_ms=row.at_ms,
        seq=row.seq,
    )
    if "orders" not in data:
        db.run("UPDATE outbox SET status = 'moved' WHERE interaction_id = :id AND status = 'due'", id=row.ref)
    for outbox_id in data.get("orders", ()):
        db.run("UPDATE outbox SET status = 'moved' WHERE outbox_id = :o AND status = 'due'", o=outbox_id)
    _nothing_lent(db, row)


def _orders_lent(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """From here on the other site may send them, until it says that it does not take their interaction."""
    for outbox_id in data["orders"]:
        db.run(
            "UPDATE outbox SET lent_to = :site WHERE outbox_id = :o AND status = 'due'",
            site=data["to_site"],
            o=outbox_id,
        )


def _handover_ended(db: Connection, row: Row, data: dict[str, Any]) -> None:
    _nothing_lent(db, row)


def _nothing_lent(db: Connection, row: Row) -> None:
    """Who sends what is known again."""
    db.run(
        "UPDATE outbox SET lent_to = '' WHERE lent_to <> ''"
        " AND message_id IN (SELECT message_id FROM message WHERE interaction_id = :id)",
        id=row.ref,
    )


def _sent_twice(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Said at the message, and once by an alarm until somebody has seen that."""
    db.run("UPDATE message SET trouble = 'maybe_twice' WHERE message_id = :m", m=data["message_id"])
    known = db.row("SELECT 1 FROM alarm WHERE code = :c AND seen_at_ms = 0", c=SENT_TWICE)
    if known is None:
        alarm(db, row, code=SENT_TWICE, ref=row.ref, detail=data["other_site"])


def dual_detail(agent_id: str, other_agent_id: str, other_site: str) -> str:
    """What the alarm says of who answered: here, and there."""
    return f"{agent_id}, {other_agent_id} ({other_site})"


def _kept_too(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Told once of each two agents: when it is others than the last time, people are told again."""
    added = db.run(
        """INSERT INTO dual_answer (interaction_id, agent_id, other_site, other_agent_id, at_ms)
           VALUES (:interaction_id, :agent_id, :other_site, :other_agent_id, :at_ms)
           ON CONFLICT (interaction_id) DO UPDATE SET agent_id = excluded.agent_id,
               other_agent_id = excluded.other_agent_id
           WHERE dual_answer.agent_id <> excluded.agent_id
               OR dual_answer.other_agent_id <> excluded.other_agent_id""",
        interaction_id=row.ref,
        agent_id=data["agent_id"],
        other_site=data["other_site"],
        other_agent_id=data["other_agent_id"],
        at_ms=row.at_ms,
    )
    if added:
        detail = dual_detail(data["agent_id"], data["other_agent_id"], data["other_site"])
        alarm(db, row, code=DUAL_ANSWERED, ref=row.ref, detail=detail)


def _domain_claimed(db: Connection, row: Row, data: dict[str, Any]) -> None:
    """Claims may be learned in any order: the highest counts."""
    act_done(db, row, data)
    db.run(
        """INSERT INTO domain (domain, n, owner, mode, with_assigned, since_ms, seq, agent_id, why, automatic)
           VALUES (:domain, :n, :owner, :mode, :with_assigned, :at_ms, :seq, :agent_id, :why, :automatic)
           ON CONFLICT (domain) DO UPDATE SET n = excluded.n, owner = excluded.owner, mode = excluded.mode,
               with_assigned = excluded.with_assigned, since_ms = excluded.since_ms, seq = excluded.seq,
               agent_id = excluded.agent_id, why = excluded.why, automatic = excluded.automatic
           WHERE excluded.n > domain.n OR (excluded.n = domain.n AND excluded.owner > domain.owner)
               OR (excluded.n = domain.n AND excluded.owner = domain.owner
                   AND excluded.with_assigned > domain.with_assigned)""",
        domain=row.ref,
        n=data["n"],
        owner=data["owner"],
        mode=data["mode"],
        with_assigned=int(data["with_assigned"]),
        at_ms=row.at_ms,
        seq=row.seq,
        agent_id=data["agent_id"],
        why=data["why"],
        automatic=int(data.get("automatic", False)),
    )


ADOPTION_FOLDS: Final = {
    "adopted": _adopted,
    "message_copied": _message_copied,
    "yielded": _yielded,
    "handover_ended": _handover_ended,
    "orders_lent": _orders_lent,
    "sent_twice": _sent_twice,
    "orders_adopted": _orders_adopted,
    "orders_left": _orders_left,
    "kept_too": _kept_too,
    "domain_claimed": _domain_claimed,
}
