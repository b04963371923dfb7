"""Which desks a batch of the journal's rows concerns, told from the rows alone; values come from SQL later.

Pure: rows and what desks show now go in, ids come out.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from router.records import DECISION_KINDS, Row

_SHOWN: Final = frozenset(
    {
        "message_added",
        "message_copied",
        "read",
        "queued",
        "held",
        "offered",
        "offer_ended",
        "accepted",
        "wrap_up_began",
        "closed",
        "urgency_set",
        "place_set",
        "reading_noted",
        "connections_noted",
        "consent_changed",
        "located",
        "call_changed",
    }
)
"""Kinds that change what a desk shows of an interaction (their ref)."""

_BRINGS: Final = frozenset({"offered", "accepted"})
"""Kinds that bring an interaction to an agent."""

_OF_PERSON: Final = frozenset(
    {
        "arrived",
        "queued",
        "held",
        "offered",
        "offer_ended",
        "accepted",
        "wrap_up_began",
        "closed",
        "call_back_opened",
        "rescheduled",
        "urgency_set",
        "place_set",
        "reading_noted",
    }
)
"""Kinds that change what else a person has open, or where it is."""

_CUSTOMER: Final = frozenset({"customer_added", "customer_named", "identity_claimed"})
"""Kinds about a customer (their ref)."""

_WAITING: Final = frozenset(
    {
        "queued",
        "held",
        "offered",
        "offer_ended",
        "accepted",
        "closed",
        "call_back_opened",
        "urgency_set",
        "place_set",
        "reading_noted",
    }
)
"""Kinds that change how many wait."""

_STATUS: Final = frozenset({"fallback_decided", "delivered", "send_tried", "part_added"})
"""Kinds about what became of a message: how far an answer has come, what was fetched of what arrived."""

_ALARM: Final = frozenset(
    {"alarm_raised", "delivery_troubled", "trouble_noticed", "copy_missed", "kept_too", "sent_twice"}
)
"""Kinds that are an alarm, or can be one."""

_AGENT: Final = frozenset({"presence_set", "desks_noted", "person_changed"})
"""Kinds about an agent (their ref)."""


class RowData(msgspec.Struct):
    """The keys of rows that desks look at."""

    agent_id: str = ""
    command_id: str = ""
    message_id: str = ""
    desk_id: str = ""
    code: str = ""
    status: str = ""
    outcome: str = ""
    from_customer_id: str = ""
    to_customer_id: str = ""
    alarm_id: str = ""
    early: bool = False


@dataclass(slots=True)
class Touched:
    """What a batch of rows concerns."""

    interactions: dict[str, set[str]] = field(default_factory=dict)
    """Interactions to look at, with those of their messages that are new or changed."""

    offered: set[str] = field(default_factory=set)
    """Those of them that were offered to an agent here: nothing may wait less."""

    agents: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    """Messages that changed after they were said; whose interactions they are, SQL knows."""

    of_persons: set[str] = field(default_factory=set)
    """Interactions that changed, whoever's they are: something else of a person shown here, perhaps."""

    customers: set[str] = field(default_factory=set)
    """Customers of whom something else is known now."""

    moved: set[str] = field(default_factory=set)
    """Customers who lost or gained an identity, and with it conversations."""

    duals: set[str] = field(default_factory=set)
    """Interactions of which agents have to be told that somebody at the other site answered, too."""

    alarms: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    """Hashes of sessions that ended."""

    left: set[str] = field(default_factory=set)
    """Desks that count as closed. One that is open here was given up by the router while we stood still."""

    people: set[str] = field(default_factory=set)
    """People whose role, name or password changed."""

    answers: list[tuple[str, str, str]] = field(default_factory=list)
    """(command_id, kind, code) of decisions that answer a command."""

    figures: bool = False
    plan: bool = False

    @property
    def concerns(self) -> bool:
        """Whether any desk's entities may have changed. What is told of two answers is an alarm as well."""
        about = (self.interactions, self.agents, self.delivered, self.of_persons, self.customers)
        return any(about) or bool(self.moved or self.alarms)


def touched_by(
    rows: Iterable[Row], *, agents: Container[str], shown: Mapping[str, object], persons: bool = True
) -> Touched:
    """What these rows concern, given the agents with a desk here and the interactions these desks show.

    `persons`: whether these desks show any customer.
    """
    touched = Touched()
    for row in rows:
        if row.kind in _SHOWN:
            _interaction(touched, row, agents, shown)
        elif row.kind in _AGENT:
            if row.ref in agents:
                touched.agents.add(row.ref)
                if row.kind == "person_changed":
                    touched.people.add(row.ref)
        elif row.kind in _STATUS:
            _status(touched, row)
        elif row.kind in _ALARM:
            touched.alarms.add(f"{row.site}/{row.seq}")
            touched.duals |= {row.ref} if row.kind == "kept_too" else set()
        elif row.kind == "alarm_seen":
            touched.alarms.add(row.ref)
        elif row.kind == "copy_healed":
            touched.alarms.update(filter(None, [msgspec.json.decode(row.data, type=RowData).alarm_id]))
        elif row.kind == "desk_left":
            touched.left.add(msgspec.json.decode(row.data, type=RowData).desk_id)
        elif row.kind == "session_ended":
            touched.sessions.add(row.ref)
        elif row.kind == "plan_activated":
            touched.plan = True
        elif row.kind == "text_switched":
            touched.alarms.add(f"{row.site}/{row.seq}")
            for interaction_id in shown:
                touched.interactions.setdefault(interaction_id, set())
        if persons:
            _person(touched, row)
        touched.figures |= row.kind in _WAITING
        _answer(touched, row)
    return touched


def _status(touched: Touched, row: Row) -> None:
    """An answer that will not arrive is an alarm as well."""
    data = msgspec.json.decode(row.data, type=RowData)
    touched.delivered.add(data.message_id if row.kind == "send_tried" else row.ref)
    if "failed" in (data.status, data.outcome):
        touched.alarms.add(f"{row.site}/{row.seq}")


def _interaction(touched: Touched, row: Row, agents: Container[str], shown: Mapping[str, object]) -> None:
    data = msgspec.json.decode(row.data, type=RowData)
    if data.early:
        return  # what follows behind an adoption is older than what is shown, and may be thousands
    if row.ref in shown or (row.kind in _BRINGS and data.agent_id in agents):
        messages = touched.interactions.setdefault(row.ref, set())
        if data.message_id:
            messages.add(data.message_id)
        if row.kind == "offered" and data.agent_id in agents:
            touched.offered.add(row.ref)


def _person(touched: Touched, row: Row) -> None:
    if row.kind in _OF_PERSON:
        touched.of_persons.add(row.ref)
    elif row.kind in _CUSTOMER:
        touched.customers.add(row.ref)
    elif row.kind == "identity_moved":
        data = msgspec.json.decode(row.data, type=RowData)
        touched.moved |= {data.from_customer_id, data.to_customer_id}


def _answer(touched: Touched, row: Row) -> None:
    """Requests carry their command_id too: only a decision answers it."""
    if row.kind not in DECISION_KINDS or '"command_id":""' in row.data:
        return
    data = msgspec.json.decode(row.data, type=RowData)
    if data.command_id:
        touched.answers.append((data.command_id, row.kind, data.code))
