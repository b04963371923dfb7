"""How fast the real core decides, as a share of the floor under it (core_floor.py).

One decision is one arrival plus one agent freed, all of it: the contact arrives and is read, an agent gives a
disposition, is offered the best interaction there is, and accepts; deadlines run, every offer is explained.
The floor does the arrival and the search and nothing else. Both are measured in processor time of this
process, because other processes must not count; the queues age at five different rates.

The load is a hard one for the floor (core_load.draw): it finds somebody for everybody who is freed. So that
nobody has to believe that the floor is well written, it is also measured with the lighter load that its
published figure was found with; too slow there, the shares are void (results.py).

Prints the figures: `python -m benchmarks.core`.
"""

import gc
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from statistics import median

from benchmarks import core_floor
from benchmarks.core_load import AGENTS, SKILLS, Load, draw, draw_unstaffed
from config.plan import ChannelPlan, PersonPlan, Plan, QueuePlan, Reason, Site, SkillPlan
from router import decisions as d
from router import events as e
from router.core import Core
from skills.requirement import Requirement

SIZES = (("1k", 1_000), ("1m", 1_000_000))
"""Name, and how many wait."""

SLICES = 30
SLICE = 2_000
"""So many decisions of the floor, then as many of the core, and so on; a rate is that of the median time.

Both meet the same moments of a machine that also does other things.
"""

PIECES = 8
"""The core's slices are timed in so many pieces, as it takes that much longer: then a time of either side is
about 5 ms, and equally likely to have been interrupted, after which everything is out of the caches."""

TURN = 10
"""The router lets deadlines run once in each of its turns; under load a turn has more decisions."""


def core_over_floor() -> dict[str, float]:
    """One measurement of floor and core, with few and with many waiting. `make bench` takes the median."""
    found: dict[str, float] = {}
    for name, waiting in SIZES:
        load = draw(waiting + (SLICES + 1) * SLICE)
        floor, core = _rates(core_floor.Buckets(load), Bench(load), waiting)
        found[f"core_floor_{name}_per_s"] = floor
        found[f"core_{name}_per_s"] = core
        found[f"core_over_floor_{name}"] = core / floor
    return found | {"core_floor_light_1k_per_s": _light_floor(1_000)}


def _rates(floor: core_floor.Buckets, core: "Bench", waiting: int) -> tuple[float, float]:
    """Decisions a second of both, with so many waiting. The first slice only warms up."""
    floor.fills(range(waiting))
    core.fills(range(waiting))
    floor_took: list[float] = []
    core_took: list[float] = []
    gc.collect()
    for first in range(waiting, waiting + (SLICES + 1) * SLICE, SLICE):
        core.prepare(range(first, first + SLICE))
        floor_took += _times(floor, first, pieces=1)
        core_took += _times(core, first, pieces=PIECES)
    return SLICE / median(floor_took[1:]), SLICE / PIECES / median(core_took[PIECES:])


def _times(side: "core_floor.Buckets | Bench", first: int, *, pieces: int) -> list[float]:
    """Seconds of processor time that each piece of a slice takes."""
    took, step = [], SLICE // pieces
    for start in range(first, first + SLICE, step):
        began = time.process_time()
        side.decides(range(start, start + step))
        took.append(time.process_time() - began)
    return took


def _light_floor(waiting: int) -> float:
    """Decisions a second of the floor under the load that its published figure was found with."""
    load = draw_unstaffed(waiting + (SLICES + 1) * SLICE)
    floor = core_floor.Buckets(load)
    floor.fills(range(waiting))
    starts = range(waiting, waiting + (SLICES + 1) * SLICE, SLICE)
    took = [seconds for first in starts for seconds in _times(floor, first, pieces=1)]
    return SLICE / median(took[1:])


