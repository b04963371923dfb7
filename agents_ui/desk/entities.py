"""What a desk shows, as values read from SQL: whole values, by id, in the shapes of docs/architecture.md 6.2.

Everything here reads inside one transaction that the caller opened, in a thread. Rights are the caller's: it
asks only for what the agent holds or is offered.
"""

from collections.abc import Iterable, Sequence
from typing import Final  # Any: entity values are JSON objects

import msgspec

from agents_ui.desk.activity import activity_of, load_of
from agents_ui.desk.messages import Value, chunks, messages
from config.plan import Plan
from router.channels.chat import CHAT
from router.journal.database import Connection

MESSAGES_MAX: Final = 200
"""Newest messages of a conversation that a snapshot or a history carries; a page has no room for more."""

SUMMARY_CHARACTERS: Final = 200
CHAIN_MAX: Final = 20
"""How often one customer may give up and be called back before the first words are no longer looked for."""

_INTERACTION: Final = (
    "interaction_id, channel, urgency, queue_id, accepted_at_ms, assigned_at_ms, wrap_up_since_ms,"
    " customer_id, connection_ids, language, reading, follows, traffic, state, agent_id, offer_id,"
    " closed_seq, arrived_seq"
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
        for names, values in chunks(ids)
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
        "connected": interaction.connection_ids != "[]" if interaction.channel == CHAT.channel else None,
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
    found = (messages(db, f"m.message_id IN ({names})", **values) for names, values in chunks(ids))
    return [each for some in found for each in some]


def interactions_of(db: Connection, message_ids: Iterable[str]) -> dict[str, str]:
    """The interaction of each of these messages."""
    found = (
        db.rows(f"SELECT message_id, interaction_id FROM message WHERE message_id IN ({names})", **values)
        for names, values in chunks(message_ids)
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
    (names, values), *_ = chunks(interaction_ids)
    condition = f"m.interaction_id IN ({names}) ORDER BY m.seq DESC, m.message_id DESC LIMIT :limit"
    return messages(db, condition, limit=limit, **values)[::-1]


def _summary(db: Connection, interaction: Interaction) -> str:
    """The customer's first words, or the name of what they sent."""
    (names, values), *_ = chunks(chain_of(db, interaction))
    condition = f"m.interaction_id IN ({names}) AND m.direction = 'in' ORDER BY m.seq, m.message_id LIMIT 1"
    first = next(iter(messages(db, condition, **values)), None)
    if first is None:
        return ""
    files = [*([first["file"]] if first["file"] else ()), *first["files"]]
    text = first["text"] or next((each["name"] for each in files), "")
    return str(text)[:SUMMARY_CHARACTERS]
