"""What calls for a supervisor: once, and only when there is something to do about it."""

from config.plan import Limits
from tests.scenarios.plans import plan_of
from tests.scenarios.world import World


def test_an_urgent_contact_nobody_takes_raises_an_alarm():
    """The oldest unattended emergency is the first number on any wall."""
    world = World(["ana"])
    world.holds("ana", "call-0")
    world.arrives("call-1", urgency=2)
    world.passes(seconds=19)
    assert world.alarms("unattended") == []
    world.passes(seconds=1)
    assert [alarm.ref for alarm in world.alarms("unattended")] == ["call-1"]
    world.passes(seconds=600)
    assert len(world.alarms("unattended")) == 1


def test_many_unattended_at_once_are_one_alarm():
    """While one is known to be overdue, the next one is no news."""
    world = World(["ana"])
    world.holds("ana", "call-0")
    for number in range(5):
        world.arrives(f"urgent-{number}", urgency=1)
        world.passes(seconds=1)
    world.passes(seconds=60)
    assert len(world.alarms("unattended")) == 1
    for _ in range(6):
        held = world.held_by("ana")[0]
        world.disposes("ana", held)
        if world.offered_to("ana"):
            world.accepts("ana")
    assert world.open() == []
    world.holds("ana", "call-9")
    world.arrives("urgent-9", urgency=1)
    world.passes(seconds=20)
    assert [alarm.ref for alarm in world.alarms("unattended")] == ["urgent-0", "urgent-9"]


def test_what_becomes_urgent_late_is_overdue_at_once():
    """It has waited since it was accepted, not since it was found urgent."""
    world = World(["ana"])
    world.holds("ana", "call-0")
    world.arrives("call-1", urgency=4)
    world.passes(seconds=60)
    assert world.alarms("unattended") == []
    world.is_read("call-1", urgency=1)
    assert [alarm.ref for alarm in world.alarms("unattended")] == ["call-1"]


def test_declines_and_orphans_do_not_repeat_the_alarm():
    """It was raised when the twenty seconds were over; a supervisor knows."""
    world = World(["ana"])
    world.arrives("call-1", urgency=2)
    world.declines("ana")
    world.passes(seconds=30)
    assert len(world.alarms("unattended")) == 1
    world.becomes_available("ben")
    world.accepts("ben")
    world.closes_desk("ben")
    world.passes(seconds=31)
    assert len(world.alarms("unattended")) == 1


def test_a_long_wrap_up_raises_an_alarm_and_goes_on():
    """Somebody may have forgotten it; no limit ends an interaction."""
    world = World(["ana"])
    world.holds("ana", "call-1")
    world.ends("ana", "call-1")
    world.passes(seconds=301)
    assert [alarm.ref for alarm in world.alarms("wrap_up_long")] == ["call-1"]
    assert world.held_by("ana") == ["call-1"]
    world.passes(seconds=600)
    assert len(world.alarms("wrap_up_long")) == 1


def test_a_long_line_raises_an_alarm_and_refuses_nobody():
    """Limits raise alarms; none of them ends or refuses an interaction (promise 10)."""
    world = World(["ana"], plan=plan_of(limits=Limits(waiting_alarm=2)))
    world.holds("ana", "call-0")
    for number in range(1, 5):
        world.arrives(f"call-{number}")
    assert [alarm.detail for alarm in world.alarms("line_long")] == ["3"]
    assert len(world.open()) == 5
