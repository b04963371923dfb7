"""Offers: rung out, declined, accepted late, withdrawn. The place in line is never lost (promise 4)."""

from router import decisions as d
from tests.scenarios.world import Available, NotAvailable, World


def test_ring_no_answer_costs_the_customer_no_place():
    """A call nobody picked up is offered to the next free agent before younger calls."""
    world = World(agents=["ana"])
    world.arrives("call-1", at_s=0)  # offered to ana, who does not pick up
    world.arrives("call-2", at_s=5)
    world.passes(seconds=20)
    assert world.presence("ana") == NotAvailable("not responding")
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"


def test_freed_capacity_goes_to_who_waits_before_a_newer_arrival():
    """The most reported bug of the field: capacity frees, who waits stays, the next new one is taken."""
    world = World(agents=["ana"])
    world.holds("ana", "call-1")
    world.arrives("call-2")
    world.passes(seconds=10)
    world.disposes("ana", "call-1")
    assert world.offered_to("ana") == "call-2"
    world.arrives("call-3")
    assert world.offers_to("ana") == ["call-2"]
    assert world.state_of("call-3") == "waiting"


def test_an_offer_rings_shorter_for_the_urgent():
    """Eight seconds for urgency 1 and 2, fifteen for the rest, by the channel's plan."""
    world = World(agents=["ana", "ben"])
    world.arrives("urgent", urgency=2)
    world.arrives("plain", urgency=3)
    deadlines = {
        each.interaction_id: each.deadline_ms - each.offered_at_ms for each in world.core.state().offers
    }
    assert deadlines == {"urgent": 8_000, "plain": 15_000}


def test_a_late_accept_is_honoured_and_undoes_not_responding():
    """The agent was two seconds late and nobody else has it: sending the customer on would help nobody."""
    world = World(agents=["ana"])
    world.arrives("call-1")
    world.passes(seconds=16)
    assert world.presence("ana") == NotAvailable("not responding")
    world.accepts("ana", "call-1/1")
    assert world.held_by("ana") == ["call-1"]
    assert world.presence("ana") == Available()


def test_a_late_accept_comes_too_late_once_somebody_else_is_offered_it():
    """Two agents must never hold one interaction (promise 3)."""
    world = World(agents=["ana", "ben"])
    world.arrives("call-1")
    world.passes(seconds=16)
    assert world.offered_to("ben") == "call-1"
    world.accepts("ana", "call-1/1")
    assert world.refusal() == "offered_elsewhere"
    assert world.presence("ana") == NotAvailable("not responding")
    world.accepts("ben")
    world.accepts("ana", "call-1/1")
    assert world.refusal() == "offered_elsewhere"
    assert world.held_by("ben") == ["call-1"]


def test_a_late_accept_does_not_overfill_the_agent():
    """Back from not responding the agent took other work: there is no room for the old offer any more."""
    world = World(agents=["ana"])
    world.arrives("call-1")
    world.passes(seconds=16)
    world.arrives("call-2", urgency=1)
    world.becomes_available("ana")
    assert world.offered_to("ana") == "call-2"
    world.accepts("ana", "call-1/1")
    assert world.refusal() == "no_room"


def test_a_declined_interaction_goes_to_the_next_and_keeps_its_place():
    """Declining is the agent's right, and not the customer's fault."""
    world = World(agents=["ana", "ben"])
    world.arrives("call-1")
    first = world.offered_to("ana")
    world.declines("ana")
    assert (first, world.offered_to("ben"), world.offered_to("ana")) == ("call-1", "call-1", None)
    assert world.presence("ana") == Available()
    assert world.interaction("call-1").accepted_at_ms == world.interaction("call-1").accepted_at_ms


def test_the_same_pair_is_not_tried_again_for_a_minute():
    """Somebody else who could take it is only busy: the agent who said no is not asked again and again."""
    world = World(agents=["ana", "ben"])
    world.holds("ana", "call-1")
    world.arrives("call-2")
    world.declines("ben")
    world.passes(seconds=59)
    assert world.offered_to("ben") is None
    world.passes(seconds=1)
    assert world.offered_to("ben") == "call-2"


def test_the_only_candidate_is_asked_again_after_five_seconds():
    """With nobody else at work a minute of silence would be the customer's."""
    world = World(agents=["ana"])
    world.arrives("call-1")
    world.declines("ana")
    world.passes(seconds=4.9)
    assert world.offered_to("ana") is None
    world.passes(seconds=0.2)
    assert world.offered_to("ana") == "call-1"


