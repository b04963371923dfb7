"""From arrival into line: reading, late reading, more urgent messages, and customers who give up."""

import pytest

from router import decisions as d
from skills.requirement import Requirement
from tests.scenarios.plans import plan_of
from tests.scenarios.world import START_MS, World


def test_a_contact_waits_to_be_read_and_then_in_line():
    """Reading takes a moment; the place in line is fixed before it."""
    world = World(["ana"])
    world.is_unread("call-1")
    assert (world.state_of("call-1"), world.interaction("call-1").parked_until_ms) == (
        "parked",
        START_MS + 2_000,
    )
    world.passes(seconds=1)
    world.is_read("call-1", urgency=2)
    assert world.offered_to("ana") == "call-1"
    assert world.interaction("call-1").accepted_at_ms == START_MS


def test_what_nobody_reads_waits_as_its_channel_does():
    """A reader that hangs must not keep anybody from an agent."""
    world = World()
    world.is_unread("mail-1", channel="mail")
    world.passes(seconds=2)
    state = world.interaction("mail-1")
    assert (state.state, state.queue_id, state.urgency, state.rule_id) == ("waiting", "general", 4, "unread")
    assert state.requirement == Requirement()


def test_a_late_reading_still_finds_the_right_queue_and_only_raises():
    """Better late than in the wrong line; but nobody is made to wait longer by it."""
    world = World()
    world.is_unread("call-1")
    world.passes(seconds=3)
    world.is_read("call-1", urgency=5, queue="medical")
    state = world.interaction("call-1")
    assert (state.queue_id, state.urgency, state.rule_id) == ("medical", 3, "rule")


def test_a_more_urgent_message_moves_who_waits_to_the_right_place():
    """`I cannot breathe` after `hello`: queue and requirement come along."""
    world = World()
    world.arrives("call-1", urgency=4)
    world.is_read("call-1", urgency=1, queue="medical", rule="breath")
    state = world.interaction("call-1")
    assert (state.queue_id, state.urgency, state.rule_id) == ("medical", 1, "breath")
    world.is_read("call-1", urgency=3, queue="general")
    assert world.interaction("call-1").urgency == 1
    assert world.latest == []


def test_a_more_urgent_message_leaves_it_with_whoever_holds_it():
    """Somebody answers already: only the urgency changes, for the eye and for what comes after."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=4)
    world.is_read("call-1", urgency=1, queue="medical")
    state = world.interaction("call-1")
    assert (state.state, state.queue_id, state.urgency) == ("assigned", "general", 1)
    [change] = world.decided(d.SetUrgency)
    assert change.by == "triage"


@pytest.mark.parametrize("ending", ["decline", "no answer", "away"])
def test_a_more_urgent_message_lets_the_offer_ring_and_counts_when_it_waits_again(ending):
    """Withdrawing would take it from an agent about to accept; forgetting would bring the wrong one next."""
    world = World(["ana"], plan=plan_of(skills={"dia": [("medical", 3)]}))
    world.arrives("call-1")
    for agent in ("ben", "dia"):
        world.becomes_available(agent)
    assert world.offered_to("ana") == "call-1"
    world.is_read("call-1", urgency=1, queue="medical", require=[("lang-de", 5)])
    state = world.interaction("call-1")
    assert (state.state, state.agent_id, state.offer_id) == ("offered", "ana", "call-1/1")
    assert (state.queue_id, state.urgency, state.requirement.require) == ("medical", 1, (("lang-de", 5),))
    if ending == "decline":
        world.declines("ana")
    elif ending == "away":
        world.becomes_unavailable("ana")
    else:
        world.passes(seconds=15)
    assert world.offered_to("ben") is None
    assert world.state_of("call-1") == "waiting", "dia has no German: nobody can meet it"


def test_a_reading_that_comes_while_it_rings_unread_counts_when_it_waits_again():
    """The first reading is the first that is known of it, whatever its urgency."""
    world = World(["ana", "ben"], plan=plan_of(skills={"dia": [("medical", 3)]}))
    world.is_unread("call-1")
    world.passes(seconds=2)
    world.becomes_available("dia")
    assert world.offered_to("ana") == "call-1"
    world.is_read("call-1", urgency=4, queue="medical")
    assert world.interaction("call-1").urgency == 3
    world.declines("ana")
    assert world.offered_to("dia") == "call-1"


@pytest.mark.parametrize("rings", [True, False])
def test_what_was_given_to_one_agent_stays_with_that_agent_and_then_asks_what_was_read(rings):
    """A person chose this agent; whoever comes after is chosen by what the customer says now."""
    world = World(["ana", "ben"], plan=plan_of(skills={"dia": [("medical", 3)]}))
    world.becomes_available("dia")
    world.holds("ana", "call-1", urgency=4)
    if not rings:
        world.becomes_unavailable("ben")
    world.transfers("ana", "call-1", to="ben")
    world.is_read("call-1", urgency=1, queue="medical")
    assert world.interaction("call-1").named_agent_id == "ben"
    assert world.state_of("call-1") == ("offered" if rings else "waiting")
    if rings:
        world.declines("ben")
    else:
        world.passes(seconds=60)
    assert world.offered_to("dia") == "call-1"
    assert world.explanation("dia").rule_id == "rule"


def test_readings_and_connections_of_what_is_over_are_ignored():
    """The world is late (STYLE section 7): no decision, no exception."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.disposes("ana", "call-1")
    world.is_read("call-1", urgency=1)
    assert world.latest == []
    world.customer_returns("call-1")
    assert world.latest == []
    world.customer_leaves("call-1", "again")
    assert world.latest == []


