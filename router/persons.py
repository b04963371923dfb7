"""One person, several interactions: which belong together, and how urgent all of them are. Reads only.

Only what a verified customer has open is linked (Interaction.linked_to), because anybody can claim to be
somebody. What makes one of them more urgent makes all of them so; lowering one lowers that one alone, until
something is raised again. What is parked has no urgency of its own yet, and takes part when it comes in line.
"""

from typing import Final

from queues.interaction import Interaction
from queues.lifecycle import ASSIGNED, PARKED
from router import events as e
from router.agent import Agent
from router.centre import Centre
from router.decisions import Decision, LinkInteraction, SetUrgency

BY_PERSON: Final = "person"
"""SetUrgency.by of what is raised because of something else of the same person."""


def counted(centre: Centre, interaction: Interaction, urgency: int) -> int:
    """This urgency, or the higher one of something else that the same person has in line or in hand."""
    if not interaction.linked_to:
        return urgency
    return min([urgency, *(each.urgency for each in _others(centre, interaction))])


def raised(centre: Centre, interaction: Interaction, urgency: int, now_ms: int) -> list[Decision]:
    """Everything else of the same person is at least this urgent from now on."""
    if not interaction.linked_to:
        return []
    return _raise(_others(centre, interaction), urgency, now_ms)


def moved(centre: Centre, event: e.IdentityMoved, now_ms: int) -> list[Decision]:
    """What is linked by this identity is the other customer's; the highest urgency there counts for all."""
    group = centre.persons.get(event.from_customer_id, {})
    moving = [group[each] for each in sorted(group) if group[each].identity_id == event.identity_id]
    if not moving or event.from_customer_id == event.to_customer_id:
        return []
    links: list[Decision] = [
        LinkInteraction(at_ms=now_ms, interaction_id=each.interaction_id, linked_to=event.to_customer_id)
        for each in moving
    ]
    there = {**centre.persons.get(event.to_customer_id, {}), **{each.interaction_id: each for each in moving}}
    members = [there[each] for each in sorted(there) if there[each].state != PARKED]
    top = min((each.urgency for each in members), default=0)
    return [*links, *_raise(members, top, now_ms)]


def agent_of(centre: Centre, interaction: Interaction, now_ms: int) -> Agent | None:
    """Who has something else of the same person and could take this as well, now; best who holds it.

    Of several the one who comes first otherwise: least load, longest idle, id.
    """
    ask, kind = interaction.ask, interaction.kind
    found: list[tuple[bool, int, int, str]] = []
    for other in centre.persons[interaction.linked_to].values():
        agent = centre.agents.get(other.agent_id)
        if other is interaction or agent is None or agent.crew is None or kind not in agent.ready:
            continue
        serves = ask is not None and ask.audience in agent.crew.serves
        if serves and not centre.blocked(interaction, agent, now_ms):
            found.append((other.state != ASSIGNED, agent.fill.load, agent.idle_since_ms, agent.agent_id))
    return centre.agents[min(found)[3]] if found else None


def has_another(centre: Centre, interaction: Interaction, agent: Agent) -> bool:
    """Whether this agent holds, or is offered, something else of the same person."""
    group = centre.persons[interaction.linked_to].values()
    return any(each is not interaction and each.agent_id == agent.agent_id for each in group)


def _others(centre: Centre, interaction: Interaction) -> list[Interaction]:
    """What else the person has in line or in hand, by id."""
    group = centre.persons[interaction.linked_to]
    found = (group[each] for each in sorted(group))
    return [each for each in found if each is not interaction and each.state != PARKED]


def _raise(members: list[Interaction], urgency: int, now_ms: int) -> list[Decision]:
    return [
        SetUrgency(at_ms=now_ms, interaction_id=each.interaction_id, urgency=urgency, by=BY_PERSON)
        for each in members
        if each.urgency > urgency
    ]
