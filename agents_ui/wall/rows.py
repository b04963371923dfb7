"""The wall's reads of interactions, offers and agents: columns in, small values out. No customer's words."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final  # Any: columns of a row

import msgspec

from agents_ui.access.table import DESK
from config.plan import Plan
from router.journal.database import Connection

IN_CHUNK: Final = 400
"""Values in one IN (…): below every database's limit of parameters."""

_CONTACT: Final = (
    "interaction_id, channel, queue_id, state, agent_id, traffic, follows, reading, language, offer_id,"
    " named_agent_id, urgency, offer_count, accepted_at_ms, parked_until_ms, named_until_ms, assigned_at_ms,"
    " answered_at_ms, wrap_up_since_ms, closed_seq"
)
_SHARED: Final = slice(1, 9)
"""Columns of _CONTACT that thousands of rows have in common: kept once each in memory."""

_OUTCOME: Final = (
    "interaction_id, queue_id, answered_queue_id, closed_why, channel, accepted_at_ms, answered_at_ms,"
    " closed_at_ms, abandon_at_ms"
)
_MEASURED: Final = "traffic = 'real' AND follows = ''"
"""What the measures count: real arrivals. A call-back is our own call; what it follows was counted before."""

_OPEN: Final = f"SELECT {_CONTACT} FROM interaction WHERE closed_seq = 0"
_BY_ID: Final = f"SELECT {_CONTACT} FROM interaction WHERE interaction_id IN ({{names}})"
_OUTCOMES: Final = f"SELECT {_OUTCOME} FROM interaction WHERE {_MEASURED} AND interaction_id IN ({{names}})"
_DAY: Final = (
    f"SELECT {_OUTCOME} FROM interaction WHERE {_MEASURED}"
    " AND (closed_seq = 0 OR closed_seq > :seq) AND (answered_at_ms > 0 OR closed_why = 'abandoned')"
)
_OFFERS: Final = (
    "SELECT interaction_id, offer_id, offered_at_ms, deadline_ms FROM offer WHERE offer_id IN ({names})"
)
_AGENTS: Final = (
    "SELECT agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids, grace_until_ms"
    " FROM agent"
)
_CALL_FIELDS: Final = (
    "interaction_id",
    "agent_id",
    "direction",
    "state",
    "since_ms",
    "connected_ms",
    "recording",
    "silent",
)
_CALLS: Final = f"SELECT {', '.join(_CALL_FIELDS)} FROM call WHERE ended_ms = 0 ORDER BY begun_ms, call_id"
_PEOPLE: Final = "SELECT agent_id, name, role FROM person WHERE active = 1"


class Contact(msgspec.Struct, frozen=True, gc=False):
    """An interaction as the wall knows it; array order is _CONTACT's. Memory holds a hundred thousand."""

    interaction_id: str
    channel: str
    queue_id: str
    state: str
    agent_id: str
    traffic: str
    follows: str
    reading: str
    language: str
    offer_id: str
    named_agent_id: str
    urgency: int
    offer_count: int
    accepted_at_ms: int
    parked_until_ms: int
    named_until_ms: int
    assigned_at_ms: int
    answered_at_ms: int
    wrap_up_since_ms: int
    closed_seq: int


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What the measures ask of a contact; array order is _OUTCOME's."""

    interaction_id: str
    queue_id: str
    answered_queue_id: str
    closed_why: str
    channel: str
    accepted_at_ms: int
    answered_at_ms: int
    closed_at_ms: int
    abandon_at_ms: int


class Ring(msgspec.Struct, frozen=True):
    """An offer as the wall knows it."""

    interaction_id: str
    offer_id: str
    offered_at_ms: int
    deadline_ms: int


class Agent(msgspec.Struct, frozen=True):
    """An agent's routing state. Without one (never there) everything is empty."""

    agent_id: str
    available: int = 0
    reason: str = ""
    presence_since_ms: int = 0
    idle_since_ms: int = 0
    desk_ids: str = "[]"
    grace_until_ms: int = 0

    @property
    def desks(self) -> int:
        """How many desks of theirs are open."""
        return len(msgspec.json.decode(self.desk_ids))


def calls(db: Connection) -> dict[str, dict[str, Any]]:
    """Every call that goes on, by interaction: no number, no name."""
    found: dict[str, dict[str, Any]] = {}
    for row in db.rows(_CALLS):
        values = dict(zip(_CALL_FIELDS, row, strict=True))
        found[row[0]] = {**values, "recording": bool(row[6]), "silent": bool(row[7])}
    return found


def open_contacts(db: Connection) -> Iterator[Contact]:
    """Everything that is open."""
    return (_contact(row) for row in db.rows(_OPEN))


def contacts(db: Connection, ids: Iterable[str]) -> dict[str, Contact]:
    """The contacts with these ids, open or not."""
    return {row[0]: _contact(row) for row in _in_chunks(db, _BY_ID, ids)}


def outcomes(db: Connection, ids: Iterable[str]) -> dict[str, Outcome]:
    """What the measures ask of those of these contacts that they count."""
    return {row[0]: Outcome(*row) for row in _in_chunks(db, _OUTCOMES, ids)}


def outcomes_after(db: Connection, seq: int) -> Iterator[Outcome]:
    """What the measures count: contacts that were answered or left, and are open or closed after this row."""
    return (Outcome(*row) for row in db.rows(_DAY, seq=seq))


def rings(db: Connection, offer_ids: Iterable[str]) -> dict[str, Ring]:
    """These offers, by interaction."""
    return {row[0]: Ring(*row) for row in _in_chunks(db, _OFFERS, offer_ids)}


def agents(db: Connection, ids: Iterable[str] | None = None) -> dict[str, Agent]:
    """The routing state of these agents, or of all."""
    if ids is None:
        return {row[0]: Agent(*row) for row in db.rows(_AGENTS)}
    return {row[0]: Agent(*row) for row in _in_chunks(db, f"{_AGENTS} WHERE agent_id IN ({{names}})", ids)}


def people(db: Connection, plan: Plan) -> dict[str, tuple[str, str]]:
    """Name and role of everybody who may work at a desk, in the order of the plan, then the others by id."""
    found = {row[0]: (row[1], row[2]) for row in db.rows(_PEOPLE) if row[2] in DESK}
    order = [each.agent_id for each in plan.people if each.agent_id in found]
    return {agent_id: found[agent_id] for agent_id in [*order, *sorted(set(found) - set(order))]}


def _contact(row: Sequence[Any]) -> Contact:  # Any: columns of _CONTACT
    values = [*row[:1], *(sys.intern(text) for text in row[_SHARED]), *row[_SHARED.stop :]]
    return Contact(*values)


def _in_chunks(db: Connection, sql: str, ids: Iterable[str]) -> Iterator[Sequence[Any]]:  # Any: see above
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), IN_CHUNK):
        values: Mapping[str, str] = {f"v{n}": each for n, each in enumerate(wanted[start : start + IN_CHUNK])}
        yield from db.rows(sql.format(names=", ".join(f":{name}" for name in values)), **values)
