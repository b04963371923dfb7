"""One verified customer, several interactions: alike urgent, and with the same agent if possible."""

import pytest

from router.decisions import LinkInteraction, SetUrgency
from tests.scenarios.plans import plan_of
from tests.scenarios.world import World


def by_person(world: World) -> list[tuple[str, int]]:
    """What the last step raised because of the person."""
    return [
        (each.interaction_id, each.urgency)
        for each in world.latest
        if isinstance(each, SetUrgency) and each.by == "person"
    ]


def urgencies(world: World, *interactions: str) -> list[int]:
    return [world.interaction(each).urgency for each in interactions]


def test_an_urgent_text_makes_the_waiting_chat_of_the_same_person_urgent():
    """Who chats about a lost key and then texts that the house burns must not be found by the key."""
    world = World()
    world.arrives("chat-1", channel="chat", urgency=4, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=1, customer="mo")
    assert urgencies(world, "chat-1", "mail-1") == [1, 1]
    assert by_person(world) == [("chat-1", 1)]


def test_a_later_and_calmer_contact_is_as_urgent_as_what_the_person_has_open():
    """The second message of somebody in danger often only says `hello?`."""
    world = World()
    world.arrives("call-1", urgency=1, customer="mo")
    world.arrives("chat-1", channel="chat", urgency=5, customer="mo")
    assert urgencies(world, "call-1", "chat-1") == [1, 1]


def test_what_a_person_declares_urgent_counts_for_all():
    """The agent who raises it has heard what the others do not say."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=3, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=4, customer="mo")
    assert urgencies(world, "call-1", "mail-1") == [3, 3]
    world.declares_urgency("ana", "call-1", 1)
    assert urgencies(world, "call-1", "mail-1") == [1, 1]


def test_a_later_message_raises_what_is_held_by_somebody_else():
    """Triage reads every message; who holds the other conversation has to see it."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=4, customer="mo")
    world.arrives("chat-1", channel="chat", urgency=4, customer="mo")
    world.is_read("chat-1", urgency=2)
    assert urgencies(world, "call-1", "chat-1") == [2, 2]


def test_lowering_one_lowers_that_one_alone():
    """The supervisor has looked at this one, and not at the others."""
    world = World()
    world.arrives("call-1", urgency=1, customer="mo")
    world.arrives("chat-1", channel="chat", urgency=4, customer="mo")
    world.declares_urgency("sue", "chat-1", 4, may_lower=True)
    assert urgencies(world, "call-1", "chat-1") == [1, 4]
    assert by_person(world) == []


@pytest.mark.parametrize("verified", [True, False])
def test_only_what_is_verified_is_linked(verified):
    """Anybody can write a stranger's address into a form, and would jump the line with it."""
    world = World()
    world.arrives("call-1", urgency=1, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=5, customer="mo", verified=verified)
    assert urgencies(world, "mail-1") == [1 if verified else 5]
    assert world.interaction("mail-1").linked_to == ("mo" if verified else "")


def test_a_claimed_contact_raises_nobody():
    """A forged mail that says `fire` must not make a neighbour's chat urgent."""
    world = World()
    world.arrives("call-1", urgency=4, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=1, customer="mo", verified=False)
    assert urgencies(world, "call-1") == [4]


def test_strangers_are_not_linked():
    """No customer is not a customer."""
    world = World()
    world.arrives("call-1", urgency=1)
    world.arrives("call-2", urgency=5)
    assert urgencies(world, "call-1", "call-2") == [1, 5]


def test_what_nobody_has_read_yet_waits_as_urgently_as_the_person():
    """Reading failed: the channel's urgency is only a guess, the person's is known."""
    world = World()
    world.arrives("call-1", urgency=1, customer="mo")
    world.is_unread("mail-1", channel="mail", customer="mo")
    world.passes(seconds=3)
    assert urgencies(world, "mail-1") == [1]


def test_the_agent_who_holds_one_is_offered_the_other():
    """The person should not tell it twice; and two agents would do the work twice."""
    world = World(["ana", "ben"])
    world.holds("ana", "chat-1", channel="chat", customer="mo")
    world.passes(seconds=5)
    world.arrives("chat-2", channel="chat", customer="mo")
    assert world.offered_to("ana") == "chat-2"
    assert world.explanation("ana").tie_break == "same_person"
    assert [(each.reason, each.agent_ids) for each in world.explanation("ana").passed_over] == [
        ("ranked_lower", ("ben",))
    ]


