"""How a need is relaxed the longer somebody waits. Who may serve at one step may serve at every later one.

Steps belong to the queue and count from accepted_at, so that a transfer or a crash starts nothing anew.
`forbid` stays as it is at every step.
"""

from collections.abc import Sequence
from typing import Final

from config.plan import Plan, QueuePlan, RequirementPlan, WideningPlan
from config.words import MANUAL_QUEUE, SUPERVISOR_SKILL
from skills.match import Need, combine, need_of, requirement_of
from skills.requirement import Requirement, SkillLevels, WideningStep

NEVER_MS: Final = 1 << 53
"""No wait comes to this (285,000 years): a step that only a requirement nobody can meet reaches."""


def needs_at(plan: Plan, queue_id: str, requirement: Requirement, step: int) -> tuple[Need, ...]:
    """What an agent must meet at least one of, to serve an interaction with this requirement of its own.

    Shape: first the need of its own queue at this step (0: nothing widened yet), then one need for each queue
           that steps so far have added: what that queue asks of its agents, with the interaction's own
           requirement as widened. Equal needs are listed once. A step past the last counts as the last;
           an unknown queue is the manual queue, so that nothing waits where nobody looks.
    """
    queue = queue_of(plan, queue_id)
    steps = steps_of(queue)[:step]
    own = need_of(requirement)
    needs = [_widened(combine(_need_of_queue(queue), own), steps)]
    for added_id in (added_id for each in steps for added_id in each.add_queues):
        need = combine(_need_of_queue(queue_of(plan, added_id)), _widened(own, steps))
        if need not in needs:
            needs.append(need)
    return tuple(needs)


def step_at(queue: QueuePlan, wait_ms: int) -> int:
    """How many of the queue's steps have come after this long a wait since accepted_at."""
    return sum(step.after_ms <= wait_ms for step in queue.widening)


def next_step_ms(queue: QueuePlan, step: int) -> int | None:
    """How long after accepted_at the step after this one comes; None when this was the last."""
    return queue.widening[step].after_ms if step < len(queue.widening) else None


def queue_of(plan: Plan, queue_id: str) -> QueuePlan:
    """The queue of this id; the manual queue where the plan (no longer) has it."""
    return next((queue for queue in plan.queues if queue.queue_id == queue_id), None) or manual_queue()


def manual_queue() -> QueuePlan:
    """The queue that is always there, in no plan: any supervisor serves what the core could not handle.

    Time does not widen it. Its one step is for when no supervisor is signed in: then anybody serves it.
    """
    return QueuePlan(
        queue_id=MANUAL_QUEUE,
        name="Manual",
        requirement=RequirementPlan(require=((SUPERVISOR_SKILL, 1),)),
        widening=(WideningPlan(after_ms=NEVER_MS, drop=(SUPERVISOR_SKILL,)),),
    )


def steps_of(queue: QueuePlan) -> tuple[WideningStep, ...]:
    """The queue's widening, in the form the core works with."""
    return tuple(_step_of(step) for step in queue.widening)


def _need_of_queue(queue: QueuePlan) -> Need:
    return need_of(requirement_of(queue.requirement))


def _step_of(step: WideningPlan) -> WideningStep:
    return WideningStep(
        after_ms=step.after_ms,
        lower=tuple(sorted(step.lower)),
        drop=tuple(sorted(set(step.drop))),
        add_queues=step.add_queues,
    )


def _widened(need: Need, steps: Sequence[WideningStep]) -> Need:
    """The need after these steps. A dropped skill satisfies every list it stands in: it is not asked.

    Taking it out of a list instead would leave fewer ways to meet the list, and that narrows.
    """
    for step in steps:
        dropped = frozenset(step.drop)
        groups = {_lowered(group, step.lower) for group in need.any_groups}
        need = Need(
            require=tuple(pair for pair in _lowered(need.require, step.lower) if pair[0] not in dropped),
            any_groups=tuple(sorted(group for group in groups if dropped.isdisjoint(dict(group)))),
            forbid=need.forbid,
            prefer=need.prefer,
        )
    return need


def _lowered(pairs: SkillLevels, lower: SkillLevels) -> SkillLevels:
    caps = dict(lower)
    return tuple((skill, min(level, caps.get(skill, level))) for skill, level in pairs)
