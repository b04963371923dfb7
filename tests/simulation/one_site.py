"""One simulated site: its journal and what is judged of it, its routers and webs, and how they fail.

A site alone is the whole of world.py's world; of two sites each may die as a whole and come back (pair.py).
"""

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
from tests.simulation.journal import SITE, Clock, Died, Faults, Journal
from tests.simulation.processes import RouterProcess, Web
from tests.simulation.timeline import Action, Timeline

COMPARED = 0.05
"""Share of commits after which tables, mirror and memory are compared; also at the end."""

Kept = Callable[[Append, Web, Action], None]
"""What a web does between the commit of an append and telling whoever wanted it kept."""


class SimulatedSite:
    """What customers, desks and processes of one site act on."""

    def __init__(
        self,
        timeline: Timeline,
        *,
        plan_text: str,
        fault_rate: float,
        name: str = SITE,
        new_plan: Callable[[], str] = lambda: "",
        compared: float = COMPARED,
    ) -> None:
        self.name = name
        self.timeline = timeline
        self.alive = True
        self.routed = True
        """Whether a router may run: one that comes back looks first what it still serves."""
        self.gone = False
        """Whether it died and never comes back: nobody tries it any more."""
        self.fault_rate = fault_rate
        self.plan: Plan = parse_plan(plan_text, "simulated")
        self.journal = Journal(timeline.clock, timeline.dice, self._committed, site=name)
        self.audit = Audit(self.journal.db, self.plan)
        self.acknowledged: list[str] = []
        self.routers: list[RouterProcess] = []
        self.webs: list[Web] = []
        self.kept: Kept | None = None
        self.heard: list[Callable[[Sequence[Row]], None]] = []
        """Called with the rows of every commit, after they were judged."""
        self._plan_text = plan_text
        self._new_plan = new_plan
        self._compared = compared
        self._versions = 0

    @property
    def dice(self) -> random.Random:
        return self.timeline.dice

    @property
    def clock(self) -> Clock:
        return self.timeline.clock

    @property
    def calm(self) -> bool:
        return self.timeline.calm

    def at(self, delay_ms: float, action: Action) -> None:
        """Do this so much later."""
        self.timeline.at(delay_ms, action)

    def soon(self, least_ms: float, most_ms: float, action: Action) -> None:
        """Do this somewhere between."""
        self.timeline.soon(least_ms, most_ms, action)

    def chance(self, share: float) -> bool:
        """Whether bad luck strikes: never in a calm world."""
        return self.timeline.chance(share)

    def web(self) -> Web:
        """A web that lives; somebody may be unlucky with a load balancer that does not know it died."""
        return self.dice.choice([web for web in self.webs if web.alive])

    def say(self, append: Append, then: Action = lambda: None) -> None:
        """A web appends this; while it is not known to be kept, whoever wants it kept tries again."""
        if self.gone:
            return
        if not self.alive:
            self.soon(1_000, 3_000, lambda: self.say(append, then))
            return
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
        if self.kept is not None:
            self.kept(append, web, then)
        else:
            then()

    def start_router(self) -> RouterProcess | None:
        """One more router process; it takes the lease, whoever has it. None while none may run."""
        if not (self.alive and self.routed):
            return None
        router = RouterProcess(self)
        self.routers = [each for each in self.routers if each.alive] + [router]
        return router

    def wake_router(self) -> None:
        """One more router, at work at once."""
        router = self.start_router()
        if router is not None:
            router.wake()

    def begin(self, webs: int = 2) -> None:
        """The first plan, then every process once."""
        self.activate()
        self.journal.faults = Faults(self.fault_rate)
        self.webs = [Web(self, number) for number in range(webs)]
        self.at(0, self.waking(self.start_router()))

    @staticmethod
    def waking(router: RouterProcess | None) -> Action:
        """What wakes this one."""
        return router.wake if router is not None else lambda: None

    def activate(self) -> None:
        """Another plan comes into force; the first one at the beginning."""
        self._versions += 1
        text = self._plan_text if self._versions == 1 else self._new_plan()
        plan = parse_plan(text, "simulated")
        activated = Activate(digest=plan.digest, version=self._versions, text=text)
        if self._versions == 1:
            self._committed(self.journal.transaction(activated, self.clock.now_ms))
            return
        self.plan = plan
        self.say(activated)

    def bad_luck(self) -> None:
        """Now and then a process dies, or there are two of what there should be one of."""
        if self.calm:
            return
        if self.alive:
            self._strike()
        self.soon(10_000, 60_000, self.bad_luck)

    def _strike(self) -> None:
        kind = self.dice.choice(
            ("router dies", "router doubled", "web dies", "router stands still", "clock jumps")
        )
        self.journal.counts[kind] = self.journal.counts.get(kind, 0) + 1
        if kind == "web dies":
            self.web().die()
        elif kind == "router doubled":
            self.wake_router()
        elif kind == "clock jumps":
            self.web().skew_ms = self.dice.choice((-3_000, 3_000, 0))
            if self.routers:
                self.routers[-1].skew_ms = self.dice.choice((-3_000, 3_000, 0))
        elif self.routers and kind == "router dies":
            self.routers[-1].die()
        elif self.routers:
            self.routers[-1].stand_still(self.dice.randint(2_000, 20_000))

    def open(self) -> int:
        """How many interactions are open here."""
        found = self.journal.db.row("SELECT count(*) FROM interaction WHERE closed_seq = 0")
        return int(found[0]) if found else 0

    def judge(self) -> bytes:
        """What must be true of a site at the end; the hash of its journal's head. Raises Broken."""
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
        if self.dice.random() < self._compared:
            self.audit.compare()
        for hear in self.heard:
            hear(rows)
        for router in self.routers:
            for _ in range(2 if self.chance(0.1) else 1):
                if not self.chance(0.3):
                    self.soon(0, 400 if self.chance(0.2) else 5, router.wake)
