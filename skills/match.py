"""Whether an agent's skills meet what an interaction needs. What the need is at which time is widening.py.

What a person can do is config.people.skills_of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.plan import RequirementPlan
from skills.requirement import Requirement, SkillLevels


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Requirements taken together: of the queue and of the interaction, at one widening step.

    Shape: `any_groups` keeps each requirement's `require_any` apart, because one of these and one of those is
           not one of all. Sorted and without repeats, so equal needs are equal objects.
    """

    require: SkillLevels = ()
    any_groups: tuple[SkillLevels, ...] = ()
    forbid: tuple[str, ...] = ()
    prefer: SkillLevels = ()


def meets(levels: Mapping[str, int], need: Need) -> bool:
    """Whether somebody with these levels (by skill) may serve this need."""
    if any(levels.get(skill, 0) < level for skill, level in need.require):
        return False
    if any(skill in levels for skill in need.forbid):
        return False
    return all(any(levels.get(skill, 0) >= level for skill, level in group) for group in need.any_groups)


def meets_one(levels: Mapping[str, int], needs: Sequence[Need]) -> bool:
    """Whether somebody with these levels may serve by at least one of these alternatives (see needs_at)."""
    return any(meets(levels, need) for need in needs)


def preference(levels: Mapping[str, int], need: Need) -> int:
    """How many of the preferred skills somebody has well enough. More is better; it keeps nobody out."""
    return sum(levels.get(skill, 0) >= level for skill, level in need.prefer)


def need_of(requirement: Requirement) -> Need:
    """One requirement as a need."""
    return Need(
        require=_highest(requirement.require),
        any_groups=(requirement.require_any,) if requirement.require_any else (),
        forbid=tuple(sorted(set(requirement.forbid))),
        prefer=_highest(requirement.prefer),
    )


def combine(first: Need, second: Need) -> Need:
    """What both ask for: the higher level of each skill, one of each list, none of what either forbids."""
    return Need(
        require=_highest(first.require + second.require),
        any_groups=tuple(sorted({*first.any_groups, *second.any_groups})),
        forbid=tuple(sorted({*first.forbid, *second.forbid})),
        prefer=_highest(first.prefer + second.prefer),
    )


def requirement_of(plan: RequirementPlan) -> Requirement:
    """A requirement as the plan writes it, in the one form that makes equal requirements equal objects."""
    return Requirement(
        require=_highest(plan.require),
        require_any=_highest(plan.require_any),
        forbid=tuple(sorted(set(plan.forbid))),
        prefer=_highest(plan.prefer),
    )


def _highest(pairs: SkillLevels) -> SkillLevels:
    levels: dict[str, int] = {}
    for skill, level in pairs:
        levels[skill] = max(level, levels.get(skill, 0))
    return tuple(sorted(levels.items()))
