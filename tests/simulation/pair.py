"""The simulated world of two sites: what each goes through alone, and all that happens between them."""

from collections.abc import Sequence

from router.sites.copies import read_batch
from router.sites.copy_gaps import behind
from tests.simulation.audit import Broken
from tests.simulation.desks import Desk
from tests.simulation.half import Half
from tests.simulation.journal import Faults
from tests.simulation.links import Link
from tests.simulation.lost_site import LostSite
from tests.simulation.one_crew import KINDS, Crew, OneCrew
from tests.simulation.one_site import SimulatedSite
from tests.simulation.operators import Operators
from tests.simulation.pair_audit import PairAudit
from tests.simulation.plans import random_plan
from tests.simulation.timeline import Timeline
from tests.simulation.travellers import TravellingAgent, TravellingCustomer

SITES = ("a", "b")
BOSS = """
[[people]]
id = "boss-2"
name = "Boss"
role = "supervisor"
skills = { s0 = 5, s1 = 5, s2 = 5, s3 = 5 }
"""
"""One at each site who can serve everything: what waits is never waiting for want of somebody able."""

OFFERED_WITHIN_MS = 10_000
EQUAL_WITHIN_MS = 30_000
LATE_MS = 3_000
AGREED_MS = 5_000
"""Longer than it takes two sites that hear each other to leave an interaction to one of them."""

TWICE = 3
"""Contacts that both sites get when the faults are over."""

AFTER = 9_000
"""The number of the first of them."""

ENDINGS = 4
DIES = 3
"""Of so many worlds this one ends without one of its sites."""

ONE_CREW = 5
"""And of twice as many this one with all agents at one of them."""

CALM_MS_MAX = 3_600_000
COMPARED = 0.02


