"""Whether anybody could ever serve what a plan asks for: each queue, each rule, each language it serves.

Somebody who meets a need only after all widening counts: such a contact is widened at once and an alarm is
raised. A need that nobody meets even then would wait for ever, and that is a contradiction.
"""

from collections.abc import Iterator, Mapping, Sequence

from config.people import SERVING, language_skill, skills_of
from config.plan import Plan, QueuePlan, RequirementPlan, Rule
from config.positions import Path

Found = tuple[Path, str]
Levels = Mapping[str, int]


def contradictions(plan: Plan) -> Iterator[Found]:
    """Everything the plan asks for that nobody among its people could ever do."""
    people = [dict(skills_of(person, plan.site)) for person in plan.people if person.role in SERVING]
    queues = {queue.queue_id: queue for queue in plan.queues}
    for index, language in enumerate(plan.site.languages):
        if not any(language_skill(language) in levels for levels in people):
            yield (
                ("site", "languages", index),
                f"nobody speaks {language!r}: no one has {language_skill(language)!r}",
            )
    served = set()
    for index, queue in enumerate(plan.queues):
        if _somebody(people, queue, (), queues):
            served.add(queue.queue_id)
        else:
            yield ("queues", index), f"nobody can ever serve queue {queue.queue_id!r}"
    for index, rule in enumerate(plan.rules):
        yield from _rule(
            plan, rule, people, {queue_id: queues[queue_id] for queue_id in sorted(served)}, index
        )


def _rule(
    plan: Plan, rule: Rule, people: Sequence[Levels], queues: Mapping[str, QueuePlan], index: int
) -> Iterator[Found]:
    """Each queue the rule can put a contact in, in each language the contact can have."""
    into = [rule.queue_id] if rule.queue_id is not None else [channel.queue_id for channel in plan.channels]
    for queue_id in sorted(set(into) & set(queues)):
        if not _somebody(people, queues[queue_id], (rule.requirement,), queues):
            place = ("rules", index, "requirement")
            yield place, f"nobody can ever serve rule {rule.rule_id!r} in queue {queue_id!r}"
            continue
        alone = [
            language
            for language in (plan.site.languages[1:] if rule.language_skill else ())
            if not _somebody(people, queues[queue_id], (rule.requirement, _speaking(language)), queues)
        ]
        if alone:
            words = f"nobody can ever serve rule {rule.rule_id!r} in queue {queue_id!r} in {', '.join(alone)}"
            yield ("rules", index), words + ": let the queue's last widening step drop those language skills"


def _speaking(language: str) -> RequirementPlan:
    return RequirementPlan(require=((language_skill(language), 1),))


def _somebody(
    people: Sequence[Levels],
    queue: QueuePlan,
    own: Sequence[RequirementPlan],
    queues: Mapping[str, QueuePlan],
) -> bool:
    """Whether anybody meets the queue's requirement and its own, after all of the queue's widening."""
    lowest: dict[str, int] = {}
    for step in queue.widening:
        for skill, level in step.lower:
            lowest[skill] = min(level, lowest.get(skill, level))
    dropped = {skill for step in queue.widening for skill in step.drop}
    added = [
        queues[queue_id] for step in queue.widening for queue_id in step.add_queues if queue_id in queues
    ]
    for levels in people:
        if not all(_meets(levels, requirement, lowest, dropped) for requirement in own):
            continue
        if _meets(levels, queue.requirement, lowest, dropped):
            return True
        if any(_meets(levels, other.requirement, {}, set()) for other in added):
            return True
    return False


def _meets(levels: Levels, requirement: RequirementPlan, lowest: Levels, dropped: set[str]) -> bool:
    def enough(skill: str, level: int) -> bool:
        return skill in dropped or levels.get(skill, 0) >= min(level, lowest.get(skill, level))

    if any(skill in levels for skill in requirement.forbid):
        return False
    if not all(enough(skill, level) for skill, level in requirement.require):
        return False
    return not requirement.require_any or any(
        enough(skill, level) for skill, level in requirement.require_any
    )
