"""The simulated world of one site: it with customers, agents, time and bad luck.

Everything that happens is an action at an instant of one clock, drawn from one seed: the same seed is the
same world, to the byte of its journal.
"""

from tests.simulation.customers import Customer
from tests.simulation.desks import Desk
from tests.simulation.journal import Faults
from tests.simulation.one_site import SimulatedSite
from tests.simulation.plans import random_plan
from tests.simulation.timeline import Timeline

CALM_MS_MAX = 3_600_000
"""After the faults stop, everything that waits must have been served by then."""


class World:
    """One run. `figures` of the audit tell what happened in it."""

    def __init__(self, seed: int, *, minutes: float = 6, fault_rate: float | None = None) -> None:
        self.timeline = timeline = Timeline(seed)
        dice = timeline.dice
        rate = dice.choice((0.0, 0.01, 0.05)) if fault_rate is None else fault_rate
        text = random_plan(dice)
        self.site = SimulatedSite(
            timeline, plan_text=text, fault_rate=rate, new_plan=lambda: random_plan(dice)
        )
        self.journal = self.site.journal
        self.audit = self.site.audit
        self.acknowledged = self.site.acknowledged
        self._minutes = minutes

    def run(self) -> bytes:
        """Live through it; the hash of the journal's head. Raises Broken."""
        timeline = self.timeline
        with timeline.listening():
            try:
                self._begin()
                timeline.until(timeline.clock.now_ms + round(self._minutes * 60_000))
                self._calm_down()
                return self.site.judge()
            finally:
                self.journal.close()

    def _begin(self) -> None:
        site, timeline, dice = self.site, self.timeline, self.timeline.dice
        site.begin()
        for person in site.plan.people:
            timeline.soon(0, 20_000, Desk(site, person.agent_id).join)
        usual = round(self._minutes * dice.uniform(2, 14))
        for number in range(usual):
            timeline.soon(0, self._minutes * 60_000, Customer(site, number).arrive)
        if dice.random() < 0.15:  # one incident, and everybody writes at once
            begins_ms = dice.uniform(30_000, 200_000)
            for number in range(usual, usual + dice.randint(30, 80)):
                timeline.soon(begins_ms, begins_ms + 3_000, Customer(site, number).arrive)
        if site.fault_rate and dice.random() < 0.3:
            timeline.soon(60_000, 200_000, site.activate)
        if site.fault_rate:
            timeline.soon(20_000, 60_000, site.bad_luck)

    def _calm_down(self) -> None:
        """Faults stop; whoever waits must now be served."""
        timeline = self.timeline
        timeline.calm = True
        self.journal.faults = Faults(0)
        end_ms = timeline.clock.now_ms + CALM_MS_MAX
        while timeline.clock.now_ms < end_ms and (
            self.site.open() or timeline.clock.now_ms < end_ms - CALM_MS_MAX + 60_000
        ):
            timeline.until(timeline.clock.now_ms + 10_000)
