"""Reading a plan: TOML text to the frozen values of plan.py, every wrong table and key named with its line.

Shape only: types, keys that are missing, keys nobody knows. What contradicts what is plan_check.py. The
keys of the file are the names of the fields of plan.py, with two liberties: an element's own id is `id`, and
a rule's `when` has the forms described in conditions.py.
"""

import dataclasses
import difflib
import hashlib
import tomllib
import types
import typing
from collections.abc import Mapping
from typing import Any, Final  # Any: type annotations and TOML values, both looked at before use

from config import plan as shapes
from config import reach_check
from config.plan import Condition, Plan
from config.plan_check import contradictions
from config.positions import Path, line_numbers, line_of
from config.problems import PlanWrong, Problem

__all__ = ["PlanWrong", "Problem", "parse_plan"]

_NOT_IN_FILE: Final = frozenset({"digest", "text"})
"""Fields of the plan itself that come from the file as a whole."""

_ID_FIELDS: Final[Mapping[type, str]] = {
    shapes.Site: "site_id",
    shapes.SkillPlan: "skill_id",
    shapes.ChannelPlan: "channel_id",
    shapes.QueuePlan: "queue_id",
    shapes.AccountPlan: "account_id",
    shapes.TemplatePlan: "template_id",
    shapes.Rule: "rule_id",
    shapes.PersonPlan: "agent_id",
    shapes.Reason: "reason_id",
    shapes.SitePlan: "site_id",
    shapes.ActionPlan: "action_id",
}

_NESTING_MAX: Final = 40
"""Keys from the top to a part of a condition. Nobody understands a deeper one, and every reader recurses."""

_EMPTY: Final[Mapping[Any, object]] = {str: "", int: 0, bool: False}


def parse_plan(text: str, file_name: str = "plan", *, in_force: bool = False) -> Plan:
    """The plan in this TOML text. Raises PlanWrong with every problem at once.

    in_force: the text was checked when it was activated and is read back from the journal. Only its shape is
              looked at then, so that a later, stricter check never keeps a site from reading its own past.
    """
    try:
        document = tomllib.loads(text)
        reader = _Reader(file_name, line_numbers(text))
        plan = _plan_of(reader, document, text)
        if not in_force:
            _check(reader, plan)
    except tomllib.TOMLDecodeError as error:
        raise PlanWrong((_syntax_problem(error, file_name),)) from None
    except RecursionError:
        raise PlanWrong((Problem(file=file_name, line=0, text="this nests too deeply"),)) from None
    if reader.problems:
        raise PlanWrong(tuple(sorted(reader.problems.values(), key=lambda problem: problem.line)))
    return plan


def _plan_of(reader: "_Reader", document: Mapping[str, object], text: str) -> Plan:
    values = reader.table(Plan, document, ())
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    plan: Plan = dataclasses.replace(values, digest=digest, text=text)
    return plan


def _check(reader: "_Reader", plan: Plan) -> None:
    """Note what contradicts what. Who could serve what is a guess as long as values are missing or unread."""
    readable = not reader.problems
    for path, words in contradictions(plan):
        reader.wrong(path, words)
    if readable:
        for path, words in reach_check.contradictions(plan):
            reader.wrong(path, words)


def _syntax_problem(error: Exception, file_name: str) -> Problem:
    words, _, place = str(error).rpartition(" (at line ")
    line, _, _ = place.partition(",")
    if words and line.isdigit():
        return Problem(file=file_name, line=int(line), text=f"this is not TOML: {words}")
    return Problem(file=file_name, line=0, text=f"this is not TOML: {error}")


