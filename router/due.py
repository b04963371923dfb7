"""What is due now, and what the core decides when it comes up. Reads only."""

from config.words import STAGED, URGENT_MAX
from queues.interaction import Interaction
from queues.lifecycle import ASSIGNED, OFFERED, PARKED, WAITING
from router import alarms, call_backs, contacts, deadlines, desks
from router.agent import NOT_RESPONDING
from router.answers import refused_offer
from router.centre import Centre
from router.deadlines import Deadlines, Due
from router.decisions import Decision, RaiseAlarm, SetPresence, WidenRequirement
from router.offer import RING_NO_ANSWER
from router.placing import asked_for, back_in_line, ended, withdrawn
from skills.widening import step_at


def next_due_ms(centre: Centre, heap: Deadlines) -> int | None:
    """When the earliest of these that still holds is due. What the state has moved on from is forgotten."""
    while (due := heap.first()) is not None:
        if _holds(centre, *due):
            return due[0]
        heap.drop()
    return None


def taken(centre: Centre, heap: Deadlines, now_ms: int) -> Due | None:
    """The earliest of these that is due by now and still holds, taken out of the heap."""
    while heap.next_ms <= now_ms:
        due = heap.drop()
        if _holds(centre, *due):
            return due
    return None


def _holds(centre: Centre, at_ms: int, what: int, ref: str) -> bool:
    """Whether this is still due at this time, according to the state."""
    if what == deadlines.GRACE:
        agent = centre.agents.get(ref)
        return agent is not None and agent.grace_until_ms == at_ms
    interaction = centre.interactions.get(ref)
    if interaction is None:
        return False
    state = interaction.state
    if what == deadlines.OFFER:
        return state == OFFERED and centre.offer_due_ms(interaction) == at_ms
    if what == deadlines.UNREAD:
        return state == PARKED and interaction.parked_until_ms == at_ms
    if what == deadlines.NAMED:
        named = state == WAITING and interaction.named_agent_id
        return bool(named) and centre.named_due_ms(interaction) == at_ms
    if what == deadlines.ABANDON:
        return state != ASSIGNED and interaction.abandon_at_ms == at_ms
    if what == deadlines.WIDEN:
        ask = interaction.ask
        if interaction.place is None or ask is None or ask.next_ms is None:
            return False
        return interaction.accepted_at_ms + ask.next_ms == at_ms
    if what == deadlines.COOLED:
        retry_ms = at_ms - centre.limits.only_candidate_ms
        return any(
            at_ms == offer.cooldown_until_ms or retry_ms == offer.ended_at_ms < offer.cooldown_until_ms
            for offer in (interaction.offers or {}).values()
        )
    if what == deadlines.UNATTENDED:
        if at_ms != interaction.accepted_at_ms + centre.limits.unattended_alarm_ms:
            return False  # of another place: it is earlier now, or went to the other site and came back
        return 0 < interaction.urgency <= URGENT_MAX and state != ASSIGNED and not interaction.overdue
    return (
        interaction.wrap_up_since_ms > 0 and interaction.wrap_up_since_ms + centre.limits.wrap_up_ms == at_ms
    )


def deadline(centre: Centre, what: int, ref: str, now_ms: int) -> list[Decision]:
    """What follows from a deadline that has passed."""
    if what == deadlines.GRACE:
        return desks.gone(centre, centre.agents[ref], now_ms)
    interaction = centre.interactions[ref]
    if what == deadlines.UNREAD:
        if interaction.scheduled:
            return call_backs.due(centre, interaction, now_ms)
        return contacts.unread(centre, interaction, now_ms)
    if what == deadlines.OFFER:
        return _offer_over(centre, interaction, now_ms)
    if what == deadlines.NAMED:
        if interaction.traffic in STAGED:
            return [ended(interaction, now_ms)]
        return [back_in_line(interaction, now_ms, why="named_agent_gone")]
    if asked_for(interaction):
        return [contacts.given_up(interaction, now_ms)]
    return contacts.abandoned(centre, interaction, now_ms)


def moment(centre: Centre, what: int, ref: str, now_ms: int) -> list[Decision]:
    """What follows from a moment that has come: a wider requirement, or an alarm."""
    interaction = centre.interactions[ref]
    if what == deadlines.WIDEN:
        return _wider(interaction, now_ms)
    if what == deadlines.UNATTENDED and not centre.overdue:
        return [RaiseAlarm(at_ms=now_ms, code=alarms.UNATTENDED, ref=ref)]
    if what == deadlines.WRAP_UP:
        return [RaiseAlarm(at_ms=now_ms, code=alarms.WRAP_UP_LONG, ref=ref, detail=interaction.agent_id)]
    return []


def _offer_over(centre: Centre, interaction: Interaction, now_ms: int) -> list[Decision]:
    """Rung out, unless the agent has no desk open: then nobody saw it, and it is withdrawn."""
    agent = centre.agents[interaction.agent_id]
    if not agent.desk_ids:
        return withdrawn(interaction, now_ms)
    decisions = refused_offer(centre, interaction, RING_NO_ANSWER, now_ms)
    if agent.available:
        away = SetPresence(at_ms=now_ms, agent_id=agent.agent_id, available=False, reason=NOT_RESPONDING)
        decisions += [away, *desks.all_withdrawn(agent, now_ms, but=interaction.interaction_id)]
    return decisions


def _wider(interaction: Interaction, now_ms: int) -> list[Decision]:
    ask = interaction.ask
    if ask is None:
        return []
    step = step_at(ask.queue, now_ms - interaction.accepted_at_ms)
    ask.wish.ask(step)
    return [WidenRequirement(at_ms=now_ms, interaction_id=interaction.interaction_id, step=step, why="time")]