class PairWorld:
    """One run of two sites."""

    def __init__(self, seed: int, *, minutes: float = 3, fault_rate: float | None = None) -> None:
        self.timeline = timeline = Timeline(seed)
        dice = timeline.dice
        self.fault_rate = dice.choice((0.0, 0.01, 0.03)) if fault_rate is None else fault_rate
        text = random_plan(dice) + BOSS
        self.audit = PairAudit()
        self.halves = (self._half(text, "a", "b"), self._half(text, "b", "a"))
        for half, other in (self.halves, self.halves[::-1]):
            half.other = other
            half.out = Link(timeline, rate=self.fault_rate * 2, heard=lambda other=other: other.hears)
        self.audit.watch(self.halves)
        automatic = dice.random() < 0.3
        self.operators = Operators(timeline, self.halves, self.audit, automatic=automatic)
        self.lost: LostSite | None = None
        if seed % ENDINGS == DIES:
            self.lost = LostSite(timeline, self.halves, self.operators, self.audit)
        self.crew: OneCrew | None = None
        if seed % (2 * ENDINGS) == ONE_CREW:
            kind = KINDS[seed // (2 * ENDINGS) % len(KINDS)]
            self.crew = OneCrew(timeline, self.halves, self.audit, kind)
        self.weather: dict[str, int] = {}
        self._minutes = minutes

    def _half(self, text: str, name: str, peer: str) -> Half:
        rate = self.fault_rate
        site = SimulatedSite(self.timeline, plan_text=text, fault_rate=rate, name=name, compared=COMPARED)
        half = Half(site, peer, lambda ref, seq, copied: self.audit.acknowledge(half, ref, seq, copied))
        half.taken.append(self.audit.prefixes)
        return half

    def run(self) -> bytes:
        """Live through it; the hashes of both journals' heads. Raises Broken."""
        timeline = self.timeline
        with timeline.listening():
            try:
                self._begin()
                timeline.until(timeline.clock.now_ms + round(self._minutes * 60_000))
                return self._end()
            finally:
                for half in self.halves:
                    half.close()

    def _begin(self) -> None:
        timeline, dice, span_ms = self.timeline, self.timeline.dice, self._minutes * 60_000
        for half in self.halves:
            half.site.begin()
            half.start_role()
            if self.fault_rate:
                timeline.soon(20_000, 60_000, half.site.bad_luck)
        self._people = self._crew()
        for number in range(round(self._minutes * dice.uniform(3, 10))):
            customer = TravellingCustomer(timeline, self.halves, dice.choice(self.halves), number)
            timeline.soon(0, span_ms, customer.arrive)
        self.operators.begin()
        if self.lost is not None:
            self.lost.begin(span_ms)
        timeline.soon(10_000, 60_000, self._bad_weather)

    def _crew(self) -> Crew:
        """Everybody signs in, one supervisor at each site for good."""
        bosses, travellers = [], []
        for number, person in enumerate(self.halves[0].site.plan.people):
            if person.agent_id.startswith("boss"):
                home = self.halves[int(person.agent_id != "boss")]
                bosses.append((Desk(home.site, person.agent_id), home))
                self.timeline.soon(0, 15_000, bosses[-1][0].join)
            else:
                home = self.halves[number % 2]
                travellers.append(TravellingAgent(self.timeline, self.halves, home, person.agent_id))
        return Crew(bosses, travellers)

    def _bad_weather(self) -> None:
        """Now and then something is wrong with the line, or with a whole site; mostly it ends by itself."""
        timeline, dice = self.timeline, self.timeline.dice
        if timeline.calm:
            return
        kind = dice.choice(("site dies", "site dies", "cut", "one way", "swizzle", "slow", "peer role dies"))
        self.weather[kind] = self.weather.get(kind, 0) + 1
        half = dice.choice(self.halves)
        if kind == "site dies" and half.site.alive:
            half.dies(dice.choice((3_000, 20_000, 60_000, 120_000)))
            self.operators.after_death(half)
        elif kind == "cut":
            self._cut((half.out, half.other.out), dice.choice((3_000, 30_000, 90_000)))
        elif kind == "one way":
            self._cut((half.out,), dice.choice((3_000, 30_000, 90_000)))
        elif kind == "swizzle":
            self._swizzle(4)
        elif kind == "slow":
            for link in (half.out, half.other.out)[: dice.randint(1, 2)]:
                link.slow = True
                timeline.soon(5_000, 60_000, lambda link=link: self._hasten(link))
        elif kind == "peer role dies" and half.role is not None and half.role.alive:
            half.role.die()
        timeline.soon(8_000, 60_000, self._bad_weather)

    def _cut(self, links: Sequence[Link], for_ms: int) -> None:
        for link in links:
            link.cut = True
            self.timeline.soon(for_ms / 2, for_ms, lambda link=link: self._heal(link))

    def _swizzle(self, times: int) -> None:
        """Links are cut one by one, and healed in another order."""
        link = self.timeline.dice.choice(self.halves).out
        link.cut = not link.cut and not self.timeline.calm
        if times and not self.timeline.calm:
            self.timeline.soon(500, 8_000, lambda: self._swizzle(times - 1))
        else:
            for half in self.halves:
                self.timeline.soon(0, 5_000, lambda half=half: self._heal(half.out))

    @staticmethod
    def _heal(link: Link) -> None:
        link.cut = False

    @staticmethod
    def _hasten(link: Link) -> None:
        link.slow = False

    def _end(self) -> bytes:
        """Faults stop; what is left of the two is well again, and everybody is served."""
        self.timeline.calm = True
        for half in self.halves:
            half.site.journal.faults = Faults(0)
            half.out.cut = half.out.slow = False
            half.revive()
        if self.lost is not None:
            self.lost.outlive(self._pass)
            self._serve(self.timeline.clock.now_ms + CALM_MS_MAX)
            return self.lost.judge()
        self._calm_down()
        return self._judge()

    def _calm_down(self) -> None:
        """Soon both sites are one centre again, and then everybody has been served."""
        timeline = self.timeline
        for number in range(TWICE):
            TravellingCustomer(timeline, self.halves, self.halves[number % 2], AFTER + number).arrive_twice()
        end_ms = timeline.clock.now_ms + CALM_MS_MAX
        self._pass(OFFERED_WITHIN_MS)
        if left := self.audit.waiting():
            raise Broken(f"nobody was offered what waits, {OFFERED_WITHIN_MS} ms after the faults: {left}")
        self._pass(AGREED_MS)
        twice = set(self.audit.twice_served())
        while timeline.clock.now_ms < end_ms - CALM_MS_MAX + EQUAL_WITHIN_MS:
            self._pass(AGREED_MS)
            before, twice = twice, set(self.audit.twice_served())
            if both := sorted(before & twice):
                raise Broken(f"served by both sites, although each knows of the other: {both[:3]}")
        self._one_centre(end_ms - CALM_MS_MAX)
        self._pass(20_000)
        if self.crew is not None:
            self.crew.live_through(self._people, self._pass)
            end_ms = timeline.clock.now_ms + CALM_MS_MAX
        self.operators.go_home()
        self._serve(end_ms)

    def _serve(self, end_ms: int) -> None:
        """Until nothing is open any more, at the latest until then."""
        living = [half for half in self.halves if half.site.alive]
        while self.timeline.clock.now_ms < end_ms and any(half.site.open() for half in living):
            self._pass(10_000)
        self._pass(20_000)

    def _one_centre(self, calm_ms: int) -> None:
        """Streams equal, nothing single, the same said by both."""
        for half in self.halves:
            late_ms = behind(half.site.journal.db, self.timeline.clock.now_ms)[1]
            if late_ms > LATE_MS:
                raise Broken(f"the copy of {half.name} is {late_ms} ms behind, and nothing is wrong any more")
        if left := self.audit.unhealed():
            raise Broken(f"contacts are said to be at one site only, and are not: {left}")
        self._flush()
        self.audit.equal()
        self.audit.places(calm_ms)

    def _flush(self) -> None:
        """What is on its way between the sites arrives at this instant."""
        for half in self.halves:
            db = half.site.journal.db
            while (batch := read_batch(db, after_seq=half.other.copy.last_seq())).rows:
                half.other.copy.take(batch)

    def _pass(self, ms: int) -> None:
        self.timeline.until(self.timeline.clock.now_ms + ms)

    def _judge(self) -> bytes:
        self._flush()
        heads = b"".join(half.site.judge() for half in self.halves)
        self.audit.judge()
        return heads
