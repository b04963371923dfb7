"""Needs that relax with the wait."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from config.plan import Plan, QueuePlan, RequirementPlan, WideningPlan
from skills.match import Need, meets, meets_one
from skills.requirement import Requirement
from skills.widening import manual_queue, needs_at, next_step_ms, step_at
from tests.config.plans import small

STEPS = (
    WideningPlan(after_ms=10_000, lower=(("medical", 2),)),
    WideningPlan(after_ms=20_000, add_queues=("other",)),
    WideningPlan(after_ms=30_000, drop=("lang-en",)),
)
QUEUE = QueuePlan(
    queue_id="queue", name="Queue", requirement=RequirementPlan(require=(("medical", 4),)), widening=STEPS
)
OTHER = QueuePlan(queue_id="other", name="Other", requirement=RequirementPlan(require=(("fire", 3),)))
PLAN = dataclasses.replace(small(), queues=(QUEUE, OTHER))
ENGLISH = Requirement(require=(("lang-en", 1),))


def test_steps_come_with_the_wait_since_accepted():
    """A step at 10 s is there at 10 s, not a millisecond before."""
    waits = (0, 9_999, 10_000, 20_000, 29_999, 30_000, 9_999_999)
    assert [step_at(QUEUE, wait) for wait in waits] == [0, 0, 1, 2, 2, 3, 3]
    assert [next_step_ms(QUEUE, step) for step in range(4)] == [10_000, 20_000, 30_000, None]


def test_steps_add_up():
    """Each step relaxes on top of the ones before."""
    assert needs_at(PLAN, "queue", ENGLISH, 0) == (Need(require=(("lang-en", 1), ("medical", 4))),)
    assert needs_at(PLAN, "queue", ENGLISH, 1) == (Need(require=(("lang-en", 1), ("medical", 2))),)
    assert needs_at(PLAN, "queue", ENGLISH, 2) == (
        Need(require=(("lang-en", 1), ("medical", 2))),
        Need(require=(("fire", 3), ("lang-en", 1))),
    )
    assert needs_at(PLAN, "queue", ENGLISH, 3) == (
        Need(require=(("medical", 2),)),
        Need(require=(("fire", 3),)),
    )
    assert needs_at(PLAN, "queue", ENGLISH, 99) == needs_at(PLAN, "queue", ENGLISH, 3)


def test_a_dropped_skill_satisfies_the_lists_it_stands_in():
    """Taking it out of `one of these` would leave fewer ways in, and that would narrow."""
    step = WideningPlan(after_ms=1, drop=("fire",))
    queue = dataclasses.replace(QUEUE, requirement=RequirementPlan(), widening=(step,))
    plan = dataclasses.replace(PLAN, queues=(queue,))
    either = Requirement(require_any=(("fire", 1), ("medical", 5)))
    assert not meets_one({"medical": 1}, needs_at(plan, "queue", either, 0))
    assert meets_one({"medical": 1}, needs_at(plan, "queue", either, 1))


def test_forbid_is_never_widened_away():
    """Whoever must not serve must not serve later either."""
    guarded = Requirement(forbid=("trainee",))
    assert not meets_one({"medical": 5, "fire": 5, "trainee": 1}, needs_at(PLAN, "queue", guarded, 3))


def test_an_unknown_queue_is_the_manual_queue():
    """After a plan change nothing may wait in a queue that nobody looks at."""
    for queue_id in ("gone", "manual"):
        needs = needs_at(PLAN, queue_id, Requirement(), 0)
        assert meets_one({"supervisor": 5}, needs)
        assert not meets_one({"medical": 5}, needs)
        assert meets_one({}, needs_at(PLAN, queue_id, Requirement(), 1))


def test_no_wait_opens_the_manual_queue_to_everybody():
    """As long as a supervisor is signed in, what needs one waits for one."""
    thousand_years_ms = 1_000 * 366 * 86_400_000
    assert step_at(manual_queue(), thousand_years_ms) == 0


SKILLS = ("a", "b", "c", "d")
LEVELS = st.integers(1, 5)
PAIRS = st.dictionaries(st.sampled_from(SKILLS), LEVELS, max_size=3).map(
    lambda pairs: tuple(sorted(pairs.items()))
)
SOME = st.lists(st.sampled_from(SKILLS), max_size=2, unique=True).map(lambda some: tuple(sorted(some)))
REQUIREMENTS = st.builds(Requirement, require=PAIRS, require_any=PAIRS, forbid=SOME, prefer=PAIRS)
WIDENINGS = st.lists(
    st.builds(
        WideningPlan,
        after_ms=st.integers(1, 99),
        lower=PAIRS,
        drop=SOME,
        add_queues=st.lists(st.sampled_from(("other", "third")), max_size=2, unique=True).map(tuple),
    ),
    max_size=4,
).map(tuple)


def as_plan(requirement: Requirement) -> RequirementPlan:
    return RequirementPlan(
        require=requirement.require,
        require_any=requirement.require_any,
        forbid=requirement.forbid,
        prefer=requirement.prefer,
    )


def a_plan(queues: tuple[Requirement, Requirement, Requirement], steps: tuple[WideningPlan, ...]) -> Plan:
    """A plan of three queues; the first one widens."""
    first, other, third = (as_plan(requirement) for requirement in queues)
    return dataclasses.replace(
        PLAN,
        queues=(
            QueuePlan(queue_id="first", name="", requirement=first, widening=steps),
            QueuePlan(queue_id="other", name="", requirement=other),
            QueuePlan(queue_id="third", name="", requirement=third),
        ),
    )


THREE = st.tuples(REQUIREMENTS, REQUIREMENTS, REQUIREMENTS)
PEOPLE = st.dictionaries(st.sampled_from(SKILLS), LEVELS)


@given(queues=THREE, steps=WIDENINGS, own=REQUIREMENTS, levels=PEOPLE)
def test_widening_only_ever_widens(queues, steps, own, levels):
    """Who may serve at one step may serve at the next: nobody may lose help by having waited longer."""
    plan = a_plan(queues, steps)
    may = [meets_one(levels, needs_at(plan, "first", own, step)) for step in range(len(steps) + 1)]
    assert may == sorted(may)


@given(queues=THREE, steps=WIDENINGS, own=REQUIREMENTS, levels=PEOPLE)
def test_no_step_lets_in_whom_the_contact_forbids(queues, steps, own, levels):
    """What a contact forbids holds in every queue that widening adds."""
    plan = a_plan(queues, steps)
    if set(own.forbid) & set(levels):
        assert not any(
            meets_one(levels, needs_at(plan, "first", own, step)) for step in range(len(steps) + 1)
        )


@given(queues=THREE, own=REQUIREMENTS, levels=PEOPLE)
def test_unwidened_is_the_queue_and_the_contact_together(queues, own, levels):
    """Before any step, both requirements are met, and nothing else is asked."""

    def alone(requirement: Requirement) -> bool:
        groups = (requirement.require_any,) if requirement.require_any else ()
        return meets(levels, Need(require=requirement.require, any_groups=groups, forbid=requirement.forbid))

    plan = a_plan(queues, ())
    assert meets_one(levels, needs_at(plan, "first", own, 0)) == (alone(queues[0]) and alone(own))


@given(queues=THREE, steps=WIDENINGS, own=REQUIREMENTS)
def test_needs_have_one_spelling(queues, steps, own):
    """Needs are keys: sorted, without repeats, the same every time."""
    plan = a_plan(queues, steps)
    for step in range(len(steps) + 1):
        needs = needs_at(plan, "first", own, step)
        assert len(set(needs)) == len(needs)
        for need in needs:
            assert list(need.require) == sorted(dict(need.require).items())
            assert list(need.forbid) == sorted(set(need.forbid))
            assert list(need.any_groups) == sorted(set(need.any_groups))
