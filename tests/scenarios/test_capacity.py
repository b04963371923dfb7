"""What an agent can hold at once: loads, limits per channel, and interruption."""

from tests.scenarios.plans import channel, plan_of
from tests.scenarios.world import World


def test_an_agent_holds_as_many_of_a_channel_as_the_plan_allows():
    """Two chats of load 40 leave 20: a third would fit by neither load nor count."""
    world = World(["ana"])
    for number in range(3):
        world.arrives(f"chat-{number}", channel="chat")
    assert world.offers_to("ana") == ["chat-0", "chat-1"]
    assert world.state_of("chat-2") == "waiting"


def test_offers_and_wrap_up_hold_their_load():
    """What rings will be answered, and what is being written down is work."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.ends("ana", "call-1")
    world.arrives("call-2")
    assert world.state_of("call-2") == "waiting"
    world.disposes("ana", "call-1")
    assert world.offered_to("ana") == "call-2"


def test_a_call_may_interrupt_mail_and_not_the_reverse():
    """Mail can wait while somebody speaks; a caller cannot wait while somebody writes."""
    world = World(["ana"])
    world.holds("ana", "mail-1", channel="mail")
    world.arrives("call-1")
    assert world.offered_to("ana") == "call-1"
    world.accepts("ana")
    world.arrives("mail-2", channel="mail")
    assert world.state_of("mail-2") == "waiting"
    world.disposes("ana", "call-1")
    assert world.offered_to("ana") is None, "the mail of load 60 that ana holds leaves 40"
    world.disposes("ana", "mail-1")
    assert world.offered_to("ana") == "mail-2"


def test_a_channel_that_does_not_fit_beside_what_is_held_waits():
    """Two channels share one agent by their loads."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat")
    world.arrives("mail-1", channel="mail")
    assert world.offers_to("ana") == ["mail-1"]
    world.arrives("chat-2", channel="chat")
    assert world.state_of("chat-2") == "waiting"


def test_a_full_agent_of_one_channel_still_gets_the_other_in_its_turn():
    """The best interaction this agent has room for is offered, not merely the best one."""
    plan = plan_of(
        channels=(channel("call", max_at_once=1, load=60), channel("chat", load=40, max_at_once=1))
    )
    world = World(["ana"], plan=plan)
    world.holds("ana", "call-1")
    world.arrives("call-2", urgency=1)
    world.arrives("chat-1", channel="chat", urgency=5)
    assert world.offers_to("ana") == ["chat-1"]


def test_a_channel_the_plan_does_not_have_takes_a_whole_agent():
    """A plan that drops a channel must not strand who came in by it."""
    world = World(["ana"])
    world.arrives("fax-1", channel="fax")
    assert world.offered_to("ana") == "fax-1"
    world.accepts("ana")
    world.arrives("chat-1", channel="chat")
    assert world.state_of("chat-1") == "waiting"


def test_a_plan_that_shrinks_an_agent_takes_nothing_away():
    """Whoever is in conversation stays in it; only the next offer is measured by the new plan."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat")
    world.holds("ana", "chat-2", channel="chat")
    world.activates(plan_of(channels=(channel("chat", load=100, max_at_once=1),)))
    assert world.held_by("ana") == ["chat-1", "chat-2"]
    world.arrives("chat-3", channel="chat")
    world.disposes("ana", "chat-1")
    assert world.state_of("chat-3") == "waiting"
    world.disposes("ana", "chat-2")
    assert world.offered_to("ana") == "chat-3"
