"""What is wrong with the rules of a plan: words nobody knows, and rules that no contact can ever reach."""

from collections.abc import Iterator
from typing import Final

from config.conditions import FIELDS, MAIL_KINDS, WEEKDAYS, minute_of_day
from config.plan import Condition, Plan, Scalar
from config.positions import Path
from config.words import URGENCIES

Found = tuple[Path, str]

RESERVED_RULES: Final = frozenset({"channel", "unread", "manual", "person"})
"""What stands in place of a rule's id where no rule decided: the channel's own defaults, and so on."""


def contradictions(plan: Plan) -> Iterator[Found]:
    """Every contradiction in the rules."""
    earlier: dict[Condition, str] = {}
    catch_all = ""
    for index, rule in enumerate(plan.rules):
        path: Path = ("rules", index)
        if rule.queue_id is not None and rule.queue_id not in {queue.queue_id for queue in plan.queues}:
            names = ", ".join(sorted(queue.queue_id for queue in plan.queues))
            yield (*path, "queue_id"), f"there is no queue {rule.queue_id!r}; there are {names or 'none'}"
        if rule.urgency is not None and rule.urgency not in URGENCIES:
            yield (*path, "urgency"), f"urgency is 1 (immediate) to 5 (low), not {rule.urgency}"
        yield from _condition(plan, rule.when, (*path, "when"))
        if catch_all:
            yield path, f"no contact gets here: rule {catch_all!r} above matches every contact"
        elif rule.when in earlier:
            yield path, f"no contact gets here: rule {earlier[rule.when]!r} above has the same condition"
        earlier.setdefault(rule.when, rule.rule_id)
        if not catch_all and _always(rule.when):
            catch_all = rule.rule_id


def _always(condition: Condition) -> bool:
    if condition.all_of is not None:
        return all(_always(part) for part in condition.all_of)
    if condition.any_of is not None:
        return any(_always(part) for part in condition.any_of)
    return condition.not_ is not None and _never(condition.not_)


def _never(condition: Condition) -> bool:
    if condition.all_of is not None:
        return any(_never(part) for part in condition.all_of)
    if condition.any_of is not None:
        return all(_never(part) for part in condition.any_of)
    return condition.not_ is not None and _always(condition.not_)


def _condition(plan: Plan, condition: Condition, path: Path) -> Iterator[Found]:
    for name, parts in (("all", condition.all_of), ("any", condition.any_of)):
        if name == "any" and parts == ():
            yield (*path, name), "any of nothing never matches"
        for index, part in enumerate(parts or ()):
            yield from _condition(plan, part, (*path, name, index))
    if condition.not_ is not None:
        yield from _condition(plan, condition.not_, (*path, "not"))
    if condition.field is not None:
        yield from _leaf(plan, condition, path)


def _leaf(plan: Plan, leaf: Condition, path: Path) -> Iterator[Found]:
    operators = FIELDS.get(leaf.field or "")
    if operators is None:
        yield (*path, "field"), f"there is no field {leaf.field!r}; there are {', '.join(FIELDS)}"
        return
    shape = operators.get(leaf.operator or "")
    if shape is None:
        known = " and ".join(operators)
        yield (*path, "operator"), f"{leaf.field!r} has no operator {leaf.operator!r}, only {known}"
        return
    wrong = _wrong_value(shape, leaf.value)
    if wrong:
        yield (*path, "value"), f"{leaf.field} {leaf.operator}: {wrong}"
        return
    yield from _names(plan, leaf, path)


def _wrong_value(shape: str, value: Scalar | tuple[Scalar, ...] | None) -> str:
    """What is wrong with a value for this shape of condition; empty when nothing is."""
    if shape == "text":
        return "" if isinstance(value, str) and value else "the value must be a text"
    if shape == "flag":
        return "" if isinstance(value, bool) else "the value must be true or false"
    if shape == "number":
        return "" if type(value) is int and value > 0 else "the value must be a whole number from 1 on"
    if not isinstance(value, tuple) or not value or not all(isinstance(each, str) for each in value):
        return "the value must be a list of texts"
    if shape == "hours":
        minutes = [minute_of_day(str(each)) for each in value]
        if len(minutes) != 2 or -1 in minutes or minutes[0] == minutes[1]:
            return 'the value must be two different times of day, e.g. ["08:00", "18:00"]'
    return "" if all(str(each).strip() for each in value) else "an empty text matches nothing"


def _names(plan: Plan, leaf: Condition, path: Path) -> Iterator[Found]:
    """Values that are names of something must name something that exists."""
    known = {
        "channel": [channel.channel_id for channel in plan.channels],
        "language": ["unknown", *plan.site.languages],
        "weekday": WEEKDAYS,
        "mail": MAIL_KINDS,
    }.get(leaf.field or "")
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    for index, value in enumerate(values):
        place = (*path, "value", index) if isinstance(leaf.value, tuple) else (*path, "value")
        if known is not None and value not in known:
            yield place, f"there is no {leaf.field} {value!r}; there are {', '.join(known)}"
        if value in values[:index] and leaf.field != "words":  # languages share words
            yield place, f"{value!r} is there twice"
