"""Who is served first: urgency, then score, then age (promise 5)."""

from dataclasses import replace

from tests.scenarios.plans import QUEUES, plan_of
from tests.scenarios.world import World


def _served(world: World, agent: str, count: int) -> list[str]:
    """The order in which one agent gets what waits."""
    order = []
    for _ in range(count):
        interaction = world.offered_to(agent)
        assert interaction is not None
        order.append(interaction)
        world.accepts(agent)
        world.disposes(agent, interaction)
    return order


def test_the_most_urgent_is_served_first_however_long_others_wait():
    """Urgency is strict: no amount of waiting makes a question outweigh a life."""
    world = World()
    world.arrives("low", urgency=5)
    world.passes(seconds=100)
    world.arrives("routine", urgency=4)
    world.arrives("immediate", urgency=1)
    world.arrives("emergency", urgency=2)
    world.becomes_available("ana")
    assert _served(world, "ana", 4) == ["immediate", "emergency", "routine", "low"]


def test_within_one_urgency_who_came_first_is_served_first():
    """Age counts across queues as well as within one."""
    world = World()
    world.arrives("second", at_s=1, queue="fire", require=())
    world.arrives("third", at_s=2)
    world.arrives("first", at_s=3, queue="ahead")  # ten seconds of head start
    plan = plan_of(skills={"ana": [("fire", 1)]})
    world.activates(plan)
    world.becomes_available("ana")
    assert _served(world, "ana", 3) == ["first", "second", "third"]


def test_equal_moments_are_served_by_id():
    """Every order ends in an id, so that two runs never differ."""
    world = World()
    for interaction in ("b", "c", "a"):
        world.arrives(interaction)
    world.becomes_available("ana")
    assert _served(world, "ana", 3) == ["a", "b", "c"]


def test_a_queue_that_ages_faster_overtakes_at_the_exact_millisecond():
    """Twice as fast and ten seconds younger is level after ten seconds; then the older one wins the tie."""
    world = World()
    world.arrives("slow", at_s=0, queue="general")
    world.arrives("fast", at_s=10, queue="double")
    world.passes(seconds=10)
    world.becomes_available("ana")
    assert world.offered_to("ana") == "slow"

    world = World()
    world.arrives("slow", at_s=0, queue="general")
    world.arrives("fast", at_s=10, queue="double")
    world.passes(seconds=10.001)
    world.becomes_available("ana")
    assert world.offered_to("ana") == "fast"


def test_a_head_start_is_worth_what_it_says():
    """Ten seconds of head start against ten seconds of age: level, and the older one wins the tie."""
    world = World()
    world.arrives("older", at_s=0)
    world.arrives("ahead", at_s=10, queue="ahead")
    world.becomes_available("ana")
    assert world.offered_to("ana") == "older"

    world = World()
    world.arrives("older", at_s=0.001)
    world.arrives("ahead", at_s=10, queue="ahead")
    world.becomes_available("ana")
    assert world.offered_to("ana") == "ahead"


def test_an_agent_gets_nothing_this_agent_may_not_serve():
    """A more urgent one for somebody else does not stand in the way of what this agent can do."""
    world = World(plan=plan_of(skills={"ana": [("medical", 1)], "ben": [("medical", 5)]}))
    world.opens_desk("ben")
    world.arrives("heart", urgency=1, queue="medical")
    world.arrives("form", urgency=5)
    world.becomes_available("ana")
    assert world.offered_to("ana") == "form"
    world.becomes_available("ben")
    assert world.offered_to("ben") == "heart"


def test_several_who_become_able_at_once_get_the_best_first():
    """The most urgent interaction chooses its agent before any other does."""
    plan = plan_of(skills={"ana": [("medical", 3)], "ben": [("medical", 3)]})
    world = World(["ana", "ben"], plan=replace(plan, people=plan.people[2:]))
    world.arrives("general", urgency=3)
    world.arrives("heart", urgency=1, queue="medical")
    assert world.offered_to("ana") is None
    world.activates(plan)
    # ana has been idle longest, so the best one goes to ana.
    assert world.offered_to("ana") == "heart"
    assert world.offered_to("ben") == "general"


def test_the_longest_idle_agent_is_offered_the_next():
    """Fairness: who has waited longest for work gets it; ties end in the id."""
    world = World(["cem", "ana", "ben"])
    for number in range(3):
        world.passes(seconds=1)
        world.arrives(f"call-{number}")
    assert [world.offered_to(agent) for agent in ("ana", "ben", "cem")] == ["call-0", "call-1", "call-2"]
    for agent, interaction in (("ana", "call-0"), ("ben", "call-1"), ("cem", "call-2")):
        world.accepts(agent)
        world.disposes(agent, interaction)
        world.passes(seconds=1)
    world.arrives("next")
    assert world.offered_to("ana") == "next"


def test_less_load_goes_before_longer_idle():
    """Two chats for one agent while another has none would be the wrong kind of fair."""
    world = World(["ana", "ben"])
    world.holds("ana", "chat-1", channel="chat")
    world.passes(seconds=60)
    world.arrives("chat-2", channel="chat")
    assert world.offered_to("ben") == "chat-2"


def test_a_repeated_word_of_being_available_does_not_cost_the_place_among_the_idle():
    """Nor does it gain one: only becoming available counts."""
    world = World(["ana"])
    world.passes(seconds=1)
    world.becomes_available("ben")
    world.passes(seconds=1)
    world.becomes_available("ana")
    world.arrives("call-1")
    assert world.offered_to("ana") == "call-1"


def test_a_page_reload_does_not_cost_the_place_among_the_idle():
    """The desk closes and opens again within its grace: the agent was never gone."""
    world = World(["ana"])
    world.passes(seconds=1)
    world.becomes_available("ben")
    world.closes_desk("ana")
    world.passes(seconds=2)
    world.opens_desk("ana")
    world.arrives("call-1")
    assert world.offered_to("ana") == "call-1"


def test_who_comes_back_after_being_gone_begins_to_be_idle_then():
    """A night at home is not idle time."""
    world = World(["ana", "ben"])
    world.passes(seconds=10)
    world.closes_desk("ana")
    world.passes(seconds=3600)
    world.opens_desk("ana")
    world.arrives("call-1")
    assert world.offered_to("ben") == "call-1"


def test_queues_of_a_plan_age_at_least_a_little():
    """The order relies on it: an ageing of 0 would let a younger one of equal score starve an older one."""
    assert all(queue.ageing_pct >= 1 for queue in QUEUES)
