"""What a desk shows, as values read from SQL: whole values, by id, in the shapes of docs/architecture.md 6.2.

Everything here reads inside one transaction that the caller opened, in a thread. Rights are the caller's: it
asks only for what the agent holds or is offered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final  # Any: entity values are JSON objects

import msgspec

from agents_ui.desk.activity import activity_of, load_of
from agents_ui.downloads import clean_name
from config.plan import Plan
from router.channels.text import shown
from router.journal.database import Connection

Value = dict[str, Any]

MESSAGES_MAX: Final = 200
"""Newest messages of a conversation that a snapshot or a history carries; a page has no room for more."""

SUMMARY_CHARACTERS: Final = 200
CHAIN_MAX: Final = 20
"""How often one customer may give up and be called back before the first words are no longer looked for."""

IN_CHUNK: Final = 400
"""Values in one IN (…): below every database's limit of parameters."""

_INTERACTION: Final = (
    "interaction_id, channel, urgency, queue_id, accepted_at_ms, assigned_at_ms, wrap_up_since_ms,"
    " customer_id, connection_ids, language, reading, follows, traffic, state, agent_id, offer_id,"
    " closed_seq, arrived_seq"
)
_MESSAGE: Final = (
    "m.message_id, m.interaction_id, m.seq, m.at_ms, m.direction, m.author_id, m.kind, m.content_id,"
    " m.client_id,"
    " CASE WHEN m.status <> '' OR o.status IS NULL THEN m.status"
    " WHEN o.attempts = 0 THEN 'due' ELSE 'late' END, m.trouble, m.reading,"
    " p.name, c.media_type, c.file_name, length(c.body),"
    " CASE m.kind WHEN 'attachment' THEN NULL ELSE c.body END"
)
_FROM_MESSAGE: Final = (
    "FROM message m LEFT JOIN content c ON c.content_id = m.content_id"
    " LEFT JOIN outbox o ON o.message_id = m.message_id LEFT JOIN person p ON p.agent_id = m.author_id"
)


class Interaction(msgspec.Struct, frozen=True):
    """The columns of an interaction that desks show; array order is _INTERACTION's."""

    interaction_id: str
    channel: str
    urgency: int
    queue_id: str
    accepted_at_ms: int
    assigned_at_ms: int
    wrap_up_since_ms: int
    customer_id: str
    connection_ids: str
    language: str
    reading: str
    follows: str
    traffic: str
    state: str
    agent_id: str
    offer_id: str
    closed_seq: int
    arrived_seq: int

    @property
    def viewer(self) -> str:
        """The one agent whose desk shows it now, or ''."""
        return self.agent_id if not self.closed_seq and self.state in ("offered", "assigned") else ""

    @property
    def shown_as(self) -> str:
        """offer | conversation, for its viewer."""
        return "offer" if self.state == "offered" else "conversation"


def interactions(db: Connection, ids: Iterable[str]) -> dict[str, Interaction]:
    """The interactions with these ids."""
    found = (
        db.rows(f"SELECT {_INTERACTION} FROM interaction WHERE interaction_id IN ({names})", **values)
        for names, values in _chunks(ids)
    )
    return {row[0]: Interaction(*row) for rows in found for row in rows}


def interactions_with(db: Connection, agent_id: str) -> list[Interaction]:
    """What is offered to or held by the agent now, oldest first."""
    rows = db.rows(
        f"SELECT {_INTERACTION} FROM interaction WHERE agent_id = :a AND closed_seq = 0"
        " ORDER BY accepted_at_ms, interaction_id",
        a=agent_id,
    )
    return [each for row in rows if (each := Interaction(*row)).viewer]


def me(db: Connection, plan: Plan, agent_id: str) -> Value:
    """The agent's own figures."""
    person = db.row("SELECT name, role FROM person WHERE agent_id = :a", a=agent_id) or (agent_id, "")
    agent = db.row(
        "SELECT available, reason, presence_since_ms, desk_ids FROM agent WHERE agent_id = :a", a=agent_id
    ) or (0, "", 0, "[]")
    work = interactions_with(db, agent_id)
    return {
        "agent_id": agent_id,
        "name": person[0],
        "role": person[1],
        "available": bool(agent[0]),
        "reason": agent[1],
        "presence_since_ms": agent[2],
        "activity": activity_of((each.state, each.wrap_up_since_ms) for each in work),
        "load": load_of(plan, (each.channel for each in work)),
        "desks": len(msgspec.json.decode(agent[3])),
    }


def offer(db: Connection, interaction: Interaction) -> Value:
    """The card of an outstanding offer."""
    row = db.row(
        "SELECT deadline_ms, explanation FROM offer WHERE interaction_id = :i AND agent_id = :a",
        i=interaction.interaction_id,
        a=interaction.agent_id,
    ) or (0, "{}")
    return {
        "offer_id": interaction.offer_id,
        "interaction_id": interaction.interaction_id,
        "channel": interaction.channel,
        "urgency": interaction.urgency,
        "queue_id": interaction.queue_id,
        "accepted_at_ms": interaction.accepted_at_ms,
        "deadline_ms": row[0],
        "language": interaction.language,
        "summary": _summary(db, interaction),
        "reading": interaction.reading,
        "follows": interaction.follows,
        "why": msgspec.json.decode(row[1]),
        "returning": earlier(db, interaction) > 0,
    }


