"""What decisions do to agents: presence, desks, work taken and given back. change.py does the rest."""

from queues.interaction import Interaction
from queues.lifecycle import ASSIGNED
from router import deadlines
from router import decisions as d
from router.agent import Agent
from router.centre import Centre
from router.offer import Offer


def seat(centre: Centre, agent: Agent) -> None:
    """Bring everything that follows from an agent's presence, desks and work up to date."""
    if centre.ready.refresh(agent):
        centre.freed[agent] = None


def take(centre: Centre, agent: Agent, interaction: Interaction) -> None:
    """The agent holds this from now on, or is offered it."""
    agent.held[interaction.interaction_id] = interaction
    agent.fill = agent.fill.plus(interaction.kind)
    if centre.ready.refresh(agent):
        centre.freed[agent] = None


def release(centre: Centre, interaction: Interaction) -> None:
    """Take it from wherever it is: the line, an agent's own line, or the agent who holds or is offered it."""
    if interaction.place is not None:
        centre.line.leave(interaction)
    elif interaction.agent_id:
        agent = centre.agents[interaction.agent_id]
        del agent.held[interaction.interaction_id]
        agent.fill = agent.fill.minus(interaction.kind)
        if centre.ready.refresh(agent):
            centre.freed[agent] = None
    elif interaction.named_agent_id:
        named = centre.agents.get(interaction.named_agent_id)
        if named is not None:
            named.named.pop(interaction.interaction_id, None)


def cool(centre: Centre, agent: Agent, interaction: Interaction, offer: Offer, *, now_ms: int) -> None:
    """This agent is not offered this interaction again for a while."""
    agent.cooled[interaction.interaction_id] = interaction
    centre.cooling[interaction] = None
    for at_ms in (offer.ended_at_ms + centre.limits.only_candidate_ms, offer.cooldown_until_ms):
        if at_ms > now_ms:
            centre.moments.add(at_ms, deadlines.COOLED, interaction.interaction_id)


def set_presence(centre: Centre, order: d.SetPresence) -> None:
    """The agent is available or not from now on."""
    agent = _known(centre, order.agent_id, order.at_ms)
    was_working = agent.working
    if (agent.available, agent.reason) != (order.available, order.reason):
        agent.presence_since_ms = order.at_ms
    if order.available and not agent.available:
        agent.idle_since_ms = order.at_ms
    agent.available = order.available
    agent.reason = order.reason
    _recount(centre, agent, was_working=was_working, was_signed_in=agent.signed_in)


def note_desks(centre: Centre, order: d.NoteDesks) -> None:
    """These desks of the agent are open; with none, a grace runs or the agent is gone."""
    agent = _known(centre, order.agent_id, order.at_ms)
    was_working, was_signed_in = agent.working, agent.signed_in
    if not was_signed_in and order.desk_ids:
        agent.idle_since_ms = order.at_ms
    agent.desk_ids = order.desk_ids
    agent.grace_until_ms = order.grace_until_ms
    if order.grace_until_ms:
        centre.deadlines.add(order.grace_until_ms, deadlines.GRACE, order.agent_id)
    # Offers and named ones end sooner without a desk, and in their own time again with one.
    for interaction in agent.held.values():
        if interaction.state != ASSIGNED:
            due_ms = centre.offer_due_ms(interaction)
            centre.deadlines.add(due_ms, deadlines.OFFER, interaction.interaction_id)
    for interaction in agent.named.values():
        centre.deadlines.add(centre.named_due_ms(interaction), deadlines.NAMED, interaction.interaction_id)
    _recount(centre, agent, was_working=was_working, was_signed_in=was_signed_in)


def _known(centre: Centre, agent_id: str, at_ms: int) -> Agent:
    agent = centre.agents.get(agent_id)
    if agent is None:
        agent = centre.agents[agent_id] = Agent(
            agent_id,
            centre.capacity.empty,
            centre.crew_of(agent_id),
            presence_since_ms=at_ms,
            idle_since_ms=at_ms,
        )
    return agent


def _recount(centre: Centre, agent: Agent, *, was_working: bool, was_signed_in: bool) -> None:
    centre.rolls += 1
    agent.declare()
    if agent.crew is not None:
        agent.crew.working += agent.working - was_working
        if was_working and not agent.working:
            # Somebody who declined may be the only candidate now.
            centre.fresh.update((each, False) for each in centre.cooling if each not in centre.fresh)
        change = agent.signed_in - was_signed_in
        if change:
            centre.population += change
            centre.first_came = centre.first_came or (change > 0 and centre.population == 1)
            centre.emptied = centre.emptied or (change < 0 and centre.population == 0)
            if centre.line.book.note_signed_in(agent.crew, change):
                if change > 0:
                    centre.came = True
                else:
                    centre.lost.update((each, None) for each in agent.crew.serves if not each.reach)
    seat(centre, agent)
