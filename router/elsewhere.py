"""What the core decides about interactions that come from the other site, or go there. Reads only.

Nothing here knows whether a site is alive: somebody else does (router/sites/), and says so by a fact. What
is given away waits for `@<site>` meanwhile, with a deadline, so that two sites never offer it at once and
none of them loses it.
"""

from typing import Final

from config.words import ELSEWHERE, MANUAL_QUEUE, MOVED, STAGED, URGENCIES
from queues.interaction import ANYBODY, Interaction
from queues.lifecycle import ASSIGNED, PARKED, WAITING
from router import contacts, persons
from router import events as e
from router.centre import Centre
from router.decisions import (
    CloseInteraction,
    ConnectParties,
    Decision,
    Explanation,
    HoldForAgent,
    NoteDesks,
    OfferInteraction,
    QueueInteraction,
    SetPlace,
)
from router.placing import MANUAL_RULE, asked_for, back_in_line, ended, queue, withdrawn

AS_BEFORE: Final = "as_before"
"""Strategy of the offer that stands for what an agent held at the other site: accepted as it is made."""


def adopted(centre: Centre, event: e.InteractionAdopted, now_ms: int) -> list[Decision]:
    """Into line at its old place, or back to the agent who held it. Unread ones are read here first."""
    interaction = centre.interactions[event.interaction_id]
    if event.scheduled or not event.queue_id:
        return []
    order = _place(centre, interaction, event, now_ms)
    if interaction.traffic in STAGED:
        return [order, ended(interaction, now_ms)]
    others = persons.raised(centre, interaction, order.urgency, now_ms)
    if event.agent_id and centre.knows_agent(event.agent_id):
        return [order, *_held_as_before(centre, interaction, event.agent_id, now_ms), *others]
    return [order, *others]


def handed(centre: Centre, event: e.HandoverBegan, now_ms: int) -> list[Decision]:
    """Nobody here is offered it while the other site is asked. What is held, or not read yet, stays."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None or interaction.state in (ASSIGNED, PARKED):
        return []
    hold = HoldForAgent(
        at_ms=now_ms,
        interaction_id=event.interaction_id,
        agent_id=ELSEWHERE + event.to_site,
        until_ms=max(event.until_ms, now_ms),
    )
    return [*withdrawn(interaction, now_ms), hold]


def kept(centre: Centre, event: e.HandoverEnded, now_ms: int) -> list[Decision]:
    """The other site does not take it."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None or interaction.state != WAITING:
        return []
    if not interaction.named_agent_id.startswith(ELSEWHERE):
        return []
    if asked_for(interaction) and interaction.abandon_at_ms == interaction.named_until_ms:
        return contacts.abandoned(centre, interaction, now_ms)  # who gave up meanwhile
    order = back_in_line(interaction, now_ms, why="kept")
    return [order, ended(interaction, now_ms)] if interaction.traffic in STAGED else [order]


def yielded(centre: Centre, event: e.InteractionYielded, now_ms: int) -> list[Decision]:
    """It ends here, because it goes on there. An agent who holds it keeps it: both sites have answered."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None or interaction.state == ASSIGNED:
        return []
    close = CloseInteraction(
        at_ms=now_ms, interaction_id=event.interaction_id, agent_id="", disposition="", why=MOVED
    )
    return [*withdrawn(interaction, now_ms), close]


def placed(centre: Centre, event: e.PlaceLearned, now_ms: int) -> list[Decision]:
    """Both sites got this contact: whichever keeps it, its place in line is the earlier one.

    A call-back before its time waits by a time that people agreed on: no receipt moves that.
    """
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None or interaction.scheduled or event.accepted_at_ms >= interaction.accepted_at_ms:
        return []
    return [SetPlace(at_ms=now_ms, interaction_id=event.interaction_id, accepted_at_ms=event.accepted_at_ms)]


def _place(
    centre: Centre, interaction: Interaction, event: e.InteractionAdopted, now_ms: int
) -> QueueInteraction:
    """Its queue as it was there; under a plan that does not know it, the manual queue."""
    known = centre.knows_queue(event.queue_id) or event.queue_id == MANUAL_QUEUE
    urgency = (
        event.urgency if event.urgency in URGENCIES else centre.capacity.channel(interaction.kind).urgency
    )
    return queue(
        centre,
        QueueInteraction(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            queue_id=event.queue_id if known else MANUAL_QUEUE,
            urgency=persons.counted(centre, interaction, urgency),
            requirement=event.requirement if known else ANYBODY,
            rule_id=event.rule_id if known else MANUAL_RULE,
            why="adopted",
        ),
    )


def _held_as_before(centre: Centre, interaction: Interaction, agent_id: str, now_ms: int) -> list[Decision]:
    """The agent goes on with it, and has the grace of a desk that left to arrive here."""
    agent = centre.agents.get(agent_id)
    ref = interaction.interaction_id
    offer_id = f"{ref}/{interaction.offer_count + 1}"
    rule_id = interaction.rule_id or "adopted"
    why = Explanation(rule_id=rule_id, score=0, step=0, strategy=AS_BEFORE, tie_break="same_agent")
    orders: list[Decision] = []
    if agent is None or not agent.signed_in:
        grace_ms = now_ms + centre.limits.desk_grace_ms
        orders.append(NoteDesks(at_ms=now_ms, agent_id=agent_id, desk_ids=(), grace_until_ms=grace_ms))
    offer = OfferInteraction(
        at_ms=now_ms,
        offer_id=offer_id,
        interaction_id=ref,
        agent_id=agent_id,
        deadline_ms=now_ms,
        explanation=why,
    )
    accept = ConnectParties(at_ms=now_ms, offer_id=offer_id, interaction_id=ref, agent_id=agent_id)
    return [*orders, offer, accept]
