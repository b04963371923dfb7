"""A supervisor steps in: moves, assigns, takes away, and speaks for an agent who left."""

import pytest

from router import refusals
from router.decisions import EndOffer, HoldForAgent, QueueInteraction
from tests.scenarios.plans import plan_of
from tests.scenarios.world import Available, NotAvailable, World

SKILLED = plan_of(skills={"ana": [("medical", 3)], "ben": [("fire", 2)], "cem": [("fire", 1)]})


def test_what_waits_is_moved_and_keeps_its_place():
    """The wrong queue was chosen; the customer must not pay for it with a second wait."""
    world = World(["ana"], plan=SKILLED)
    world.holds("ana", "call-0")
    world.arrives("call-1", at_s=5, queue="medical")
    world.arrives("call-2", at_s=20, queue="fire")
    world.steps_in("sue", "call-1", queue="fire")
    assert (world.state_of("call-1"), world.interaction("call-1").queue_id) == ("waiting", "fire")
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"


def test_what_is_offered_is_withdrawn_before_it_moves():
    """Two agents must never look at one customer, and the first did nothing wrong."""
    world = World(["ana", "ben"], plan=SKILLED)
    world.arrives("call-1", queue="medical")
    assert world.offered_to("ana") == "call-1"
    world.steps_in("sue", "call-1", queue="fire")
    assert world.offered_to("ana") is None
    assert world.offered_to("ben") == "call-1"
    assert world.presence("ana") == Available()
    ended = [each for each in world.latest if isinstance(each, EndOffer)]
    assert [(each.outcome, each.cooldown_until_ms) for each in ended] == [("rescinded", 0)]


def test_what_waits_is_assigned_to_a_named_agent_whatever_the_skills():
    """The supervisor knows who should take it; only this agent is offered it, for a while."""
    world = World(["ana", "ben"], plan=SKILLED)
    world.holds("ana", "call-0", queue="medical")
    world.arrives("call-1", queue="medical")
    world.steps_in("sue", "call-1", to="ben")
    assert world.offered_to("ben") == "call-1"
    assert world.explanation("ben").tie_break == "named"


def test_what_is_offered_to_one_agent_is_assigned_to_another():
    """The outstanding offer is withdrawn first; a late answer to it is refused."""
    world = World(["ana", "ben"])
    world.arrives("call-1")
    first = world.interaction("call-1").offer_id
    world.steps_in("sue", "call-1", to="ben")
    assert (world.offered_to("ana"), world.offered_to("ben")) == (None, "call-1")
    world.accepts("ana", first)
    assert world.refusal() == refusals.OFFER_ENDED


def test_a_supervisor_may_assign_to_herself():
    """Who steps in may want to answer in person."""
    world = World(["ana", "sue"])
    world.arrives("call-1")
    assert world.offered_to("ana") == "call-1"
    world.steps_in("sue", "call-1", to="sue")
    assert world.offered_to("sue") == "call-1"


def test_a_conversation_is_taken_away_and_waits_at_its_old_place():
    """An agent who walked away keeps nobody waiting for a quarter of an hour."""
    world = World(["ana"])
    world.holds("ana", "call-1", at_s=1)
    world.arrives("call-2", at_s=30)
    world.is_declared("ana", by="sue")
    world.steps_in("sue", "call-1")
    state = world.interaction("call-1")
    assert (state.state, state.queue_id, world.since_start_ms(state.accepted_at_ms)) == (
        "waiting",
        "general",
        1_000,
    )
    assert [each.why for each in world.latest if isinstance(each, QueueInteraction)] == ["taken_away"]
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"


