"""Safe mode: what routes when the core keeps failing. Urgency, then age; any available agent who has room.

It shares no code with the core, loses nobody, and gives up the rest: no skills, no preferences, no
widening. Nobody is taken as abandoned, and what was meant for a named agent goes to everybody.
"""

import heapq
from collections.abc import Iterator, Set
from dataclasses import replace
from typing import Any, Final  # Any: fields shared by several decisions, checked when one is made

from config.plan import ChannelPlan, Plan
from config.words import STAGED, URGENT_MAX
from router import decisions as orders
from router import events as facts
from router import refusals
from router.decisions import Decision, Explanation
from router.run.safe_memory import SafeMemory, parked, place_of
from router.state import AgentState, CoreState, InteractionState

NOT_RESPONDING: Final = "not responding"
FULL: Final = 100
_Request = (
    facts.OfferAccepted
    | facts.OfferDeclined
    | facts.ConversationEnded
    | facts.DispositionGiven
    | facts.TransferAsked
    | facts.UrgencyDeclared
    | facts.CallBackAsked
    | facts.CallBackChanged
    | facts.CallBackCancelled
)
_WHY: Final = Explanation(rule_id="", score=0, step=0, strategy="safe_mode", tie_break="idle")


class SafeCore:
    """Stands in for Core (router/core.py): same calls, far simpler answers."""

    def __init__(self, plan: Plan, state: CoreState) -> None:
        self._plan = plan
        self.now_ms = state.now_ms
        self._memory = SafeMemory(state)

    def handle(self, event: facts.Event, now_ms: int = 0) -> list[Decision]:
        """What follows from one fact."""
        self.now_ms = max(self.now_ms, now_ms, event.at_ms)
        if isinstance(event, facts.PlanActivated):
            self._plan = event.plan
        if isinstance(event, facts.ContactArrived | facts.InteractionAdopted):
            known = event.interaction_id in self._memory.open
            if not known:
                due_ms = event.parked_until_ms or event.at_ms + self._plan.limits.read_within_ms
                self._memory.put(parked(event), due_ms=due_ms)
            elif isinstance(event, facts.InteractionAdopted):
                return []
        return self._applied(self._answers(event))

    def advance(self, now_ms: int) -> list[Decision]:
        """End what is over, then give out what waits."""
        self.now_ms = max(self.now_ms, now_ms)
        return self._applied(self._endings()) + self._applied(self._offers())

    def next_deadline_ms(self) -> int | None:
        """When something ends, if nothing happens before."""
        graces = (agent.grace_until_ms for agent in self._memory.agents.values() if agent.grace_until_ms)
        return min((*self._memory.timed.values(), *graces), default=None)

    def _applied(self, decisions: Iterator[Decision]) -> list[Decision]:
        """Each decision sees what the ones before have changed."""
        taken = []
        for decision in decisions:
            self._memory.apply(decision)
            taken.append(decision)
            if (end := self._ended_probe(decision)) is not None:
                self._memory.apply(end)
                taken.append(end)
        return taken

    def _ended_probe(self, decision: Decision) -> Decision | None:
        """As in the core: what is no customer's ends as soon as it has its place in line."""
        if not isinstance(decision, orders.QueueInteraction):
            return None
        now = self._memory.open.get(decision.interaction_id)
        if now is None or now.traffic not in STAGED:
            return None
        return orders.CloseInteraction(
            at_ms=self.now_ms,
            interaction_id=now.interaction_id,
            agent_id="",
            disposition="",
            why=now.traffic,
        )

    def _answers(self, event: facts.Event) -> Iterator[Decision]:
        if isinstance(event, facts.DeskJoined | facts.DeskLeft):
            yield self._desks(event)
        elif isinstance(event, facts.PresenceDeclared):
            yield self._presence(event.agent_id, event.available, event.reason, event.command_id)
        elif isinstance(event, facts.OfferAccepted | facts.OfferDeclined):
            yield self._offer_answered(event)
        elif isinstance(event, facts.ConversationEnded | facts.DispositionGiven | facts.TransferAsked):
            yield from self._holder_spoke(event)
        elif isinstance(event, facts.IdentityMoved):
            yield from self._linked(event)
        elif isinstance(event, facts.CallBackAsked | facts.CallBackChanged | facts.CallBackCancelled):
            yield self._refusal(event, refusals.NOT_NOW, event.interaction_id)
        elif not isinstance(event, facts.PlanActivated):
            now = self._memory.open.get(event.interaction_id)
            if now is not None:
                yield from self._learnt(event, now)
            elif isinstance(event, facts.UrgencyDeclared):
                yield self._refusal(event, refusals.GONE, event.interaction_id)

    def _learnt(self, event: facts.Event, now: InteractionState) -> Iterator[Decision]:
        match event:
            case facts.InteractionAdopted() if event.queue_id and not event.scheduled:
                yield self._queue(now, event.queue_id, "adopted")
            case facts.InteractionYielded() if now.state != "assigned":
                yield from self._moved(now)
            case facts.PlaceLearned() if _is_earlier(event, now):
                yield orders.SetPlace(
                    at_ms=self.now_ms,
                    interaction_id=now.interaction_id,
                    accepted_at_ms=event.accepted_at_ms,
                )
            case facts.ContactRead() if now.state == "parked":
                wish = replace(now, requirement=event.requirement, rule_id=event.rule_id)
                urgency = _at_least(now.urgency, event.urgency)
                yield self._queue(replace(wish, urgency=urgency), event.queue_id, "read")
            case facts.ContactRead() if event.urgency < now.urgency:
                yield self._urgency(now, event.urgency, "triage")
            case facts.UrgencyDeclared() if event.may_lower or event.urgency == _at_least(
                now.urgency, event.urgency
            ):
                yield self._urgency(now, event.urgency, event.agent_id, event.command_id)
            case facts.UrgencyDeclared():
                yield self._refusal(event, refusals.MAY_NOT_LOWER, event.interaction_id)
            case facts.ContactArrived() | facts.CustomerConnected() if event.connection_id:
                yield self._connections(now, {*now.connection_ids, event.connection_id})
            case facts.CustomerDisconnected():
                yield self._connections(now, {*now.connection_ids} - {event.connection_id})

    def _moved(self, now: InteractionState) -> Iterator[Decision]:
        if now.state == "offered":
            yield self._end_offer(now, "rescinded")
        yield orders.CloseInteraction(
            at_ms=self.now_ms,
            interaction_id=now.interaction_id,
            agent_id="",
            disposition="",
            why="moved",
        )

    def _offer_answered(self, event: facts.OfferAccepted | facts.OfferDeclined) -> Decision:
        interaction_id = event.offer_id.rpartition("/")[0]
        now = self._memory.open.get(interaction_id)
        wanted = ("offered", event.offer_id, event.agent_id)
        if now is None or (now.state, now.offer_id, now.agent_id) != wanted:
            return self._refusal(event, refusals.OFFER_ENDED, interaction_id)
        if isinstance(event, facts.OfferDeclined):
            return self._end_offer(now, "declined", event.command_id)
        return orders.ConnectParties(offer_id=now.offer_id, **self._ids(now, event.command_id))

    def _holder_spoke(
        self, event: facts.ConversationEnded | facts.DispositionGiven | facts.TransferAsked
    ) -> Iterator[Decision]:
        now = self._memory.open.get(event.interaction_id)
        if isinstance(event, facts.TransferAsked) and event.steps_in:
            yield from self._stepped_in(event, now)
        elif now is None or (now.state, now.agent_id) != ("assigned", event.agent_id):
            yield self._refusal(event, refusals.NOT_YOURS, event.interaction_id)
        elif isinstance(event, facts.TransferAsked):
            yield self._end_offer(now, "transferred")
            yield self._queue(now, event.to_queue_id or now.queue_id, "transferred", event.command_id)
        elif isinstance(event, facts.ConversationEnded):
            yield orders.BeginWrapUp(**self._ids(now, event.command_id))
        else:
            ids = self._ids(now, event.command_id)
            yield orders.CloseInteraction(disposition=event.disposition, why="disposed", **ids)

    def _stepped_in(self, event: facts.TransferAsked, now: InteractionState | None) -> Iterator[Decision]:
        """A supervisor's move. Here nothing waits for one agent: assigned, it waits for everybody."""
        if now is None or now.state == "parked":
            code = refusals.GONE if now is None else refusals.PARKED
            yield self._refusal(event, code, event.interaction_id)
            return
        if now.state in ("offered", "assigned"):
            yield self._end_offer(now, "rescinded" if now.state == "offered" else "transferred")
        yield self._queue(now, event.to_queue_id or now.queue_id, "transferred", event.command_id)

    def _linked(self, event: facts.IdentityMoved) -> Iterator[Decision]:
        """Who is one person is kept for the core; nothing is made of it here."""
        was = (event.identity_id, event.from_customer_id)
        for ref in sorted(
            each.interaction_id
            for each in self._memory.open.values()
            if (each.identity_id, each.linked_to) == was
        ):
            yield orders.LinkInteraction(
                at_ms=self.now_ms, interaction_id=ref, linked_to=event.to_customer_id
            )

    def _endings(self) -> Iterator[Decision]:
        memory = self._memory
        for interaction_id in sorted(key for key, due_ms in memory.timed.items() if due_ms <= self.now_ms):
            now = memory.open[interaction_id]
            if now.state == "parked" and now.queue_id:
                yield self._queue(now, now.queue_id, "due")
            elif now.state == "parked":
                channel = self._channel(now.channel)
                urgency = _at_least(now.urgency, channel.urgency)
                yield self._queue(replace(now, urgency=urgency), channel.queue_id, "unread")
            else:
                yield self._end_offer(now, "ring_no_answer")
                yield self._presence(now.agent_id, False, NOT_RESPONDING)
        gone = [each for each in memory.agents.values() if 0 < each.grace_until_ms <= self.now_ms]
        for agent in sorted(gone, key=lambda each: each.agent_id):
            yield orders.NoteDesks(at_ms=self.now_ms, agent_id=agent.agent_id, desk_ids=(), grace_until_ms=0)
            for now in sorted(memory.held.get(agent.agent_id, {}).values(), key=place_of):
                if now.state == "offered":
                    yield self._end_offer(now, "rescinded")
                else:
                    yield self._queue(now, now.queue_id, "orphaned")

    def _offers(self) -> Iterator[Decision]:
        """Most urgent, then oldest, to the longest idle agent who has room. Others keep their place."""
        memory, kept = self._memory, []
        free = [each for each in memory.agents.values() if each.available and each.desk_ids]
        free.sort(key=lambda each: (each.idle_since_ms, each.agent_id))
        while memory.waiting and (free := [each for each in free if self._load(each) < FULL]):
            place = heapq.heappop(memory.waiting)
            now = memory.open.get(place[2])
            if now is None or now.state != "waiting" or place_of(now) != place:
                continue
            agent = next((each for each in free if self._has_room(each, now)), None)
            if agent is None:
                kept.append(place)
                continue
            yield self._offer(now, agent)
        for place in kept:
            heapq.heappush(memory.waiting, place)

    def _has_room(self, agent: AgentState, now: InteractionState) -> bool:
        channel = self._channel(now.channel)
        held = self._memory.held.get(agent.agent_id, {}).values()
        alike = sum(each.channel == now.channel for each in held)
        cooled = self._memory.cooldown.get((now.interaction_id, agent.agent_id), 0) <= self.now_ms
        return cooled and alike < channel.max_at_once and self._load(agent) + channel.load <= FULL

    def _load(self, agent: AgentState) -> int:
        held = self._memory.held.get(agent.agent_id, {}).values()
        return sum(self._channel(each.channel).load for each in held)

    def _channel(self, channel_id: str) -> ChannelPlan:
        """The plan's channel; one that the plan has dropped meanwhile is treated as the plan's first."""
        found = (each for each in self._plan.channels if each.channel_id == channel_id)
        return next(found, self._plan.channels[0])

    def _ids(self, now: InteractionState, command_id: str = "") -> dict[str, Any]:
        at_ms, agent_id = self.now_ms, now.agent_id
        return {
            "at_ms": at_ms,
            "interaction_id": now.interaction_id,
            "agent_id": agent_id,
            "command_id": command_id,
        }

    def _queue(self, now: InteractionState, queue_id: str, why: str, command_id: str = "") -> Decision:
        return orders.QueueInteraction(
            at_ms=self.now_ms,
            interaction_id=now.interaction_id,
            queue_id=queue_id,
            urgency=now.urgency,
            requirement=now.requirement,
            rule_id=now.rule_id,
            why=why,
            command_id=command_id,
        )

    def _offer(self, now: InteractionState, agent: AgentState) -> Decision:
        channel = self._channel(now.channel)
        return orders.OfferInteraction(
            at_ms=self.now_ms,
            offer_id=f"{now.interaction_id}/{now.offer_count + 1}",
            interaction_id=now.interaction_id,
            agent_id=agent.agent_id,
            deadline_ms=self.now_ms
            + (channel.offer_ms_urgent if now.urgency <= URGENT_MAX else channel.offer_ms),
            explanation=_WHY,
        )

    def _end_offer(self, now: InteractionState, outcome: str, command_id: str = "") -> Decision:
        again_ms = self.now_ms + self._plan.limits.only_candidate_ms
        ids = self._ids(now, command_id)
        return orders.EndOffer(offer_id=now.offer_id, outcome=outcome, cooldown_until_ms=again_ms, **ids)

    def _urgency(self, now: InteractionState, urgency: int, by: str, command_id: str = "") -> Decision:
        return orders.SetUrgency(
            at_ms=self.now_ms,
            interaction_id=now.interaction_id,
            urgency=urgency,
            by=by,
            command_id=command_id,
        )

    def _presence(self, agent_id: str, available: bool, reason: str, command_id: str = "") -> Decision:
        return orders.SetPresence(
            at_ms=self.now_ms, agent_id=agent_id, available=available, reason=reason, command_id=command_id
        )

    def _desks(self, event: facts.DeskJoined | facts.DeskLeft) -> Decision:
        known = self._memory.agents.get(event.agent_id)
        desks = {*(known.desk_ids if known else ())} - {event.desk_id}
        if isinstance(event, facts.DeskJoined):
            desks.add(event.desk_id)
        until_ms = 0 if desks else self.now_ms + self._plan.limits.desk_grace_ms
        return orders.NoteDesks(
            at_ms=self.now_ms,
            agent_id=event.agent_id,
            desk_ids=tuple(sorted(desks)),
            grace_until_ms=until_ms,
        )

    def _connections(self, now: InteractionState, connections: Set[str]) -> Decision:
        return orders.NoteConnections(
            at_ms=self.now_ms,
            interaction_id=now.interaction_id,
            connection_ids=tuple(sorted(connections)),
            abandon_at_ms=0,
        )

    def _refusal(self, event: _Request, code: str, ref: str) -> Decision:
        return orders.RefuseRequest(
            at_ms=self.now_ms, agent_id=event.agent_id, command_id=event.command_id, code=code, ref=ref
        )


def _is_earlier(event: facts.PlaceLearned, now: InteractionState) -> bool:
    scheduled = now.state == "parked" and now.queue_id != ""
    return event.accepted_at_ms < now.accepted_at_ms and not scheduled


def _at_least(declared: int, urgency: int) -> int:
    """This urgency, or the higher one that somebody has declared before (0: nobody has)."""
    return min(urgency, declared or urgency)
