"""Desks: no desk, no offers; a grace for a lost connection; nothing stays with who is gone (promise 2)."""

from router import decisions as d
from tests.scenarios.world import Available, NotAvailable, World


def test_an_agent_without_a_desk_gets_nothing():
    """Available is what an agent says; a desk is where an offer can be seen."""
    world = World(["ana"])
    world.closes_desk("ana")
    world.arrives("call-1")
    assert world.state_of("call-1") == "waiting"
    world.opens_desk("ana")
    assert world.offered_to("ana") == "call-1"


def test_a_second_desk_keeps_the_agent_there():
    """Presence is the agent's, over all windows."""
    world = World(["ana"])
    world.opens_desk("ana", "second")
    world.closes_desk("ana")
    assert world.agent("ana").grace_until_ms == 0
    world.arrives("call-1")
    assert world.offered_to("ana") == "call-1"


def test_an_offer_outlives_a_short_break_of_the_connection():
    """A page reload takes a second; the offer is still there."""
    world = World(["ana"])
    world.arrives("call-1")
    world.closes_desk("ana")
    world.passes(seconds=2)
    world.opens_desk("ana")
    assert world.offered_to("ana") == "call-1"
    world.passes(seconds=10)
    assert world.offered_to("ana") == "call-1", "the full fifteen seconds count"


def test_offers_leave_a_closed_desk_after_five_seconds_without_blame():
    """Nobody saw it ring, so nobody is called not responding, and the customer goes on to the next."""
    world = World(["ana", "ben"])
    world.arrives("call-1")
    world.closes_desk("ana")
    world.passes(seconds=4.9)
    assert world.offered_to("ana") == "call-1"
    world.passes(seconds=0.2)
    assert world.offered_to("ben") == "call-1"
    assert world.presence("ana") == Available()


def test_a_deadline_that_passes_without_a_desk_blames_nobody():
    """The offer was nearly over when the connection broke: still nobody failed to answer."""
    world = World(["ana"])
    world.arrives("call-1")
    world.passes(seconds=12)
    world.closes_desk("ana")
    world.passes(seconds=4)
    assert world.state_of("call-1") == "waiting"
    assert world.presence("ana") == Available()


def test_conversations_stay_through_the_grace_and_then_go_back_in_line():
    """The place is the old one: before everybody who came later."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.passes(seconds=60)
    world.arrives("call-2")
    world.closes_desk("ana")
    world.passes(seconds=29)
    assert world.held_by("ana") == ["call-1"]
    world.passes(seconds=1)
    assert world.held_by("ana") == []
    [orphan] = [each for each in world.decided(d.QueueInteraction) if each.why == "orphaned"]
    assert orphan.interaction_id == "call-1"
    assert [(alarm.ref, alarm.detail) for alarm in world.alarms("agent_gone")] == [("ana", "1")]
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"


def test_a_desk_that_comes_back_in_time_keeps_its_conversations():
    """A network that is gone for twenty seconds must not tear a conversation apart."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.closes_desk("ana")
    world.passes(seconds=20)
    world.opens_desk("ana")
    world.passes(seconds=60)
    assert world.held_by("ana") == ["call-1"]


def test_what_was_in_wrap_up_is_disposed_of_by_somebody_else():
    """An interaction ends by a human's disposition: the agent is gone, so another one looks at it."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.ends("ana", "call-1")
    world.closes_desk("ana")
    world.passes(seconds=30)
    assert world.state_of("call-1") == "waiting"
    assert world.interaction("call-1").wrap_up_since_ms == 0
    world.becomes_available("ben")
    world.accepts("ben")
    world.disposes("ben", "call-1")
    assert world.open() == []


def test_an_agent_who_comes_back_after_the_grace_may_be_offered_the_orphan_again():
    """There was no refusal, so there is nothing to cool down from."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.closes_desk("ana")
    world.passes(seconds=31)
    world.opens_desk("ana")
    assert world.offered_to("ana") == "call-1"


def test_a_desk_that_opens_or_closes_twice_changes_nothing():
    """Facts repeat (promise 8)."""
    world = World(["ana"])
    world.opens_desk("ana")
    assert world.latest == []
    world.closes_desk("ana")
    world.closes_desk("ana")
    assert world.latest == []
    world.closes_desk("nobody")
    assert world.latest == []


def test_somebody_who_is_not_in_the_plan_gets_nothing():
    """Nobody in who does not belong; auditors only read."""
    world = World(["mallory", "zed"])
    world.arrives("call-1")
    assert world.state_of("call-1") == "waiting"


def test_an_agent_whom_a_new_plan_drops_finishes_and_gets_nothing_more():
    """Work in hand is finished by whoever has it."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    plan = world.plan
    people = tuple(person for person in plan.people if person.agent_id != "ana")
    world.activates(type(plan)(**{**{f: getattr(plan, f) for f in plan.__slots__}, "people": people}))
    world.disposes("ana", "call-1")
    world.arrives("call-2")
    assert world.state_of("call-2") == "waiting"


def test_presence_survives_and_can_be_declared_without_a_desk():
    """A supervisor may declare an agent away who left without saying so."""
    world = World(["ana"])
    world.closes_desk("ana")
    world.becomes_unavailable("ana", "break")
    assert world.presence("ana") == NotAvailable("break")