def test_who_lost_a_conversation_to_a_supervisor_is_not_offered_it_at_once():
    """It was taken from this agent for a reason."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.holds("ben", "call-2")
    world.steps_in("sue", "call-1")
    assert world.offered_to("ana") is None
    world.disposes("ben", "call-2")
    assert world.offered_to("ben") == "call-1"


def test_a_wrap_up_is_taken_away_like_a_conversation():
    """Somebody has to give the disposition that its agent never gave."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.ends("ana", "call-1")
    world.steps_in("sue", "call-1", to="ben")
    assert world.offered_to("ben") == "call-1"
    assert world.interaction("call-1").wrap_up_since_ms == 0


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"queue": "nowhere"}, refusals.UNKNOWN_QUEUE),
        ({"to": "stranger"}, refusals.UNKNOWN_AGENT),
        ({"to": "dia"}, refusals.AGENT_NOT_HERE),
        ({"to": "ben", "queue": "fire"}, refusals.TRANSFER_UNCLEAR),
        ({"to": "ana"}, refusals.ALREADY_THEIRS),
    ],
)
def test_what_cannot_be_moved_like_that_is_refused_and_stays(asked, code):
    """A refused act changes nothing, and the supervisor is told why."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    before = world.interaction("call-1")
    world.steps_in("sue", "call-1", **asked)
    assert world.refusal() == code
    assert world.interaction("call-1") == before


def test_what_nobody_holds_cannot_be_taken_away():
    """There is nobody to take it from: the act would only hide a misunderstanding."""
    world = World(["ana"])
    world.holds("ana", "call-0")
    world.arrives("call-1")
    world.steps_in("sue", "call-1")
    assert world.refusal() == refusals.TRANSFER_UNCLEAR
    world.is_unread("call-2")
    world.steps_in("sue", "call-2", queue="fire")
    assert world.refusal() == refusals.PARKED
    world.steps_in("sue", "gone", queue="fire")
    assert world.refusal() == refusals.GONE


def test_an_ordinary_transfer_still_takes_its_holder():
    """Only the field that access sets lets somebody give away what is not theirs."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.transfers("ben", "call-1", queue="fire")
    assert world.refusal() == refusals.NOT_YOURS


def test_the_presence_of_an_agent_who_left_is_declared_by_a_supervisor():
    """Offers go to others at once; conversations stay, because the agent may be in the next room."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat")
    world.arrives("chat-2", channel="chat")
    assert world.offered_to("ana") == "chat-2"
    world.is_declared("ana", by="sue")
    assert world.presence("ana") == NotAvailable("break")
    assert (world.state_of("chat-2"), world.held_by("ana")) == ("waiting", ["chat-1"])
    assert world.refusal() == ""


def test_with_hand_back_everything_of_the_agent_who_left_goes_back_in_line():
    """Conversation, wrap-up, offer, and what waits for this agent by name: all at their old places."""
    world = World(["ana", "ben"])
    for name in ("chat-1", "chat-2"):
        world.arrives(name, channel="chat")
        world.accepts("ana" if world.offered_to("ana") == name else "ben")
    world.transfers("ben", world.held_by("ben")[0], to="ana")
    world.accepts("ana")
    assert world.held_by("ana") == ["chat-1", "chat-2"]
    world.ends("ana", "chat-1")
    world.arrives("call-3", at_s=10)
    world.accepts("ben")
    world.transfers("ben", "call-3", to="ana")
    world.becomes_unavailable("ben")
    assert world.interaction("call-3").named_agent_id == "ana"
    world.is_declared("ana", by="sue", hand_back=True)
    assert world.held_by("ana") == []
    assert {world.state_of(each) for each in ("chat-1", "chat-2", "call-3")} == {"waiting"}
    assert world.interaction("call-3").named_agent_id == ""
    world.becomes_available("cem")
    assert world.offers_to("cem") == ["chat-1", "chat-2"]


def test_what_rings_by_name_at_an_agent_who_left_is_for_everybody():
    """It would wait for an empty chair."""
    world = World(["ana", "ben", "cem"])
    world.holds("ana", "call-1")
    world.steps_in("sue", "call-1", to="ben")
    assert world.offered_to("ben") == "call-1"
    world.is_declared("ben", by="sue", hand_back=True)
    assert world.offered_to("cem") == "call-1"


def test_nobody_speaks_for_somebody_whom_the_plan_does_not_have():
    """A typing error must not make up an agent."""
    world = World(["ana"])
    world.is_declared("stranger", by="sue")
    assert world.refusal() == refusals.UNKNOWN_AGENT
    assert not world.knows("stranger")


def test_held_for_a_named_agent_it_can_be_moved_again():
    """The supervisor changes her mind while it waits for an agent who is busy."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-0")
    world.arrives("call-1")
    world.steps_in("sue", "call-1", to="ana")
    assert world.state_of("call-1") == "waiting"
    assert any(isinstance(each, HoldForAgent) for each in world.latest)
    world.steps_in("sue", "call-1", queue="general")
    assert world.offered_to("ben") == "call-1"
