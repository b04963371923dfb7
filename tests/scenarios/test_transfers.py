"""Giving an interaction away: to a queue, to a named agent; and declaring urgency."""

import pytest

from router import decisions as d
from tests.scenarios.plans import plan_of
from tests.scenarios.world import World

SKILLED = plan_of(
    skills={"ana": [("medical", 3)], "ben": [("fire", 2), ("lang-ti", 3)], "cem": [("fire", 1)]}
)


def test_a_transfer_to_a_queue_keeps_the_place_in_line():
    """The customer has waited since the first contact, not since the transfer (promise 4)."""
    world = World(["ana"], plan=SKILLED)
    world.holds("ana", "call-1", urgency=2)
    world.passes(seconds=60)
    world.arrives("later", queue="fire", urgency=2)
    world.transfers("ana", "call-1", queue="fire")
    state = world.interaction("call-1")
    assert (state.state, state.queue_id, state.urgency) == ("waiting", "fire", 2)
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"


def test_a_transfer_keeps_the_language_and_drops_the_subject():
    """Who transfers from medical to fire says that it is a fire; the customer still speaks Tigrinya."""
    world = World(
        ["ana", "cem", "ben"],
        plan=plan_of(
            skills={
                "ana": [("medical", 3), ("lang-ti", 2)],
                "ben": [("fire", 2), ("lang-ti", 3)],
                "cem": [("fire", 1)],
            }
        ),
    )
    world.holds("ana", "call-1", require=[("medical", 2), ("lang-ti", 1)])
    world.transfers("ana", "call-1", queue="fire")
    assert world.interaction("call-1").requirement.require == (("lang-ti", 1),)
    assert world.offered_to("ben") == "call-1"


def test_the_giver_is_not_offered_it_again_at_once():
    """Otherwise the longest idle agent of that queue would be the one who just gave it away."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.holds("ben", "call-2")
    world.transfers("ana", "call-1", queue="general")
    assert world.offered_to("ana") is None
    world.disposes("ben", "call-2")
    assert world.offered_to("ben") == "call-1"


def test_the_giver_gets_it_back_when_nobody_else_is_there():
    """Better the same agent than nobody."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.transfers("ana", "call-1", queue="general")
    world.passes(seconds=5)
    assert world.offered_to("ana") == "call-1"


def test_a_named_agent_gets_it_alone():
    """Others who are free are not offered what a person gave to one agent."""
    world = World(["ana", "cem"])
    world.opens_desk("ben")
    world.holds("ana", "call-1")
    world.transfers("ana", "call-1", to="ben")
    assert world.state_of("call-1") == "waiting"
    assert world.offered_to("cem") is None
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"
    assert world.explanation("ben").tie_break == "named"
    world.accepts("ben")
    assert world.interaction("call-1").named_agent_id == ""


def test_a_named_agent_need_not_have_the_skill():
    """A person knows better than the table of skills why it should be this colleague."""
    world = World(["ana", "cem"], plan=SKILLED)
    world.holds("ana", "call-1", queue="medical")
    world.transfers("ana", "call-1", to="cem")
    assert world.offered_to("cem") == "call-1"


def test_a_named_agent_may_be_one_who_declined_a_moment_ago():
    """The two have talked about it: a person's choice outweighs the cool-down."""
    world = World(["ben"])
    world.arrives("call-1")
    world.declines("ben")
    world.becomes_available("ana")
    world.accepts("ana")
    world.transfers("ana", "call-1", to="ben")
    assert world.offered_to("ben") == "call-1"


