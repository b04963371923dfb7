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
           what it asks, how urgent it is, and the profile of the agent who is freed then.
    """

    requirements: tuple[frozenset[int], ...]
    profiles: tuple[frozenset[int], ...]
    served_by_profile: tuple[tuple[int, ...], ...]
    requirement: list[int]
    urgency: list[int]
    profile: list[int]


def draw(arrivals: int, seed: int = 1) -> Load:
    """A load of so many arrivals, staffed as demanded.

    Every requirement is met by some profile, and the profile freed serves a requirement drawn like the
    arrivals': whoever is freed finds something, and exactly as many keep waiting, as in a line that lasts.
    """
    chance = random.Random(seed)
    able = _profiles(chance)
    requirements: set[frozenset[int]] = set()
    while len(requirements) < REQUIREMENTS:
        requirements.add(_some_of(chance, sorted(chance.choice(able))))
    load = _load(chance, able, requirements, arrivals)
    serving = [
        [profile for profile, mine in enumerate(load.served_by_profile) if number in mine]
        for number in range(REQUIREMENTS)
    ]
    load.profile.extend(chance.choice(serving[chance.randrange(REQUIREMENTS)]) for _ in range(arrivals))
    return load


def draw_unstaffed(arrivals: int, seed: int = 1) -> Load:
    """A load whose requirements are put together from what different people can do, profiles drawn evenly.

    Many requirements are met by few or by nobody: those pile up, three of ten freed agents find nothing, and
    most buckets an agent looks into are empty. The floor's published figure was found with a load like this.
    """
    chance = random.Random(seed)
    able = _profiles(chance)
    requirements: set[frozenset[int]] = set()
    while len(requirements) < REQUIREMENTS:
        if known := [skill for skill in range(SKILLS) if skill in chance.choice(able)]:
            requirements.add(_some_of(chance, known))
    load = _load(chance, able, requirements, arrivals)
    load.profile.extend(chance.randrange(PROFILES) for _ in range(arrivals))
    return load


def _profiles(chance: random.Random) -> list[frozenset[int]]:
    profiles: set[frozenset[int]] = set()
    while len(profiles) < PROFILES:
        profiles.add(frozenset(chance.sample(range(SKILLS), chance.randint(3, 10))))
    return sorted(profiles, key=sorted)


def _some_of(chance: random.Random, skills: list[int]) -> frozenset[int]:
    return frozenset(chance.sample(skills, min(len(skills), chance.choice((1, 1, 2, 2, 3)))))


def _load(
    chance: random.Random, able: list[frozenset[int]], requirements: set[frozenset[int]], arrivals: int
) -> Load:
    """What arrives; who is freed then is not drawn yet."""
    asked = sorted(requirements, key=sorted)
    served = [tuple(number for number, needed in enumerate(asked) if needed <= can) for can in able]
    return Load(
        requirements=tuple(asked),
        profiles=tuple(able),
        served_by_profile=tuple(served),
        requirement=[chance.randrange(REQUIREMENTS) for _ in range(arrivals)],
        urgency=[chance.randrange(URGENCIES) for _ in range(arrivals)],
        profile=[],
    )
