"""The core: events in, decisions out. It decides everything about routing, and touches nothing else.

It reads no clock and no words, draws no random number and opens nothing. `handle` and `advance` first decide
(reading only), then change, then match; so what raises has changed nothing. README.md tells how it works.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, ParamSpec  # Any: the table below is keyed by its functions' argument

from config.plan import Plan
from queues.interaction import Interaction
from queues.lifecycle import WAITING
from router import (
    alarms,
    answers,
    call_backs,
    contacts,
    deadlines,
    desks,
    due,
    elsewhere,
    persons,
    reach,
    restore,
    transfers,
)
from router import events as e
from router.agent import Agent
from router.centre import Centre
from router.change import apply, park
from router.choose import Round, best_agents, best_interaction
from router.decisions import Decision, RaiseAlarm
from router.invariants import InvariantBroken
from router.offering import offer_of
from router.rescue import rescued, rescued_event
from router.state import CoreState

_Given = ParamSpec("_Given")


class Core:
    """The routing of one centre under one plan at a time.

    After every call, nobody who could be offered something is left without an offer while something waits
    that this agent may serve, and the most urgent was offered first.
    """

    def __init__(self, plan: Plan, plan_version: int = 0) -> None:
        self._centre = Centre(plan, plan_version)

    @classmethod
    def restore(cls, plan: Plan, state: CoreState) -> "Core":
        """The core that had this state. It decides from here on as that one would have."""
        core = cls(plan, state.plan_version)
        restore.fill(core._centre, state)
        return core

    def state(self) -> CoreState:
        """Everything the core knows, as plain values."""
        return restore.state_of(self._centre)

    @property
    def now_ms(self) -> int:
        """The time of the last event or decision."""
        return self._centre.now_ms

    @property
    def centre(self) -> Centre:
        """What is behind the core, to look at: for invariants, measures and tests."""
        return self._centre

    def next_deadline_ms(self) -> int | None:
        """When `advance` should be called next, if nothing happens before; None when nothing is due."""
        centre = self._centre
        heaps = (centre.deadlines, centre.moments)
        times = [at_ms for heap in heaps if (at_ms := due.next_due_ms(centre, heap)) is not None]
        return min(times, default=None)

    def handle(self, event: e.Event, now_ms: int = 0) -> list[Decision]:
        """What follows from a fact.

        The time of the decisions is the latest of the event's, now_ms and that of the last decision. Raises
        InvariantBroken when the core cannot go on; nothing else, whatever the event.
        """
        centre = self._centre
        event_ms = event.at_ms if event.at_ms > centre.now_ms else centre.now_ms
        if now_ms < event_ms:
            now_ms = event_ms
        waiting = centre.line.waiting
        made: list[Decision] = []
        if centre.moments.next_ms <= now_ms:
            self._moments(made, now_ms)
        if type(event) is e.PlanActivated:
            self._centre = centre = _changed_plan(centre, event)
        else:
            made += self._decide(event, now_ms)
        if made or centre.fresh or centre.freed or centre.lost or centre.emptied:
            if waiting <= centre.limits.waiting_alarm < centre.line.waiting:
                self._apply(made, [_line_long(centre, now_ms)])
            self._settle(made, now_ms)
        centre.now_ms = now_ms if made else event_ms
        return made

    def advance(self, now_ms: int) -> list[Decision]:
        """What follows from its being now_ms: every deadline up to then. Nothing decided: nothing changed."""
        centre = self._centre
        now_ms = max(now_ms, centre.now_ms)
        made: list[Decision] = []
        if centre.moments.next_ms <= now_ms:
            self._moments(made, now_ms)
        while centre.deadlines.next_ms <= now_ms:
            found = due.taken(centre, centre.deadlines, now_ms)
            if found is not None:
                _, what, ref = found
                self._apply(made, self._tried(ref, now_ms, due.deadline, centre, what, ref, now_ms))
        self._settle(made, now_ms)
        if made:
            centre.now_ms = now_ms
        return made

    def _decide(self, event: e.Event, now_ms: int) -> list[Decision]:
        centre = self._centre
        if type(event) is e.ContactArrived or type(event) is e.InteractionAdopted:
            if event.interaction_id in centre.interactions:
                return []
            park(centre, event)
        try:
            orders = _DECIDE[type(event)](centre, event, now_ms)
        except Exception as error:  # noqa: BLE001 - our mistake costs one interaction a detour
            orders = rescued_event(centre, event, error, now_ms)
        if orders:
            apply(centre, orders)
        return orders

    def _settle(self, made: list[Decision], now_ms: int) -> None:
        """Widen what has to be, then match until nobody who is able is left without an offer."""
        centre = self._centre
        fresh, freed = centre.fresh, centre.freed
        while fresh or freed or reach.has_changed(centre) or centre.moments.next_ms <= now_ms:
            if centre.moments.next_ms <= now_ms:
                self._moments(made, now_ms)
            if (fresh or reach.has_changed(centre)) and reach.in_question(centre):
                self._reach(made, now_ms)
            try:
                if len(fresh) + len(freed) > 1:
                    self._match_many(made, Round(centre, now_ms), now_ms)
                elif freed:
                    self._match_agent(made, freed.popitem()[0], now_ms)
                elif fresh:
                    self._match_interaction(made, fresh.popitem()[0], now_ms)
            except InvariantBroken:
                raise
            except Exception as error:
                raise InvariantBroken(f"cannot match at {now_ms}: {error!r}") from error

    def _match_agent(self, made: list[Decision], agent: Agent, now_ms: int) -> None:
        """Only this agent was freed: the best this agent may serve, as long as there is room.

        Nobody else could take any of it, or it would not be waiting: there is no rival.
        """
        while agent.ready:
            interaction = best_interaction(self._centre, agent, now_ms)
            if interaction is None:
                return
            self._offer(made, interaction, agent, None, now_ms)

    def _match_interaction(self, made: list[Decision], interaction: Interaction, now_ms: int) -> None:
        """Only this interaction is new in line: the best agent for it, if there is one."""
        if interaction.state != WAITING:
            return
        try:
            agent, rival = best_agents(self._centre, interaction, now_ms)
        except Exception as error:  # noqa: BLE001 - as in _decide
            self._apply(made, rescued(self._centre, interaction.interaction_id, error, now_ms))
            return
        if agent is not None:
            self._offer(made, interaction, agent, rival, now_ms)

    def _match_many(self, made: list[Decision], round_: Round, now_ms: int) -> None:
        while True:
            try:
                pair = round_.next()
            except Exception as error:
                if round_.looking_at is None:
                    raise
                self._apply(made, rescued(self._centre, round_.looking_at.interaction_id, error, now_ms))
                continue
            if pair is None:
                return
            self._offer(made, pair.interaction, pair.agent, pair.rival, now_ms)

    def _offer(
        self, made: list[Decision], interaction: Interaction, agent: Agent, rival: Agent | None, now_ms: int
    ) -> None:
        try:
            order = offer_of(self._centre, interaction, agent, rival, now_ms)
        except Exception as error:  # noqa: BLE001 - as in _decide
            self._apply(made, rescued(self._centre, interaction.interaction_id, error, now_ms))
            return
        apply(self._centre, (order,))
        made.append(order)

    def _moments(self, made: list[Decision], now_ms: int) -> None:
        """Everything that opened up to now: cool-downs over, requirements wider, alarms due."""
        centre = self._centre
        while (found := due.taken(centre, centre.moments, now_ms)) is not None:
            _, what, ref = found
            orders = self._tried(ref, now_ms, due.moment, centre, what, ref, now_ms)
            if what == deadlines.UNATTENDED:
                centre.note_overdue(centre.interactions[ref])
            elif what == deadlines.COOLED:
                centre.warm_up(centre.interactions[ref], now_ms)
            self._apply(made, orders)

    def _reach(self, made: list[Decision], now_ms: int) -> None:
        """Widen at once what nobody signed in could ever meet."""
        centre = self._centre
        if centre.population:
            interactions = reach.unmet(centre)
            if interactions:
                self._apply(made, reach.alarm(centre, interactions, now_ms))
            for interaction in interactions:
                ref = interaction.interaction_id
                self._apply(made, self._tried(ref, now_ms, reach.widened, interaction, now_ms))
        else:
            self._apply(made, reach.nobody_signed_in(centre, now_ms))
        centre.lost.clear()
        centre.came = centre.first_came = centre.emptied = False

    def _tried(
        self,
        subject: str,
        at_ms: int,
        decide: Callable[_Given, Sequence[Decision]],
        *given: _Given.args,
        **named: _Given.kwargs,
    ) -> Sequence[Decision]:
        """What this decides about an interaction; when it fails, the detour by the manual queue."""
        try:
            return decide(*given, **named)
        except Exception as error:  # noqa: BLE001 - as in _decide
            return rescued(self._centre, subject, error, at_ms)

    def _apply(self, made: list[Decision], orders: Sequence[Decision]) -> None:
        apply(self._centre, orders)
        made += orders


_DECIDE: Final[dict[type, Callable[[Centre, Any, int], list[Decision]]]] = {
    e.ContactArrived: contacts.arrived,
    e.InteractionAdopted: elsewhere.adopted,
    e.HandoverBegan: elsewhere.handed,
    e.HandoverEnded: elsewhere.kept,
    e.InteractionYielded: elsewhere.yielded,
    e.PlaceLearned: elsewhere.placed,
    e.ContactRead: contacts.read,
    e.CustomerConnected: contacts.connected,
    e.CustomerDisconnected: contacts.disconnected,
    e.DeskJoined: desks.joined,
    e.DeskLeft: desks.left,
    e.PresenceDeclared: desks.declared,
    e.OfferAccepted: answers.accepted,
    e.OfferDeclined: answers.declined,
    e.ConversationEnded: answers.ended,
    e.DispositionGiven: answers.disposed,
    e.TransferAsked: transfers.transferred,
    e.UrgencyDeclared: answers.urgency_declared,
    e.CallBackAsked: call_backs.asked,
    e.CallBackChanged: call_backs.changed,
    e.CallBackCancelled: call_backs.cancelled,
    e.IdentityMoved: persons.moved,
}


def _changed_plan(centre: Centre, event: e.PlanActivated) -> Centre:
    try:
        return restore.under_plan(centre, event)
    except Exception as error:
        raise InvariantBroken(
            f"plan version {event.version} cannot be brought in force: {error!r}"
        ) from error


def _line_long(centre: Centre, now_ms: int) -> RaiseAlarm:
    """More wait than a centre should ever have: nobody is turned away, but somebody should know."""
    detail = str(centre.line.waiting)
    return RaiseAlarm(at_ms=now_ms, code=alarms.LINE_LONG, ref=centre.plan.site.site_id, detail=detail)
