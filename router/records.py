"""Between typed events and decisions, and journal rows: names, fields, canonical text. Pure.

Shape: a row's `ref` is the id the fact is about; `data` holds the other fields, sorted keys, only integers,
       strings, booleans, lists and objects. An event takes at_ms from its row (the journal's clock), a
       decision keeps its own at_ms in data (the core's clock). Data may hold more keys than the event has.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from config.plan_file import parse_plan
from config.problems import PlanWrong
from router import decisions, events

GROUP: Final = "decided"
"""Kind of the row that opens each group of decisions: read_through, now_ms, plan_version, release, epoch."""

EVENT_KINDS: Final[Mapping[str, tuple[type, str]]] = {
    "arrived": (events.ContactArrived, "interaction_id"),
    "adopted": (events.InteractionAdopted, "interaction_id"),
    "handover_began": (events.HandoverBegan, "interaction_id"),
    "handover_ended": (events.HandoverEnded, "interaction_id"),
    "yielded": (events.InteractionYielded, "interaction_id"),
    "place_learned": (events.PlaceLearned, "interaction_id"),
    "read": (events.ContactRead, "interaction_id"),
    "customer_connected": (events.CustomerConnected, "interaction_id"),
    "customer_disconnected": (events.CustomerDisconnected, "interaction_id"),
    "desk_joined": (events.DeskJoined, "agent_id"),
    "desk_left": (events.DeskLeft, "agent_id"),
    "presence_declared": (events.PresenceDeclared, "agent_id"),
    "accept_pressed": (events.OfferAccepted, "offer_id"),
    "decline_pressed": (events.OfferDeclined, "offer_id"),
    "conversation_ended": (events.ConversationEnded, "interaction_id"),
    "disposition_given": (events.DispositionGiven, "interaction_id"),
    "transfer_asked": (events.TransferAsked, "interaction_id"),
    "urgency_declared": (events.UrgencyDeclared, "interaction_id"),
    "call_back_asked": (events.CallBackAsked, "interaction_id"),
    "call_back_changed": (events.CallBackChanged, "interaction_id"),
    "call_back_cancelled": (events.CallBackCancelled, "interaction_id"),
    "identity_moved": (events.IdentityMoved, "identity_id"),
    "plan_activated": (events.PlanActivated, "digest"),
}

DECISION_KINDS: Final[Mapping[str, tuple[type, str]]] = {
    "queued": (decisions.QueueInteraction, "interaction_id"),
    "held": (decisions.HoldForAgent, "interaction_id"),
    "offered": (decisions.OfferInteraction, "interaction_id"),
    "offer_ended": (decisions.EndOffer, "interaction_id"),
    "accepted": (decisions.ConnectParties, "interaction_id"),
    "wrap_up_began": (decisions.BeginWrapUp, "interaction_id"),
    "closed": (decisions.CloseInteraction, "interaction_id"),
    "call_back_opened": (decisions.OpenCallBack, "interaction_id"),
    "rescheduled": (decisions.RescheduleCallBack, "interaction_id"),
    "urgency_set": (decisions.SetUrgency, "interaction_id"),
    "place_set": (decisions.SetPlace, "interaction_id"),
    "linked": (decisions.LinkInteraction, "interaction_id"),
    "reading_noted": (decisions.NoteReading, "interaction_id"),
    "widened": (decisions.WidenRequirement, "interaction_id"),
    "presence_set": (decisions.SetPresence, "agent_id"),
    "desks_noted": (decisions.NoteDesks, "agent_id"),
    "connections_noted": (decisions.NoteConnections, "interaction_id"),
    "refused": (decisions.RefuseRequest, "ref"),
    "alarm_raised": (decisions.RaiseAlarm, "ref"),
}

UNREADABLE: Final = (msgspec.MsgspecError, PlanWrong, LookupError, TypeError, ValueError)
"""What event_of raises for a row that somebody wrote wrongly."""

_KIND_OF: Final = {cls: (kind, ref) for kind, (cls, ref) in DECISION_KINDS.items()}
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a writer wants appended; seq, at_ms and hash come from the committer."""

    kind: str
    ref: str
    data: str
    """Canonical JSON text, see canonical()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the journal as readers get it. `data` is canonical JSON text."""

    site: str
    incarnation: str
    seq: int
    at_ms: int
    kind: str
    ref: str
    data: str
    hash: bytes


def canonical(data: object) -> str:
    """The one text of these values: sorted keys, no spaces. Raises TypeError for what JSON cannot hold."""
    return _ENCODER.encode(data).decode()


def fact(kind: str, ref: str, /, **data: Any) -> Fact:
    """A fact from plain values."""
    return Fact(kind=kind, ref=ref, data=canonical(data))


def fact_of(decision: decisions.Decision) -> Fact:
    """The journal's form of a decision."""
    kind, ref = _KIND_OF[type(decision)]
    values = msgspec.to_builtins(decision)
    return Fact(kind=kind, ref=values.pop(ref), data=canonical(values))


def decision_of(kind: str, ref: str, data: str) -> decisions.Decision | None:
    """The decision in a row, or None where the row holds something else."""
    found = DECISION_KINDS.get(kind)
    if found is None:
        return None
    cls, ref_field = found
    decision: decisions.Decision = msgspec.convert({**msgspec.json.decode(data), ref_field: ref}, cls)
    return decision


def event_of(row: Row) -> events.Event | None:
    """The event in a row, or None where the core has no interest in it. Raises one of UNREADABLE."""
    found = EVENT_KINDS.get(row.kind)
    if found is None:
        return None
    cls, ref_field = found
    values = {**msgspec.json.decode(row.data), ref_field: row.ref, "at_ms": row.at_ms}
    if cls is events.PlanActivated:
        plan = parse_plan(values["text"], file_name=f"plan version {values['version']}", in_force=True)
        return events.PlanActivated(at_ms=row.at_ms, version=values["version"], plan=plan)
    if cls is events.ContactArrived:
        values.setdefault("accepted_at_ms", row.at_ms)
    event: events.Event = msgspec.convert(values, cls)
    return event


def readable_part(row: Row) -> events.Event | None:
    """What is left of an event that event_of cannot read: of an arrival everything but the broken fields.

    Its interaction is in the tables, so the core has to know it: then it waits unread, and is seen. Of
    other facts nothing is left: the interaction is where it was, with the deadline that it had.
    """
    if row.kind != "arrived":
        return None
    try:
        data = msgspec.json.decode(row.data)
    except msgspec.MsgspecError:
        data = None
    kept: dict[str, Any] = {"channel": "", "accepted_at_ms": row.at_ms}
    for field in msgspec.structs.fields(events.ContactArrived):
        if isinstance(data, dict) and field.name in data:
            with suppress(msgspec.ValidationError):
                kept[field.name] = msgspec.convert(data[field.name], field.type)
    return events.ContactArrived(**{**kept, "at_ms": row.at_ms, "interaction_id": row.ref})
