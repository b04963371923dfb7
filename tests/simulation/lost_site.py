"""How some worlds of two sites end: one dies for good, at whatever moment, and the other serves everybody.

What only its return would put right is wrong here: what the living site had left to it, what was on its way,
what each counted on the other for. What was at the dead site alone was openly a single copy, and is lost.
"""

from collections.abc import Callable, Sequence
from typing import Final

from router.elsewhere import MOVED
from router.journal.connection import Connection
from router.records import Row
from router.sites.acts import take_over
from router.sites.dry_run import dry_run
from tests.simulation.audit import Broken
from tests.simulation.half import GATE_MS, Half
from tests.simulation.operators import Operators
from tests.simulation.pair_audit import PairAudit, silently_ended
from tests.simulation.timeline import Timeline

TELLING: Final = frozenset({"adopted", "yielded", "handover_began", "accepted", "closed", "domain_claimed"})
"""Kinds of rows just after which it is worth dying: one site has said what the other does not know yet."""

OFFERED_WITHIN_MS: Final = 10_000
WAITED_MS: Final = 20_000
"""At the latest so long after it was to die it dies, whether or not anything telling was said."""

_LEGS: Final = """
    SELECT i.interaction_id, i.closed_seq, i.closed_why, i.state, i.accepted_at_ms, i.follows,
        coalesce(a.n, 0)
    FROM interaction i LEFT JOIN adoption a ON a.interaction_id = i.interaction_id
"""

Leg = tuple[bool, str, str, int, str, int]
"""Of one site: whether it is open, why it was closed, state, place, what it follows, and n of its claim."""


class LostSite:
    """Which dies, when, and what must be true of the other one then."""

    def __init__(
        self, timeline: Timeline, halves: Sequence[Half], operators: Operators, audit: PairAudit
    ) -> None:
        self.dead = timeline.dice.choice(halves)
        self.left = 0
        """What the living site had left to the dead one, of what it serves now."""
        self._timeline = timeline
        self._operators = operators
        self._audit = audit
        self._armed = False
        for half in halves:
            half.site.heard.append(self._hear)

    @property
    def living(self) -> Half:
        return self.dead.other

    def begin(self, span_ms: float) -> None:
        """From now on."""
        self._timeline.soon(span_ms * 0.3, span_ms * 0.9, self._arm)

    def _arm(self) -> None:
        self._armed = True
        self._timeline.at(WAITED_MS, self.die)

    def _hear(self, rows: Sequence[Row]) -> None:
        if self._armed and any(row.kind in TELLING for row in rows):
            self._armed = False
            self._timeline.soon(0, 250, self.die)

    def die(self) -> None:
        """Now, if it has not."""
        if not self.dead.site.gone:
            self.dead.dies_for_good()
            self._operators.after_death(self.dead)

    def outlive(self, passes: Callable[[int], None]) -> None:
        """The faults are over; whoever lives takes over everything. Raises Broken."""
        self.die()
        passes(GATE_MS + 2_000)
        before = _legs(self.living.site.journal.db)
        self._audit.acts += 1
        take_over(
            self.living.ground,
            who="boss",
            why="it burns",
            command_id="last",
            with_assigned=True,
            anyway=True,
        )
        passes(OFFERED_WITHIN_MS)
        self._everybody_here(before)

    def _everybody_here(self, before: dict[str, Leg]) -> None:
        living, here = self.living, _legs(self.living.site.journal.db)
        there = _legs(living.copy.db)
        finished = {ref for ref, leg in here.items() if leg[1] == "disposed" and _is_open(before.get(ref))}
        for ref in sorted((here.keys() | there.keys()) - finished):
            if (wrong := _wrong(here.get(ref), there.get(ref))) and not _goes_on(ref, here, there):
                raise Broken(f"{ref} {wrong}: {here.get(ref)}, there {there.get(ref)}")
        self.left = sum(before[ref][1] == MOVED and leg[0] for ref, leg in here.items() if ref in before)
        known = here.keys() | there.keys()
        through = living.copy.last_seq()
        for site, ref, seq, copied in self._audit.acknowledged:
            if ref not in known and (copied or site == living.name or seq <= through):
                raise Broken(f"{ref} was acknowledged, and is nowhere now that {self.dead.name} is dead")
        given = living.site.audit.next_offer(self._timeline.clock.now_ms - 1_000)
        if given is not None:
            raise Broken(f"nobody was offered what waits, {OFFERED_WITHIN_MS} ms after it came: {given}")
        told = dry_run(living.ground, [self.dead.name])
        named = sum(_is_open(there.get(ref)) for ref in finished)  # by both; an agent here was done first
        if told["adopted_now"] + len(told["assigned"]) > named:
            raise Broken(f"everything was taken over, and the dry run names more: {told['lines']}")

    def judge(self) -> bytes:
        """At the end of everything, all closed. Raises Broken."""
        living = self.living
        head = living.site.judge()
        self._audit.prefixes()
        dbs: list[Connection] = [living.site.journal.db, living.copy.db]
        if unheard := silently_ended(dbs, self._audit.said):
            raise Broken(f"ended, and nobody who ended it had its last words: {unheard[:3]}")
        return head


def _wrong(here: Leg | None, there: Leg | None) -> str:
    """What is wrong with an interaction, by what the living site has and what its copy says; empty: nothing.

    What an agent of either site finished is over. All else goes on at the site that lives.
    """
    if here is None:
        opened = there is not None and (there[0] or there[1] == MOVED)
        return "is at the dead site only" if opened else ""
    is_open, why, state, place, follows, n = here
    if is_open:
        late = there is not None and there[0] and not follows and there[3] < place
        return "lost its place" if late and state in ("waiting", "offered") else ""
    if why == MOVED:
        left = there is None or there[0] or there[1] == MOVED
        return "is left to the dead site" if left else ""
    return "goes on at the dead site only" if there is not None and there[0] and there[5] > n else ""


def _is_open(leg: Leg | None) -> bool:
    return leg is not None and leg[0]


def _goes_on(ref: str, here: dict[str, Leg], there: dict[str, Leg]) -> bool:
    """Whether it is a call-back, left to the conversation it follows, which goes on here or is over."""
    legs = [each[ref] for each in (here, there) if ref in each]
    followed = [here.get(legs[0][4]), there.get(legs[0][4])]
    if any(leg[0] for leg in legs):
        return False
    served = followed[0] is not None and followed[0][0]
    return served or any(leg is not None and leg[1] == "disposed" for leg in followed)


def _legs(db: Connection) -> dict[str, Leg]:
    return {
        str(ref): (not closed_seq, why, state, place, follows, n)
        for ref, closed_seq, why, state, place, follows, n in db.rows(_LEGS)
    }
