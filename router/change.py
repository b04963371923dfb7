"""What each decision does to the centre: the only code that changes it. The fold does the same in SQL.

Nothing is chosen here, and everything a decision needs was checked when it was decided: a change that fails
is an InvariantBroken, and the centre is rebuilt from the tables.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final  # Any: the table below is keyed by the type of its function's argument

from config.words import URGENT_MAX
from queues.interaction import Interaction
from queues.lifecycle import OFFERED, PARKED, TRANSITIONS, WAITING
from router import deadlines
from router import decisions as d
from router.centre import Centre
from router.events import READ_WITHIN_MS, ContactArrived, InteractionAdopted
from router.invariants import InvariantBroken
from router.offer import ACCEPTED, COOLING, TRANSFERRED, Offer
from router.seats import cool, note_desks, release, seat, set_presence, take


def park(centre: Centre, event: ContactArrived | InteractionAdopted) -> None:
    """What is new here is parked, as its fact says: the one change that needs no decision."""
    until_ms = event.parked_until_ms or event.at_ms + READ_WITHIN_MS
    interaction = centre.interactions[event.interaction_id] = Interaction(
        event.interaction_id,
        event.channel,
        event.accepted_at_ms,
        event.identity_id,
        traffic=event.traffic,
        parked_until_ms=until_ms,
        kind=centre.capacity.kind_of(event.channel),
    )
    if type(event) is InteractionAdopted:
        interaction.queue_id = event.queue_id
        interaction.urgency = event.urgency
        interaction.requirement = event.requirement
        interaction.rule_id = event.rule_id
        interaction.named_agent_id = event.named_agent_id
        interaction.offer_count = event.offer_count
    if event.verified and event.customer_id:
        link(centre, interaction, event.customer_id)
    centre.deadlines.add(until_ms, deadlines.UNREAD, event.interaction_id)


def apply(centre: Centre, orders: Sequence[d.Decision]) -> None:
    """Make these changes, in this order. Raises InvariantBroken when one cannot be made."""
    order: d.Decision | None = None
    try:
        for order in orders:
            _CHANGES[type(order)](centre, order)
    except Exception as error:
        raise InvariantBroken(f"cannot apply {order!r}: {error!r}") from error


def link(centre: Centre, interaction: Interaction, linked_to: str) -> None:
    """It belongs with what else this verified customer has open (nothing else, when empty)."""
    before = centre.persons.get(interaction.linked_to)
    if before is not None:
        before.pop(interaction.interaction_id, None)
        if not before:
            del centre.persons[interaction.linked_to]
    interaction.linked_to = linked_to
    if linked_to:
        centre.persons.setdefault(linked_to, {})[interaction.interaction_id] = interaction


def line_up(centre: Centre, interaction: Interaction, *, alarm: bool) -> None:
    """A waiting interaction goes where it waits: the line, or the named agent's own."""
    ask = centre.ask_of(interaction)
    if interaction.named_agent_id:
        interaction.ask = ask
        agent = centre.agents.get(interaction.named_agent_id)
        if agent is not None:
            agent.named[interaction.interaction_id] = interaction
        centre.deadlines.add(centre.named_due_ms(interaction), deadlines.NAMED, interaction.interaction_id)
    else:
        centre.line.enter(interaction, ask)
        if ask.next_ms is not None:
            due_ms = interaction.accepted_at_ms + ask.next_ms
            centre.moments.add(due_ms, deadlines.WIDEN, interaction.interaction_id)
    if alarm or interaction not in centre.fresh:
        centre.fresh[interaction] = alarm


def _queue(centre: Centre, order: d.QueueInteraction) -> None:
    interaction = centre.interactions[order.interaction_id]
    was_urgent = 0 < interaction.urgency <= URGENT_MAX and not interaction.scheduled
    if interaction.state != PARKED:
        release(centre, interaction)
    interaction.state = TRANSITIONS[interaction.state]["queued"]
    interaction.queue_id = order.queue_id
    interaction.urgency = order.urgency
    interaction.requirement = order.requirement
    interaction.rule_id = order.rule_id
    interaction.step = 0
    _let_go(interaction)
    line_up(centre, interaction, alarm=True)
    if order.urgency <= URGENT_MAX or was_urgent:
        centre.watch(interaction, was_urgent=was_urgent, now_ms=order.at_ms)


def _hold(centre: Centre, order: d.HoldForAgent) -> None:
    interaction = centre.interactions[order.interaction_id]
    release(centre, interaction)
    was_parked = interaction.state == PARKED
    interaction.state = TRANSITIONS[interaction.state]["held"]
    _let_go(interaction)
    interaction.named_agent_id = order.agent_id
    interaction.named_until_ms = order.until_ms
    line_up(centre, interaction, alarm=False)
    if was_parked and interaction.urgency <= URGENT_MAX:
        centre.watch(interaction, was_urgent=False, now_ms=order.at_ms)


