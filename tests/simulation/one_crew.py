"""How some worlds of two sites end: one crew serves both buildings, and is at one of them only.

The line is cut, one site takes the other one's traffic over while both have agents, it is whole again, and
everybody goes off duty, so that what they held waits. Then the crew is at one site, and the other one has
nobody: whoever waits there must be offered where the crew is, or be named by the dry run of what was done.
What was a site's own before it took the other one's traffic over may stay there after the return.
"""

from collections.abc import Callable, Sequence
from typing import Final

from router.journal.appends import FactsAppend
from router.records import fact
from router.sites.acts import reroute, take_over
from router.sites.left_alone import ALONE_MS
from router.sites.ownership import RETURN
from router.sites.rerouting_dry_run import reroute_dry_run
from router.sites.service_states import NORMAL, UNSTAFFED
from tests.simulation.audit import Broken
from tests.simulation.desks import Desk
from tests.simulation.half import Half
from tests.simulation.operators import Claim
from tests.simulation.pair_audit import PairAudit
from tests.simulation.timeline import Timeline
from tests.simulation.travellers import TravellingAgent, TravellingCustomer

KINDS: Final = ("take over", "return", "reroute")
"""What was done at last, after which one site has everybody and the other one nobody."""

ARRIVE_MS: Final = 4_000
SPLIT_MS: Final = 15_000
AGREED_MS: Final = 6_000
GRACE_MS: Final = 36_000
"""Longer than any plan keeps what somebody held for a desk that is gone (tests/simulation/plans.py)."""

MOVED_WITHIN_MS: Final = 30_000
STILL_MS: Final = 20_000
"""What waits at both ends of this time is not on its way any more."""

FIRST: Final = 5_000
"""The number of the first contact of this."""

_WAITS: Final = """
    SELECT interaction_id FROM interaction
    WHERE closed_seq = 0 AND state IN ('waiting', 'offered')
        AND NOT (channel = 'voice' AND connection_ids <> '[]')
    ORDER BY interaction_id
"""
"""Not a call that is on the line: no sound moves between sites, it is sent on as a call (overflow.py)."""

_OPEN: Final = "SELECT interaction_id FROM interaction WHERE closed_seq = 0"

Pass = Callable[[int], None]


class Crew:
    """All who answer, at whatever site they are."""

    def __init__(self, bosses: Sequence[tuple[Desk, Half]], travellers: Sequence[TravellingAgent]) -> None:
        self._bosses, self._travellers = bosses, travellers
        self._desks = [*(desk for desk, _ in bosses), *(each.desk for each in travellers)]

    def go_off(self) -> None:
        """Nobody answers anywhere."""
        for each in self._travellers:
            each.stays = True
        for desk in self._desks:
            desk.lingers = False
            desk.go_off()

    def come(self, half: Half) -> None:
        """All of them work there."""
        for desk in self._desks:
            desk.come(half.site)

    def come_to_both(self, halves: Sequence[Half]) -> None:
        """Some here and some there, and they talk for long."""
        for number, desk in enumerate(self._desks):
            desk.lingers = True
            desk.come(halves[number % 2].site)

    def go_home(self) -> None:
        """Everybody works as before."""
        for desk, half in self._bosses:
            desk.come(half.site)
        for each in self._travellers:
            each.stays = False


