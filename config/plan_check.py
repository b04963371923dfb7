"""What contradicts what inside one plan: every contradiction at once, each with the path of what is wrong.

Rules are looked at in rule_check.py, accounts in account_check.py, what is sent in sending_check.py; whether
anybody could ever serve what is asked for in reach_check.py.
"""

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from config import account_check, pair_check, rule_check, sending_check
from config.languages import KNOWN_LANGUAGES
from config.people import LEVEL_MAX, language_skill
from config.plan import ChannelPlan, Limits, Plan, QueuePlan, RequirementPlan, Site, Target, WideningPlan
from config.positions import Path
from config.words import MANUAL_QUEUE, ROLES, STRATEGIES, SUPERVISOR_SKILL, URGENCIES

Found = tuple[Path, str]

_ID: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
_ID_LENGTH_MAX: Final = 40
"""Ids stand in every row of the journal and in every label of a figure: short and plain."""

_LOAD_MAX: Final = 100
"""A whole agent."""


def contradictions(plan: Plan) -> Iterator[Found]:
    """Every contradiction of the plan: where, and what is wrong in words that say what to do."""
    yield from _site(plan.site)
    yield from _ids(plan)
    yield from _languages_as_skills(plan)
    for index, channel in enumerate(plan.channels):
        yield from _channel(plan, channel, ("channels", index))
    for index, queue in enumerate(plan.queues):
        yield from _queue(plan, queue, ("queues", index))
    yield from rule_check.contradictions(plan)
    for index, rule in enumerate(plan.rules):
        yield from _requirement(plan, rule.requirement, ("rules", index, "requirement"))
    yield from account_check.contradictions(plan)
    yield from sending_check.contradictions(plan)
    yield from _people(plan)
    for index, target in enumerate(plan.targets):
        yield from _target(plan, target, ("targets", index))
    yield from _limits(plan.limits)
    yield from pair_check.contradictions(plan)


def _site(site: Site) -> Iterator[Found]:
    if not site.name.strip():
        yield ("site", "name"), "the site needs a name that customers can read"
    if not _known_time_zone(site.time_zone):
        yield ("site", "time_zone"), f"there is no time zone {site.time_zone!r}; one is 'Europe/Amsterdam'"
    if not site.languages:
        yield ("site", "languages"), "the site must serve at least one language"
    yield from _repeats(site.languages, ("site", "languages"), "language")
    for index, language in enumerate(site.languages):
        if language not in KNOWN_LANGUAGES:
            yield ("site", "languages", index), f"no language has the code {language!r}; English has 'en'"


def _known_time_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False  # OSError: the name of a folder
    return True


def _ids(plan: Plan) -> Iterator[Found]:
    yield from _id(plan.site.site_id, ("site", "id"))
    for table, ids, reserved in _tables_of_ids(plan):
        seen: dict[str, int] = {}
        for index, each in enumerate(ids):
            path: Path = (*table.split("."), index, "id")
            yield from _id(each, path)
            if each in reserved:
                yield path, f"{each!r} is Muster's own word here: choose another id"
            if each in seen:
                yield path, f"{table}[{seen[each]}] has the id {each!r} already"
            seen.setdefault(each, index)
    for table in ("channels", "queues", "people", "reasons", "dispositions"):
        if not getattr(plan, table):
            yield (table,), f"the plan needs at least one of [[{table}]]"


def _tables_of_ids(plan: Plan) -> Iterator[tuple[str, Sequence[str], frozenset[str]]]:
    yield "skills", [skill.skill_id for skill in plan.skills], frozenset({SUPERVISOR_SKILL})
    yield "channels", [channel.channel_id for channel in plan.channels], frozenset()
    yield "queues", [queue.queue_id for queue in plan.queues], frozenset({MANUAL_QUEUE})
    yield "rules", [rule.rule_id for rule in plan.rules], rule_check.RESERVED_RULES
    yield "people", [person.agent_id for person in plan.people], frozenset({"triage", "system"})
    yield "reasons", [reason.reason_id for reason in plan.reasons], frozenset()
    yield "dispositions", [reason.reason_id for reason in plan.dispositions], frozenset()
    yield "accounts", [account.account_id for account in plan.accounts], frozenset()
    if plan.pair is not None:
        yield "pair.sites", [site.site_id for site in plan.pair.sites], frozenset({"all"})
        yield "pair.actions", [action.action_id for action in plan.pair.actions], frozenset()