def test_nobody_waits_for_the_agent_who_holds_one():
    """Without room now, another agent: an emergency is not kept for comfort."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1", urgency=1, customer="mo")
    world.arrives("call-2", urgency=1, customer="mo")
    assert world.offered_to("ben") == "call-2"


def test_the_same_agent_must_be_able_to_serve():
    """A familiar voice that does not speak the language is no help."""
    world = World(["ana", "ben"], plan=plan_of(skills={"ben": [("fire", 2)]}))
    world.holds("ana", "chat-1", channel="chat", customer="mo")
    world.arrives("chat-2", channel="chat", customer="mo", queue="fire")
    assert world.offered_to("ben") == "chat-2"


def test_who_declined_it_is_not_offered_it_again_for_being_the_same_agent():
    """The preference does not outweigh a refusal."""
    world = World(["ana", "ben"])
    world.holds("ana", "chat-1", channel="chat", customer="mo")
    world.arrives("chat-2", channel="chat", customer="mo")
    world.declines("ana")
    assert world.offered_to("ben") == "chat-2"


def test_who_talks_goes_before_who_is_only_offered_something():
    """An offer may still be declined; a conversation is there."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat", customer="mo")
    world.becomes_unavailable("ana")
    world.becomes_available("ben")
    world.arrives("chat-2", channel="chat", customer="mo")
    assert world.offered_to("ben") == "chat-2"
    world.becomes_available("ana")
    world.arrives("chat-3", channel="chat", customer="mo")
    assert world.offered_to("ana") == "chat-3"


def test_more_urgent_work_of_others_still_goes_first():
    """Promise 5 outranks the comfort of one person."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat", urgency=4, customer="mo")
    world.becomes_unavailable("ana")
    world.arrives("chat-2", channel="chat", urgency=4, customer="mo", at_s=1)
    world.arrives("chat-3", channel="chat", urgency=2, at_s=2)
    world.becomes_available("ana")
    assert world.offers_to("ana") == ["chat-3"]


def test_merged_customers_are_as_urgent_as_the_most_urgent_of_both():
    """The agent finds out that the caller and the texter are one: from now on they are treated as one."""
    world = World()
    world.arrives("call-1", urgency=1, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=5, customer="unknown")
    world.is_moved("mail of unknown", was="unknown", to="mo")
    assert urgencies(world, "call-1", "mail-1") == [1, 1]
    assert [each.linked_to for each in world.latest if isinstance(each, LinkInteraction)] == ["mo"]
    world.arrives("chat-1", channel="chat", urgency=5, customer="unknown")
    assert urgencies(world, "chat-1") == [5]


def test_only_what_came_from_the_moved_identity_moves():
    """A shared customer that is split keeps what is not named."""
    world = World()
    world.arrives("call-1", urgency=3, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=3, customer="mo")
    world.is_moved("mail of mo", was="mo", to="mo's father")
    world.declares_urgency("sue", "mail-1", 1)
    assert urgencies(world, "call-1", "mail-1") == [3, 1]
    assert [world.interaction(each).linked_to for each in ("call-1", "mail-1")] == ["mo", "mo's father"]


def test_splitting_lowers_nothing():
    """Lowering takes a named person who says so."""
    world = World()
    world.arrives("call-1", urgency=1, customer="mo")
    world.arrives("mail-1", channel="mail", urgency=5, customer="mo")
    world.is_moved("mail of mo", was="mo", to="somebody")
    assert urgencies(world, "mail-1") == [1]


def test_a_move_that_concerns_nothing_open_decides_nothing():
    """Most merges are about people who are not here now; the same one twice is the same as once."""
    world = World()
    world.arrives("mail-1", channel="mail", customer="mo")
    world.is_moved("nobody's", was="nobody", to="mo")
    assert world.latest == []
    world.is_moved("mail of mo", was="mo", to="ida")
    assert world.latest != []
    world.is_moved("mail of mo", was="mo", to="ida")
    assert world.latest == []


def test_the_call_back_of_who_gave_up_is_linked_like_what_it_follows():
    """Whoever hangs up and writes instead is still one person."""
    world = World()
    world.arrives("chat-1", channel="chat", urgency=3, connection="c", customer="mo")
    world.customer_leaves("chat-1")
    world.passes(seconds=121)
    (call_back,) = world.call_backs()
    world.arrives("mail-1", channel="mail", urgency=1, customer="mo")
    assert urgencies(world, call_back) == [1]


def test_what_ended_counts_no_more():
    """The emergency is over; the next matter of the same person is judged by itself."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=1, customer="mo")
    world.disposes("ana", "call-1")
    world.becomes_unavailable("ana")
    world.arrives("call-2", urgency=5, customer="mo")
    assert urgencies(world, "call-2") == [5]
