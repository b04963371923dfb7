"""The offer of an interaction to an agent: its number, its deadline and its explanation. Reads only."""

from config.words import URGENT_MAX
from queues.interaction import Interaction
from router.agent import Agent
from router.centre import Centre
from router.decisions import OfferInteraction
from router.explain import explain


def offer_of(
    centre: Centre, interaction: Interaction, agent: Agent, rival: Agent | None, now_ms: int
) -> OfferInteraction:
    """The order to offer this interaction to this agent; `rival` would have been next, if anybody."""
    channel = centre.capacity.channel(interaction.kind)
    ring_ms = channel.offer_ms_urgent if interaction.urgency <= URGENT_MAX else channel.offer_ms
    return OfferInteraction(
        at_ms=now_ms,
        offer_id=f"{interaction.interaction_id}/{interaction.offer_count + 1}",
        interaction_id=interaction.interaction_id,
        agent_id=agent.agent_id,
        deadline_ms=now_ms + ring_ms,
        explanation=explain(centre, interaction, agent, rival, now_ms),
    )
