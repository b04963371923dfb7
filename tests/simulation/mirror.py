"""The routing state once more, told by decisions alone: written from the Fold lines of router/decisions.py.

A third opinion beside the core's memory and the tables, so that a mistake in either cannot hide in both.
"""

from dataclasses import replace

from router import decisions as orders
from router.decisions import Decision
from router.events import READ_WITHIN_MS, ContactArrived, Event, InteractionAdopted, PlanActivated
from router.state import AgentState, CoreState, InteractionState, OfferState
from skills.requirement import Requirement


class Mirror:
    """Open interactions, agents, and the latest offer of each pair."""

    def __init__(self, plan_version: int = 0) -> None:
        self.now_ms = 0
        self.plan_version = plan_version
        self.interactions: dict[str, InteractionState] = {}
        self.agents: dict[str, AgentState] = {}
        self.offers: dict[tuple[str, str], OfferState] = {}

    def state(self) -> CoreState:
        """Everything, sorted by id."""
        return CoreState(
            now_ms=self.now_ms,
            plan_version=self.plan_version,
            interactions=tuple(self.interactions[each] for each in sorted(self.interactions)),
            agents=tuple(self.agents[each] for each in sorted(self.agents)),
            offers=tuple(sorted(self.offers.values(), key=lambda offer: offer.offer_id)),
        )

    def tell(self, event: Event) -> None:
        """An event reached the core: it parks a new interaction, and moves the clock."""
        self.now_ms = max(self.now_ms, event.at_ms)
        if isinstance(event, PlanActivated):
            self.plan_version = event.version
        if isinstance(event, ContactArrived) and event.interaction_id not in self.interactions:
            self.interactions[event.interaction_id] = _parked(event)
        if isinstance(event, InteractionAdopted) and event.interaction_id not in self.interactions:
            self.interactions[event.interaction_id] = _adopted(event)

    def apply(self, order: Decision) -> None:
        """The change that this decision is."""
        self.now_ms = max(self.now_ms, order.at_ms)
        match order:
            case orders.OfferInteraction():
                self._offer(order)
            case orders.EndOffer():
                self._end_offer(order)
            case orders.SetPresence():
                self._presence(order)
            case orders.NoteDesks():
                self._desks(order)
            case orders.CloseInteraction():
                del self.interactions[order.interaction_id]
                self.offers = {
                    pair: each for pair, each in self.offers.items() if pair[0] != order.interaction_id
                }
                if order.why == "disposed":
                    self._idle(order.agent_id, order.at_ms)
            case orders.OpenCallBack():
                self.interactions[order.interaction_id] = _call_back(order)
            case orders.RefuseRequest() | orders.RaiseAlarm():
                pass
            case _:
                self._interaction(order)

    def _interaction(self, order: Decision) -> None:
        before = self.interactions[order.interaction_id]
        match order:
            case orders.QueueInteraction():
                free = replace(_released(before), named_agent_id="", named_until_ms=0)
                after = _asking(free, order)
            case orders.HoldForAgent():
                after = replace(
                    _released(before), named_agent_id=order.agent_id, named_until_ms=order.until_ms
                )
            case orders.ConnectParties():
                after = self._connected(before, order)
            case orders.BeginWrapUp():
                after = replace(before, wrap_up_since_ms=order.at_ms)
            case orders.SetUrgency():
                after = replace(before, urgency=order.urgency)
            case orders.SetPlace():
                after = replace(before, accepted_at_ms=order.accepted_at_ms)
            case orders.NoteReading():
                after = _asking(before, order)
            case orders.RescheduleCallBack():
                after = replace(
                    before,
                    parked_until_ms=order.due_at_ms,
                    accepted_at_ms=order.due_at_ms,
                    queue_id=order.queue_id,
                    requirement=order.requirement,
                    named_agent_id=order.named_agent_id,
                )
            case orders.LinkInteraction():
                after = replace(before, linked_to=order.linked_to)
            case orders.WidenRequirement():
                after = replace(before, step=order.step)
            case orders.NoteConnections():
                after = replace(
                    before,
                    connection_ids=tuple(sorted(order.connection_ids)),
                    abandon_at_ms=order.abandon_at_ms,
                )
        self.interactions[order.interaction_id] = after

    def _offer(self, order: orders.OfferInteraction) -> None:
        before = self.interactions[order.interaction_id]
        self.interactions[order.interaction_id] = replace(
            before,
            state="offered",
            offer_id=order.offer_id,
            agent_id=order.agent_id,
            offer_count=before.offer_count + 1,
        )
        self.offers[order.interaction_id, order.agent_id] = OfferState(
            offer_id=order.offer_id,
            interaction_id=order.interaction_id,
            agent_id=order.agent_id,
            offered_at_ms=order.at_ms,
            deadline_ms=order.deadline_ms,
            outcome="outstanding",
            ended_at_ms=0,
            cooldown_until_ms=0,
        )

    def _end_offer(self, order: orders.EndOffer) -> None:
        pair = (order.interaction_id, order.agent_id)
        self.offers[pair] = replace(
            self.offers[pair],
            outcome=order.outcome,
            ended_at_ms=order.at_ms,
            cooldown_until_ms=order.cooldown_until_ms,
        )
        self.interactions[order.interaction_id] = replace(
            self.interactions[order.interaction_id],
            state="waiting",
            offer_id="",
            agent_id="",
            assigned_at_ms=0,
            wrap_up_since_ms=0,
        )
        if order.outcome == "transferred":
            self._idle(order.agent_id, order.at_ms)

    def _connected(self, before: InteractionState, order: orders.ConnectParties) -> InteractionState:
        pair = (order.interaction_id, order.agent_id)
        self.offers[pair] = replace(
            self.offers[pair], outcome="accepted", ended_at_ms=order.at_ms, cooldown_until_ms=0
        )
        self._idle(order.agent_id, order.at_ms)
        return replace(
            before,
            state="assigned",
            offer_id=order.offer_id,
            agent_id=order.agent_id,
            assigned_at_ms=order.at_ms,
            named_agent_id="",
            named_until_ms=0,
            abandon_at_ms=0,
            wrap_up_since_ms=0,
        )

    def _presence(self, order: orders.SetPresence) -> None:
        before = self.agents.get(order.agent_id) or _agent(order.agent_id, order.at_ms)
        changed = (before.available, before.reason) != (order.available, order.reason)
        freed = order.available and not before.available
        self.agents[order.agent_id] = replace(
            before,
            available=order.available,
            reason=order.reason,
            presence_since_ms=order.at_ms if changed else before.presence_since_ms,
            idle_since_ms=order.at_ms if freed else before.idle_since_ms,
        )

    def _desks(self, order: orders.NoteDesks) -> None:
        before = self.agents.get(order.agent_id) or _agent(order.agent_id, order.at_ms)
        gone = not before.desk_ids and not before.grace_until_ms
        self.agents[order.agent_id] = replace(
            before,
            idle_since_ms=order.at_ms if gone and order.desk_ids else before.idle_since_ms,
            desk_ids=tuple(sorted(order.desk_ids)),
            grace_until_ms=order.grace_until_ms,
        )

    def _idle(self, agent_id: str, at_ms: int) -> None:
        if agent_id:
            self.agents[agent_id] = replace(self.agents[agent_id], idle_since_ms=at_ms)


