"""The routing state as plain values: what the core gives out, and what it is restored from.

`Core.state()` and `journal.restore.load_state()` must give equal objects at every commit (tested at random
points). Everything is sorted by id (offers by offer_id), as Python compares text, so equal states are equal
values.
"""

from dataclasses import dataclass

from skills.requirement import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionState:
    """One open interaction as the core sees it: no words, no addresses.

    state is parked | waiting | offered | assigned. agent_id is whom it is offered to or who holds it.
    linked_to is the verified customer whose open interactions belong together, or empty. Times are 0 when
    they do not apply. wrap_up_since_ms is 0 while the conversation goes on.
    """

    interaction_id: str
    channel: str
    traffic: str
    identity_id: str
    linked_to: str
    accepted_at_ms: int
    state: str
    queue_id: str
    urgency: int
    requirement: Requirement
    rule_id: str
    step: int
    offer_count: int
    offer_id: str
    agent_id: str
    parked_until_ms: int
    named_agent_id: str
    named_until_ms: int
    connection_ids: tuple[str, ...]
    abandon_at_ms: int
    assigned_at_ms: int
    wrap_up_since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """One agent who ever opened a desk or declared presence. Skills are in the plan, not here."""

    agent_id: str
    available: bool
    reason: str
    presence_since_ms: int
    idle_since_ms: int
    desk_ids: tuple[str, ...]
    grace_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferState:
    """The latest offer of one open interaction to one agent. Earlier ones are in the journal only.

    outcome is outstanding | accepted | declined | ring_no_answer | rescinded | transferred.
    """

    offer_id: str
    interaction_id: str
    agent_id: str
    offered_at_ms: int
    deadline_ms: int
    outcome: str
    ended_at_ms: int
    cooldown_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreState:
    """The whole routing state after a commit. now_ms is the time of the last event or decision."""

    now_ms: int
    plan_version: int
    interactions: tuple[InteractionState, ...]
    agents: tuple[AgentState, ...]
    offers: tuple[OfferState, ...]
