"""Reading a plan."""

import time

import pytest

from config.plan import Condition, RequirementPlan, WideningPlan
from config.plan_file import PlanWrong, parse_plan
from tests.config.plans import SMALL, small, spoiled


def test_a_plan_is_read_whole():
    """What the file says is what everybody works with."""
    plan = small()
    assert plan.site.languages == ("nl", "en")
    assert plan.queues[0].requirement == RequirementPlan(require=(("medical", 2),))
    assert plan.queues[0].widening == (WideningPlan(after_ms=10_000, lower=(("medical", 1),)),)
    assert plan.rules[0].when == Condition(field="words", operator="has_any", value=("hurt",))
    assert plan.rules[0].queue_id is None
    assert plan.people[0].skills == (("lang-en", 2), ("medical", 3))
    assert plan.limits.cooldown_ms == 60_000
    assert plan.text == SMALL
    assert len(plan.digest) == 64


def test_limits_can_be_set():
    """Every limit is the centre's own to choose."""
    plan = parse_plan(SMALL + "[limits]\ncooldown_ms = 9_000\n")
    assert (plan.limits.cooldown_ms, plan.limits.desk_grace_ms) == (9_000, 30_000)


def test_conditions_nest():
    """Rules are written with all, any and not."""
    leaf = '{ field = "silent", operator = "is", value = true }'
    rule = f'[[rules]]\nid = "x"\nwhen = {{ any = [{{ all = [{leaf}] }}, {{ not = {leaf} }}] }}\n'
    silent = Condition(field="silent", operator="is", value=True)
    wanted = Condition(any_of=(Condition(all_of=(silent,)), Condition(not_=silent)))
    assert parse_plan(SMALL + rule).rules[-1].when == wanted


def test_a_rule_without_a_condition_catches_all():
    """The last rule of many plans."""
    assert parse_plan(SMALL + '[[rules]]\nid = "rest"\n').rules[-1].when == Condition(all_of=())


def test_unknown_keys_are_refused_with_the_key_that_was_meant():
    """A key that is silently ignored is a queue that does not do what its owner believes."""
    assert spoiled(("urgency = 3", "urgency = 3\nlaod = 30")) == [
        ("laod = 30", "channels[0] has no key 'laod'; did you mean 'load'?")
    ]
    assert spoiled(add='[queue]\nid = "x"\n')[0][1].startswith("the plan has no key 'queue'")
    assert spoiled(add='[limits]\ndigest = "x"\n')[0][1].startswith("limits has no key 'digest'")


def test_the_digest_cannot_be_written_into_a_plan():
    """Two plans with different text must never have one digest."""
    assert spoiled(("[site]", 'digest = "x"\n[site]'))[0][1].startswith("the plan has no key 'digest'")


def test_wrong_types_are_named_with_their_line():
    """Half of all mistakes are quotes."""
    assert spoiled(("load = 30", 'load = "30"')) == [
        ('load = "30"', "channels[0].load must be a whole number, not '30'")
    ]
    assert spoiled(("load = 30", "load = true"))[0][1] == "channels[0].load must be a whole number, not True"
    assert spoiled(("medical = 3,", "medical = 3.5,"))[0][1].endswith("must be a whole number")
    assert spoiled(('["nl", "en"]', '"nl"'))[0] == ('languages = "nl"', "site.languages must be a list")


def test_missing_keys_are_named_with_the_line_of_their_table():
    """Nobody should have to guess which of nine channels lacks its load."""
    assert spoiled(("load = 30\n", "")) == [("[[channels]]", "channels[0] needs 'load'")]


def test_a_wrong_value_is_not_reported_twice():
    """One mistake is one line, however many rules it breaks."""
    assert len(spoiled(('queue_id = "first"\n', ""))) == 1


def test_shape_and_contradictions_are_listed_together():
    """Every contradiction at once: repairing a plan in rounds costs an hour of an emergency."""
    found = spoiled(
        ("load = 30", "laod = 30"), ('role = "supervisor"', 'role = "chief"'), ("urgency = 1", "urgency = 9")
    )
    assert {line for line, _ in found} >= {"laod = 30", 'role = "chief"', "urgency = 9"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[site\n", 1),
        ('a = "x"\nb = = 2\n', 2),
        ("a = " + "[" * 5_000, 0),
        ("when = " + "{ not = " * 200 + "1" + " }" * 200, 1),
    ],
)
def test_what_is_not_toml_or_nests_too_deeply_is_one_problem(text, line):
    """A plan that cannot be read must never end the program with a stack of frames."""
    with pytest.raises(PlanWrong) as wrong:
        parse_plan(text, "x.toml")
    assert wrong.value.problems[0].line == line or text.startswith("when")


@pytest.mark.parametrize("depth", [50, 200, 400, 800])
def test_a_condition_nested_too_deeply_is_a_problem_not_a_crash(depth):
    """Recursion has a limit, and it must not be Python's."""
    rule = '[[rules]]\nid = "deep"\nwhen = ' + "{ not = " * depth + "{ all = [] }" + " }" * depth
    with pytest.raises(PlanWrong):
        parse_plan(SMALL + rule)


def test_a_plan_in_force_is_read_back_although_the_check_became_stricter():
    """A site must be able to read its own past, or it cannot start."""
    text = SMALL.replace("urgency = 1", "urgency = 9")
    assert parse_plan(text, in_force=True).rules[0].urgency == 9


def test_a_large_plan_is_checked_quickly():
    """A plan is checked at every start; 2,000 rules must not keep a centre closed."""
    rules = "".join(
        f'[[rules]]\nid = "r{n}"\nwhen = {{ field = "words", operator = "has_any", value = ["w{n}"] }}\n'
        for n in range(2_000)
    )
    begun = time.monotonic()
    assert len(parse_plan(SMALL + rules).rules) == 2_002
    assert time.monotonic() - begun < 10
