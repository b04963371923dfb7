"""The life of an offer: one interaction in front of one agent. As a table, keyed by what happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OUTSTANDING: Final = "outstanding"
ACCEPTED: Final = "accepted"
DECLINED: Final = "declined"
RING_NO_ANSWER: Final = "ring_no_answer"
RESCINDED: Final = "rescinded"
TRANSFERRED: Final = "transferred"

TRANSITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    OUTSTANDING: {
        "accept_pressed": ACCEPTED,
        "decline_pressed": DECLINED,
        "deadline_passed": RING_NO_ANSWER,
        # The customer or the agent left, or the agent is not available any more.
        "withdrawn": RESCINDED,
    },
    # A late accept is honoured while nobody else holds or is offered the interaction.
    RING_NO_ANSWER: {"accept_pressed": ACCEPTED},
    ACCEPTED: {"given_away": TRANSFERRED},
    DECLINED: {},
    RESCINDED: {},
    TRANSFERRED: {},
}

COOLING: Final = (DECLINED, RING_NO_ANSWER, TRANSFERRED)
"""Outcomes after which the same pair is not tried again for a while."""


@dataclass(slots=True, eq=False)
class Offer:
    """The latest offer of an interaction to an agent. Shape: see router.state.OfferState."""

    offer_id: str
    interaction_id: str
    agent_id: str
    offered_at_ms: int
    deadline_ms: int
    outcome: str = OUTSTANDING
    ended_at_ms: int = 0
    cooldown_until_ms: int = 0
