"""What the people of a plan can do: the skills it writes down, and those that go without saying."""

from typing import Final

from config.plan import PersonPlan, Site
from config.words import SUPERVISOR_SKILL

LEVEL_MAX: Final = 5
"""The best an agent can be at anything; also how well everybody speaks the centre's first language."""

SUPERVISING: Final = frozenset({"supervisor", "admin"})
"""Roles that hold the supervisor skill."""

SERVING: Final = frozenset({"agent", "supervisor", "admin"})
"""Roles that have a desk. An auditor only reads."""


def skills_of(person: PersonPlan, site: Site) -> tuple[tuple[str, int], ...]:
    """What this person can do, as sorted pairs (skill, level).

    Supervisors and admins hold the supervisor skill, and nobody else does. Everybody speaks the centre's
    first language at the highest level, unless the plan gives that person another level of it. Who has no
    desk serves nobody: no skills.
    """
    if person.role not in SERVING:
        return ()
    levels = {language_skill(language): LEVEL_MAX for language in site.languages[:1]}
    levels.update(person.skills)
    levels.pop(SUPERVISOR_SKILL, None)
    if person.role in SUPERVISING:
        levels[SUPERVISOR_SKILL] = LEVEL_MAX
    return tuple(sorted(levels.items()))


def language_skill(language: str) -> str:
    """The skill of speaking a language, by its ISO 639-1 code."""
    return f"lang-{language}"