def _let_go(interaction: Interaction) -> None:
    interaction.offer_id = interaction.agent_id = interaction.named_agent_id = ""
    interaction.parked_until_ms = interaction.named_until_ms = 0
    interaction.assigned_at_ms = interaction.wrap_up_since_ms = 0


def _offer(centre: Centre, order: d.OfferInteraction) -> None:
    interaction = centre.interactions[order.interaction_id]
    release(centre, interaction)
    interaction.state = TRANSITIONS[interaction.state]["offered"]
    interaction.offer_id = order.offer_id
    interaction.agent_id = order.agent_id
    interaction.offer_count += 1
    offer = Offer(order.offer_id, order.interaction_id, order.agent_id, order.at_ms, order.deadline_ms)
    if interaction.offers is None:
        interaction.offers = {}
    interaction.offers[order.agent_id] = offer
    agent = centre.agents[order.agent_id]
    if agent.cooled:
        agent.cooled.pop(order.interaction_id, None)
    take(centre, agent, interaction)
    centre.deadlines.add(order.deadline_ms, deadlines.OFFER, order.interaction_id)


def _end_offer(centre: Centre, order: d.EndOffer) -> None:
    interaction = centre.interactions[order.interaction_id]
    agent = centre.agents[order.agent_id]
    offer: Offer = (interaction.offers or {})[order.agent_id]
    offer.outcome = order.outcome
    offer.ended_at_ms = order.at_ms
    offer.cooldown_until_ms = order.cooldown_until_ms
    if order.outcome == TRANSFERRED:
        agent.idle_since_ms = order.at_ms
    release(centre, interaction)
    interaction.state = TRANSITIONS[interaction.state]["offer_ended"]
    interaction.offer_id = interaction.agent_id = ""
    interaction.assigned_at_ms = interaction.wrap_up_since_ms = 0
    if order.outcome in COOLING and order.cooldown_until_ms > order.at_ms:
        cool(centre, agent, interaction, offer, now_ms=order.at_ms)
    line_up(centre, interaction, alarm=True)
    if order.outcome == TRANSFERRED and interaction.urgency <= URGENT_MAX:
        centre.watch(interaction, was_urgent=True, now_ms=order.at_ms)


def _connect(centre: Centre, order: d.ConnectParties) -> None:
    interaction = centre.interactions[order.interaction_id]
    agent = centre.agents[order.agent_id]
    offered = interaction.state == OFFERED
    if not offered:
        release(centre, interaction)
    interaction.state = TRANSITIONS[interaction.state]["accepted"]
    interaction.offer_id = order.offer_id
    interaction.agent_id = order.agent_id
    interaction.named_agent_id = ""
    interaction.named_until_ms = interaction.wrap_up_since_ms = 0
    interaction.assigned_at_ms = order.at_ms
    interaction.abandon_at_ms = 0
    offer: Offer = (interaction.offers or {})[order.agent_id]
    offer.outcome = ACCEPTED
    offer.ended_at_ms = order.at_ms
    offer.cooldown_until_ms = 0
    if agent.cooled:
        agent.cooled.pop(order.interaction_id, None)
    agent.idle_since_ms = order.at_ms
    if offered:
        if agent.ready:
            seat(centre, agent)
    else:
        take(centre, agent, interaction)
    if interaction.overdue:
        centre.forget_overdue(interaction)


def _begin_wrap_up(centre: Centre, order: d.BeginWrapUp) -> None:
    interaction = centre.interactions[order.interaction_id]
    interaction.state = TRANSITIONS[interaction.state]["wrap_up_began"]
    interaction.wrap_up_since_ms = order.at_ms
    centre.moments.add(order.at_ms + centre.limits.wrap_up_ms, deadlines.WRAP_UP, order.interaction_id)


def _close(centre: Centre, order: d.CloseInteraction) -> None:
    interaction = centre.interactions.pop(order.interaction_id)
    if order.why == "disposed":
        centre.agents[order.agent_id].idle_since_ms = order.at_ms
    release(centre, interaction)
    interaction.state = TRANSITIONS[interaction.state]["closed"]
    if interaction in centre.cooling:
        del centre.cooling[interaction]
        for agent_id in interaction.offers or ():
            centre.agents[agent_id].cooled.pop(order.interaction_id, None)
    if interaction in centre.fresh:
        del centre.fresh[interaction]
    if interaction.overdue:
        centre.forget_overdue(interaction)
    if interaction.linked_to:
        link(centre, interaction, "")


def _open_call_back(centre: Centre, order: d.OpenCallBack) -> None:
    interaction = Interaction(
        order.interaction_id,
        order.channel,
        order.accepted_at_ms,
        order.identity_id,
        traffic=order.traffic,
    )
    interaction.kind = centre.capacity.kind_of(order.channel)
    interaction.queue_id = order.queue_id
    interaction.urgency = order.urgency
    interaction.requirement = order.requirement
    interaction.rule_id = order.rule_id
    centre.interactions[order.interaction_id] = interaction
    if order.linked_to:
        link(centre, interaction, order.linked_to)
    if order.parked_until_ms:
        interaction.parked_until_ms = order.parked_until_ms
        interaction.named_agent_id = order.named_agent_id
        centre.deadlines.add(order.parked_until_ms, deadlines.UNREAD, order.interaction_id)
        return
    interaction.state = TRANSITIONS[interaction.state]["queued"]
    line_up(centre, interaction, alarm=False)
    if order.urgency <= URGENT_MAX:
        centre.watch(interaction, was_urgent=True, now_ms=order.at_ms)


