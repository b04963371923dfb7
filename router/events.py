"""Facts that reach the core, in the past tense. Written by others to the journal, translated by records.py.

The core is told; it never asks. An event that repeats, arrives late or refers to something that is gone is
ordinary (docs/style.md, 7): it leads to no decision, or to RefuseRequest when somebody waits for an answer.

Every event carries `at_ms`, the journal's time of its row, milliseconds UTC. `command_id` is the id a desk
chose for its request; decisions that answer the request carry it back. Structs as in decisions.py.
"""

from typing import Final

from msgspec import Struct

from config.plan import Plan
from skills.requirement import Requirement

READ_WITHIN_MS: Final = 2_000
"""How long a contact is parked for its reading when the fact does not say (the default of config Limits)."""


class ContactArrived(Struct, frozen=True, kw_only=True):
    """A contact is on disk and began a new interaction. It is parked until read, or limits.read_within_ms.

    accepted_at_ms fixes its place in line for ever. `customer_id` and `identity_id` are empty when the
    address must not be linked; `verified` says that it is known to be this customer's. `connection_id` is
    empty on channels without connections. parked_until_ms is when it waits unread (written by the web from
    limits.read_within_ms of its plan); 0 means READ_WITHIN_MS after at_ms.
    """

    at_ms: int
    interaction_id: str
    channel: str
    accepted_at_ms: int
    customer_id: str = ""
    identity_id: str = ""
    verified: bool = False
    connection_id: str = ""
    traffic: str = "real"
    parked_until_ms: int = 0


class InteractionAdopted(Struct, frozen=True, kw_only=True):
    """The other site's interaction is served here from now on, with its own place in line.

    Shape: queue_id is empty when nobody has read it yet: then it is parked for its reading. `scheduled`: a
           call-back before its time, parked until parked_until_ms. agent_id is who held it there and is to
           go on with it here. offer_count goes on from there, so that no two offers have one id.
    """

    at_ms: int
    interaction_id: str
    channel: str
    accepted_at_ms: int
    customer_id: str = ""
    identity_id: str = ""
    verified: bool = False
    traffic: str = "real"
    parked_until_ms: int = 0
    queue_id: str = ""
    urgency: int = 0
    requirement: Requirement = Requirement()
    rule_id: str = ""
    named_agent_id: str = ""
    agent_id: str = ""
    offer_count: int = 0
    scheduled: bool = False


class HandoverBegan(Struct, frozen=True, kw_only=True):
    """It is being given to the other site: nobody here is offered it until that site has answered.

    until_ms: when it waits here again, if nothing was heard.
    """

    at_ms: int
    interaction_id: str
    to_site: str
    until_ms: int


class HandoverEnded(Struct, frozen=True, kw_only=True):
    """The other site does not take it: it waits here again, at its old place."""

    at_ms: int
    interaction_id: str


class InteractionYielded(Struct, frozen=True, kw_only=True):
    """The other site serves it. Here it ends, unless an agent here holds it."""

    at_ms: int
    interaction_id: str
    to_site: str


class PlaceLearned(Struct, frozen=True, kw_only=True):
    """The other site had this contact as well, and earlier: the place in line is that of the first receipt.

    A later time, or one that is known already, changes nothing.
    """

    at_ms: int
    interaction_id: str
    accepted_at_ms: int


class ContactRead(Struct, frozen=True, kw_only=True):
    """Triage has read the first contact of an interaction, or a later message of it.

    The first one puts it in line. A later one only ever makes it more urgent (then its queue and requirement
    come along, unless somebody already holds it); lowering takes a named person.

    While it is offered, the offer rings on: withdrawing it would take the customer from an agent about to
    accept. Queue and requirement count when it waits again. The same for one that waits for a named agent.
    """

    at_ms: int
    interaction_id: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    language: str = ""


class CustomerConnected(Struct, frozen=True, kw_only=True):
    """The customer has a live connection (chat) belonging to this interaction."""

    at_ms: int
    interaction_id: str
    connection_id: str


class CustomerDisconnected(Struct, frozen=True, kw_only=True):
    """That connection closed, or the process that held it died.

    `for_good`: the customer ended it (hung up) and cannot come back by it: nobody waits whether they do.
    """

    at_ms: int
    interaction_id: str
    connection_id: str
    for_good: bool = False


class DeskJoined(Struct, frozen=True, kw_only=True):
    """An agent opened a desk (one browser window). Presence is the agent's, over all desks."""

    at_ms: int
    agent_id: str
    desk_id: str