@pytest.mark.parametrize("ending", ["time", "decline", "silence", "desk"])
def test_what_the_named_agent_does_not_take_is_for_everybody_again(ending):
    """A minute, a decline, no answer, a closed desk: the customer goes on at the old place in line."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    if ending == "time":
        world.holds("ben", "call-2")
        world.transfers("ana", "call-1", to="ben")
        world.becomes_unavailable("ana")
        world.passes(seconds=60)
    else:
        world.transfers("ana", "call-1", to="ben")
        world.becomes_unavailable("ana")
        assert world.offered_to("ben") == "call-1"
        if ending == "decline":
            world.declines("ben")
        elif ending == "silence":
            world.passes(seconds=15)
        else:
            world.closes_desk("ben")
            world.passes(seconds=5)
    assert [each.why for each in world.decided(d.QueueInteraction)][-1] == "named_agent_gone"
    assert world.interaction("call-1").named_agent_id == ""
    world.becomes_available("dia")
    assert world.offered_to("dia") == "call-1"


def test_the_urgent_of_everybody_goes_before_what_is_named():
    """A named agent takes the best of both lines (promise 5)."""
    world = World(["ana"])
    world.opens_desk("ben")
    world.holds("ana", "call-1", urgency=4)
    world.transfers("ana", "call-1", to="ben")
    world.arrives("urgent", urgency=1)
    world.declines("ana")
    world.becomes_available("ben")
    assert world.offered_to("ben") == "urgent"


def test_an_offer_to_a_named_agent_who_goes_on_a_break_waits_for_the_rest_of_the_minute():
    """Not available is not gone: the hold lasts as long as it was meant to."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.transfers("ana", "call-1", to="ben")
    world.becomes_unavailable("ben")
    assert world.interaction("call-1").named_agent_id == "ben"
    world.passes(seconds=59)
    assert world.interaction("call-1").named_agent_id == "ben"
    world.passes(seconds=1)
    assert world.interaction("call-1").named_agent_id == ""


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"queue": "nowhere"}, "unknown_queue"),
        ({"to": "nobody"}, "unknown_agent"),
        ({"to": "zed"}, "unknown_agent"),
        ({"to": "ana"}, "already_yours"),
        ({"to": "ben"}, "agent_not_here"),
        ({}, "transfer_unclear"),
        ({"queue": "general", "to": "ben"}, "transfer_unclear"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_and_the_holder_keeps_it(asked, code):
    """A customer must not be thrown into nowhere."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.transfers("ana", "call-1", **asked)
    assert world.refusal() == code
    assert world.held_by("ana") == ["call-1"]


def test_only_the_holder_may_end_dispose_or_transfer():
    """One holder (promise 3), and nobody acts in the holder's name."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.ends("ben", "call-1")
    assert world.refusal() == "not_yours"
    world.disposes("ben", "call-1")
    assert world.refusal() == "not_yours"
    world.transfers("ben", "call-1", queue="general")
    assert world.refusal() == "not_yours"
    world.ends("ana", "call-1")
    world.ends("ana", "call-1")
    assert world.refusal() == "already_ended"
    world.disposes("ana", "call-1", "eaten")
    assert world.refusal() == "unknown_disposition"
    world.disposes("ana", "call-1")
    world.disposes("ana", "call-1")
    assert world.refusal() == "gone"


def test_anybody_may_raise_the_urgency_and_it_counts_at_once():
    """The agent hears that it is worse than it read."""
    world = World(["ana"])
    world.holds("ana", "call-0")
    world.arrives("call-1", urgency=4)
    world.arrives("call-2", urgency=4)
    world.declares_urgency("ben", "call-2", 2)
    world.disposes("ana", "call-0")
    assert world.offered_to("ana") == "call-2"


def test_lowering_takes_the_right_to():
    """A mistake downwards costs lives, upwards only minutes."""
    world = World()
    world.arrives("call-1", urgency=2)
    world.declares_urgency("ana", "call-1", 4)
    assert world.refusal() == "may_not_lower"
    world.declares_urgency("sue", "call-1", 4, may_lower=True)
    assert world.interaction("call-1").urgency == 4
    world.declares_urgency("sue", "call-1", 4)
    assert world.refusal() == "same_urgency"
    world.declares_urgency("sue", "call-1", 0)
    assert world.refusal() == "unknown_urgency"
    world.declares_urgency("sue", "call-9", 1)
    assert world.refusal() == "gone"


def test_urgency_declared_before_reading_outlives_the_reading():
    """Triage may raise what a person said, never lower it."""
    world = World()
    world.is_unread("call-1")
    world.declares_urgency("ana", "call-1", 2)
    world.is_read("call-1", urgency=4)
    assert world.interaction("call-1").urgency == 2