def _reschedule(centre: Centre, order: d.RescheduleCallBack) -> None:
    interaction = centre.interactions[order.interaction_id]
    interaction.state = TRANSITIONS[interaction.state]["rescheduled"]
    interaction.parked_until_ms = interaction.accepted_at_ms = order.due_at_ms
    interaction.queue_id = order.queue_id
    interaction.requirement = order.requirement
    interaction.named_agent_id = order.named_agent_id
    centre.deadlines.add(order.due_at_ms, deadlines.UNREAD, order.interaction_id)


def _set_urgency(centre: Centre, order: d.SetUrgency) -> None:
    interaction = centre.interactions[order.interaction_id]
    was_urgent = 0 < interaction.urgency <= URGENT_MAX
    in_line = interaction.place is not None
    if in_line:
        centre.line.leave(interaction)
    interaction.urgency = order.urgency
    if in_line:
        line_up(centre, interaction, alarm=False)
    elif interaction.named_agent_id and interaction.state == WAITING:
        centre.fresh.setdefault(interaction, False)
    if order.urgency <= URGENT_MAX or was_urgent:
        centre.watch(interaction, was_urgent=was_urgent, now_ms=order.at_ms)


def _set_place(centre: Centre, order: d.SetPlace) -> None:
    """What counts from its place counts anew: an alarm or a wider step may be due at once."""
    interaction = centre.interactions[order.interaction_id]
    in_line = interaction.place is not None
    if in_line:
        centre.line.leave(interaction)
    interaction.accepted_at_ms = order.accepted_at_ms
    if in_line:
        line_up(centre, interaction, alarm=False)
    elif interaction.named_agent_id and interaction.state == WAITING:
        centre.fresh.setdefault(interaction, False)
    if 0 < interaction.urgency <= URGENT_MAX:
        centre.watch(interaction, was_urgent=interaction.overdue, now_ms=order.at_ms)


def _note_reading(centre: Centre, order: d.NoteReading) -> None:
    """It is in nobody's line but perhaps a named agent's: what it asks does not count there."""
    interaction = centre.interactions[order.interaction_id]
    was_urgent = 0 < interaction.urgency <= URGENT_MAX
    interaction.queue_id = order.queue_id
    interaction.urgency = order.urgency
    interaction.requirement = order.requirement
    interaction.rule_id = order.rule_id
    interaction.step = 0
    interaction.ask = centre.ask_of(interaction)
    if interaction.state == WAITING:
        centre.fresh.setdefault(interaction, False)
    if order.urgency <= URGENT_MAX or was_urgent:
        centre.watch(interaction, was_urgent=was_urgent, now_ms=order.at_ms)


def _link(centre: Centre, order: d.LinkInteraction) -> None:
    link(centre, centre.interactions[order.interaction_id], order.linked_to)


def _widen(centre: Centre, order: d.WidenRequirement) -> None:
    interaction = centre.interactions[order.interaction_id]
    in_line = interaction.place is not None
    if in_line:
        centre.line.leave(interaction)
    interaction.step = order.step
    if in_line:
        line_up(centre, interaction, alarm=False)


def _note_connections(centre: Centre, order: d.NoteConnections) -> None:
    interaction = centre.interactions[order.interaction_id]
    interaction.connection_ids = order.connection_ids
    interaction.abandon_at_ms = order.abandon_at_ms
    if order.abandon_at_ms:
        centre.deadlines.add(order.abandon_at_ms, deadlines.ABANDON, order.interaction_id)


def _nothing(centre: Centre, order: d.RefuseRequest | d.RaiseAlarm) -> None:
    """Somebody is told something; the routing state stays as it is."""


_CHANGES: Final[dict[type, Callable[[Centre, Any], None]]] = {
    d.QueueInteraction: _queue,
    d.HoldForAgent: _hold,
    d.OfferInteraction: _offer,
    d.EndOffer: _end_offer,
    d.ConnectParties: _connect,
    d.BeginWrapUp: _begin_wrap_up,
    d.CloseInteraction: _close,
    d.OpenCallBack: _open_call_back,
    d.RescheduleCallBack: _reschedule,
    d.SetUrgency: _set_urgency,
    d.SetPlace: _set_place,
    d.NoteReading: _note_reading,
    d.LinkInteraction: _link,
    d.WidenRequirement: _widen,
    d.SetPresence: set_presence,
    d.NoteDesks: note_desks,
    d.NoteConnections: _note_connections,
    d.RefuseRequest: _nothing,
    d.RaiseAlarm: _nothing,
}