class OneCrew:
    """One of these ends. Raises Broken where somebody waits at a site without agents, and nobody says so."""

    def __init__(self, timeline: Timeline, halves: Sequence[Half], audit: PairAudit, kind: str) -> None:
        self.kind = kind
        self.waited = 0
        """How many waited where nobody was when the crew had come to the other site."""
        self._home = timeline.dice.choice(halves)
        self._timeline, self._halves, self._audit = timeline, halves, audit
        self._customers = 0
        self._own: set[str] = set()
        """What was open, before it took over, at the site that gives back."""

    def live_through(self, crew: Crew, passes: Pass) -> None:
        """All of it; afterwards each site has its own traffic and people again."""
        self._split(crew, passes)
        empty = self._move(crew, passes)
        self._nobody_forgotten(empty, passes)
        self._reroute(empty, 0)
        self._observed(empty, NORMAL)
        crew.go_home()

    def _split(self, crew: Crew, passes: Pass) -> None:
        """What is held here and was taken over there, what came there since, and what waits."""
        home, there = self._home, self._home.other
        for half in self._halves:
            self._give_back(half)
            self._reroute(half, 0)
        crew.go_off()
        crew.come_to_both(self._halves)
        passes(ARRIVE_MS)
        self._arrive(home, 6)
        self._arrive(there, 2)
        passes(ARRIVE_MS)
        for half in self._halves:
            half.out.cut = True
        self._own = {str(row[0]) for row in there.site.journal.db.rows(_OPEN)}
        self._take_over(there, self._timeline.dice.random() < 0.3)
        passes(SPLIT_MS)
        for half in self._halves:
            half.out.cut = False
        passes(AGREED_MS)
        crew.go_off()
        self._arrive(there, 4)
        passes(GRACE_MS)

    def _move(self, crew: Crew, passes: Pass) -> Half:
        """Do what this world is about; the site that has nobody."""
        home, there = self._home, self._home.other
        if self.kind != "take over":
            self._give_back(there)
        if self.kind == "reroute":
            passes(SPLIT_MS)
            self._reroute(home, 100)
        crowded = home if self.kind == "return" else there
        crew.come(crowded)
        self._observed(crowded.other, UNSTAFFED)
        self._arrive(crowded.other, 2)
        self.waited = len(_waiting(crowded.other))
        return crowded.other

    def _nobody_forgotten(self, empty: Half, passes: Pass) -> None:
        passes(MOVED_WITHIN_MS + (ALONE_MS if self.kind == "return" else 0))
        before = _waiting(empty)
        passes(STILL_MS)
        stays = self._own if self.kind == "return" else set()
        left = sorted((set(before) & set(_waiting(empty))) - stays)
        named = self._named(empty)
        if len(left) > named:
            raise Broken(
                f"after {self.kind}, {len(left)} wait at {empty.name}, which has no agents,"
                f" and {named} of them are named: {left[:3]}"
            )
        given = empty.other.site.audit.next_offer(self._timeline.clock.now_ms - 1_000)
        if given is not None:
            raise Broken(f"nobody was offered what waits at {empty.other.name}, where everybody is: {given}")

    def _named(self, empty: Half) -> int:
        """How many the dry run says stay where nobody is."""
        if self.kind == "reroute":
            return int(reroute_dry_run(empty.ground, "all", 100).get("stays", 0))
        return 0

    def _arrive(self, half: Half, count: int) -> None:
        for _ in range(count):
            customer = TravellingCustomer(self._timeline, self._halves, half, FIRST + self._customers)
            self._customers += 1
            self._timeline.soon(0, ARRIVE_MS / 2, lambda customer=customer: customer.arrive_at(half))

    def _take_over(self, half: Half, with_assigned: bool) -> None:
        self._audit.acts += 1
        said = {"who": "boss", "why": "", "command_id": f"crew-{half.name}-{self._audit.acts}"}
        take_over(half.ground, **said, with_assigned=with_assigned, anyway=True)

    def _give_back(self, half: Half) -> None:
        """Not return_home: nobody keeps here what it asks for of the beats."""
        self._audit.acts += 1
        if half.serves(half.peer):
            half.site.journal.append(Claim(half, (half.peer,), RETURN, with_assigned=False))

    @staticmethod
    def _observed(half: Half, state: str) -> None:
        """What its watcher sees of it: nobody keeps the leases here by which it would."""
        seen = fact("state_observed", half.name, state=state, why="")
        half.site.journal.append(FactsAppend(facts_to_append=(seen,)))

    def _reroute(self, half: Half, share_pct: int) -> None:
        self._audit.acts += 1
        scopes = [str(row[0]) for row in half.site.journal.db.rows("SELECT scope FROM reroute")]
        said = {"agent_id": "boss", "why": "", "command_id": ""}
        others = [fact("reroute_set", scope, share_pct=0, **said) for scope in scopes if scope != "all"]
        half.site.journal.append(FactsAppend(facts_to_append=tuple(others)))
        acted = {"who": "boss", "why": "", "command_id": f"crew-{half.name}-{self._audit.acts}"}
        reroute(half.ground, scope="all", share_pct=share_pct, **acted)


def _waiting(half: Half) -> list[str]:
    return [str(row[0]) for row in half.site.journal.db.rows(_WAITS)]
