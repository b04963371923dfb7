"""Requirements relax with time, and at once where nobody could ever meet them."""

from router import decisions as d
from tests.scenarios.plans import plan_of
from tests.scenarios.world import World

PLAN = plan_of(skills={"ana": [("medical", 5)], "ben": [("medical", 2)]})


def test_a_requirement_widens_when_its_time_has_come():
    """Four of medical are asked at first, two after half a minute: then ben may serve, who waited for it."""
    world = World(["ana", "ben"], plan=PLAN)
    world.holds("ana", "call-1", queue="widening")
    world.arrives("call-2", queue="widening")
    world.passes(seconds=29)
    assert world.offered_to("ben") is None
    world.passes(seconds=1)
    assert world.offered_to("ben") == "call-2"
    assert world.explanation("ben").step == 1
    [step] = world.decided(d.WidenRequirement)
    assert (step.step, step.why) == (1, "time")


def test_widening_counts_from_acceptance_also_after_a_conversation():
    """An orphan has waited long enough for every step that its age has reached."""
    world = World(["ana"], plan=PLAN)
    world.opens_desk("ben")
    world.holds("ana", "call-1", queue="widening")
    world.passes(seconds=45)
    world.closes_desk("ana")
    world.passes(seconds=30)
    assert world.interaction("call-1").step == 2
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"


def test_while_somebody_has_it_nothing_widens():
    """The step is a matter of waiting."""
    world = World(["ana"], plan=PLAN)
    world.holds("ana", "call-1", queue="widening")
    world.passes(seconds=100)
    assert world.decided(d.WidenRequirement) == []


def test_what_nobody_signed_in_could_ever_meet_widens_at_once_with_an_alarm():
    """No time-out is burnt on a skill that is not in the house today."""
    world = World(["ben"], plan=PLAN)
    world.arrives("call-1", queue="widening")
    assert world.offered_to("ben") == "call-1"
    [step] = world.decided(d.WidenRequirement)
    assert (step.step, step.why) == (1, "unsatisfiable")
    [alarm] = world.alarms("nobody_can_serve")
    assert alarm.ref == "call-1"
    assert "medical 4" in alarm.detail
    assert "step 1" in alarm.detail


def test_somebody_on_a_break_could_meet_it_so_it_does_not_widen():
    """Ever means ever: a break ends."""
    world = World(["ana", "ben"], plan=PLAN)
    world.becomes_unavailable("ana")
    world.arrives("call-1", queue="widening")
    assert world.state_of("call-1") == "waiting"
    assert world.alarms() == []


def test_a_reload_of_the_only_speaker_widens_nothing():
    """Within the grace an agent is as good as there."""
    world = World(["ana", "ben"], plan=PLAN)
    world.becomes_unavailable("ana")
    world.arrives("call-1", queue="widening")
    world.closes_desk("ana")
    world.passes(seconds=20)
    assert world.interaction("call-1").step == 0
    world.passes(seconds=11)
    assert world.interaction("call-1").step == 1


def test_when_no_step_helps_it_waits_and_the_alarm_says_so():
    """A supervisor has to find somebody; the customer is not sent to the wrong person."""
    world = World(["ben"], plan=PLAN)
    world.arrives("call-1", queue="fire")
    assert world.state_of("call-1") == "waiting"
    [alarm] = world.alarms("nobody_can_serve")
    assert "no step" in alarm.detail
    assert "fire 1" in alarm.detail


def test_a_thousand_who_ask_the_same_are_one_alarm():
    """The alarm is about the requirement; a list that scrolls is read by nobody."""
    world = World(["ben"], plan=PLAN, twin=False)
    for number in range(100):
        world.arrives(f"call-{number}", queue="fire")
    assert len(world.alarms()) == 1


def test_another_requirement_is_another_alarm():
    """Two languages missing are two things to see to."""
    world = World(["ben"], plan=PLAN)
    world.arrives("call-1", queue="fire")
    world.arrives("call-2", queue="general", require=[("lang-ti", 3)])
    assert len(world.alarms("nobody_can_serve")) == 2


def test_a_decline_does_not_raise_the_alarm_again():
    """Nothing is new about the requirement."""
    world = World(["ben"], plan=PLAN)
    world.arrives("call-1", queue="widening")
    world.declines("ben")
    world.passes(seconds=6)
    assert len(world.alarms("nobody_can_serve")) == 1


def test_with_nobody_signed_in_nothing_widens_and_one_alarm_says_it():
    """At night everybody lacks everything; a thousand alarms would not wake anybody sooner than one."""
    world = World(plan=PLAN)
    for number in range(5):
        world.arrives(f"call-{number}", queue="widening")
        world.arrives(f"fire-{number}", queue="fire")
    assert [alarm.code for alarm in world.alarms()] == ["nobody_signed_in"]
    assert [each.step for each in world.core.state().interactions] == [0] * 10


