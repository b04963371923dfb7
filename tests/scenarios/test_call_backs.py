"""A customer is to be called back at a time of their choice: parked until then, and never forgotten."""

import pytest

from router import refusals
from router.decisions import CloseInteraction, OpenCallBack, QueueInteraction
from tests.scenarios.plans import plan_of
from tests.scenarios.world import World


def asked(world: World, agent: str, interaction: str, **more: object) -> str:
    """The call-back that this agent asks for."""
    world.asks_call_back(agent, interaction, **{"after_s": 600, **more})  # type: ignore[arg-type]
    assert world.refusal() == ""
    return world.call_backs()[-1]


def test_it_is_parked_until_its_time_and_then_waits():
    """No limbo: it is open from the moment it is promised, and wakes by itself."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=3, queue="general", customer="mo")
    call_back = asked(world, "ana", "call-1")
    state = world.interaction(call_back)
    assert (state.state, state.channel, state.urgency, state.queue_id) == ("parked", "call", 3, "general")
    world.disposes("ana", "call-1")
    world.passes(seconds=599)
    assert (world.state_of(call_back), world.offered_to("ana")) == ("parked", None)
    world.passes(seconds=1)
    assert world.offered_to("ana") == call_back
    assert [each.why for each in world.decided(QueueInteraction)][-1] == "due"


def test_its_place_in_line_is_that_of_its_time():
    """Who is promised three o'clock does not stand before those who called at two."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    call_back = asked(world, "ana", "call-1", after_s=60)
    world.arrives("call-2", at_s=30)
    world.arrives("call-3", at_s=90)
    world.passes(seconds=10)
    assert world.since_start_ms(world.interaction(call_back).accepted_at_ms) == 60_000
    served = []
    for _ in range(3):
        world.disposes("ana", world.held_by("ana")[0])
        served.append(world.offered_to("ana"))
        world.accepts("ana")
    assert served == ["call-2", call_back, "call-3"]


def test_it_waits_for_the_agent_it_is_meant_for_first():
    """The customer was told who will call; but nobody waits for ever for one agent."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    call_back = asked(world, "ana", "call-1", to="ana")
    world.passes(seconds=600)
    assert world.interaction(call_back).named_agent_id == "ana"
    assert world.offered_to("ben") is None
    world.disposes("ana", "call-1")
    assert world.offered_to("ana") == call_back
    assert world.explanation("ana").tie_break == "named"


def test_without_that_agent_it_is_for_everybody_at_once():
    """An empty chair calls nobody back."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    call_back = asked(world, "ana", "call-1", to="ana")
    world.disposes("ana", "call-1")
    world.closes_desk("ana")
    world.passes(seconds=600)
    assert world.offered_to("ben") == call_back


def test_it_may_be_asked_for_in_wrap_up_and_by_a_supervisor():
    """Often one knows only after the conversation; a supervisor may promise it for anybody."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.ends("ana", "call-1")
    asked(world, "ana", "call-1")
    asked(world, "sue", "call-1", steps_in=True)
    world.asks_call_back("ben", "call-1", after_s=60)
    assert world.refusal() == refusals.NOT_YOURS
    world.asks_call_back("ana", "gone", after_s=60)
    assert world.refusal() == refusals.GONE


def test_the_same_command_opens_one_call_back():
    """The page that lost its connection asks again; nobody is called twice."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    for _ in range(2):
        world.asks_call_back("ana", "call-1", after_s=60, command_id="command-once")
    assert len(world.decided(OpenCallBack)) == 1
    assert world.refusal() == ""


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"queue": "nowhere"}, refusals.UNKNOWN_QUEUE),
        ({"to": "stranger"}, refusals.UNKNOWN_AGENT),
        ({"to": "ben", "queue": "fire"}, refusals.TRANSFER_UNCLEAR),
        ({"after_s": 400 * 86_400}, refusals.UNKNOWN_TIME),
        ({"urgency": 9}, refusals.UNKNOWN_URGENCY),
    ],
)
def test_what_cannot_be_promised_is_refused(wish, code):
    """Better no promise than one that nobody keeps."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.asks_call_back("ana", "call-1", **{"after_s": 60, **wish})
    assert world.refusal() == code
    assert world.open() == ["call-1"]


def test_a_time_that_has_passed_means_now():
    """The form was open for a minute too long; the customer is called all the same."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    call_back = asked(world, "ana", "call-1", after_s=-60)
    world.passes(seconds=0)
    assert world.offered_to("ben") == call_back


