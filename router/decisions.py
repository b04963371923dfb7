"""Orders of the core, in the imperative. The router role commits them to the journal, and only then acts.

Each decision is the whole of one change: `fold` applies it to the tables and `Core` applies it to memory, and
the two must agree. Nothing in the routing state changes without a decision, except that ContactArrived parks a
new interaction. `command_id` names the request being answered, or is empty.
"""

from dataclasses import dataclass

from skills.requirement import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """Candidates that did not get an offer for one reason: how many, and the first five ids in id order."""

    reason: str
    count: int
    agent_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why this interaction went to this agent. `muster why` recomputes the full list by replay.

    Units: score is hundredths of a millisecond (100 x head_start_ms + ageing_pct x wait_ms).
    """

    rule_id: str
    score: int
    step: int
    strategy: str
    tie_break: str
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInteraction:
    """Put it in line (again) with its first accepted_at. Whoever held it, or was offered it, no longer is.

    `why` is one of: read, unread, more_urgent, transferred, orphaned, named_agent_gone, manual, follow_up.
    """

    at_ms: int
    interaction_id: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    why: str
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldForAgent:
    """It waits for one agent whom a person named, until until_ms; then it waits for everybody again."""

    at_ms: int
    interaction_id: str
    agent_id: str
    until_ms: int
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferInteraction:
    """Present it to this agent until the deadline; capacity is reserved. offer_id is `<interaction>/<number>`."""

    at_ms: int
    offer_id: str
    interaction_id: str
    agent_id: str
    deadline_ms: int
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOffer:
    """The offer is over without an accept; the interaction waits again at its old place.

    outcome: declined | ring_no_answer | rescinded. The pair is not tried again before cooldown_until_ms.
    """

    at_ms: int
    offer_id: str
    interaction_id: str
    agent_id: str
    outcome: str
    cooldown_until_ms: int = 0
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectParties:
    """Join the customer and the agent in one conversation, now."""

    at_ms: int
    offer_id: str
    interaction_id: str
    agent_id: str
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginWrapUp:
    """The conversation is over; the assignment keeps its load until a disposition is given."""

    at_ms: int
    interaction_id: str
    agent_id: str
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseInteraction:
    """The interaction ends. why: disposed (by agent_id, with a disposition) | abandoned (agent_id empty)."""

    at_ms: int
    interaction_id: str
    agent_id: str
    disposition: str
    why: str
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCallBack:
    """A customer gave up: a new outbound interaction follows, with the same place in line and urgency."""

    at_ms: int
    interaction_id: str
    follows: str
    channel: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    accepted_at_ms: int
    customer_id: str
    traffic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUrgency:
    """The interaction is this urgent from now on. by: the agent's id, or `triage`."""

    at_ms: int
    interaction_id: str
    urgency: int
    by: str
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WidenRequirement:
    """The interaction's requirement is at this widening step now. why: time | unsatisfiable."""

    at_ms: int
    interaction_id: str
    step: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPresence:
    """The agent's presence from now on. idle_since_ms is what `longest_idle` ranks by."""

    at_ms: int
    agent_id: str
    available: bool
    reason: str
    command_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDesks:
    """These desks of the agent are open. grace_until_ms is when the agent's work goes back (0: desks are open)."""

    at_ms: int
    agent_id: str
    desk_ids: tuple[str, ...]
    grace_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteConnections:
    """These connections of the customer are open. abandon_at_ms is when the contact counts as abandoned (0: not)."""

    at_ms: int
    interaction_id: str
    connection_ids: tuple[str, ...]
    abandon_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRequest:
    """Somebody's request cannot be done, for an everyday reason: a stable code, see words in agents_ui."""

    at_ms: int
    agent_id: str
    command_id: str
    code: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """Somebody should look: a stable code, what it is about, and values for the text."""

    at_ms: int
    code: str
    ref: str
    detail: str = ""


Decision = (
    QueueInteraction
    | HoldForAgent
    | OfferInteraction
    | EndOffer
    | ConnectParties
    | BeginWrapUp
    | CloseInteraction
    | OpenCallBack
    | SetUrgency
    | WidenRequirement
    | SetPresence
    | NoteDesks
    | NoteConnections
    | RefuseRequest
    | RaiseAlarm
)
