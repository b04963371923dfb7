"""Between a centre in memory and its state as plain values. A restored centre is the same centre."""

from config.words import URGENT_MAX
from queues.interaction import Interaction
from queues.lifecycle import ASSIGNED, OFFERED, PARKED, WAITING
from router import deadlines
from router.agent import Agent
from router.centre import Centre
from router.change import line_up, link
from router.events import PlanActivated
from router.offer import COOLING, Offer
from router.seats import cool, seat
from router.state import AgentState, CoreState, InteractionState, OfferState


def state_of(centre: Centre) -> CoreState:
    """Everything a centre is made of; equal centres give equal values."""
    interactions = [centre.interactions[each] for each in sorted(centre.interactions)]
    offers = [offer for each in interactions for offer in (each.offers or {}).values()]
    return CoreState(
        now_ms=centre.now_ms,
        plan_version=centre.plan_version,
        interactions=tuple(map(_interaction_state, interactions)),
        agents=tuple(_agent_state(centre.agents[each]) for each in sorted(centre.agents)),
        offers=tuple(_offer_state(each) for each in sorted(offers, key=lambda each: each.offer_id)),
    )


def fill(centre: Centre, state: CoreState) -> None:
    """Make an empty centre the one that had this state."""
    centre.now_ms = state.now_ms
    for interaction in state.interactions:
        centre.interactions[interaction.interaction_id] = _interaction(centre, interaction)
    for agent in state.agents:
        _add_agent(centre, agent)
    for offer in state.offers:
        _add_offer(centre, offer)
    for each in centre.interactions.values():
        _place(centre, each)
    for each_agent in centre.agents.values():
        seat(centre, each_agent)
    settle(centre)


def settle(centre: Centre) -> None:
    """Nothing is new about a centre as it is."""
    centre.fresh.clear()
    centre.freed.clear()
    centre.lost.clear()
    centre.came = centre.first_came = centre.emptied = False


def under_plan(centre: Centre, event: PlanActivated) -> Centre:
    """The same centre under another plan; whoever is ready and whatever is unmet is looked at anew."""
    changed = Centre(event.plan, event.version)
    fill(changed, state_of(centre))
    changed.plan_version = event.version
    changed.freed.update((agent, None) for agent in changed.agents.values() if agent.ready)
    for audience in changed.line.book.audiences.values():
        if not audience.reach:
            changed.lost[audience] = None
    changed.emptied = changed.population == 0
    return changed


def _interaction(centre: Centre, state: InteractionState) -> Interaction:
    fields = {name: getattr(state, name) for name in InteractionState.__slots__}
    interaction = Interaction(**fields, kind=centre.capacity.kind_of(state.channel))
    if interaction.linked_to:
        link(centre, interaction, interaction.linked_to)
    return interaction


def _add_agent(centre: Centre, state: AgentState) -> None:
    agent = centre.agents[state.agent_id] = Agent(
        state.agent_id, centre.capacity.empty, centre.crew_of(state.agent_id)
    )
    for name in AgentState.__slots__:
        setattr(agent, name, getattr(state, name))
    agent.declare()
    if agent.crew is not None:
        agent.crew.working += agent.working
        if agent.signed_in:
            centre.population += 1
            centre.line.book.note_signed_in(agent.crew, 1)
    if agent.grace_until_ms:
        centre.deadlines.add(agent.grace_until_ms, deadlines.GRACE, agent.agent_id)


def _add_offer(centre: Centre, state: OfferState) -> None:
    interaction = centre.interactions[state.interaction_id]
    if interaction.offers is None:
        interaction.offers = {}
    fields = {name: getattr(state, name) for name in OfferState.__slots__}
    offer = interaction.offers[state.agent_id] = Offer(**fields)
    if offer.outcome in COOLING and offer.cooldown_until_ms > centre.now_ms:
        cool(centre, centre.agents[state.agent_id], interaction, offer, now_ms=centre.now_ms)


def _place(centre: Centre, interaction: Interaction) -> None:
    ref = interaction.interaction_id
    if interaction.state == WAITING:
        line_up(centre, interaction, alarm=False)
    elif interaction.state == PARKED:
        centre.deadlines.add(interaction.parked_until_ms, deadlines.UNREAD, ref)
    else:
        interaction.ask = centre.ask_of(interaction)
        agent = centre.agents[interaction.agent_id]
        agent.held[ref] = interaction
        agent.fill = agent.fill.plus(interaction.kind)
    if interaction.state == OFFERED:
        centre.deadlines.add(centre.offer_due_ms(interaction), deadlines.OFFER, ref)
    if interaction.abandon_at_ms and interaction.state != ASSIGNED:
        centre.deadlines.add(interaction.abandon_at_ms, deadlines.ABANDON, ref)
    if interaction.wrap_up_since_ms:
        due_ms = interaction.wrap_up_since_ms + centre.limits.wrap_up_ms
        if due_ms > centre.now_ms:
            centre.moments.add(due_ms, deadlines.WRAP_UP, ref)
    if 0 < interaction.urgency <= URGENT_MAX:
        centre.watch(interaction, was_urgent=True, now_ms=centre.now_ms)


def _interaction_state(interaction: Interaction) -> InteractionState:
    return InteractionState(**{name: getattr(interaction, name) for name in InteractionState.__slots__})


def _agent_state(agent: Agent) -> AgentState:
    return AgentState(**{name: getattr(agent, name) for name in AgentState.__slots__})


def _offer_state(offer: Offer) -> OfferState:
    return OfferState(**{name: getattr(offer, name) for name in OfferState.__slots__})