class Bench:
    """A centre of the load's agents, who accept whatever they are offered."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._asked = [
            Requirement(require=tuple((f"skill-{skill:02}", 1) for skill in sorted(needed)))
            for needed in load.requirements
        ]
        self.core = Core(plan_of(load), 1)
        self.now_ms = 0
        self._handle = self.core.handle
        self._teams: list[deque[tuple[str, str]]] = [deque() for _ in load.profiles]
        """Who of each profile holds what, longest first."""
        self._team_of = {
            agent_id: team for team, ids in zip(self._teams, _teams(), strict=True) for agent_id in ids
        }
        self._coming: dict[int, tuple[e.ContactArrived, e.ContactRead]] = {}
        self.staff()

    def prepare(self, numbers: Iterable[int]) -> None:
        """Make the events of these contacts beforehand: in production the journal brings them."""
        self._coming = {number: self.events_of(number) for number in numbers}

    def decides(self, numbers: Iterable[int]) -> None:
        """For each of these, one arrival and one agent freed, with all that follows."""
        handle, advance, take, frees = self.core.handle, self.core.advance, self.take, self.frees
        coming, profile = self._coming, self._load.profile
        for number in numbers:
            arrived, read = coming[number]
            handle(arrived)
            take(handle(read))
            frees(profile[number], read.at_ms)
            if number % TURN == 0:
                advance(read.at_ms)

    def events_of(self, number: int) -> tuple[e.ContactArrived, e.ContactRead]:
        """The arrival and reading of one contact; a millisecond passes between contacts."""
        self.now_ms += 1
        interaction_id = f"interaction-{number:07}"
        requirement = self._load.requirement[number]
        arrived = e.ContactArrived(
            at_ms=self.now_ms, interaction_id=interaction_id, channel="chat", accepted_at_ms=self.now_ms
        )
        read = e.ContactRead(
            at_ms=self.now_ms,
            interaction_id=interaction_id,
            queue_id=f"queue-{requirement % 5}",
            urgency=self._load.urgency[number] + 1,
            requirement=self._asked[requirement],
            rule_id="rule",
        )
        return arrived, read

    def fills(self, numbers: Iterable[int]) -> None:
        """These arrive, and nobody is freed."""
        for number in numbers:
            arrived, read = self.events_of(number)
            self.core.handle(arrived)
            self.take(self.core.handle(read))
            self.core.advance(self.now_ms)

    def staff(self) -> None:
        """Every agent signs in and is busy from then on, with a contact that anybody may serve."""
        handle = self.core.handle
        for agent_id in self._team_of:
            at_ms, ref = self.now_ms, f"first-of-{agent_id}"
            handle(e.DeskJoined(at_ms=at_ms, agent_id=agent_id, desk_id=f"desk-of-{agent_id}"))
            handle(e.PresenceDeclared(at_ms=at_ms, agent_id=agent_id, available=True))
            handle(e.ContactArrived(at_ms=at_ms, interaction_id=ref, channel="chat", accepted_at_ms=at_ms))
            read = e.ContactRead(
                at_ms=at_ms,
                interaction_id=ref,
                queue_id="queue-0",
                urgency=3,
                requirement=Requirement(),
                rule_id="rule",
            )
            self.take(handle(read))

    def frees(self, profile: int, at_ms: int) -> None:
        """The longest busy agent of this profile gives a disposition."""
        team = self._teams[profile]
        if team:
            agent_id, interaction_id = team.popleft()
            given = e.DispositionGiven(
                at_ms=at_ms, interaction_id=interaction_id, agent_id=agent_id, disposition="done"
            )
            self.take(self._handle(given))

    def take(self, made: list[d.Decision]) -> None:
        """Accept what was offered, if these decisions end in an offer."""
        offer = made[-1]
        if type(offer) is d.OfferInteraction:
            self._team_of[offer.agent_id].append((offer.agent_id, offer.interaction_id))
            accepted = e.OfferAccepted(at_ms=offer.at_ms, offer_id=offer.offer_id, agent_id=offer.agent_id)
            self._handle(accepted)


def plan_of(load: Load) -> Plan:
    """Queues that age at five rates; one channel of which an agent holds one at a time."""
    skills = [f"skill-{number:02}" for number in range(SKILLS)]
    people = [
        PersonPlan(
            agent_id=agent_id,
            name=agent_id,
            role="agent",
            skills=tuple((skills[skill], 1) for skill in sorted(profile)),
        )
        for profile, team in zip(load.profiles, _teams(), strict=True)
        for agent_id in team
    ]
    chat = ChannelPlan(
        channel_id="chat",
        name="Chat",
        queue_id="queue-0",
        urgency=3,
        load=100,
        max_at_once=1,
        offer_ms_urgent=15_000,
        offer_ms=30_000,
        body_bytes_max=1,
        message_characters_max=1,
        attachment_bytes_max=1,
        abandoned_after_ms=120_000,
    )
    return Plan(
        site=Site(site_id="bench", name="Bench", time_zone="UTC", languages=("en",)),
        skills=tuple(SkillPlan(skill_id=skill, name=skill) for skill in skills),
        channels=(chat,),
        queues=tuple(
            QueuePlan(queue_id=f"queue-{number}", name=f"Queue {number}", ageing_pct=rate)
            for number, rate in enumerate(core_floor.RATES)
        ),
        rules=(),
        people=tuple(people),
        reasons=(),
        dispositions=(Reason(reason_id="done", name="Done"),),
    )


def _teams() -> Iterator[list[str]]:
    """The agents of each profile, ten of each."""
    size = AGENTS // 100
    for first in range(0, AGENTS, size):
        yield [f"agent-{number:04}" for number in range(first, first + size)]


if __name__ == "__main__":
    for key, value in core_over_floor().items():
        sys.stdout.write(f"{key:24} {value:12,.3f}\n")
