"""Whether somebody may serve."""

from config.people import skills_of
from config.plan import PersonPlan, RequirementPlan
from skills.match import Need, combine, meets, meets_one, need_of, preference, requirement_of
from skills.requirement import Requirement
from tests.config.plans import small

SITE = small().site


def need(**parts):
    return need_of(Requirement(**parts))


def test_every_required_skill_is_needed_at_its_level():
    """Half of what is asked is not enough when a life depends on it."""
    wanted = need(require=(("medical", 3), ("lang-en", 1)))
    assert meets({"medical": 3, "lang-en": 1}, wanted)
    assert not meets({"medical": 2, "lang-en": 5}, wanted)
    assert not meets({"medical": 5}, wanted)


def test_one_of_a_list_is_enough():
    """Fire or medical: either will do."""
    wanted = need(require_any=(("fire", 2), ("medical", 3)))
    assert meets({"fire": 2}, wanted)
    assert meets({"medical": 3, "fire": 1}, wanted)
    assert not meets({"fire": 1, "medical": 2}, wanted)


def test_a_forbidden_skill_keeps_out_at_any_level():
    """A trainee flag must keep a trainee away, however good."""
    assert not meets({"trainee": 1, "medical": 5}, need(require=(("medical", 1),), forbid=("trainee",)))


def test_who_prefers_keeps_nobody_out():
    """Preference orders; it never lets somebody wait."""
    wanted = need(prefer=(("crisis", 3), ("medical", 1)))
    assert meets({}, wanted)
    assert [preference(levels, wanted) for levels in ({}, {"crisis": 2}, {"crisis": 3, "medical": 1})] == [
        0,
        0,
        2,
    ]


def test_one_of_these_and_one_of_those_is_not_one_of_all():
    """A queue's list and a contact's list must both be met."""
    both = combine(
        need(require_any=(("fire", 1), ("police", 1))), need(require_any=(("lang-en", 1), ("lang-fr", 1)))
    )
    assert meets({"fire": 1, "lang-fr": 1}, both)
    assert not meets({"fire": 1, "police": 1}, both)
    assert not meets({"lang-en": 1}, both)


def test_taken_together_the_higher_level_counts():
    """The queue asks 2, the contact asks 4: 4."""
    both = combine(need(require=(("medical", 2),)), need(require=(("medical", 4),), forbid=("trainee",)))
    assert both == Need(require=(("medical", 4),), forbid=("trainee",))


def test_equal_needs_are_equal_objects_whatever_the_order():
    """Needs are keys of the waiting line's groups: two spellings would be two lines."""
    one, two = need(require=(("a", 1), ("b", 2))), need(require_any=(("c", 1),), forbid=("x",))
    assert combine(one, two) == combine(two, one)
    written = RequirementPlan(require=(("b", 2), ("a", 1), ("b", 1)), forbid=("y", "x", "y"))
    assert requirement_of(written) == Requirement(require=(("a", 1), ("b", 2)), forbid=("x", "y"))


def test_one_alternative_is_enough_and_none_is_not():
    """After widening, the agents of another queue may serve as well."""
    assert meets_one({"b": 1}, [need(require=(("a", 1),)), need(require=(("b", 1),))])
    assert not meets_one({"b": 1}, [])


def test_what_goes_without_saying_about_people():
    """The first language is everybody's, the supervisor skill is the role's, and an auditor serves nobody."""
    agent = PersonPlan(agent_id="a", name="A", role="agent", skills=(("medical", 3),))
    assert skills_of(agent, SITE) == (("lang-nl", 5), ("medical", 3))
    learner = PersonPlan(agent_id="a", name="A", role="agent", skills=(("lang-nl", 2),))
    assert skills_of(learner, SITE) == (("lang-nl", 2),)
    for role in ("supervisor", "admin"):
        levels = dict(skills_of(PersonPlan(agent_id="s", name="S", role=role), SITE))
        assert levels == {"lang-nl": 5, "supervisor": 5}
    assert skills_of(PersonPlan(agent_id="o", name="O", role="auditor", skills=(("medical", 3),)), SITE) == ()


def test_nobody_becomes_a_supervisor_by_a_skill():
    """The manual queue is for those whom the centre made supervisors."""
    sly = PersonPlan(agent_id="a", name="A", role="agent", skills=(("supervisor", 5),))
    assert "supervisor" not in dict(skills_of(sly, SITE))
