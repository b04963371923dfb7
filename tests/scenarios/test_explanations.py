"""Every offer says why it was made, and why not to the others (promise 9)."""

from router.decisions import PassedOver
from tests.scenarios.plans import plan_of
from tests.scenarios.world import World


def _reasons(world: World, agent: str) -> dict[str, PassedOver]:
    return {each.reason: each for each in world.explanation(agent).passed_over}


def test_an_offer_names_rule_score_step_and_strategy():
    """Score in hundredths of a millisecond: head start and age, at the moment of the offer."""
    world = World()
    world.arrives("call-1", queue="double")
    world.passes(seconds=3)
    world.becomes_available("ana")
    why = world.explanation("ana")
    assert (why.rule_id, why.score, why.step, why.strategy) == ("rule", 200 * 3_000, 0, "longest_idle")
    assert why.tie_break == "only"


def test_those_passed_over_are_grouped_by_reason():
    """Everybody signed in is in exactly one group, except the one who is offered it."""
    plan = plan_of(skills={name: [("medical", 2)] for name in ("ana", "ben", "cem", "dia", "eve")})
    world = World(["ana", "ben", "cem", "dia", "eve", "fay"], plan=plan)
    world.arrives("call-1", queue="medical")
    world.accepts("ana")
    world.becomes_unavailable("ben")
    world.closes_desk("cem")
    world.arrives("call-2", queue="medical")
    world.declines("dia")
    reasons = _reasons(world, "eve")
    assert {reason: each.agent_ids for reason, each in reasons.items()} == {
        "lacks_skill": ("fay",),
        "not_available": ("ben",),
        "no_desk": ("cem",),
        "no_capacity": ("ana",),
        "cooling_down": ("dia",),
    }
    assert all(each.count == 1 for each in reasons.values())


def test_those_ranked_lower_are_counted_and_the_first_five_named():
    """Five ids are enough to look; the count is always whole."""
    world = World(["fay", "eve", "dia", "cem", "ben", "ana", "sue"])
    world.arrives("call-1")
    lower = _reasons(world, "ana")["ranked_lower"]
    assert (lower.count, lower.agent_ids) == (6, ("ben", "cem", "dia", "eve", "fay"))


def test_the_tie_break_says_what_decided():
    """Load, then idle time, then the id."""
    world = World(["ana", "ben"])
    world.arrives("chat-1", channel="chat")
    assert world.explanation("ana").tie_break == "id"
    world.arrives("chat-2", channel="chat")
    assert world.explanation("ben").tie_break == "load"
    world.accepts("ben")
    world.passes(seconds=1)
    world.accepts("ana")
    world.arrives("chat-3", channel="chat")
    assert world.explanation("ben").tie_break == "idle"


def test_agents_who_signed_out_are_not_mentioned():
    """Who is not there was not passed over."""
    world = World(["ana", "ben"])
    world.closes_desk("ben")
    world.passes(seconds=31)
    world.arrives("call-1")
    assert world.explanation("ana").passed_over == ()
