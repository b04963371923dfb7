"""Agents and customers whose page, or provider, goes from one site to the other."""

from tests.simulation.customers import Customer
from tests.simulation.desks import Desk
from tests.simulation.half import Half
from tests.simulation.timeline import Timeline

LOOK_MS = (1_500, 4_000)
SILENT_MS = 5_000
"""A page that has heard nothing for this long asks the other site."""

_HERE = "SELECT closed_why FROM interaction WHERE interaction_id = :ref"
_HELD = "SELECT count(*) FROM interaction WHERE closed_seq = 0 AND agent_id = :agent_id"


class TravellingAgent:
    """An agent whose home is one of two sites."""

    def __init__(self, timeline: Timeline, halves: tuple[Half, Half], home: Half, agent_id: str) -> None:
        self._timeline = timeline
        self._halves = halves
        self._home = home
        self._silent_since_ms = 0
        self.stays = False
        """Whether she was told where to work, and goes nowhere by herself."""
        self.desk = self._desk = Desk(home.site, agent_id)
        timeline.soon(0, 15_000, self._desk.join)
        timeline.soon(*LOOK_MS, self._look)

    def _look(self) -> None:
        here = self._halves[0] if self._desk.site is self._halves[0].site else self._halves[1]
        there = here.other
        now_ms = self._timeline.clock.now_ms
        if self.stays:
            self._silent_since_ms = 0
        elif here.site.alive:
            self._silent_since_ms = 0
            if there.site.alive and self._is_called(here, there):
                self._desk.move(there.site)
        elif not self._silent_since_ms:
            self._silent_since_ms = now_ms
        elif now_ms - self._silent_since_ms >= SILENT_MS and there.site.alive:
            self._ask(here, there)
        self._timeline.soon(*LOOK_MS, self._look)

    def _ask(self, here: Half, there: Half) -> None:
        if there.serves(self._home.name) or there.serves(here.name):
            self._desk.move(there.site)

    def _is_called(self, here: Half, there: Half) -> bool:
        """Both say that this page belongs there; who holds something goes when she likes."""
        if self._timeline.chance(0.003):
            return True  # somebody opens the wrong page
        if here.serves(self._home.name) or not there.serves(self._home.name):
            return False
        held = here.site.journal.db.row(_HELD, agent_id=self._desk.agent_id)
        return not (held and held[0]) or self._timeline.dice.random() < 0.2


class TravellingCustomer:
    """A customer whose provider tries the other site when one does not answer; the page does the same."""

    def __init__(self, timeline: Timeline, halves: tuple[Half, Half], home: Half, number: int) -> None:
        self._timeline = timeline
        self._home = home
        self._halves = halves
        self._customer = Customer(home.site, number)
        self._messages = 0
        self._more = timeline.dice.choice((0, 0, 1, 3))

    def arrive(self) -> None:
        """At the site that the provider was told, or at the other one; until somebody has acknowledged it."""
        first = self._home
        if not first.serves(first.name) and first.other.serves(first.name):
            first = first.other
        if self._timeline.chance(0.1):
            first = first.other
        self.arrive_at(first)

    def arrive_at(self, half: Half) -> None:
        """At this one, whoever serves whose traffic; at the other one while it does not answer."""
        self._try(half, 8)
        self._timeline.soon(4_000, 9_000, self._look)

    def arrive_twice(self) -> None:
        """Kept at both: the provider heard no answer of the first, and goes to the other address."""
        self._customer.arrive()
        self._timeline.soon(1_000, 4_000, self._again)

    def _again(self) -> None:
        self._customer.move(self._home.other.site, connects=False)
        self._customer.arrive()

    def _try(self, half: Half, tries: int) -> None:
        ref = self._customer.interaction_id
        if any(ref in each.site.acknowledged for each in self._halves) or not tries:
            return
        if half.site.alive:
            self._customer.move(half.site, connects=False)
            self._customer.arrive()
        self._timeline.soon(2_000, 6_000, lambda: self._try(half.other, tries - 1))

    def _look(self) -> None:
        """The page has lost its site, or is told that its chat goes on at the other one."""
        here = self._halves[0] if self._customer.site is self._halves[0].site else self._halves[1]
        moved = not here.site.alive
        if here.site.alive:
            found = here.site.journal.db.row(_HERE, ref=self._customer.interaction_id)
            moved = found is not None and found[0] == "moved"
        if moved and here.other.site.alive:
            self._customer.move(here.other.site, connects=True)
        if self._more and self._timeline.dice.random() < 0.3:
            self._more -= 1
            self._messages += 1
            self._customer.say_more(self._messages)
        if not self._timeline.calm:
            self._timeline.soon(2_000, 6_000, self._look)