def _id(each: str, path: Path) -> Iterator[Found]:
    if not _ID.fullmatch(each) or len(each) > _ID_LENGTH_MAX:
        yield (
            path,
            f"{each!r} cannot be an id: small letters, digits and single hyphens, at most {_ID_LENGTH_MAX}",
        )


def _languages_as_skills(plan: Plan) -> Iterator[Found]:
    declared = {skill.skill_id for skill in plan.skills}
    for index, language in enumerate(plan.site.languages):
        skill = language_skill(language)
        if index > 0 and skill not in declared:
            yield ("site", "languages", index), f"serving {language!r} needs a skill with the id {skill!r}"
    for index, each in enumerate(plan.skills):
        prefix, _, language = each.skill_id.partition("-")
        if prefix == "lang" and language not in KNOWN_LANGUAGES:
            yield ("skills", index, "id"), f"no language has the code {language!r}"


def _channel(plan: Plan, channel: ChannelPlan, path: Path) -> Iterator[Found]:
    yield from _known(channel.queue_id, _queue_ids(plan), (*path, "queue_id"), "queue")
    if channel.urgency not in URGENCIES:
        yield (*path, "urgency"), f"urgency is 1 (immediate) to 5 (low), not {channel.urgency}"
    if not 1 <= channel.load <= _LOAD_MAX:
        yield (*path, "load"), f"load is 1 to {_LOAD_MAX} hundredths of an agent, not {channel.load}"
    elif channel.max_at_once * channel.load > _LOAD_MAX:
        fit = _LOAD_MAX // channel.load
        yield (*path, "max_at_once"), f"at a load of {channel.load}, {fit} fit into one agent at once"
    channels = {each.channel_id: each for each in plan.channels}
    for index, other in enumerate(channel.interrupted_by):
        place = (*path, "interrupted_by", index)
        yield from _known(other, channels, place, "channel")
        if channel.channel_id in _interrupters(other, channels):
            yield place, f"{channel.channel_id!r} and {other!r} would interrupt each other for ever"
    at_least_one = (
        "max_at_once",
        "offer_ms_urgent",
        "offer_ms",
        "body_bytes_max",
        "message_characters_max",
        "abandoned_after_ms",
    )
    yield from _at_least(channel, at_least_one, 1, path)
    yield from _at_least(channel, ("attachment_bytes_max",), 0, path)


def _interrupters(channel_id: str, channels: Mapping[str, ChannelPlan]) -> set[str]:
    """The channel, what interrupts it, what interrupts that, and so on."""
    found: set[str] = set()
    open_ids = [channel_id]
    while open_ids:
        each = open_ids.pop()
        if each in channels and each not in found:
            found.add(each)
            open_ids.extend(channels[each].interrupted_by)
    return found


def _queue(plan: Plan, queue: QueuePlan, path: Path) -> Iterator[Found]:
    yield from _requirement(plan, queue.requirement, (*path, "requirement"))
    yield from _at_least(queue, ("head_start_ms",), 0, path)
    if queue.ageing_pct < 1:
        yield (*path, "ageing_pct"), "ageing_pct is at least 1, or somebody could wait for ever"
    yield from _known(queue.strategy, STRATEGIES, (*path, "strategy"), "strategy")
    before_ms = 0
    for index, step in enumerate(queue.widening):
        place = (*path, "widening", index)
        if step.after_ms <= before_ms:
            yield (
                (*place, "after_ms"),
                f"a step comes later than {before_ms} ms, when the one before it comes",
            )
        before_ms = max(before_ms, step.after_ms)
        yield from _step(plan, queue, step, place)


def _step(plan: Plan, queue: QueuePlan, step: WideningPlan, path: Path) -> Iterator[Found]:
    skills = _skill_ids(plan)
    yield from _levels(step.lower, skills, (*path, "lower"))
    for index, skill in enumerate(step.drop):
        yield from _known(skill, skills, (*path, "drop", index), "skill")
    for index, queue_id in enumerate(step.add_queues):
        yield from _known(queue_id, _queue_ids(plan), (*path, "add_queues", index), "queue")
        if queue_id == queue.queue_id:
            yield (*path, "add_queues", index), f"{queue_id!r} cannot be added to itself"
    if not (step.lower or step.drop or step.add_queues):
        yield path, "this step widens nothing: give it lower, drop or add_queues"


