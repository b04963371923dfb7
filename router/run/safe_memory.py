"""What safe mode remembers, and how each of its decisions changes it (as listed in router/decisions.py)."""

import heapq
from dataclasses import replace

from router import decisions as orders
from router.decisions import Decision
from router.events import ContactArrived, InteractionAdopted
from router.state import AgentState, CoreState, InteractionState
from skills.requirement import Requirement


class SafeMemory:
    """Open interactions and agents.

    Shape: held has what is offered to or assigned to each agent; timed when a parked or offered one is due;
           waiting is a heap of places (urgency, accepted_at_ms, id), some of them out of date.
    """

    def __init__(self, state: CoreState) -> None:
        self.open: dict[str, InteractionState] = {}
        self.held: dict[str, dict[str, InteractionState]] = {}
        self.timed: dict[str, int] = {}
        self.waiting: list[tuple[int, int, str]] = []
        self.cooldown: dict[tuple[str, str], int] = {}
        self.agents = {agent.agent_id: agent for agent in state.agents}
        deadlines: dict[str, int] = {}
        for offer in state.offers:
            self.cooldown[offer.interaction_id, offer.agent_id] = offer.cooldown_until_ms
            deadlines[offer.offer_id] = offer.deadline_ms
        for now in state.interactions:
            self.put(now, due_ms=deadlines.get(now.offer_id, now.parked_until_ms))

    def put(self, now: InteractionState, *, due_ms: int = 0) -> None:
        """This is what is known of it from here on; due_ms counts while it is parked or offered."""
        self.forget(now.interaction_id)
        self.open[now.interaction_id] = now
        if now.agent_id:
            self.held.setdefault(now.agent_id, {})[now.interaction_id] = now
        if now.state in ("parked", "offered"):
            self.timed[now.interaction_id] = due_ms
        if now.state == "waiting":
            heapq.heappush(self.waiting, place_of(now))

    def forget(self, interaction_id: str) -> None:
        """It is not open."""
        before = self.open.pop(interaction_id, None)
        self.timed.pop(interaction_id, None)
        if before is not None and before.agent_id:
            self.held[before.agent_id].pop(interaction_id, None)

    def apply(self, order: Decision) -> None:
        """Make the change that this decision is."""
        match order:
            case orders.SetPresence():
                known = self._agent(order.agent_id, order.at_ms)
                self.agents[order.agent_id] = replace(known, available=order.available, reason=order.reason)
            case orders.NoteDesks():
                known = self._agent(order.agent_id, order.at_ms)
                noted = replace(known, desk_ids=order.desk_ids, grace_until_ms=order.grace_until_ms)
                self.agents[order.agent_id] = noted
            case orders.CloseInteraction():
                self.forget(order.interaction_id)
                if order.why == "disposed":
                    self._idle(order.agent_id, order.at_ms)
            case orders.ConnectParties():
                now = self.open[order.interaction_id]
                self.put(replace(now, state="assigned", assigned_at_ms=order.at_ms))
                self._idle(order.agent_id, order.at_ms)
            case orders.EndOffer():
                self.cooldown[order.interaction_id, order.agent_id] = order.cooldown_until_ms
                self.put(_waiting(self.open[order.interaction_id]))
                if order.outcome == "transferred":
                    self._idle(order.agent_id, order.at_ms)
            case orders.QueueInteraction():
                self.put(_queued(self.open[order.interaction_id], order))
            case orders.OfferInteraction():
                self.put(_offered(self.open[order.interaction_id], order), due_ms=order.deadline_ms)
            case orders.BeginWrapUp():
                self.put(replace(self.open[order.interaction_id], wrap_up_since_ms=order.at_ms))
            case orders.SetUrgency():
                now = replace(self.open[order.interaction_id], urgency=order.urgency)
                self.put(now, due_ms=self.timed.get(order.interaction_id, 0))
            case orders.SetPlace():
                now = replace(self.open[order.interaction_id], accepted_at_ms=order.accepted_at_ms)
                self.put(now, due_ms=self.timed.get(order.interaction_id, 0))
            case orders.LinkInteraction():
                now = replace(self.open[order.interaction_id], linked_to=order.linked_to)
                self.put(now, due_ms=self.timed.get(order.interaction_id, 0))
            case orders.NoteConnections():
                now = replace(self.open[order.interaction_id], connection_ids=order.connection_ids)
                self.put(now, due_ms=self.timed.get(order.interaction_id, 0))

    def _agent(self, agent_id: str, at_ms: int) -> AgentState:
        return self.agents.get(agent_id) or AgentState(
            agent_id=agent_id,
            available=False,
            reason="",
            presence_since_ms=at_ms,
            idle_since_ms=at_ms,
            desk_ids=(),
            grace_until_ms=0,
        )

    def _idle(self, agent_id: str, at_ms: int) -> None:
        if agent_id in self.agents:
            self.agents[agent_id] = replace(self.agents[agent_id], idle_since_ms=at_ms)


def place_of(waiting: InteractionState) -> tuple[int, int, str]:
    """Where it stands in line: urgency, then age, then id."""
    return (waiting.urgency, waiting.accepted_at_ms, waiting.interaction_id)


def parked(event: ContactArrived | InteractionAdopted) -> InteractionState:
    """A new interaction: nobody has read it yet, or as it was at the other site."""
    adopted = event if isinstance(event, InteractionAdopted) else None
    return InteractionState(
        interaction_id=event.interaction_id,
        channel=event.channel,
        traffic=event.traffic,
        identity_id=event.identity_id,
        linked_to=event.customer_id if event.verified else "",
        accepted_at_ms=event.accepted_at_ms,
        state="parked",
        queue_id=adopted.queue_id if adopted else "",
        urgency=adopted.urgency if adopted else 0,
        requirement=adopted.requirement if adopted else Requirement(),
        rule_id=adopted.rule_id if adopted else "",
        step=0,
        offer_count=adopted.offer_count if adopted else 0,
        offer_id="",
        agent_id="",
        parked_until_ms=0,
        named_agent_id=adopted.named_agent_id if adopted else "",
        named_until_ms=0,
        connection_ids=(),
        abandon_at_ms=0,
        assigned_at_ms=0,
        wrap_up_since_ms=0,
    )


def _waiting(now: InteractionState) -> InteractionState:
    return replace(now, state="waiting", agent_id="", offer_id="", assigned_at_ms=0, wrap_up_since_ms=0)


def _queued(now: InteractionState, order: orders.QueueInteraction) -> InteractionState:
    return replace(
        _waiting(now),
        queue_id=order.queue_id,
        urgency=order.urgency,
        requirement=order.requirement,
        rule_id=order.rule_id,
    )


def _offered(now: InteractionState, order: orders.OfferInteraction) -> InteractionState:
    return replace(
        now,
        state="offered",
        offer_id=order.offer_id,
        agent_id=order.agent_id,
        offer_count=now.offer_count + 1,
    )
