"""What an interaction asks of the agent who answers it. Matching is in match.py, relaxing in widening.py."""

from dataclasses import dataclass

SkillLevels = tuple[tuple[str, int], ...]
"""Sorted pairs (skill, level); level is 1 (knows a little) to 5 (expert)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Who may answer: every `require`, one of `require_any` (when there are any), none of `forbid`.

    Shape: all four sorted and without repeats, so equal requirements are equal objects and one
           group of the waiting line. `prefer` never keeps an agent out; it only orders them.
    """

    require: SkillLevels = ()
    require_any: SkillLevels = ()
    forbid: tuple[str, ...] = ()
    prefer: SkillLevels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WideningStep:
    """From `after_ms` since accepted_at on, the requirement is relaxed like this, on top of earlier steps.

    `lower` sets skills of `require` and `require_any` to at most that level; `drop` removes skills from
    them; `add_queues` lets agents of those queues serve as well.
    """

    after_ms: int
    lower: SkillLevels = ()
    drop: tuple[str, ...] = ()
    add_queues: tuple[str, ...] = ()