def conversation(db: Connection, interaction: Interaction) -> Value:
    """A conversation the agent holds, without its messages."""
    return {
        "interaction_id": interaction.interaction_id,
        "channel": interaction.channel,
        "urgency": interaction.urgency,
        "queue_id": interaction.queue_id,
        "accepted_at_ms": interaction.accepted_at_ms,
        "assigned_at_ms": interaction.assigned_at_ms,
        "wrap_up_since_ms": interaction.wrap_up_since_ms,
        "customer_id": interaction.customer_id,
        "customer_label": label_of(interaction),
        "connected": interaction.connection_ids != "[]",
        "language": interaction.language,
        "reading": interaction.reading,
        "follows": interaction.follows,
        "earlier": earlier(db, interaction),
        "traffic": interaction.traffic,
    }


def earlier(db: Connection, interaction: Interaction) -> int:
    """How many interactions of the same customer came before this one."""
    if not interaction.customer_id:
        return 0
    row = db.row(
        "SELECT count(*) FROM interaction WHERE customer_id = :c AND arrived_seq < :seq",
        c=interaction.customer_id,
        seq=interaction.arrived_seq,
    )
    return int(row[0]) if row else 0


def label_of(interaction: Interaction) -> str:
    """What to call somebody whose name is not known: a few signs by which two people are told apart."""
    return (interaction.customer_id or interaction.interaction_id)[:4].upper()


def messages_by_id(db: Connection, ids: Iterable[str]) -> list[Value]:
    """The messages with these ids."""
    found = (
        db.rows(f"SELECT {_MESSAGE} {_FROM_MESSAGE} WHERE m.message_id IN ({names})", **values)
        for names, values in _chunks(ids)
    )
    return [_message(row) for rows in found for row in rows]


def interactions_of(db: Connection, message_ids: Iterable[str]) -> dict[str, str]:
    """The interaction of each of these messages."""
    found = (
        db.rows(f"SELECT message_id, interaction_id FROM message WHERE message_id IN ({names})", **values)
        for names, values in _chunks(message_ids)
    )
    return {row[0]: row[1] for rows in found for row in rows}


def newest_messages(db: Connection, interaction_id: str, limit: int = MESSAGES_MAX) -> list[Value]:
    """The newest messages of an interaction, in order."""
    return _newest(db, [interaction_id], limit)


def conversation_messages(db: Connection, interaction: Interaction) -> list[Value]:
    """The newest messages of a conversation, in order; of a call-back also the words that it follows.

    `interaction_id` is the conversation they are shown in, `said_in` the interaction they belong to.
    """
    shown_in = {"interaction_id": interaction.interaction_id}
    return [{**message, **shown_in} for message in _newest(db, chain_of(db, interaction), MESSAGES_MAX)]


def chain_of(db: Connection, interaction: Interaction) -> list[str]:
    """The interaction and, of a call-back, those it follows: one matter of one customer."""
    chain, follows = [interaction.interaction_id], interaction.follows
    while follows and len(chain) < CHAIN_MAX:
        chain.append(follows)
        row = db.row("SELECT follows FROM interaction WHERE interaction_id = :i", i=follows)
        follows = row[0] if row else ""
    return chain


def _newest(db: Connection, interaction_ids: Sequence[str], limit: int) -> list[Value]:
    (names, values), *_ = _chunks(interaction_ids)
    rows = db.rows(
        f"SELECT {_MESSAGE} {_FROM_MESSAGE} WHERE m.interaction_id IN ({names})"
        " ORDER BY m.seq DESC, m.message_id DESC LIMIT :limit",
        limit=limit,
        **values,
    )
    return [_message(row) for row in reversed(rows)]


def _message(row: Sequence[Any]) -> Value:  # Any: columns of _MESSAGE
    message_id, interaction_id, seq, at_ms, direction, author_id, kind, content_id, client_id = row[:9]
    status, trouble, reading, author_name, media_type, file_name, size, body = row[9:]
    is_file = kind == "attachment"
    return {
        "message_id": message_id,
        "interaction_id": interaction_id,
        "said_in": interaction_id,
        "seq": str(seq),
        "at_ms": at_ms,
        "direction": direction,
        "author_id": author_id,
        "author_name": author_name or "",
        "kind": kind,
        "text": "" if body is None else shown(bytes(body)),
        "file": _file(interaction_id, content_id, media_type, file_name, size) if is_file else None,
        "client_id": client_id,
        "status": status,
        "trouble": trouble,
        "reading": reading,
    }


def _file(
    interaction_id: str, content_id: str, media_type: str | None, file_name: str | None, size: int | None
) -> Value | None:
    """Name, size and address of an attachment; None where its content was erased."""
    if size is None:
        return None
    return {
        "name": clean_name(file_name or ""),
        "bytes": size,
        "media_type": media_type or "",
        "url": f"/api/attachment/{content_id}?of={interaction_id}",
    }


def _summary(db: Connection, interaction: Interaction) -> str:
    """The customer's first words, or the name of what they sent."""
    (names, values), *_ = _chunks(chain_of(db, interaction))
    row = db.row(
        f"SELECT {_MESSAGE} {_FROM_MESSAGE} WHERE m.interaction_id IN ({names}) AND m.direction = 'in'"
        " ORDER BY m.seq, m.message_id LIMIT 1",
        **values,
    )
    if row is None:
        return ""
    value = _message(row)
    text = value["text"] or (value["file"] or {}).get("name", "")
    return str(text)[:SUMMARY_CHARACTERS]


def _chunks(ids: Iterable[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The names and values of IN (…) lists for these ids, in id order."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), IN_CHUNK):
        values = {f"v{index}": each for index, each in enumerate(wanted[start : start + IN_CHUNK])}
        yield ", ".join(f":{name}" for name in values), values