def test_the_first_agent_of_the_day_meets_what_can_be_met():
    """Now somebody is there, and what this agent could never do widens, with one alarm for all of it."""
    world = World(plan=PLAN)
    world.arrives("call-1", queue="widening")
    world.arrives("fire-1", queue="fire")
    world.becomes_available("ben")
    assert world.offered_to("ben") == "call-1"
    [alarm] = world.alarms("nobody_can_serve")
    assert "1 more" in alarm.detail


def test_when_the_last_one_who_could_serve_leaves_it_widens_then():
    """The requirement could be met until a moment ago."""
    world = World(["ana", "ben"], plan=PLAN)
    world.closes_desk("ana")
    world.passes(seconds=10)
    world.arrives("call-1", queue="widening")
    world.passes(seconds=19)
    assert world.alarms() == []
    assert world.offered_to("ben") is None
    world.passes(seconds=1)
    assert world.offered_to("ben") == "call-1"
    assert [alarm.ref for alarm in world.alarms("nobody_can_serve")] == ["call-1"]


def test_when_the_last_agent_leaves_one_alarm_says_that_nobody_is_there():
    """What waits then waits for nobody."""
    world = World(["ana"], plan=PLAN)
    world.closes_desk("ana")
    world.passes(seconds=10)
    world.arrives("call-1", queue="widening")
    world.arrives("call-2", queue="general")
    world.passes(seconds=19)
    assert world.alarms() == []
    world.passes(seconds=1)
    assert [alarm.code for alarm in world.alarms()] == ["nobody_signed_in"]
    assert world.interaction("call-1").step == 0


def test_that_nobody_is_there_is_said_whatever_the_last_one_could_have_served():
    """A restored core knows only what waits, and the last agent may have been of no use to that."""
    world = World(["ben"], plan=PLAN)
    world.arrives("fire-1", queue="fire")
    before = len(world.alarms())
    world.closes_desk("ben")
    world.passes(seconds=30)
    assert [alarm.code for alarm in world.alarms()][before:] == ["nobody_signed_in"]


def test_somebody_new_who_can_serve_only_a_later_step_gets_it_at_once():
    """A requirement is looked at anew whenever somebody with other skills signs in."""
    world = World(["cem"], plan=PLAN)
    world.becomes_unavailable("cem")
    world.arrives("call-1", queue="medical", require=())
    world.arrives("call-2", queue="widening")
    assert world.interaction("call-2").step == 2, "the general queue's people may serve at step 2: cem is one"
    world.becomes_available("ben")
    assert world.offered_to("ben") in ("call-1", "call-2")


def test_the_manual_queue_is_served_by_supervisors_first():
    """It is in no plan and always there; a supervisor on a break is there as well."""
    world = World(["ana", "sue"])
    world.holds("ana", "call-1")
    world.becomes_unavailable("sue")
    world.transfers("ana", "call-1", queue="manual")
    world.becomes_available("ben")
    world.passes(seconds=1_000)
    assert world.state_of("call-1") == "waiting"
    world.becomes_available("sue")
    assert world.offered_to("sue") == "call-1"


def test_with_no_supervisor_signed_in_anybody_serves_the_manual_queue():
    """A mistake of ours at night must not let the most urgent wait in front of people who are free."""
    world = World(["ana", "ben"])
    world.holds("ana", "call-1")
    world.transfers("ana", "call-1", queue="manual")
    assert world.offered_to("ben") == "call-1"
    [alarm] = world.alarms("nobody_can_serve")
    assert "supervisor" in alarm.detail


def test_when_the_last_supervisor_leaves_anybody_serves_the_manual_queue():
    """What waited for a supervisor would wait for nobody from then on."""
    world = World(["sue"])
    world.holds("sue", "call-1")
    world.arrives("call-2", queue="no such queue")
    world.becomes_available("ana")
    assert world.offered_to("ana") is None
    world.closes_desk("sue")
    world.passes(seconds=30)
    assert world.offered_to("ana") == "call-1"
    assert world.interaction("call-2").step == 1


def test_a_queue_the_plan_drops_is_served_as_the_manual_queue():
    """Nothing waits where nobody looks: a supervisor serves it, or anybody where none is signed in."""
    for there, then in ((["ana", "sue"], "sue"), (["ana"], "ana")):
        world = World(there)
        for agent in there:
            world.holds(agent, f"busy-{agent}")
        world.arrives("call-1", queue="double")
        queues = [each for each in world.plan.queues if each.queue_id != "double"]
        world.activates(plan_of(queues=queues))
        for agent in there:
            world.disposes(agent, f"busy-{agent}")
        assert world.offered_to(then) == "call-1"