def test_who_becomes_the_only_candidate_is_asked_then():
    """The colleague who could have taken it goes home: nobody else is left to wait for."""
    world = World(agents=["ana", "ben"])
    world.holds("ana", "call-1")
    world.arrives("call-2")
    world.declines("ben")
    world.passes(seconds=20)
    world.becomes_unavailable("ana")
    assert world.offered_to("ben") == "call-2"


def test_two_who_both_declined_are_each_asked_again_after_five_seconds():
    """Nobody is left who has not refused; waiting out the minute would help nobody."""
    world = World(agents=["ana", "ben"])
    world.arrives("call-1")
    world.declines("ana")
    world.passes(seconds=1)
    world.declines("ben")
    world.passes(seconds=4)
    assert world.offered_to("ana") == "call-1"


def test_other_work_comes_to_who_declined():
    """The cool-down is of the pair, not of the agent."""
    world = World(agents=["ana"])
    world.arrives("call-1")
    world.declines("ana")
    world.arrives("call-2")
    assert world.offered_to("ana") == "call-2"


def test_several_declined_ones_are_stepped_over():
    """The best one this agent may take now is offered, however many better ones are cooling down."""
    world = World(agents=["ana"])
    for number in range(4):
        world.arrives(f"call-{number}", urgency=2)
        world.declines("ana")
    world.arrives("last", urgency=5)
    assert world.offered_to("ana") == "last"


def test_an_offer_is_withdrawn_when_the_agent_is_not_available_any_more():
    """Who goes on a break while it rings does not answer; the customer need not wait for the deadline."""
    world = World(agents=["ana"])
    world.arrives("call-1")
    world.becomes_unavailable("ana")
    assert world.state_of("call-1") == "waiting"
    assert world.presence("ana") == NotAvailable("break")
    world.becomes_available("ana")
    assert world.offered_to("ana") == "call-1"


def test_ring_no_answer_withdraws_what_else_rings_there():
    """Who does not answer one chat is not there for the other either."""
    world = World(agents=["ana"])
    world.arrives("chat-1", channel="chat", urgency=2)
    world.passes(seconds=5)
    world.arrives("chat-2", channel="chat", urgency=3)
    assert world.offers_to("ana") == ["chat-1", "chat-2"]
    world.passes(seconds=10)
    assert world.offers_to("ana") == []
    outcomes = {each.interaction_id: each.outcome for each in world.core.state().offers}
    assert outcomes == {"chat-1": "ring_no_answer", "chat-2": "rescinded"}


def test_answers_to_an_offer_that_is_over_are_refused_with_a_reason():
    """A double click, or an answer that crossed with the end of the offer, is ordinary."""
    world = World(agents=["ana", "ben"])
    world.arrives("call-1")
    world.declines("ana")
    world.declines("ana", "call-1/1")
    assert world.refusal() == "offer_ended"
    world.accepts("ana", "call-1/1")
    assert world.refusal() == "offer_ended"
    world.accepts("ben")
    world.accepts("ben", "call-1/2")
    assert world.refusal() == "already_yours"
    world.accepts("cem", "call-1/2")
    assert world.refusal() == "offer_ended"
    world.disposes("ben", "call-1")
    world.accepts("ben", "call-1/2")
    assert world.refusal() == "gone"


def test_a_refusal_names_the_command_and_what_it_was_about():
    """The desk shows the refusal where the button was pressed."""
    world = World(agents=["ana"])
    world.accepts("ana", "nothing/1")
    [refusal] = world.latest
    assert isinstance(refusal, d.RefuseRequest)
    assert (refusal.agent_id, refusal.code, refusal.ref) == ("ana", "gone", "nothing")
    assert refusal.command_id.startswith("command-")


def test_offers_are_numbered_per_interaction():
    """The number makes the id, so a rebuilt core never gives one id to two offers."""
    world = World(agents=["ana", "ben"])
    world.arrives("call-1")
    world.declines("ana")
    world.declines("ben")
    world.passes(seconds=5)
    offers = [each.offer_id for each in world.decided(d.OfferInteraction)]
    assert offers == ["call-1/1", "call-1/2", "call-1/3"]
