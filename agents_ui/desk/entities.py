"""What a desk shows, as values read from SQL: whole values, by id, in the shapes of docs/architecture.md 6.2.

Everything here reads inside one transaction that the caller opened, in a thread, and many at once: when fifty
agents are freed together, fifty times the statements would take most of the time they wait. Rights are the
caller's: it asks only for what the agent holds or is offered.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final  # Any: a column's value is whatever the table says

import msgspec

from agents_ui.desk.activity import activity_of, load_of
from agents_ui.desk.messages import Value, chunks, messages
from agents_ui.desk.places import places_of
from agents_ui.desk.reply_rules import sending_of
from agents_ui.desk.sending_files import files_bytes_max
from agents_ui.voice.ways import VOICE
from config.plan import Plan
from router.channels.chat import CHAT
from router.journal.database import Connection

MESSAGES_MAX: Final = 200
"""Newest messages of a conversation that a snapshot or a history carries; a page has no room for more."""

SUMMARY_CHARACTERS: Final = 200
LIVE: Final = (CHAT.channel, VOICE)
"""Channels with a line that the customer is on or not."""

CHAIN_MAX: Final = 20
"""How often one customer may give up and be called back before the first words are no longer looked for."""

Row = tuple[Any, ...]
"""Columns that a statement gave."""

_INTERACTION: Final = (
    "interaction_id, channel, urgency, queue_id, accepted_at_ms, assigned_at_ms, wrap_up_since_ms,"
    " customer_id, connection_ids, language, reading, follows, traffic, state, agent_id, offer_id,"
    " closed_seq, arrived_seq"
)
_NEWEST: Final = """
    m.message_id IN (
        SELECT message_id FROM (
            SELECT message_id,
                row_number() OVER (
                    PARTITION BY interaction_id ORDER BY seq DESC, at_ms DESC, message_id DESC
                ) AS place
            FROM message WHERE interaction_id IN ({names})
        ) AS placed WHERE place <= :limit
    ) ORDER BY m.seq, m.at_ms, m.message_id
"""
"""The newest messages of each of these interactions, in order: what was adopted together has one seq."""

_FIRST: Final = """
    m.message_id IN (
        SELECT (
            SELECT f.message_id FROM message f
            WHERE f.interaction_id = i.interaction_id AND f.direction = 'in'
            ORDER BY f.seq, f.at_ms, f.message_id LIMIT 1
        ) FROM interaction i WHERE i.interaction_id IN ({names})
    )
