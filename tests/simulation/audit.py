"""Whether the promises held: every commit of a simulated journal is looked at as soon as it is made.

Beside the journal run a second core that is shown the same rows at the same times (so replay is tested at
every commit), the mirror, and the reference router. Each call of the core is judged: the offers must be those
the reference makes, in the same order, and nothing may be left undone.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from config.plan import Plan
from config.words import URGENT_MAX
from router import decisions as orders
from router.call_backs import id_of
from router.core import Core
from router.decisions import Decision
from router.elsewhere import AS_BEFORE, MOVED
from router.events import (
    ContactArrived,
    Event,
    InteractionAdopted,
    InteractionYielded,
    PlaceLearned,
    PlanActivated,
)
from router.journal.restore import load_state
from router.records import GROUP, Row, decision_of, event_of
from router.state import CoreState, InteractionState
from tests.reference_router import ReferenceRouter
from tests.simulation.journal import SimulatedConnection
from tests.simulation.mirror import Mirror


class Broken(BaseException):
    """A promise did not hold. The message says which, and where in the journal.

    Not an Exception: it must get through the router's own way of surviving mistakes.
    """


NEW = ("arrived", "adopted")
"""Kinds after whose rows an interaction is open that was not open before, if it is none that is there."""


@dataclass(slots=True)
class Known:
    """What is remembered of an interaction for ever."""

    accepted_at_ms: int
    urgency: int = 0
    closed: str = ""
    followed: bool = False


@dataclass(slots=True)
class Figures:
    """What happened, so that a run can show that it was worth running."""

    commits: int = 0
    calls: int = 0
    offers: int = 0
    closed: int = 0
    call_backs: int = 0
    scheduled: int = 0
    raised: int = 0
    refusals: int = 0
    adopted: int = 0
    held_as_before: int = 0
    moved: int = 0
    alarms: dict[str, int] = field(default_factory=dict)


class Audit:
    """Judges the rows of a journal, commit by commit."""

    def __init__(self, db: SimulatedConnection, plan: Plan) -> None:
        self.figures = Figures()
        self.known: dict[str, Known] = {}
        self.mirror = Mirror()
        self._db = db
        self._core = Core(plan)
        self._reference = ReferenceRouter(plan)
        self._unread: deque[Row] = deque()
        self._seq = 0
        self._epoch = 0

    def commit(self, rows: Sequence[Row]) -> None:
        """The next commit, whole. Raises Broken."""
        try:
            self._commit(rows)
        except Exception as error:
            raise Broken(f"{type(error).__name__}: {error} (journal seq {self._seq})") from error

    def _commit(self, rows: Sequence[Row]) -> None:
        self.figures.commits += 1
        for row in rows:
            self._require(row.seq == self._seq + 1, f"seq {row.seq} follows {self._seq}")
            self._seq = row.seq
        if rows[0].kind == GROUP:
            self._group(rows)
        self._unread += rows

    def compare(self) -> None:
        """The tables, the core restored from them, the core in memory and the mirror are one state."""
        read_through, stored = load_state(self._db)
        unread = {row.ref for row in self._unread if row.seq > read_through and row.kind in NEW}
        known = {each.interaction_id for each in stored.interactions}
        self._require(not unread & known, f"restored too far: {sorted(unread & known)}")
        self._same("tables and mirror", stored, self.mirror.state())
        self._same("mirror and core", self.mirror.state(), self._core.state())

    def _group(self, rows: Sequence[Row]) -> None:
        """One group of decisions: what the router read before it, what it decided, in this order."""
        group = msgspec.json.decode(rows[0].data)
        self._require(group["epoch"] >= self._epoch, f"epoch went back to {group['epoch']}")
        self._epoch = group["epoch"]
        made = [decision for row in rows[1:] if (decision := decision_of(row.kind, row.ref, row.data))]
        expected: list[Decision] = []
        for until_seq, now_ms in (*group.get("quiet", ()), (group["read_through"], group["now_ms"])):
            while self._unread and self._unread[0].seq <= until_seq:
                event = event_of(self._unread.popleft())
                if event is not None:
                    self._plan(event)
                    expected += self._call(event, lambda event=event, at=now_ms: self._core.handle(event, at))
        expected += self._call(None, lambda: self._core.advance(group["now_ms"]))
        if made != expected:
            self._fail(f"replay decides otherwise: journal {_first_difference(made, expected)}")

    def _plan(self, event: object) -> None:
        if isinstance(event, PlanActivated):
            self._reference = ReferenceRouter(event.plan)
        if isinstance(event, ContactArrived):
            self.known.setdefault(event.interaction_id, Known(event.accepted_at_ms))
        if isinstance(event, InteractionAdopted) and event.interaction_id not in self.mirror.interactions:
            self.known[event.interaction_id] = Known(event.accepted_at_ms, event.urgency)
            self.figures.adopted += 1

    def _call(self, event: Event | None, call: Callable[[], list[Decision]]) -> list[Decision]:
        """One call of the core, judged against the mirror as it was before."""
        self.figures.calls += 1
        made = call()
        before = self.mirror.now_ms
        if event is not None:
            self.mirror.tell(event)
        for order in (each for each in made if not _is_matched(each)):
            self._judge(order, event)
            self.mirror.apply(order)
        offered = [each for each in made if isinstance(each, orders.OfferInteraction) and _is_matched(each)]
        now_ms = made[-1].at_ms if made else before
        for order in offered:
            self._judge_offer(order, now_ms)
            self.mirror.apply(order)
        if made:
            missing = self._reference.next_offer(self.mirror, now_ms)
            self._require(missing is None, f"nobody was offered what waits: {missing} at {now_ms}")
        self._judge_persons(made)
        self._judge_state()
        return made

    def _judge_persons(self, made: Sequence[Decision]) -> None:
        """Whatever came in line, or was raised, counts for all that its verified customer has open."""
        linked = [each for each in self.mirror.interactions.values() if each.linked_to]
        for order in made:
            came = isinstance(order, orders.QueueInteraction) and order.why in (
                "read",
                "unread",
                "due",
                "adopted",
            )
            by_person = isinstance(order, orders.SetUrgency) and order.by == "person"
            self.figures.raised += by_person
            one = self.mirror.interactions.get(getattr(order, "interaction_id", ""))
            if not (came or by_person) or one is None or not one.linked_to:
                continue
            same = [each for each in linked if each.linked_to == one.linked_to and each.state != "parked"]
            alike = all(each.urgency == one.urgency or not came for each in same)
            least = max(each.urgency for each in same)
            self._require(alike and least == one.urgency, f"one person, and not alike urgent: {same}")

    def _judge_offer(self, order: orders.OfferInteraction, now_ms: int) -> None:
        """Promises 5 and 9, and that the offer is the one the reference router makes."""
        self.figures.offers += 1
        wanted = self._reference.next_offer(self.mirror, now_ms)
        given = (order.interaction_id, order.agent_id)
        self._require(given == wanted, f"offered {given} instead of {wanted} at {now_ms}")
        waiting = self.mirror.interactions[order.interaction_id]
        why = order.explanation
        self._require(
            why.step == waiting.step and why.rule_id == waiting.rule_id, f"explained wrongly: {why}"
        )
        self._require(bool(why.strategy and why.tie_break), f"not explained: {why}")
        self._require(order.deadline_ms > order.at_ms, f"over before it began: {order}")

    def _judge(self, order: Decision, event: Event | None) -> None:
        """Promises 4 and 6."""
        match order:
            case orders.OfferInteraction():
                self._judge_as_before(order, event)
            case orders.QueueInteraction() | orders.SetUrgency() | orders.NoteReading():
                self.known[order.interaction_id].urgency = order.urgency
            case orders.SetPlace():
                known = self.known[order.interaction_id]
                told = isinstance(event, PlaceLearned) and order.accepted_at_ms == event.accepted_at_ms
                self._require(told and order.accepted_at_ms < known.accepted_at_ms, f"moved: {order}")
                known.accepted_at_ms = order.accepted_at_ms
            case orders.ConnectParties():
                self._judge_accept(order)
            case orders.CloseInteraction():
                self._judge_end(order, event)
            case orders.OpenCallBack():
                left = self.known[order.follows]
                if order.parked_until_ms:
                    self._require(order.accepted_at_ms == order.parked_until_ms, f"at no time: {order}")
                    self.figures.scheduled += 1
                else:
                    same = left.accepted_at_ms == order.accepted_at_ms
                    same = same and left.urgency in (0, order.urgency)  # 0: nobody had read it yet
                    self._require(same, f"the call-back lost its place: {order}")
                    left.followed = True
                again = self.known.get(order.interaction_id)
                self._require(again is None or bool(again.closed), f"called back while it is: {order}")
                self.known[order.interaction_id] = Known(order.accepted_at_ms, order.urgency)
                self.figures.call_backs += 1
            case orders.RescheduleCallBack():
                before = self.mirror.interactions[order.interaction_id]
                self._require(before.state == "parked" and bool(before.queue_id), f"no call-back: {order}")
                self.known[order.interaction_id].accepted_at_ms = order.due_at_ms
            case orders.RefuseRequest():
                self.figures.refusals += 1
            case orders.RaiseAlarm():
                self.figures.alarms[order.code] = self.figures.alarms.get(order.code, 0) + 1
                self._require(order.code != "core_error", f"the core failed: {order}")

    def _judge_accept(self, order: orders.ConnectParties) -> None:
        """Promise 3: only who is offered it gets it, or who was and answered late, while nobody else is."""
        before = self.mirror.interactions[order.interaction_id]
        if before.state == "offered":
            self._require(before.agent_id == order.agent_id, f"accepted by somebody else: {order}")
            return
        self._require(before.state == "waiting", f"taken from its holder: {order}")
        room = self._reference.has_room(self.mirror, self.mirror.agents[order.agent_id], before.channel)
        self._require(room, f"a late accept without room: {order}")

    def _judge_as_before(self, order: orders.OfferInteraction, event: Event | None) -> None:
        """What an agent held at the other site is hers here, and nobody else is asked."""
        self.figures.held_as_before += 1
        same = isinstance(event, InteractionAdopted) and event.interaction_id == order.interaction_id
        agent_id = event.agent_id if isinstance(event, InteractionAdopted) else ""
        self._require(same and agent_id == order.agent_id, f"as before, and was not so: {order}")

    def _judge_end(self, order: orders.CloseInteraction, event: Event | None) -> None:
        known = self.known[order.interaction_id]
        self._require(not known.closed, f"closed twice: {order}")
        known.closed = order.why
        self.figures.closed += 1
        held = self.mirror.interactions[order.interaction_id]
        if order.why == "disposed":
            self._require(held.agent_id == order.agent_id != "", f"disposed by somebody else: {order}")
            self._require(bool(order.disposition), f"no disposition: {order}")
        elif order.why == "cancelled":
            before_its_time = held.state == "parked" and bool(held.queue_id and order.agent_id)
            self._require(before_its_time and bool(order.disposition), f"cancelled by nobody: {order}")
        elif order.why == MOVED:
            given = isinstance(event, InteractionYielded) and event.interaction_id == order.interaction_id
            self.figures.moved += 1
            self._require(given and not held.agent_id, f"moved although it is held, or to nobody: {order}")
        else:
            self._require(order.why == "abandoned" and not held.agent_id, f"ended for no reason: {order}")
            known.followed = id_of(order.interaction_id) in self.mirror.interactions

    def _judge_state(self) -> None:
        """Promises 2, 3, 4, and capacity, over everything that is open."""
        for each in self.mirror.interactions.values():
            problem = _limbo(each)
            if each.accepted_at_ms != self.known[each.interaction_id].accepted_at_ms:
                problem = "moved in line"
            if each.state == "offered" and self._offer_of(each) != ("outstanding", each.offer_id):
                problem = "offered without an offer"
            if problem:
                self._fail(f"{problem}: {each}")
        outstanding = sum(offer.outcome == "outstanding" for offer in self.mirror.offers.values())
        offered = sum(each.state == "offered" for each in self.mirror.interactions.values())
        self._require(outstanding == offered, f"{outstanding} offers outstanding for {offered} interactions")

    def _offer_of(self, each: InteractionState) -> tuple[str, str]:
        offer = self.mirror.offers[each.interaction_id, each.agent_id]
        return offer.outcome, offer.offer_id

    def next_offer(self, now_ms: int) -> tuple[str, str] | None:
        """(interaction, agent) of what somebody free could be offered at this time, and is not."""
        return self._reference.next_offer(self.mirror, now_ms)

    def abandoned_without_call_back(self) -> list[str]:
        """Interactions that a customer gave up and nobody will call back."""
        return [
            key for key, known in self.known.items() if known.closed == "abandoned" and not known.followed
        ]

    def urgent_ended_otherwise(self) -> list[str]:
        """Urgent interactions that ended in another way than by a disposition or a call-back."""
        return [
            key
            for key, known in self.known.items()
            if 0 < known.urgency <= URGENT_MAX
            and known.closed not in ("", "disposed", "cancelled", MOVED)
            and not known.followed
        ]

    def _same(self, what: str, one: CoreState, other: CoreState) -> None:
        if one != other:
            self._fail(f"{what} differ: {_state_difference(one, other)}")

    def _require(self, holds: bool, words: str) -> None:
        if not holds:
            self._fail(words)

    def _fail(self, words: str) -> None:
        raise Broken(f"{words} (journal seq {self._seq})")


def _is_matched(order: Decision) -> bool:
    """Whether it is an offer that the core chose somebody for."""
    return isinstance(order, orders.OfferInteraction) and order.explanation.strategy != AS_BEFORE


def _limbo(each: InteractionState) -> str:
    """What is wrong with the state of an open interaction; empty when it is exactly one of the four."""
    if each.state == "parked":
        return "" if each.parked_until_ms and not each.agent_id and not each.offer_id else "parked badly"
    if each.state == "waiting":
        free = not each.agent_id and not each.offer_id and not each.assigned_at_ms
        return "" if free and each.queue_id and 1 <= each.urgency <= 5 else "waiting badly"
    if each.state == "offered":
        return "" if each.agent_id and each.offer_id and not each.assigned_at_ms else "offered badly"
    if each.state == "assigned":
        return "" if each.agent_id and each.assigned_at_ms else "assigned badly"
    return "in no state"


def _first_difference(made: Sequence[object], expected: Sequence[object]) -> str:
    for index in range(max(len(made), len(expected))):
        one = made[index] if index < len(made) else None
        other = expected[index] if index < len(expected) else None
        if one != other:
            return f"[{index}] {one} and replay {other}"
    return "nothing"


def _state_difference(one: CoreState, other: CoreState) -> str:
    for name in ("now_ms", "plan_version"):
        if getattr(one, name) != getattr(other, name):
            return f"{name} {getattr(one, name)} and {getattr(other, name)}"
    for name in ("interactions", "agents", "offers"):
        if getattr(one, name) != getattr(other, name):
            return f"{name} {_first_difference(getattr(one, name), getattr(other, name))}"
    return "nothing"
