"""The work both the core and its floor are measured with: drawn once from a seed, equal for both."""

import random
from dataclasses import dataclass

SKILLS = 50
REQUIREMENTS = 200
PROFILES = 100
URGENCIES = 5
AGENTS = 1_000


@dataclass(frozen=True)
class Load:
    """Who can do what, and who arrives.

    Shape: skills by number; `requirements` and `profiles` are sorted sets of skills; `served_by_profile`
           lists
           the requirements a profile meets. requirement, urgency and profile are drawn for every arrival:
           what it asks, how urgent it is, and the profile of the agent who is freed then. Staffing follows
           demand (that profile serves a requirement drawn like the arrivals'), as a line that lasts needs.
    """

    requirements: tuple[frozenset[int], ...]
    profiles: tuple[frozenset[int], ...]
    served_by_profile: tuple[tuple[int, ...], ...]
    requirement: list[int]
    urgency: list[int]
    profile: list[int]


def draw(arrivals: int, seed: int = 1) -> Load:
    """A load of so many arrivals. Every requirement is met by some profile."""
    chance = random.Random(seed)
    profiles: set[frozenset[int]] = set()
    while len(profiles) < PROFILES:
        profiles.add(frozenset(chance.sample(range(SKILLS), chance.randint(3, 10))))
    able = sorted(profiles, key=sorted)
    requirements: set[frozenset[int]] = set()
    while len(requirements) < REQUIREMENTS:
        held = sorted(chance.choice(able))
        requirements.add(frozenset(chance.sample(held, min(len(held), chance.choice((1, 1, 2, 2, 3))))))
    asked = sorted(requirements, key=sorted)
    served = [tuple(number for number, needed in enumerate(asked) if needed <= can) for can in able]
    serving = [
        [profile for profile, mine in enumerate(served) if number in mine] for number in range(REQUIREMENTS)
    ]
    return Load(
        requirements=tuple(asked),
        profiles=tuple(able),
        served_by_profile=tuple(served),
        requirement=[chance.randrange(REQUIREMENTS) for _ in range(arrivals)],
        urgency=[chance.randrange(URGENCIES) for _ in range(arrivals)],
        profile=[chance.choice(serving[chance.randrange(REQUIREMENTS)]) for _ in range(arrivals)],
    )