"""
"""The first message of the customer in each of these interactions."""

_AGENT: Final = "available, reason, presence_since_ms, desk_ids"


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


def interactions_with(db: Connection, agent_ids: Iterable[str]) -> dict[str, list[Interaction]]:
    """What is offered to or held by each of these agents now, oldest first."""
    found: dict[str, list[Interaction]] = {agent_id: [] for agent_id in agent_ids}
    for names, values in chunks(found):
        rows = db.rows(
            f"SELECT {_INTERACTION} FROM interaction WHERE agent_id IN ({names}) AND closed_seq = 0"
            " ORDER BY accepted_at_ms, interaction_id",
            **values,
        )
        for each in (Interaction(*row) for row in rows):
            if each.viewer:
                found[each.agent_id].append(each)
    return found


def mes(db: Connection, plan: Plan, agent_ids: Iterable[str]) -> dict[str, Value]:
    """The own figures of each of these agents."""
    work = interactions_with(db, agent_ids)
    people, agents = _by_agent(db, "person", "name, role", work), _by_agent(db, "agent", _AGENT, work)
    return {
        agent_id: _me(plan, agent_id, people.get(agent_id), agents.get(agent_id), held)
        for agent_id, held in work.items()
    }


def _by_agent(db: Connection, table: str, columns: str, agent_ids: Iterable[str]) -> dict[str, Row]:
    found = (
        db.rows(f"SELECT agent_id, {columns} FROM {table} WHERE agent_id IN ({names})", **values)
        for names, values in chunks(agent_ids)
    )
    return {row[0]: row[1:] for rows in found for row in rows}


def _me(plan: Plan, agent_id: str, person: Row | None, agent: Row | None, work: list[Interaction]) -> Value:
    name, role = person or (agent_id, "")
    available, reason, presence_since_ms, desk_ids = agent or (0, "", 0, "[]")
    return {
        "agent_id": agent_id,
        "name": name,
        "role": role,
        "available": bool(available),
        "reason": reason,
        "presence_since_ms": presence_since_ms,
        "activity": activity_of((each.state, each.wrap_up_since_ms) for each in work),
        "load": load_of(plan, (each.channel for each in work)),
        "desks": len(msgspec.json.decode(desk_ids)),
    }


def offers(db: Connection, offered: Sequence[Interaction]) -> dict[str, Value]:
    """The cards of these outstanding offers, by interaction_id."""
    ids = [each.interaction_id for each in offered]
    details = {
        (row[0], row[1]): row[2:]
        for names, values in chunks(ids)
        for row in db.rows(
            "SELECT interaction_id, agent_id, deadline_ms, explanation FROM offer"
            f" WHERE interaction_id IN ({names})",
            **values,
        )
    }
    earlier, summaries = _earlier(db, ids), _first_words(db, offered)
    return {
        each.interaction_id: _offer(
            each,
            details.get((each.interaction_id, each.agent_id), (0, "{}")),
            summary=summaries.get(each.interaction_id, ""),
            returning=each.interaction_id in earlier,
        )
        for each in offered
    }


def _offer(interaction: Interaction, details: Row, *, summary: str, returning: bool) -> Value:
    deadline_ms, explanation = details
    return {
        "offer_id": interaction.offer_id,
        "interaction_id": interaction.interaction_id,
        "channel": interaction.channel,
        "urgency": interaction.urgency,
        "queue_id": interaction.queue_id,
        "accepted_at_ms": interaction.accepted_at_ms,
        "deadline_ms": deadline_ms,
        "language": interaction.language,
        "summary": summary,
        "reading": interaction.reading,
        "follows": interaction.follows,
        "why": msgspec.json.decode(explanation),
        "returning": returning,
    }


def conversations(db: Connection, plan: Plan, held: Sequence[Interaction]) -> dict[str, Value]:
    """These conversations that agents hold, without their messages, by interaction_id."""
    earlier = _earlier(db, (each.interaction_id for each in held))
    places = places_of(db, {each.interaction_id: chain_of(db, each) for each in held})
    return {
        each.interaction_id: {
            **_conversation(each),
            "earlier": earlier.get(each.interaction_id, 0),
            **sending_of(db, plan, each.interaction_id),
            "files_bytes_max": files_bytes_max(plan, each.channel),
            "place": places.get(each.interaction_id),
        }
        for each in held
    }


def _conversation(interaction: Interaction) -> Value:
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
        "connected": _connected(interaction),
        "language": interaction.language,
        "reading": interaction.reading,
        "follows": interaction.follows,
        "traffic": interaction.traffic,
    }


def _connected(interaction: Interaction) -> bool | None:
    """Whether the customer is on the line; None where there is none, as before a call-back is dialled."""
    there = interaction.connection_ids != "[]"
    to_be_dialled = interaction.channel == VOICE and interaction.follows and not there
    return there if interaction.channel in LIVE and not to_be_dialled else None


def _earlier(db: Connection, interaction_ids: Iterable[str]) -> dict[str, int]:
    """How many interactions of the same customer came before each of these, where any did."""
    found = (
        db.rows(
            "SELECT i.interaction_id, count(*) FROM interaction i"
            " JOIN interaction e ON e.customer_id = i.customer_id AND e.arrived_seq < i.arrived_seq"
            f" WHERE i.interaction_id IN ({names}) AND i.customer_id <> '' GROUP BY i.interaction_id",
            **values,
        )
        for names, values in chunks(interaction_ids)
    )
    return {row[0]: row[1] for rows in found for row in rows}


def label_of(interaction: Interaction) -> str:
    """What to call somebody whose name is not known: a few signs by which two people are told apart."""
    return label_of_ids(interaction.customer_id, interaction.interaction_id)


def label_of_ids(customer_id: str, interaction_id: str) -> str:
    """The same, where only the ids are at hand."""
    return (customer_id or interaction_id)[:4].upper()


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
    return messages_of(db, [interaction])[interaction.interaction_id]


def messages_of(db: Connection, held: Sequence[Interaction]) -> dict[str, list[Value]]:
    """The same for each of these conversations."""
    found: dict[str, list[Value]] = {each.interaction_id: [] for each in held}
    for names, values in chunks(each.interaction_id for each in held if not each.follows):
        condition = _NEWEST.format(names=names)
        for message in messages(db, condition, limit=MESSAGES_MAX, **values):
            found[message["interaction_id"]].append(message)
    for each in held:
        if each.follows:
            shown_in = {"interaction_id": each.interaction_id}
            said = _newest(db, chain_of(db, each), MESSAGES_MAX)
            found[each.interaction_id] = [{**message, **shown_in} for message in said]
    return found


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
    order = "m.seq DESC, m.at_ms DESC, m.message_id DESC"
    condition = f"m.interaction_id IN ({names}) ORDER BY {order} LIMIT :limit"
    return messages(db, condition, limit=limit, **values)[::-1]


def _first_words(db: Connection, offered: Sequence[Interaction]) -> dict[str, str]:
    """Of each of these what the customer said first, or the name of what they sent, or what it was."""
    found = {}
    for names, values in chunks(each.interaction_id for each in offered if not each.follows):
        for first in messages(db, _FIRST.format(names=names), **values):
            found[first["interaction_id"]] = _summary(first)
    for each in offered:
        if each.follows:
            (names, values), *_ = chunks(chain_of(db, each))
            condition = f"m.interaction_id IN ({names}) AND m.direction = 'in'"
            for first in messages(db, f"{condition} ORDER BY m.seq, m.at_ms, m.message_id LIMIT 1", **values):
                found[each.interaction_id] = _summary(first)
    return found


def _summary(first: Value) -> str:
    files = [*([first["file"]] if first["file"] else ()), *first["files"]]
    text = first["text"] or next((each["name"] for each in files), "") or first["notice"]
    if first["mail"] and first["mail"]["subject"]:
        text = f"{first['mail']['subject']} · {text}" if text else first["mail"]["subject"]
    return str(text)[:SUMMARY_CHARACTERS]