def test_an_arrival_that_repeats_changes_nothing():
    """Repeats are harmless (promise 8)."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.is_unread("call-1")
    assert world.latest == []
    assert world.held_by("ana") == ["call-1"]


def test_a_customer_who_gives_up_becomes_a_call_back_at_the_same_place():
    """No silent end (promise 6)."""
    world = World()
    world.arrives("chat-1", channel="chat", urgency=2, queue="medical", connection="c1", customer="cu-1")
    accepted_at_ms = world.interaction("chat-1").accepted_at_ms
    world.passes(seconds=10)
    world.customer_leaves("chat-1")
    world.passes(seconds=119)
    assert world.open() == ["chat-1"]
    world.passes(seconds=1)
    [call_back] = world.open()
    state = world.interaction(call_back)
    assert call_back != "chat-1"
    assert (state.state, state.queue_id, state.urgency) == ("waiting", "medical", 2)
    assert (state.accepted_at_ms, state.linked_to) == (accepted_at_ms, "cu-1")
    [opened] = world.decided(d.OpenCallBack)
    assert opened.follows == "chat-1"
    [closed] = world.decided(d.CloseInteraction)
    assert (closed.why, closed.agent_id, closed.disposition) == ("abandoned", "", "")
    world.passes(seconds=3_600)
    assert world.open() == [call_back], "a call-back has no connections and never gives up"


def test_the_id_of_a_call_back_is_known_beforehand():
    """Two sites, or two runs of a replay, must make the same one."""
    ids = []
    for _ in range(2):
        world = World()
        world.arrives("chat-1", channel="chat", connection="c1")
        world.customer_leaves("chat-1")
        world.passes(seconds=120)
        ids += world.open()
    assert len(ids) == 2
    assert ids[0] == ids[1]


def test_a_customer_who_comes_back_in_time_has_given_up_nothing():
    """A phone in a tunnel."""
    world = World()
    world.arrives("chat-1", channel="chat", connection="c1")
    world.customer_leaves("chat-1")
    world.passes(seconds=119)
    world.customer_returns("chat-1", "c2")
    world.passes(seconds=600)
    assert world.state_of("chat-1") == "waiting"


def test_with_a_second_connection_the_customer_is_still_there():
    """Two windows of one chat."""
    world = World()
    world.arrives("chat-1", channel="chat", connection="c1")
    world.customer_returns("chat-1", "c2")
    world.customer_leaves("chat-1", "c1")
    world.passes(seconds=600)
    assert world.state_of("chat-1") == "waiting"


def test_an_offer_is_withdrawn_when_the_customer_has_given_up():
    """No agent should be rung for somebody who left; the call-back takes the place at once."""
    plan = plan_of(
        channels=(
            *plan_of().channels[:1],
            type(plan_of().channels[1])(
                **{
                    **{f: getattr(plan_of().channels[1], f) for f in plan_of().channels[1].__slots__},
                    "abandoned_after_ms": 5_000,
                }
            ),
        )
    )
    world = World(["ana"], plan=plan)
    world.arrives("chat-1", channel="chat", connection="c1")
    assert world.offered_to("ana") == "chat-1"
    world.customer_leaves("chat-1")
    world.passes(seconds=5)
    assert [each.outcome for each in world.decided(d.EndOffer)] == ["rescinded"]
    assert world.offered_to("ana") == world.open()[0] != "chat-1"


def test_a_customer_who_leaves_during_the_conversation_abandons_nothing():
    """An agent has it; how it ends is the agent's to say."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat", connection="c1")
    world.customer_leaves("chat-1")
    world.passes(seconds=600)
    assert world.held_by("ana") == ["chat-1"]


def test_accepting_ends_the_count_down_of_a_customer_who_just_left():
    """Accepted before the two minutes were over: not abandoned, even if it goes back in line later."""
    world = World(["ana"])
    world.arrives("chat-1", channel="chat", connection="c1")
    world.customer_leaves("chat-1")
    world.accepts("ana")
    world.transfers("ana", "chat-1", queue="general")
    world.passes(seconds=600)
    assert "chat-1" in world.open()


def test_somebody_who_left_before_being_read_is_called_back_as_its_channel_says():
    """Nothing is known but the channel; that is enough for a call-back."""
    world = World()
    world.event(
        __import__("router.events", fromlist=["x"]).ContactArrived(
            at_ms=world.now_ms,
            interaction_id="chat-1",
            channel="chat",
            accepted_at_ms=world.now_ms,
            connection_id="c1",
            parked_until_ms=world.now_ms + 600_000,
        )
    )
    world.customer_leaves("chat-1")
    world.passes(seconds=120)
    [call_back] = world.open()
    assert (world.interaction(call_back).queue_id, world.interaction(call_back).urgency) == ("general", 3)
