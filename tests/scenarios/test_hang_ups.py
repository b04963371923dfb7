"""A caller hangs up at every moment of an offer: nobody is offered a dead line, and nobody is lost."""

from collections.abc import Callable

import pytest

from router import decisions as d
from tests.scenarios.world import NotAvailable, World

Story = Callable[[World], None]


def is_unread(world: World) -> None:
    """Kept, and not read yet."""
    world.is_unread("call-1", connection="line-1")


def waits(world: World) -> None:
    """Nobody is free."""
    world.becomes_unavailable("ana")
    rings(world)


def rings(world: World) -> None:
    """Offered to ana this moment."""
    world.arrives("call-1", urgency=2, connection="line-1")


def rings_for_long(world: World) -> None:
    """A millisecond before the offer ends."""
    rings(world)
    world.passes(seconds=7.999)


def was_declined(world: World) -> None:
    """Ana is not tried again for a while."""
    rings(world)
    world.declines("ana")


def rang_out(world: World) -> None:
    """Nobody took it; ana is not responding."""
    rings(world)
    world.passes(seconds=8)


def lost_its_desk(world: World) -> None:
    """Ana's browser is gone while it rings."""
    rings(world)
    world.closes_desk("ana")


def was_given_back(world: World) -> None:
    """Ana talked, and gave it to a queue that nobody serves now."""
    rings(world)
    world.accepts("ana")
    world.transfers("ana", "call-1", queue="fire")


def waits_for_one(world: World) -> None:
    """Ana talked, and gave it to ben, who is busy."""
    world.becomes_available("ben")
    rings(world)
    world.accepts("ana")
    world.becomes_unavailable("ben")
    world.transfers("ana", "call-1", to="ben")


STORIES: list[Story] = [
    is_unread,
    waits,
    rings,
    rings_for_long,
    was_declined,
    rang_out,
    lost_its_desk,
    was_given_back,
    waits_for_one,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda each: str(each.__name__))
def test_a_hang_up_before_anybody_talks_becomes_a_call_back_in_the_same_step(story: Story) -> None:
    """No limbo, one holder, and the place in line is kept."""
    world = World(agents=["ana"])
    story(world)
    before = world.interaction("call-1")
    world.hangs_up("call-1")
    [opened] = [each for each in world.latest if isinstance(each, d.OpenCallBack)]
    assert world.open() == [opened.interaction_id]
    state = world.interaction(opened.interaction_id)
    assert (state.accepted_at_ms, opened.follows) == (before.accepted_at_ms, "call-1")
    assert state.urgency == (before.urgency or 3)
    assert state.state in ("waiting", "offered")
    assert "call-1" not in world.offers_to("ana")
    ended = [each for each in world.latest if isinstance(each, d.EndOffer)]
    assert [each.outcome for each in ended] == (["rescinded"] if before.state == "offered" else [])


def test_an_accept_that_comes_after_the_hang_up_is_told_so() -> None:
    """The agent pressed a moment too late: what follows is the call-back, to be offered by itself."""
    world = World(agents=["ana"])
    rings(world)
    offer_id = world.interaction("call-1").offer_id
    world.hangs_up("call-1")
    world.accepts("ana", offer_id)
    assert world.refusal() == "gone"
    [call_back] = world.open()
    assert world.offered_to("ana") == call_back
    world.accepts("ana")
    assert world.held_by("ana") == [call_back]


def test_a_hang_up_after_the_accept_leaves_it_with_the_agent() -> None:
    """Somebody has to say what it was, and perhaps to call back."""
    world = World(agents=["ana"])
    rings(world)
    world.accepts("ana")
    world.hangs_up("call-1")
    assert world.held_by("ana") == ["call-1"]
    assert world.decided(d.OpenCallBack) == []
    world.ends("ana", "call-1")
    world.disposes("ana", "call-1")
    assert world.open() == []


def test_a_line_that_was_only_lost_is_waited_for() -> None:
    """A process that died has not said why: who comes back in time goes on at the same place."""
    world = World(agents=["ana"])
    waits(world)
    world.customer_leaves("call-1")
    assert world.open() == ["call-1"]
    world.customer_returns("call-1")
    world.passes(seconds=600)
    assert world.open() == ["call-1"]


def test_a_call_back_that_nobody_wants_is_never_given_up() -> None:
    """It has no line: hanging up again makes no more of it, whatever is said of lines that it never had."""
    world = World()
    rings(world)
    world.hangs_up("call-1")
    [call_back] = world.open()
    world.passes(seconds=86_400)
    assert world.open() == [call_back]
    assert world.interaction(call_back).state == "waiting"


def test_an_agent_who_is_offered_a_call_back_after_a_hang_up_was_never_away() -> None:
    """The caller ended it, not the agent: nobody is marked as not responding for that."""
    world = World(agents=["ana"])
    rings(world)
    world.hangs_up("call-1")
    assert world.presence("ana") != NotAvailable("not responding")