def test_another_queue_asks_only_for_the_language():
    """As after a transfer: the subject is the queue's, the language the customer's."""
    world = World(["ana"], plan=plan_of(skills={"ana": [("medical", 3), ("lang-ti", 2)]}))
    world.holds("ana", "call-1", queue="medical", require=[("lang-ti", 2), ("medical", 3)])
    call_back = asked(world, "ana", "call-1", queue="fire", urgency=4)
    state = world.interaction(call_back)
    assert (state.queue_id, state.urgency, state.requirement.require) == ("fire", 4, (("lang-ti", 2),))


def test_a_supervisor_changes_its_time():
    """The customer rings up: tomorrow instead of today."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=2)
    call_back = asked(world, "ana", "call-1", after_s=60, urgency=2)
    world.disposes("ana", "call-1")
    world.changes_call_back(call_back, after_s=300, queue="fire")
    world.passes(seconds=60)
    assert (world.state_of(call_back), world.interaction(call_back).queue_id) == ("parked", "fire")
    world.passes(seconds=239)
    assert world.alarms("unattended") == []
    world.passes(seconds=1)
    assert world.state_of(call_back) == "waiting"


def test_a_supervisor_cancels_it_with_a_disposition():
    """No silent end: a named person says how it ended."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=1)
    call_back = asked(world, "ana", "call-1")
    world.cancels_call_back(call_back, disposition="no such thing")
    assert world.refusal() == refusals.UNKNOWN_DISPOSITION
    world.cancels_call_back(call_back)
    (closed,) = world.decided(CloseInteraction)
    assert isinstance(closed, CloseInteraction)
    assert (closed.why, closed.agent_id, closed.disposition) == ("cancelled", "sue", "helped")
    world.passes(seconds=700)
    assert world.open() == ["call-1"]


def test_only_what_is_parked_for_later_is_changed_or_cancelled():
    """What somebody waits with, or talks about, ends by a disposition of its holder."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    call_back = asked(world, "ana", "call-1", after_s=1)
    world.passes(seconds=2)
    world.is_unread("call-2")
    for interaction in ("call-1", "call-2", call_back):
        world.cancels_call_back(interaction)
        assert world.refusal() == refusals.NOT_SCHEDULED
        world.changes_call_back(interaction, after_s=60)
        assert world.refusal() == refusals.NOT_SCHEDULED
    world.cancels_call_back("gone")
    assert world.refusal() == refusals.GONE


def test_what_is_parked_for_later_is_not_moved():
    """Assigning it now would offer it before its time."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    call_back = asked(world, "ana", "call-1")
    world.steps_in("sue", call_back, to="ben")
    assert world.refusal() == refusals.PARKED
    world.asks_call_back("sue", call_back, after_s=60, steps_in=True)
    assert world.refusal() == refusals.PARKED


def test_the_person_coming_and_going_does_not_wake_or_end_it():
    """The page of the chat is opened and closed in between: the promise stays for its time."""
    world = World(["ana"])
    world.holds("ana", "chat-1", channel="chat", connection="c", customer="mo")
    call_back = asked(world, "ana", "chat-1", after_s=3_600)
    world.disposes("ana", "chat-1")
    world.customer_returns(call_back, "again")
    world.customer_leaves(call_back, "again")
    world.passes(seconds=3_599)
    assert (world.state_of(call_back), world.call_backs()) == ("parked", [call_back])


def test_until_its_time_it_is_no_part_of_the_person_and_then_it_is():
    """What waits until tomorrow is not urgent today; tomorrow it counts with what is open then."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=4, customer="mo")
    call_back = asked(world, "ana", "call-1", after_s=60)
    world.disposes("ana", "call-1")
    world.becomes_unavailable("ana")
    world.arrives("chat-1", channel="chat", urgency=1, customer="mo")
    assert world.interaction(call_back).urgency == 4
    world.passes(seconds=60)
    assert (world.state_of(call_back), world.interaction(call_back).urgency) == ("waiting", 1)


def test_an_urgent_call_back_raises_what_the_person_has_open_when_it_wakes():
    """The highest urgency counts for all, from the moment it waits."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=1, customer="mo")
    call_back = asked(world, "ana", "call-1", after_s=60, to="ana")
    world.disposes("ana", "call-1")
    world.becomes_unavailable("ana")
    world.arrives("chat-1", channel="chat", urgency=4, customer="mo")
    assert world.interaction("chat-1").urgency == 4
    world.passes(seconds=60)
    assert world.interaction(call_back).state == "waiting"
    assert world.interaction("chat-1").urgency == 1


def test_an_urgent_one_that_nobody_takes_raises_the_alarm():
    """From its time on it is as unattended as anything else."""
    world = World(["ana"])
    world.holds("ana", "call-1", urgency=1)
    asked(world, "ana", "call-1", after_s=60, to="ana")
    world.passes(seconds=60 + 19)
    assert world.alarms("unattended") == []
    world.passes(seconds=2)
    assert len(world.alarms("unattended")) == 1