def _released(before: InteractionState) -> InteractionState:
    return replace(
        before,
        state="waiting",
        offer_id="",
        agent_id="",
        parked_until_ms=0,
        assigned_at_ms=0,
        wrap_up_since_ms=0,
    )


def _asking(
    before: InteractionState, order: orders.QueueInteraction | orders.NoteReading
) -> InteractionState:
    return replace(
        before,
        queue_id=order.queue_id,
        urgency=order.urgency,
        requirement=order.requirement,
        rule_id=order.rule_id,
        step=0,
    )


def _parked(event: ContactArrived) -> InteractionState:
    return replace(
        _EMPTY,
        interaction_id=event.interaction_id,
        channel=event.channel,
        traffic=event.traffic,
        identity_id=event.identity_id,
        linked_to=event.customer_id if event.verified else "",
        accepted_at_ms=event.accepted_at_ms,
        state="parked",
        parked_until_ms=event.parked_until_ms or event.at_ms + READ_WITHIN_MS,
    )


def _adopted(event: InteractionAdopted) -> InteractionState:
    """Parked for a moment, as it was at the other site: what becomes of it is the core's to say."""
    return replace(
        _EMPTY,
        interaction_id=event.interaction_id,
        channel=event.channel,
        traffic=event.traffic,
        identity_id=event.identity_id,
        linked_to=event.customer_id if event.verified else "",
        accepted_at_ms=event.accepted_at_ms,
        state="parked",
        parked_until_ms=event.parked_until_ms or event.at_ms + READ_WITHIN_MS,
        queue_id=event.queue_id,
        urgency=event.urgency,
        requirement=event.requirement,
        rule_id=event.rule_id,
        named_agent_id=event.named_agent_id,
        offer_count=event.offer_count,
    )


def _call_back(order: orders.OpenCallBack) -> InteractionState:
    return replace(
        _EMPTY,
        interaction_id=order.interaction_id,
        channel=order.channel,
        traffic=order.traffic,
        identity_id=order.identity_id,
        linked_to=order.linked_to,
        accepted_at_ms=order.accepted_at_ms,
        state="parked" if order.parked_until_ms else "waiting",
        parked_until_ms=order.parked_until_ms,
        named_agent_id=order.named_agent_id,
        queue_id=order.queue_id,
        urgency=order.urgency,
        requirement=order.requirement,
        rule_id=order.rule_id,
    )


def _agent(agent_id: str, at_ms: int) -> AgentState:
    return AgentState(
        agent_id=agent_id,
        available=False,
        reason="",
        presence_since_ms=at_ms,
        idle_since_ms=at_ms,
        desk_ids=(),
        grace_until_ms=0,
    )


_EMPTY = InteractionState(
    interaction_id="",
    channel="",
    traffic="",
    identity_id="",
    linked_to="",
    accepted_at_ms=0,
    state="",
    queue_id="",
    urgency=0,
    requirement=Requirement(),
    rule_id="",
    step=0,
    offer_count=0,
    offer_id="",
    agent_id="",
    parked_until_ms=0,
    named_agent_id="",
    named_until_ms=0,
    connection_ids=(),
    abandon_at_ms=0,
    assigned_at_ms=0,
    wrap_up_since_ms=0,
)