class _Reader:
    """Turns tables into dataclasses. What cannot be read is noted, and an empty value stands in for it."""

    def __init__(self, file_name: str, lines: Mapping[Path, int]) -> None:
        self._file_name = file_name
        self._lines = lines
        self.problems: dict[Path, Problem] = {}

    def wrong(self, path: Path, text: str) -> None:
        """Note a problem, unless this value or one around it already has one: then this one only follows."""
        if not any(path[:length] in self.problems for length in range(1, len(path) + 1)):
            line = line_of(self._lines, path)
            self.problems[path] = Problem(file=self._file_name, line=line, text=text)

    def table(self, cls: Any, value: object, path: Path) -> Any:
        """One dataclass from one table."""
        table = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            self.wrong(path, f"{_spoken(path)} must be a table")
        hints = typing.get_type_hints(cls)
        fields = {_key_of(cls, field.name): field for field in dataclasses.fields(cls)}
        hidden = _NOT_IN_FILE if cls is Plan else frozenset()
        self._refuse_unknown(table, [key for key in fields if key not in hidden], path)
        found: dict[str, object] = {}
        for key, field in fields.items():
            if key in table and key not in hidden:
                found[field.name] = self._value(hints[field.name], table[key], (*path, key))
            elif not _has_default(field):
                if not _may_be_left_out(hints[field.name]) and isinstance(value, dict):
                    self.wrong((*path, key), f"{_spoken(path)} needs {key!r}")
                found[field.name] = _placeholder(hints[field.name])
        return cls(**found)

    def _refuse_unknown(self, table: Mapping[str, object], known: list[str], path: Path) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                meant = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
                self.wrong((*path, key), f"{_spoken(path)} has no key {key!r}{meant}")

    def _value(self, hint: Any, value: object, path: Path) -> object:
        if isinstance(hint, types.UnionType):
            hint = next(option for option in typing.get_args(hint) if option is not type(None))
        if hint is Condition:
            return self._condition(value, path)
        if dataclasses.is_dataclass(hint):
            return self.table(hint, value, path)
        if typing.get_origin(hint) is tuple:
            return self._several(typing.get_args(hint)[0], value, path)
        if type(value) is hint:
            return value
        self.wrong(path, f"{_spoken(path)} must be {_kind(hint)}, not {_shown(value)}")
        return _EMPTY[hint]

    def _several(self, hint: Any, value: object, path: Path) -> tuple[object, ...]:
        if typing.get_origin(hint) is tuple:
            wants_levels = typing.get_args(hint)[1] is int
            return self._levels(value, path) if wants_levels else self._options(value, path)
        if not isinstance(value, list):
            self.wrong(path, f"{_spoken(path)} must be a list")
            return ()
        return tuple(self._value(hint, element, (*path, index)) for index, element in enumerate(value))

    def _levels(self, value: object, path: Path) -> tuple[tuple[str, int], ...]:
        if not isinstance(value, dict):
            self.wrong(path, f"{_spoken(path)} must be a table of skills and levels, e.g. {{ medical = 3 }}")
            return ()
        for skill, level in value.items():
            if type(level) is not int:
                self.wrong((*path, skill), f"{_spoken(path)}: the level of {skill!r} must be a whole number")
        return tuple(sorted((skill, level) for skill, level in value.items() if type(level) is int))

    def _options(self, value: object, path: Path) -> tuple[tuple[str, object], ...]:
        if not isinstance(value, dict):
            self.wrong(path, f'{_spoken(path)} must be a table, e.g. {{ account_sid = "AC…" }}')
            return ()
        for name, each in value.items():
            if type(each) not in (str, int, bool):
                wrong = f"{_spoken(path)}.{name} must be text, a whole number, true or false"
                self.wrong((*path, name), wrong)
        return tuple(sorted((name, each) for name, each in value.items() if type(each) in (str, int, bool)))

    def _condition(self, value: object, path: Path) -> Condition:
        if len(path) > _NESTING_MAX:
            self.wrong(path, "this condition nests too deeply")
            return Condition(all_of=())
        if not isinstance(value, dict):
            self.wrong(path, f"{_spoken(path)} must be a table: field, operator, value, or all, any, not")
            return Condition(all_of=())
        forms = sorted(value)
        if forms in (["all"], ["any"]):
            parts = value[forms[0]]
            if not isinstance(parts, list):
                self.wrong((*path, forms[0]), f"{_spoken(path)}: {forms[0]!r} must be a list of conditions")
                parts = []
            read = tuple(self._condition(part, (*path, forms[0], i)) for i, part in enumerate(parts))
            return Condition(all_of=read) if forms == ["all"] else Condition(any_of=read)
        if forms == ["not"]:
            return Condition(not_=self._condition(value["not"], (*path, "not")))
        if forms != ["field", "operator", "value"]:
            self.wrong(path, f"{_spoken(path)} must have field, operator and value, or one of all, any, not")
            return Condition(all_of=())
        return self._leaf(value, path)

    def _leaf(self, value: Mapping[str, object], path: Path) -> Condition:
        wanted = value["value"]
        each = wanted if isinstance(wanted, list) else [wanted]
        read = tuple(one for one in each if isinstance(one, str | int))
        if len(read) != len(each):
            self.wrong((*path, "value"), f"{_spoken(path)}.value must be text, whole numbers, true or false")
        return Condition(
            field=str(value["field"]),
            operator=str(value["operator"]),
            value=read if isinstance(wanted, list) or not read else read[0],
        )


def _placeholder(hint: Any) -> object:
    """What stands in for a value that is missing, so that the rest of the plan can still be checked."""
    if hint is Condition:
        return Condition(all_of=())
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        needed = [field for field in dataclasses.fields(hint) if not _has_default(field)]
        shape: Any = hint
        return shape(**{field.name: _placeholder(hints[field.name]) for field in needed})
    return () if typing.get_origin(hint) is tuple else _EMPTY[hint]


def _may_be_left_out(hint: Any) -> bool:
    """A rule without a condition matches everything; without tables of a kind there are none of it."""
    tables = typing.get_origin(hint) is tuple and dataclasses.is_dataclass(typing.get_args(hint)[0])
    return hint is Condition or tables


def _key_of(cls: type, field_name: str) -> str:
    return "id" if _ID_FIELDS.get(cls) == field_name else field_name


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _spoken(path: Path) -> str:
    """A path as people read it in the file: queues[2].widening[0].after_ms."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words or "the plan"


def _kind(hint: type) -> str:
    return {str: "text in quotes", int: "a whole number", bool: "true or false"}[hint]


def _shown(value: object) -> str:
    words = repr(value)
    return words if len(words) <= 40 else words[:37] + "..."
