"""Orders of the core, in the imperative. The router role commits them to the journal, and only then acts.

Each decision is the whole of one change: `fold` applies it to the tables and `Core` applies it to memory, and
the two must agree; so every docstring here lists what becomes of which field of router/state.py. A field that
is not listed stays. Nothing in the routing state changes without a decision, except that ContactArrived parks
a new interaction. `command_id` names the request being answered, or is empty.

Structs of msgspec, not dataclasses: as frozen and as typed, and made about ten times as fast. Making frozen
dataclasses took more than half of the core's time (docs/decisions/0010).
"""

from msgspec import Struct

from skills.requirement import Requirement


class PassedOver(Struct, frozen=True, kw_only=True):
    """Candidates that did not get an offer for one reason: how many, and the first five ids in id order."""

    reason: str
    count: int
    agent_ids: tuple[str, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """Why this interaction went to this agent. `muster why` recomputes the full list by replay.

    Shape: step is the widening step; tie_break is what decided between the chosen agent and the next one:
           only (nobody else could take it now), load, idle, id, or named (a person chose the agent), or
           same_person (the agent has something else of this verified customer), or same_agent (the agent
           held it at the other site; strategy is as_before).
    Units: score is hundredths of a millisecond (100 x head_start_ms + ageing_pct x wait_ms).
    """

    rule_id: str
    score: int
    step: int
    strategy: str
    tie_break: str
    passed_over: tuple[PassedOver, ...] = ()


class QueueInteraction(Struct, frozen=True, kw_only=True):
    """Put it in line (again) with its first accepted_at. Whoever held it no longer does.

    Never decided while an offer is outstanding: EndOffer comes first.
    `why` is one of: read, unread, more_urgent, transferred, taken_away, orphaned, named_agent_gone, manual,
    due (a call-back whose time has come), adopted (from the other site), kept (the other site does not
    take it).

    Fold: state = waiting; queue_id, urgency, requirement, rule_id as given; step = 0; offer_id, agent_id,
          named_agent_id = ""; parked_until_ms, named_until_ms, assigned_at_ms, wrap_up_since_ms = 0.
    """

    at_ms: int
    interaction_id: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    why: str
    command_id: str = ""


class HoldForAgent(Struct, frozen=True, kw_only=True):
    """It waits for one agent whom a person named, until until_ms; then it waits for everybody again.

    agent_id `@<site>`: it is being given to that site, and nobody here is offered it meanwhile.

    Fold: state = waiting; named_agent_id, named_until_ms as given; offer_id, agent_id = ""; parked_until_ms,
          assigned_at_ms, wrap_up_since_ms = 0.
    """

    at_ms: int
    interaction_id: str
    agent_id: str
    until_ms: int
    command_id: str = ""


class OfferInteraction(Struct, frozen=True, kw_only=True):
    """Present it to this agent until the deadline; capacity is reserved.

    offer_id is `<interaction>/<number>`.
    Fold: state = offered; offer_id, agent_id as given; offer_count + 1. The offer to this agent becomes
          outstanding (replacing an earlier one): offered_at_ms = at_ms; ended_at_ms, cooldown_until_ms = 0.
    """

    at_ms: int
    offer_id: str
    interaction_id: str
    agent_id: str
    deadline_ms: int
    explanation: Explanation


class EndOffer(Struct, frozen=True, kw_only=True):
    """The offer, or what became of it, is over; the interaction waits again at its old place.

    outcome: declined | ring_no_answer | rescinded (all three of an outstanding offer), or transferred (of an
    accepted one: its holder gave the interaction away). The pair is not tried again before cooldown_until_ms.

    Fold: the offer's outcome, cooldown_until_ms as given, ended_at_ms = at_ms. The interaction: state =
          waiting; offer_id, agent_id = ""; assigned_at_ms, wrap_up_since_ms = 0 (a named agent is kept).
          When transferred: the agent's idle_since_ms = at_ms.
    """

    at_ms: int
    offer_id: str
    interaction_id: str
    agent_id: str
    outcome: str
    cooldown_until_ms: int = 0
    command_id: str = ""


class ConnectParties(Struct, frozen=True, kw_only=True):
    """Join the customer and the agent in one conversation, now.

    Fold: state = assigned; offer_id, agent_id as given; assigned_at_ms = at_ms; named_agent_id = "";
          named_until_ms, abandon_at_ms, wrap_up_since_ms = 0. The offer: outcome = accepted,
          ended_at_ms = at_ms, cooldown_until_ms = 0. The agent: idle_since_ms = at_ms.
    """

    at_ms: int
    offer_id: str
    interaction_id: str
    agent_id: str
    command_id: str = ""


class BeginWrapUp(Struct, frozen=True, kw_only=True):
    """The conversation is over; the assignment keeps its load until a disposition is given.

    Fold: wrap_up_since_ms = at_ms.
    """

    at_ms: int
    interaction_id: str
    agent_id: str
    command_id: str = ""


class CloseInteraction(Struct, frozen=True, kw_only=True):
    """The interaction ends. why: disposed (by agent_id, with a disposition) | abandoned (agent_id empty) |
    cancelled (a call-back before its time; by agent_id, with a disposition) | probe (of our own watch, once
    it has found its place in line) | moved (the other site serves it).

    Never decided while an offer is outstanding: EndOffer comes first.
    Fold: it is no longer open, its offers are gone. When disposed: the agent's idle_since_ms = at_ms.
    """

    at_ms: int
    interaction_id: str
    agent_id: str
    disposition: str
    why: str
    command_id: str = ""


class OpenCallBack(Struct, frozen=True, kw_only=True):
    """A customer is called back: a new outbound interaction follows another.

    Of a customer who gave up, with the same place in line and urgency; of one who is to be called back later
    (parked_until_ms is not 0), with the place of that time. The first kind may have been and be over, where
    what it follows came back from the other site and was given up once more: then it begins anew.

    Fold: a new interaction; state = parked when parked_until_ms is given, else waiting; the fields as given;
          other texts empty, other numbers 0. In SQL
          also account, address, thread, language, customer_id: those of what it follows.
    """

    at_ms: int
    interaction_id: str
    follows: str
    channel: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    accepted_at_ms: int
    identity_id: str
    linked_to: str
    traffic: str
    parked_until_ms: int = 0
    named_agent_id: str = ""
    command_id: str = ""


class RescheduleCallBack(Struct, frozen=True, kw_only=True):
    """A call-back before its time has another time, queue or agent.

    Fold: parked_until_ms, accepted_at_ms = due_at_ms; queue_id, requirement, named_agent_id as given.
    """

    at_ms: int
    interaction_id: str
    due_at_ms: int
    queue_id: str
    requirement: Requirement
    named_agent_id: str
    command_id: str = ""


class SetUrgency(Struct, frozen=True, kw_only=True):
    """The interaction is this urgent from now on. by: the agent's id, `triage`, or `person`.

    `person`: something else that the same verified customer has open is this urgent.

    Fold: urgency as given.
    """

    at_ms: int
    interaction_id: str
    urgency: int
    by: str
    command_id: str = ""


class SetPlace(Struct, frozen=True, kw_only=True):
    """It was accepted this early: its place in line, its widening and its alarm count from there.

    Only ever earlier than before. An outstanding offer keeps its deadline.

    Fold: accepted_at_ms as given.
    """

    at_ms: int
    interaction_id: str
    accepted_at_ms: int


class NoteReading(Struct, frozen=True, kw_only=True):
    """It was read (again) while it is offered, or waits for a named agent: there it stays.

    What it asks now counts when it waits for everybody again.

    Fold: queue_id, urgency, requirement, rule_id as given; step = 0.
    """

    at_ms: int
    interaction_id: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str


class LinkInteraction(Struct, frozen=True, kw_only=True):
    """From now on it is linked to what else this verified customer has open.

    Fold: linked_to as given.
    """

    at_ms: int
    interaction_id: str
    linked_to: str


class WidenRequirement(Struct, frozen=True, kw_only=True):
    """The interaction's requirement is at this widening step now. why: time | unsatisfiable.

    Fold: step as given.
    """

    at_ms: int
    interaction_id: str
    step: int
    why: str


class SetPresence(Struct, frozen=True, kw_only=True):
    """The agent's presence from now on (also when it was the same before: somebody asked).

    Fold: an unknown agent is added: presence_since_ms, idle_since_ms = at_ms, no desks. A known one:
          idle_since_ms = at_ms only when available turns from false to true; presence_since_ms = at_ms only
          when available or reason differ from before. Then available, reason as given.
    """

    at_ms: int
    agent_id: str
    available: bool
    reason: str
    command_id: str = ""


class NoteDesks(Struct, frozen=True, kw_only=True):
    """These desks of the agent are open. With none open, grace_until_ms is when the agent's work goes back.

    grace_until_ms is 0 while a desk is open, and again from the end of the grace on.

    Fold: an unknown agent is added: not available, reason "", presence_since_ms, idle_since_ms = at_ms.
          A known one that had no desk and no grace (it was gone) and has a desk now: idle_since_ms = at_ms.
          Then desk_ids (sorted), grace_until_ms as given.
    """

    at_ms: int
    agent_id: str
    desk_ids: tuple[str, ...]
    grace_until_ms: int


class NoteConnections(Struct, frozen=True, kw_only=True):
    """These connections of the customer are open. It counts as abandoned at abandon_at_ms (0: not at all).

    Fold: connection_ids (sorted), abandon_at_ms as given.
    """

    at_ms: int
    interaction_id: str
    connection_ids: tuple[str, ...]
    abandon_at_ms: int


class RefuseRequest(Struct, frozen=True, kw_only=True):
    """Somebody's request cannot be done, for an everyday reason: a stable code, see words in agents_ui.

    The codes are router/refusals.py. ref is the interaction, or the agent, the request was about.
    Fold: nothing.
    """

    at_ms: int
    agent_id: str
    command_id: str
    code: str
    ref: str


class RaiseAlarm(Struct, frozen=True, kw_only=True):
    """Somebody should look: a stable code, what it is about, and values for the text.

    The codes are router/alarms.py. Fold: an alarm row; nothing in the routing state.
    """

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
    | RescheduleCallBack
    | SetUrgency
    | SetPlace
    | NoteReading
    | LinkInteraction
    | WidenRequirement
    | SetPresence
    | NoteDesks
    | NoteConnections
    | RefuseRequest
    | RaiseAlarm
)