class DeskLeft(Struct, frozen=True, kw_only=True):
    """A desk closed, or the process that held its connection died."""

    at_ms: int
    agent_id: str
    desk_id: str


class PresenceDeclared(Struct, frozen=True, kw_only=True):
    """The agent (or, for an agent who left, a supervisor) declares presence. No `reason` when available.

    `by` is who says so, when that is not the agent. hand_back: what the agent holds, and what waits for the
    agent by name, goes back in line (when not available).
    """

    at_ms: int
    agent_id: str
    available: bool
    reason: str = ""
    command_id: str = ""
    by: str = ""
    hand_back: bool = False


class OfferAccepted(Struct, frozen=True, kw_only=True):
    """An agent pressed Accept. May arrive after the offer has already ended."""

    at_ms: int
    offer_id: str
    agent_id: str
    command_id: str = ""


class OfferDeclined(Struct, frozen=True, kw_only=True):
    """An agent pressed Decline. May arrive after the offer has already ended."""

    at_ms: int
    offer_id: str
    agent_id: str
    command_id: str = ""


class ConversationEnded(Struct, frozen=True, kw_only=True):
    """The agent ended the conversation; wrap-up begins."""

    at_ms: int
    interaction_id: str
    agent_id: str
    command_id: str = ""


class DispositionGiven(Struct, frozen=True, kw_only=True):
    """The agent finished an interaction with an outcome (from the conversation or from wrap-up)."""

    at_ms: int
    interaction_id: str
    agent_id: str
    disposition: str
    command_id: str = ""


class TransferAsked(Struct, frozen=True, kw_only=True):
    """The holder gives the interaction to a queue, or to a named agent: exactly one of the two is given.

    steps_in: agent_id is a supervisor (access has checked that) who need not hold it. Then it may wait, be
    offered, or be held by anybody; with neither given, it is taken away from its holder.
    """

    at_ms: int
    interaction_id: str
    agent_id: str
    to_queue_id: str = ""
    to_agent_id: str = ""
    command_id: str = ""
    steps_in: bool = False


class UrgencyDeclared(Struct, frozen=True, kw_only=True):
    """A named person sets the urgency. `may_lower` says whether access allowed that person to lower it."""

    at_ms: int
    interaction_id: str
    agent_id: str
    urgency: int
    may_lower: bool = False
    command_id: str = ""


class CallBackAsked(Struct, frozen=True, kw_only=True):
    """The customer of this interaction is to be called back at due_at_ms, about the same matter.

    By its holder (also in wrap-up), or by a supervisor (steps_in). With neither queue nor agent it will wait
    where this one does; with an agent it waits for that agent first. urgency 0: as urgent as this one.
    """

    at_ms: int
    interaction_id: str
    agent_id: str
    due_at_ms: int
    to_queue_id: str = ""
    to_agent_id: str = ""
    urgency: int = 0
    command_id: str
    steps_in: bool = False


class CallBackChanged(Struct, frozen=True, kw_only=True):
    """A supervisor (access has checked that) gives a call-back before its time another time or place."""

    at_ms: int
    interaction_id: str
    agent_id: str
    due_at_ms: int
    to_queue_id: str = ""
    to_agent_id: str = ""
    command_id: str = ""


class CallBackCancelled(Struct, frozen=True, kw_only=True):
    """A supervisor (access has checked that) ends a call-back before its time, with a disposition."""

    at_ms: int
    interaction_id: str
    agent_id: str
    disposition: str
    command_id: str = ""


class IdentityMoved(Struct, frozen=True, kw_only=True):
    """A person said that this identity is another customer's (linked, merged, split, or taken back).

    Interactions that came from it and are linked by it go along.
    """

    at_ms: int
    identity_id: str
    from_customer_id: str
    to_customer_id: str


class PlanActivated(Struct, frozen=True, kw_only=True):
    """Another plan is in force from here on. Everything waiting is matched anew under it."""

    at_ms: int
    version: int
    plan: Plan


Event = (
    ContactArrived
    | InteractionAdopted
    | HandoverBegan
    | HandoverEnded
    | InteractionYielded
    | PlaceLearned
    | ContactRead
    | CustomerConnected
    | CustomerDisconnected
    | DeskJoined
    | DeskLeft
    | PresenceDeclared
    | OfferAccepted
    | OfferDeclined
    | ConversationEnded
    | DispositionGiven
    | TransferAsked
    | UrgencyDeclared
    | CallBackAsked
    | CallBackChanged
    | CallBackCancelled
    | IdentityMoved
    | PlanActivated
)
