"""A centre's day made from a seed: random facts in a real journal, decided by the real core, turn by turn.

Agents and customers do what they may and what they may not: late accepts, repeats, strangers' offers, unknown
ids. The clock jumps. It is not the simulation: no faults of processes, only one router that never fails.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from config.plan import Plan
from config.plan_file import parse_plan
from router.core import Core
from router.decisions import Decision
from router.events import PlanActivated
from router.journal.appends import ROUTER, FactsAppend, RouterAppend
from router.journal.committer import Committer
from router.journal.database import Database
from router.journal.stream import read_rows
from router.records import Fact, event_of, fact
from router.state import CoreState, InteractionState
from tests.journal.writing import PATIENCE_S, arrived

DEFAULT_PLAN = (Path(__file__).parents[2] / "config" / "default.toml").read_text(encoding="utf-8")
EPOCH = 1
START_MS = 1_795_000_000_000
_NOWHERE = {"to_queue_id": "", "to_agent_id": ""}


@dataclass(frozen=True, slots=True)
class _Choice:
    weight: int
    make: Callable[[], Fact | None]


class History:
    """One journal and the core that decides on it, side by side."""

    def __init__(self, database: Database, seed: int, *, quiet: bool = True) -> None:
        self.database = database
        self.random = Random(seed)
        self.now_ms = START_MS
        self.committer = Committer(database, clock=lambda: self.now_ms)
        self.plan: Plan = parse_plan(DEFAULT_PLAN)
        self.core = Core(self.plan, 0)
        self.decisions: list[Decision] = []
        self.release = "test"
        self._quiet_turns = quiet
        self._quiet: list[tuple[int, int]] = []
        self._read_through = 0
        self._plan_version = 0
        self._activations = 0
        self._count = 0
        with database.writing() as db:
            db.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('router', '', :e, 0)", e=EPOCH)
        self.append(self._activation(DEFAULT_PLAN), *self._first_shift())
        self.turn(appended=True)

    def close(self) -> None:
        """Ends the committer."""
        self.committer.close()

    def append(self, *facts: Fact) -> None:
        """Facts by web processes."""
        self.committer.submit(FactsAppend(facts_to_append=facts)).result(PATIENCE_S)

    def step(self) -> bool:
        """A little time, a few facts, one turn of the router; whether the turn was appended."""
        self.now_ms += self.random.choice((0, 1, 40, 500, 2_000, 5_000, 9_000, 16_000, 61_000))
        facts = [
            made for made in (self._fact() for _ in range(self.random.randint(0, 4))) if made is not None
        ]
        if facts:
            self.append(*facts)
        return self.turn(appended=not self._quiet_turns or self.random.random() < 0.5)

    def turn(self, *, appended: bool) -> bool:
        """What the router does in one turn. One that decides nothing is appended only if `appended`."""
        with self.database.reading() as db:
            rows = read_rows(db, after_seq=self._read_through)
        made: list[Decision] = []
        for row in rows:
            event = event_of(row)
            if event is not None:
                made += self.core.handle(event, self.now_ms)
            if isinstance(event, PlanActivated):
                self._plan_version = event.version
        made += self.core.advance(self.now_ms)
        if rows:
            self._read_through = rows[-1].seq
        if not made and not appended:
            self._quiet.append((self._read_through, self.now_ms))
            return False
        self._commit(tuple(made))
        return True

    def _commit(self, made: tuple[Decision, ...]) -> None:
        group = RouterAppend(
            epoch=EPOCH,
            read_through=self._read_through,
            now_ms=self.now_ms,
            core_ms=self.core.state().now_ms,
            plan_version=self._plan_version,
            release=self.release,
            decisions=made,
            quiet=tuple(self._quiet),
        )
        self.committer.submit(group).result(PATIENCE_S)
        self._quiet.clear()
        self.decisions += made

    def _first_shift(self) -> list[Fact]:
        """Half of the people are there and available when the day begins."""
        facts = []
        for person in self.plan.people[::2]:
            who = person.agent_id
            facts.append(fact("desk_joined", who, desk_id=f"d-{who}-1", web_id="w"))
            facts.append(
                fact("presence_declared", who, available=True, reason="", command_id=self._command())
            )
        return facts

    def _fact(self) -> Fact | None:
        state = self.core.state()
        choices = [
            _Choice(6, self._arrives),
            _Choice(8, lambda: self._is_read(state)),
            _Choice(4, lambda: self._connection(state)),
            _Choice(5, lambda: self._desk(state)),
            _Choice(5, lambda: self._presence(state)),
            _Choice(10, lambda: self._answer(state)),
            _Choice(5, lambda: self._work(state)),
            _Choice(2, lambda: self._urgency(state)),
            _Choice(2, lambda: self._supervisor(state)),
            _Choice(2, lambda: self._call_back(state)),
            _Choice(1, self._moved),
        ]
        if self.random.random() < 0.003:
            return self._another_plan()
        weights = [choice.weight for choice in choices]
        return self.random.choices(choices, weights)[0].make()

    def _arrives(self) -> Fact:
        self._count += 1
        channel = self.random.choice(self.plan.channels).channel_id
        connection = f"k-{self._count}" if self.random.random() < 0.6 else ""
        late = self.random.choice((0, 0, 0, 700))
        customer = self.random.choice(("", f"p-{self._count % 7}"))
        return arrived(
            f"c-{self._count:04}",
            channel=channel,
            connection_id=connection,
            customer_id=customer,
            identity_id=customer and f"{channel} of {customer}",
            verified=customer != "" and self.random.random() < 0.8,
            parked_until_ms=self.now_ms + 2_000,
            accepted_at_ms=self.now_ms - late,
        )

    def _is_read(self, state: CoreState) -> Fact | None:
        one = self._interaction(state)
        if one is None:
            return None
        skills = [skill.skill_id for skill in self.plan.skills]
        require = sorted((skill, self.random.randint(1, 3)) for skill in self.random.sample(skills, 1))
        return fact(
            "read",
            one.interaction_id,
            message_id="",
            queue_id=self.random.choice(self.plan.queues).queue_id,
            urgency=self.random.randint(1, 5),
            requirement={"require": require} if self.random.random() < 0.5 else {},
            rule_id=self.random.choice(self.plan.rules).rule_id,
            language=self.random.choice(("", "es")),
            reading="read",
            hits=[],
        )

    def _connection(self, state: CoreState) -> Fact | None:
        one = self._interaction(state)
        if one is None:
            return None
        kind = self.random.choice(("customer_connected", "customer_disconnected"))
        connection = self.random.choice((*one.connection_ids, f"k-{self.random.randint(1, 50)}"))
        return fact(kind, one.interaction_id, connection_id=connection, web_id="w")

    def _desk(self, state: CoreState) -> Fact:
        agent_id = self._agent()
        desks = [desk for agent in state.agents if agent.agent_id == agent_id for desk in agent.desk_ids]
        if desks and self.random.random() < 0.3:
            return fact("desk_left", agent_id, desk_id=self.random.choice(desks), web_id="w")
        return fact("desk_joined", agent_id, desk_id=f"d-{agent_id}-{self.random.randint(1, 3)}", web_id="w")

    def _presence(self, state: CoreState) -> Fact:
        available = self.random.random() < 0.8
        reason = "" if available else self.random.choice(self.plan.reasons).reason_id
        return fact(
            "presence_declared", self._agent(), available=available, reason=reason, command_id=self._command()
        )

    def _answer(self, state: CoreState) -> Fact | None:
        if not state.offers:
            return None
        offer = self.random.choice(state.offers)
        agent_id = offer.agent_id if self.random.random() < 0.95 else self._agent()
        kind = "accept_pressed" if self.random.random() < 0.75 else "decline_pressed"
        return fact(kind, offer.offer_id, agent_id=agent_id, command_id=self._command())

    def _work(self, state: CoreState) -> Fact | None:
        held = [one for one in state.interactions if one.state == "assigned"]
        one = self.random.choice(held) if held else self._interaction(state)
        if one is None:
            return None
        who = {"agent_id": one.agent_id or self._agent(), "command_id": self._command()}
        what = self.random.randint(0, 3)
        if what == 0:
            return fact("conversation_ended", one.interaction_id, **who)
        if what == 1:
            disposition = self.random.choice(self.plan.dispositions).reason_id
            return fact("disposition_given", one.interaction_id, disposition=disposition, **who)
        if what == 2:
            to = {"to_queue_id": self.random.choice(self.plan.queues).queue_id, "to_agent_id": ""}
        else:
            to = {"to_queue_id": "", "to_agent_id": self._agent()}
        return fact("transfer_asked", one.interaction_id, **to, **who)

    def _urgency(self, state: CoreState) -> Fact | None:
        one = self._interaction(state)
        if one is None:
            return None
        return fact(
            "urgency_declared",
            one.interaction_id,
            agent_id=self._agent(),
            urgency=self.random.randint(1, 5),
            may_lower=self.random.random() < 0.5,
            command_id=self._command(),
        )

    def _supervisor(self, state: CoreState) -> Fact | None:
        """Somebody moves, assigns or takes away what is not theirs, or speaks for an agent who left."""
        one = self._interaction(state)
        who = {"agent_id": "sam", "command_id": self._command()}
        if one is None or self.random.random() < 0.3:
            values = {"available": False, "reason": self.plan.reasons[0].reason_id, "by": "sam"}
            back = self.random.random() < 0.5
            command = self._command()
            return fact("presence_declared", self._agent(), command_id=command, hand_back=back, **values)
        to = self.random.choice(
            (
                {"to_queue_id": self.random.choice(self.plan.queues).queue_id},
                {"to_agent_id": self._agent()},
                {},
            )
        )
        return fact("transfer_asked", one.interaction_id, steps_in=True, **{**_NOWHERE, **to}, **who)

    def _call_back(self, state: CoreState) -> Fact | None:
        """Asked for, changed, or cancelled; also of what is no call-back."""
        later = [one for one in state.interactions if one.state == "parked" and one.queue_id]
        if later and self.random.random() < 0.5:
            one = self.random.choice(later)
            who = {"agent_id": "sam", "command_id": self._command()}
            if self.random.random() < 0.5:
                disposition = self.plan.dispositions[0].reason_id
                return fact("call_back_cancelled", one.interaction_id, disposition=disposition, **who)
            due_at_ms = self.now_ms + self.random.randint(-5_000, 60_000)
            return fact("call_back_changed", one.interaction_id, due_at_ms=due_at_ms, **_NOWHERE, **who)
        found = self._interaction(state)
        if found is None:
            return None
        return fact(
            "call_back_asked",
            found.interaction_id,
            agent_id=found.agent_id or "sam",
            due_at_ms=self.now_ms + self.random.randint(-5_000, 120_000),
            urgency=self.random.choice((0, 0, 3)),
            steps_in=found.agent_id == "",
            command_id=self._command(),
            **{**_NOWHERE, "to_agent_id": self.random.choice(("", self._agent()))},
        )

    def _moved(self) -> Fact:
        was, to = (f"p-{self.random.randint(0, 6)}" for _ in range(2))
        channel = self.random.choice(self.plan.channels).channel_id
        values = {"agent_id": "sam", "command_id": self._command(), "why": "merge"}
        return fact(
            "identity_moved", f"{channel} of {was}", from_customer_id=was, to_customer_id=to, **values
        )

    def _another_plan(self) -> Fact:
        """The same centre, one person fewer and other limits, or the first plan again."""
        text = DEFAULT_PLAN
        if self.random.random() < 0.7:
            text = text.replace("cooldown_ms = 60_000", "cooldown_ms = 30_000")
            text = text.replace('strategy = "longest_idle"', "")
        return self._activation(text)

    def _activation(self, text: str) -> Fact:
        """Counted when it is made: two may come in one step, before the router has read the first."""
        self._activations += 1
        digest = hashlib.sha256(text.encode()).hexdigest()
        return fact("plan_activated", digest, version=self._activations, text=text, by=ROUTER)

    def _interaction(self, state: CoreState) -> InteractionState | None:
        return self.random.choice(state.interactions) if state.interactions else None

    def _agent(self) -> str:
        return self.random.choice((*(person.agent_id for person in self.plan.people), "stranger"))

    def _command(self) -> str:
        return f"command-{self.random.getrandbits(32):08x}"
