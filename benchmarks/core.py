"""How fast the real core decides, as a share of the floor under it (core_floor.py).

One decision is one arrival plus one agent freed, all of it: the contact arrives and is read, an agent gives a
disposition, is offered the best interaction there is, and accepts; deadlines run, every offer is explained.
The floor does the arrival and the search and nothing else. Both are measured in processor time of this
process, because other processes must not count; the queues age at five different rates.

Prints the figures: `python -m benchmarks.core`.
"""

import gc
import sys
import time
from collections import deque
from collections.abc import Iterator

from benchmarks import core_floor
from benchmarks.core_load import AGENTS, SKILLS, Load, draw
from config.plan import ChannelPlan, PersonPlan, Plan, QueuePlan, Reason, Site, SkillPlan
from router import decisions as d
from router import events as e
from router.core import Core
from skills.requirement import Requirement

TURN = 10
"""The router lets deadlines run once in each of its turns; under load a turn has more decisions."""

SIZES = (("1k", 1_000, 60_000), ("1m", 1_000_000, 60_000))
"""Name, how many wait, how many decisions are timed."""


def core_over_floor() -> dict[str, float]:
    """One measurement of floor and core, with few and with many waiting. `make bench` takes the median."""
    found: dict[str, float] = {}
    for name, waiting, decisions in SIZES:
        load = draw(waiting + decisions)
        floor = core_floor.decisions_per_second(load, waiting, decisions)
        product = decisions_per_second(load, waiting, decisions)
        found[f"core_floor_{name}_per_s"] = floor
        found[f"core_{name}_per_s"] = product
        found[f"core_over_floor_{name}"] = product / floor
    return found


def decisions_per_second(load: Load, waiting: int, decisions: int) -> float:
    """How many decisions a second the core takes, with so many waiting."""
    centre = Bench(load)
    centre.staff()
    for number in range(waiting):
        centre.arrives(number)
    arrivals = [centre.events_of(number) for number in range(waiting, waiting + decisions)]
    handle, advance, take, frees = centre.core.handle, centre.core.advance, centre.take, centre.frees
    gc.collect()
    began = time.process_time()
    for number, (arrived, read) in enumerate(arrivals, waiting):
        handle(arrived)
        take(handle(read))
        frees(load.profile[number], read.at_ms)
        if number % TURN == 0:
            advance(read.at_ms)
    took = time.process_time() - began
    return decisions / took


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
        self._teams = [deque(team) for team in _teams()]
        self._holds: dict[str, str] = {}
        self._handle = self.core.handle

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

    def arrives(self, number: int) -> None:
        """One contact, and whatever follows."""
        arrived, read = self.events_of(number)
        self.core.handle(arrived)
        self.take(self.core.handle(read))
        self.core.advance(self.now_ms)

    def staff(self) -> None:
        """Every agent signs in and is busy from then on, with a contact that anybody may serve."""
        handle = self.core.handle
        for agent_id in (agent_id for team in self._teams for agent_id in team):
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
        """The next busy agent of this profile gives a disposition."""
        team = self._teams[profile]
        for _ in range(len(team)):
            team.rotate(-1)
            interaction_id = self._holds.pop(team[0], "")
            if interaction_id:
                given = e.DispositionGiven(
                    at_ms=at_ms, interaction_id=interaction_id, agent_id=team[0], disposition="done"
                )
                self.take(self._handle(given))
                return

    def take(self, made: list[d.Decision]) -> None:
        """Accept what was offered, if these decisions end in an offer."""
        offer = made[-1]
        if type(offer) is d.OfferInteraction:
            self._holds[offer.agent_id] = offer.interaction_id
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