def _requirement(plan: Plan, requirement: RequirementPlan, path: Path) -> Iterator[Found]:
    skills = _skill_ids(plan)
    yield from _levels(requirement.require, skills, (*path, "require"))
    yield from _levels(requirement.require_any, skills, (*path, "require_any"))
    yield from _levels(requirement.prefer, skills, (*path, "prefer"))
    for index, skill in enumerate(requirement.forbid):
        yield from _known(skill, skills, (*path, "forbid", index), "skill")
        if skill in dict(requirement.require):
            yield (*path, "forbid", index), f"{skill!r} is required and forbidden at once"


def _levels(pairs: Iterable[tuple[str, int]], skills: Iterable[str], path: Path) -> Iterator[Found]:
    known = tuple(skills)
    for skill, level in pairs:
        yield from _known(skill, known, (*path, skill), "skill")
        if not 1 <= level <= LEVEL_MAX:
            yield (*path, skill), f"the level of {skill!r} is 1 to {LEVEL_MAX}, not {level}"


def _people(plan: Plan) -> Iterator[Found]:
    for index, person in enumerate(plan.people):
        path: Path = ("people", index)
        yield from _known(person.role, ROLES, (*path, "role"), "role")
        if not person.name.strip():
            yield (*path, "name"), f"{person.agent_id!r} needs a name"
        yield from _levels(person.skills, _skill_ids(plan), (*path, "skills"))
        if SUPERVISOR_SKILL in dict(person.skills):
            place = (*path, "skills", SUPERVISOR_SKILL)
            yield place, f"{SUPERVISOR_SKILL!r} comes with the role: it is not given as a skill"
        if person.role == "auditor" and person.skills:
            yield (*path, "skills"), "an auditor serves nobody, so has no skills"
    if plan.people and not any(person.role == "supervisor" for person in plan.people):
        yield ("people",), "nobody is a supervisor: what cannot be routed would wait for nobody"


def _target(plan: Plan, target: Target, path: Path) -> Iterator[Found]:
    if not 1 <= target.percent <= 100:
        yield (*path, "percent"), f"percent is 1 to 100, not {target.percent}"
    yield from _at_least(target, ("within_ms",), 1, path)
    for index, queue_id in enumerate(target.queues):
        yield from _known(queue_id, _queue_ids(plan), (*path, "queues", index), "queue")
    if sum(other.name == target.name for other in plan.targets[: int(path[1]) + 1]) > 1:
        yield (*path, "name"), f"another target is called {target.name!r} already"


def _limits(limits: Limits) -> Iterator[Found]:
    never = ("probe_every_ms",)  # 0 means never there.
    yield from _at_least(
        limits, tuple(each for each in limits.__slots__ if each not in never), 1, ("limits",)
    )
    yield from _at_least(limits, never, 0, ("limits",))
    if limits.only_candidate_ms > limits.cooldown_ms:
        yield (
            ("limits", "only_candidate_ms"),
            "the only candidate is tried again sooner, not later, than others",
        )
    if limits.desk_grace_offer_ms > limits.desk_grace_ms:
        yield ("limits", "desk_grace_offer_ms"), "offers are withdrawn before conversations, not after them"


def _at_least(values: object, names: Iterable[str], least: int, path: Path) -> Iterator[Found]:
    for name in names:
        if getattr(values, name) < least:
            yield (*path, name), f"{name} is at least {least}, not {getattr(values, name)}"


def _repeats(ids: Sequence[str], path: Path, what: str) -> Iterator[Found]:
    for index, each in enumerate(ids):
        if each in ids[:index]:
            yield (*path, index), f"the {what} {each!r} is there twice"


def _known(each: str, known: Iterable[str], path: Path, what: str) -> Iterator[Found]:
    names = sorted(known)
    if each not in names:
        yield path, f"there is no {what} {each!r}; there are {', '.join(names) or 'none'}"


def _queue_ids(plan: Plan) -> list[str]:
    return [queue.queue_id for queue in plan.queues]


def _skill_ids(plan: Plan) -> set[str]:
    implied = {language_skill(language) for language in plan.site.languages[:1]}
    return {skill.skill_id for skill in plan.skills} | implied | {SUPERVISOR_SKILL}
