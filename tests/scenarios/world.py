"""A centre to tell stories about: people do things, time passes, and one looks at who was offered what.

Every step is also taken by a core restored from the state before it, which must decide the same and end in
the same state; and after every step all invariants are checked. So each scenario is a test of those as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.plan import Plan
from queues.lifecycle import ASSIGNED, OFFERED
from router import decisions as d
from router import events as e
from router.core import Core
from router.invariants import check, check_touched
from router.state import AgentState, InteractionState
from skills.requirement import Requirement
from tests.scenarios.plans import plan_of

START_MS = 1_000_000
"""Stories begin at a time that is not 0, because 0 means `does not apply` in the state."""


@dataclass(frozen=True)
class Available:
    """Presence: takes work."""


@dataclass(frozen=True)
class NotAvailable:
    """Presence: does not, for this reason."""

    reason: str


class World:
    """One centre. Agents given by name have a desk open and are available from the start."""

    def __init__(self, agents: Sequence[str] = (), *, plan: Plan | None = None, twin: bool = True) -> None:
        self.plan = plan or plan_of()
        self.core = Core(self.plan, 1)
        self.now_ms = START_MS
        self.made: list[d.Decision] = []
        """Everything decided so far."""
        self.latest: list[d.Decision] = []
        """What the last step decided."""
        self._twin = twin
        self._commands = 0
        for agent in agents:
            self.becomes_available(agent)

    # Customers

    def arrives(
        self,
        interaction: str,
        *,
        at_s: float | None = None,
        urgency: int = 3,
        queue: str = "general",
        channel: str = "call",
        require: Sequence[tuple[str, int]] = (),
        connection: str = "",
        customer: str = "",
        identity: str = "",
        verified: bool = True,
        traffic: str = "real",
    ) -> None:
        """A contact arrives and is read at once."""
        self._until(at_s)
        self.is_unread(
            interaction,
            channel=channel,
            connection=connection,
            customer=customer,
            identity=identity,
            verified=verified,
            traffic=traffic,
        )
        self.is_read(interaction, urgency=urgency, queue=queue, require=require)

    def is_unread(
        self,
        interaction: str,
        *,
        channel: str = "call",
        connection: str = "",
        customer: str = "",
        identity: str = "",
        verified: bool = True,
        traffic: str = "real",
    ) -> None:
        """A contact arrives, and nobody has read it yet."""
        self.event(
            e.ContactArrived(
                at_ms=self.now_ms,
                interaction_id=interaction,
                channel=channel,
                accepted_at_ms=self.now_ms,
                connection_id=connection,
                customer_id=customer,
                identity_id=identity or (customer and f"{channel} of {customer}"),
                verified=verified,
                traffic=traffic,
            )
        )

    def is_read(
        self,
        interaction: str,
        *,
        urgency: int = 3,
        queue: str = "general",
        require: Sequence[tuple[str, int]] = (),
        rule: str = "rule",
    ) -> None:
        """Triage has read it, or a later message of it."""
        self.event(
            e.ContactRead(
                at_ms=self.now_ms,
                interaction_id=interaction,
                queue_id=queue,
                urgency=urgency,
                requirement=Requirement(require=tuple(sorted(require))),
                rule_id=rule,
            )
        )

    def customer_leaves(self, interaction: str, connection: str = "") -> None:
        """A connection of the customer closes: the only one, unless named."""
        connection = connection or self.interaction(interaction).connection_ids[0]
        self.event(
            e.CustomerDisconnected(at_ms=self.now_ms, interaction_id=interaction, connection_id=connection)
        )

    def hangs_up(self, interaction: str) -> None:
        """The caller ends the call."""
        connection = self.interaction(interaction).connection_ids[0]
        self.event(
            e.CustomerDisconnected(
                at_ms=self.now_ms, interaction_id=interaction, connection_id=connection, for_good=True
            )
        )

    def customer_returns(self, interaction: str, connection: str = "again") -> None:
        """The customer connects (again)."""
        self.event(
            e.CustomerConnected(at_ms=self.now_ms, interaction_id=interaction, connection_id=connection)
        )

    # Agents

    def becomes_available(self, agent: str) -> None:
        """Opens a desk, if none is open, and declares presence."""
        if not (self.knows(agent) and self.agent(agent).desk_ids):
            self.opens_desk(agent)
        self.event(
            e.PresenceDeclared(at_ms=self.now_ms, agent_id=agent, available=True, command_id=self._id())
        )

    def becomes_unavailable(self, agent: str, reason: str = "break") -> None:
        """Declares a break, or another reason."""
        self.event(
            e.PresenceDeclared(
                at_ms=self.now_ms, agent_id=agent, available=False, reason=reason, command_id=self._id()
            )
        )

    def opens_desk(self, agent: str, desk: str = "desk") -> None:
        self.event(e.DeskJoined(at_ms=self.now_ms, agent_id=agent, desk_id=f"{agent}-{desk}"))

    def closes_desk(self, agent: str, desk: str = "desk") -> None:
        self.event(e.DeskLeft(at_ms=self.now_ms, agent_id=agent, desk_id=f"{agent}-{desk}"))

    def accepts(self, agent: str, offer: str = "") -> None:
        """Presses Accept, on what is offered now unless the offer is named."""
        self.event(
            e.OfferAccepted(
                at_ms=self.now_ms,
                offer_id=offer or self._offer_of(agent),
                agent_id=agent,
                command_id=self._id(),
            )
        )

    def declines(self, agent: str, offer: str = "") -> None:
        self.event(
            e.OfferDeclined(
                at_ms=self.now_ms,
                offer_id=offer or self._offer_of(agent),
                agent_id=agent,
                command_id=self._id(),
            )
        )

    def ends(self, agent: str, interaction: str) -> None:
        """Ends the conversation: wrap-up begins."""
        self.event(
            e.ConversationEnded(
                at_ms=self.now_ms, interaction_id=interaction, agent_id=agent, command_id=self._id()
            )
        )

    def disposes(self, agent: str, interaction: str, disposition: str = "helped") -> None:
        self.event(
            e.DispositionGiven(
                at_ms=self.now_ms,
                interaction_id=interaction,
                agent_id=agent,
                disposition=disposition,
                command_id=self._id(),
            )
        )

    def transfers(self, agent: str, interaction: str, *, queue: str = "", to: str = "") -> None:
        self.event(
            e.TransferAsked(
                at_ms=self.now_ms,
                interaction_id=interaction,
                agent_id=agent,
                to_queue_id=queue,
                to_agent_id=to,
                command_id=self._id(),
            )
        )

    def steps_in(self, supervisor: str, interaction: str, *, queue: str = "", to: str = "") -> None:
        """A supervisor moves it, assigns it, or (with neither) takes it away from its holder."""
        self.event(
            e.TransferAsked(
                at_ms=self.now_ms,
                interaction_id=interaction,
                agent_id=supervisor,
                to_queue_id=queue,
                to_agent_id=to,
                command_id=self._id(),
                steps_in=True,
            )
        )

    def is_declared(
        self, agent: str, *, by: str, available: bool = False, reason: str = "break", hand_back: bool = False
    ) -> None:
        """A supervisor declares the presence of somebody else."""
        self.event(
            e.PresenceDeclared(
                at_ms=self.now_ms,
                agent_id=agent,
                available=available,
                reason="" if available else reason,
                command_id=self._id(),
                by=by,
                hand_back=hand_back,
            )
        )

    def asks_call_back(
        self,
        agent: str,
        interaction: str,
        *,
        after_s: float,
        queue: str = "",
        to: str = "",
        urgency: int = 0,
        steps_in: bool = False,
        command_id: str = "",
    ) -> None:
        """The customer is to be called back so much later."""
        self.event(
            e.CallBackAsked(
                at_ms=self.now_ms,
                interaction_id=interaction,
                agent_id=agent,
                due_at_ms=self.now_ms + int(after_s * 1000),
                to_queue_id=queue,
                to_agent_id=to,
                urgency=urgency,
                command_id=command_id or self._id(),
                steps_in=steps_in,
            )
        )

    def changes_call_back(
        self, call_back: str, *, after_s: float, queue: str = "", to: str = "", by: str = "sue"
    ) -> None:
        """A supervisor gives it another time, queue or agent."""
        self.event(
            e.CallBackChanged(
                at_ms=self.now_ms,
                interaction_id=call_back,
                agent_id=by,
                due_at_ms=self.now_ms + int(after_s * 1000),
                to_queue_id=queue,
                to_agent_id=to,
                command_id=self._id(),
            )
        )

    def cancels_call_back(self, call_back: str, *, disposition: str = "helped", by: str = "sue") -> None:
        """A supervisor ends it before its time."""
        self.event(
            e.CallBackCancelled(
                at_ms=self.now_ms,
                interaction_id=call_back,
                agent_id=by,
                disposition=disposition,
                command_id=self._id(),
            )
        )

    def is_moved(self, identity: str, *, was: str, to: str) -> None:
        """Somebody says that this identity is another customer's."""
        self.event(
            e.IdentityMoved(at_ms=self.now_ms, identity_id=identity, from_customer_id=was, to_customer_id=to)
        )

    def call_backs(self) -> list[str]:
        """Ids of the call-backs that were opened so far, in this order."""
        return [each.interaction_id for each in self.made if isinstance(each, d.OpenCallBack)]

    def declares_urgency(
        self, agent: str, interaction: str, urgency: int, *, may_lower: bool = False
    ) -> None:
        self.event(
            e.UrgencyDeclared(
                at_ms=self.now_ms,
                interaction_id=interaction,
                agent_id=agent,
                urgency=urgency,
                may_lower=may_lower,
                command_id=self._id(),
            )
        )

    def holds(self, agent: str, interaction: str, **asked: object) -> None:
        """The agent gets this interaction and accepts it: the shortest way into a conversation."""
        self.arrives(interaction, **asked)  # type: ignore[arg-type]
        assert self.offered_to(agent) == interaction
        self.accepts(agent)

    # The centre, and time

    def activates(self, plan: Plan) -> None:
        version = self.core.state().plan_version + 1
        self.event(e.PlanActivated(at_ms=self.now_ms, version=version, plan=plan))
        self.plan = plan

    def event(self, event: e.Event) -> None:
        """Whatever happens, happens here."""
        self._step(lambda core: core.handle(event))

    def passes(self, seconds: float) -> None:
        """Time passes; every deadline fires at its own moment."""
        end_ms = self.now_ms + int(seconds * 1000)
        while (due_ms := self.core.next_deadline_ms()) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self._step(lambda core: core.advance(self.now_ms))
            again_ms = self.core.next_deadline_ms()
            assert again_ms is None or again_ms > self.now_ms, "a deadline that fired is still due"
        self.now_ms = end_ms

    # What one sees

    def knows(self, agent: str) -> bool:
        return any(each.agent_id == agent for each in self.core.state().agents)

    def agent(self, agent: str) -> AgentState:
        return next(each for each in self.core.state().agents if each.agent_id == agent)

    def interaction(self, interaction: str) -> InteractionState:
        """An open interaction. Raises StopIteration when it is not open."""
        return next(each for each in self.core.state().interactions if each.interaction_id == interaction)

    def open(self) -> list[str]:
        """Ids of all open interactions."""
        return [each.interaction_id for each in self.core.state().interactions]

    def presence(self, agent: str) -> Available | NotAvailable:
        state = self.agent(agent)
        return Available() if state.available else NotAvailable(state.reason)

    def offered_to(self, agent: str) -> str | None:
        """The interaction in front of this agent; when several are, the one offered last."""
        found = [
            each
            for each in self.core.state().offers
            if each.agent_id == agent and each.outcome == "outstanding"
        ]
        return (
            max(found, key=lambda each: (each.offered_at_ms, each.offer_id)).interaction_id if found else None
        )

    def offers_to(self, agent: str) -> list[str]:
        """Every interaction in front of this agent, by id."""
        return self._of(agent, OFFERED)

    def held_by(self, agent: str) -> list[str]:
        """Every interaction this agent holds, by id."""
        return self._of(agent, ASSIGNED)

    def state_of(self, interaction: str) -> str:
        return self.interaction(interaction).state

    def refusal(self) -> str:
        """The code with which the last step refused a request; empty when it did not."""
        codes = [each.code for each in self.latest if isinstance(each, d.RefuseRequest)]
        return codes[-1] if codes else ""

    def alarms(self, code: str = "") -> list[d.RaiseAlarm]:
        """Every alarm so far, or those with one code."""
        return [each for each in self.made if isinstance(each, d.RaiseAlarm) and code in ("", each.code)]

    def decided(self, kind: type) -> list[d.Decision]:
        """Every decision of a kind so far."""
        return [each for each in self.made if isinstance(each, kind)]

    def explanation(self, agent: str) -> d.Explanation:
        """Why the latest offer went to this agent."""
        offers = [each for each in self.made if isinstance(each, d.OfferInteraction)]
        return [each for each in offers if each.agent_id == agent][-1].explanation

    def since_start_ms(self, at_ms: int) -> int:
        return at_ms - START_MS

    def _step(self, act: Callable[[Core], list[d.Decision]]) -> None:
        twin = Core.restore(self.plan, self.core.state()) if self._twin else None
        self.latest = act(self.core)
        self.made += self.latest
        check(self.core)
        check_touched(self.core, self.latest)
        if twin is not None:
            assert act(twin) == self.latest, "a restored core decided something else"
            check(twin)
            assert twin.state() == self.core.state(), "a restored core ended in another state"
            assert twin.next_deadline_ms() == self.core.next_deadline_ms()

    def _until(self, at_s: float | None) -> None:
        if at_s is not None:
            self.passes((START_MS + int(at_s * 1000) - self.now_ms) / 1000)

    def _offer_of(self, agent: str) -> str:
        interaction = self.offered_to(agent)
        assert interaction is not None, f"nothing is offered to {agent}"
        return self.interaction(interaction).offer_id

    def _of(self, agent: str, state: str) -> list[str]:
        found = [each for each in self.core.state().interactions if each.state == state]
        return [each.interaction_id for each in found if each.agent_id == agent]

    def _id(self) -> str:
        self._commands += 1
        return f"command-{self._commands}"
