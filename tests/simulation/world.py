"""The simulated world: one site with its journal, routers and webs, customers, agents, time and bad luck.

Everything that happens is an action at an instant of one clock, drawn from one seed: the same seed is the
same world, to the byte of its journal.
"""

import heapq
import logging
import random
from collections.abc import Callable, Sequence

from config.plan import Plan
from config.plan_file import parse_plan
from router.journal.committer import Append, CommitUnknown
from router.journal.connection import DatabaseGone
from router.journal.verify import verify
from router.records import Row
from tests.simulation.appends import Activate
from tests.simulation.audit import Audit, Broken
from tests.simulation.customers import Customer
from tests.simulation.desks import Desk
from tests.simulation.journal import Clock, Died, Faults, Journal
from tests.simulation.plans import random_plan
from tests.simulation.processes import RouterProcess, Web

BEGIN_MS = 1_800_000_000_000
"""Some day in 2027: large numbers, as in production."""

CALM_MS_MAX = 3_600_000
"""After the faults stop, everything that waits must have been served by then."""

COMPARED = 0.05
"""Share of commits after which tables, mirror and memory are compared; also at the end."""

Action = Callable[[], None]


class World:
    """One run. `figures` of the audit tell what happened in it."""

    def __init__(self, seed: int, *, minutes: float = 6, fault_rate: float | None = None) -> None:
        self.dice = random.Random(seed)
        self.clock = Clock(BEGIN_MS)
        self.calm = False
        self.fault_rate = self.dice.choice((0.0, 0.01, 0.05)) if fault_rate is None else fault_rate
        self.plan_text = random_plan(self.dice)
        self.plan: Plan = parse_plan(self.plan_text, "simulated")
        self.journal = Journal(self.clock, self.dice, self._committed)
        self.audit = Audit(self.journal.db, self.plan)
        self.acknowledged: list[str] = []
        self.routers: list[RouterProcess] = []
        self.webs: list[Web] = []
        self._minutes = minutes
        self._actions: list[tuple[int, int, Action]] = []
        self._count = 0
        self._versions = 0
        self._mistakes = _Mistakes()

    def run(self) -> bytes:
        """Live through it; the hash of the journal's head. Raises Broken."""
        logger = logging.getLogger("muster.router")
        logger.addHandler(self._mistakes)
        propagated, logger.propagate = logger.propagate, False
        try:
            self._begin()
            self._until(self.clock.now_ms + round(self._minutes * 60_000))
            self._calm_down()
            return self._judge()
        finally:
            logger.removeHandler(self._mistakes)
            logger.propagate = propagated
            self.journal.close()

    def at(self, delay_ms: float, action: Action) -> None:
        """Do this so much later."""
        self._count += 1
        heapq.heappush(self._actions, (self.clock.now_ms + max(round(delay_ms), 0), self._count, action))

    def soon(self, least_ms: float, most_ms: float, action: Action) -> None:
        """Do this somewhere between."""
        self.at(self.dice.uniform(least_ms, most_ms), action)

    def chance(self, share: float) -> bool:
        """Whether bad luck strikes: never in a calm world."""
        return not self.calm and self.dice.random() < share

    def web(self) -> Web:
        """A web that lives; somebody may be unlucky with a load balancer that does not know it died."""
        return self.dice.choice([web for web in self.webs if web.alive])

    def say(self, append: Append, then: Action = lambda: None) -> None:
        """A web appends this; while it is not known to be kept, whoever wants it kept tries again."""
        web = self.web()
        try:
            self.journal.append(append, skew_ms=web.skew_ms)
        except (CommitUnknown, DatabaseGone):
            self.soon(50, 800, lambda: self.say(append, then))
            return
        except Died:
            web.die()
            self.soon(500, 2_000, lambda: self.say(append, then))
            return
        if self.chance(0.03):  # the answer is lost on its way: said again, although it was kept
            self.soon(10, 800, lambda: self.say(append))
        then()

    def start_router(self) -> RouterProcess:
        """One more router process; it takes the lease, whoever has it."""
        router = RouterProcess(self)
        self.routers = [each for each in self.routers if each.alive] + [router]
        return router

    def _begin(self) -> None:
        self._activate()
        self.journal.faults = Faults(self.fault_rate)
        self.webs = [Web(self, 0), Web(self, 1)]
        self.at(0, self.start_router().wake)
        for person in self.plan.people:
            self.soon(0, 20_000, Desk(self, person.agent_id).join)
        usual = round(self._minutes * self.dice.uniform(2, 14))
        for number in range(usual):
            self.soon(0, self._minutes * 60_000, Customer(self, number).arrive)
        if self.dice.random() < 0.15:  # one incident, and everybody writes at once
            begins_ms = self.dice.uniform(30_000, 200_000)
            for number in range(usual, usual + self.dice.randint(30, 80)):
                self.soon(begins_ms, begins_ms + 3_000, Customer(self, number).arrive)
        if self.fault_rate and self.dice.random() < 0.3:
            self.soon(60_000, 200_000, self._activate)
        if self.fault_rate:
            self.soon(20_000, 60_000, self._bad_luck)

    def _activate(self) -> None:
        """Another plan comes into force; the first one at the beginning."""
        self._versions += 1
        text = self.plan_text if self._versions == 1 else random_plan(self.dice)
        plan = parse_plan(text, "simulated")
        activated = Activate(digest=plan.digest, version=self._versions, text=text)
        if self._versions == 1:
            self._committed(self.journal.transaction(activated, self.clock.now_ms))
            return
        self.plan = plan
        self.say(activated)

    def _bad_luck(self) -> None:
        """Now and then a process dies, or there are two of what there should be one of."""
        if self.calm:
            return
        kind = self.dice.choice(
            ("router dies", "router doubled", "web dies", "router stands still", "clock jumps")
        )
        self.journal.counts[kind] = self.journal.counts.get(kind, 0) + 1
        if kind == "web dies":
            self.web().die()
        elif kind == "router doubled":
            self.start_router().wake()
        elif kind == "clock jumps":
            self.web().skew_ms = self.dice.choice((-3_000, 3_000, 0))
            if self.routers:
                self.routers[-1].skew_ms = self.dice.choice((-3_000, 3_000, 0))
        elif self.routers and kind == "router dies":
            self.routers[-1].die()
        elif self.routers:
            self.routers[-1].stand_still(self.dice.randint(2_000, 20_000))
        self.soon(10_000, 60_000, self._bad_luck)

    def _until(self, end_ms: int) -> None:
        while self._actions and self._actions[0][0] <= end_ms:
            at_ms, _, action = heapq.heappop(self._actions)
            self.clock.now_ms = at_ms
            action()
            self._mistakes.none()
        self.clock.now_ms = end_ms

    def _calm_down(self) -> None:
        """Faults stop; whoever waits must now be served."""
        self.calm = True
        self.journal.faults = Faults(0)
        end_ms = self.clock.now_ms + CALM_MS_MAX
        while self.clock.now_ms < end_ms and (
            self._open() or self.clock.now_ms < end_ms - CALM_MS_MAX + 60_000
        ):
            self._until(self.clock.now_ms + 10_000)

    def _open(self) -> int:
        found = self.journal.db.row("SELECT count(*) FROM interaction WHERE closed_seq = 0")
        return int(found[0]) if found else 0

    def _judge(self) -> bytes:
        """What must be true at the end of every world."""
        left = self.journal.db.rows(
            "SELECT interaction_id, state, queue_id, agent_id FROM interaction WHERE closed_seq = 0"
        )
        if left:
            raise Broken(f"still open an hour after the faults stopped: {left[:3]}")
        kept = {row[0] for row in self.journal.db.rows("SELECT interaction_id FROM interaction")}
        lost = [each for each in self.acknowledged if each not in kept]
        for words, found in (
            ("acknowledged and lost", lost),
            ("given up and not called back", self.audit.abandoned_without_call_back()),
            ("urgent and ended silently", self.audit.urgent_ended_otherwise()),
        ):
            if found:
                raise Broken(f"{words}: {found[:3]}")
        self.audit.compare()
        report = verify(self.journal.db)
        if report.problem_count:
            raise Broken(f"the journal does not verify: {report.problems[0]}")
        head = self.journal.db.row("SELECT head_hash FROM stream")
        return bytes(head[0]) if head else b""

    def _committed(self, rows: Sequence[Row]) -> None:
        """Judge it, then tell everybody who listens: some hear it late, some twice, some not at all."""
        self.audit.commit(rows)
        if self.dice.random() < COMPARED:
            self.audit.compare()
        for router in self.routers:
            for _ in range(2 if self.chance(0.1) else 1):
                if not self.chance(0.3):
                    self.soon(0, 400 if self.chance(0.2) else 5, router.wake)


class _Mistakes(logging.Handler):
    """Notices when the router's own code failed and it went on after a rebuild: in here that is a failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(record)

    def none(self) -> None:
        """Raises Broken when there was a mistake."""
        if self._found:
            cause = self._found[0].exc_info
            raise Broken(self._found[0].getMessage()) from (cause[1] if cause else None)
