"""Probes of our own watch: they come the whole way, and never ring a desk or take anybody's place."""

import pytest

from router import decisions as d
from router.alarms import CORE_ERROR
from tests.scenarios.world import World


def kinds(world: World) -> list[str]:
    return [type(each).__name__ for each in world.latest]


def ended(world: World, probe: str) -> bool:
    closed = [each for each in world.made if isinstance(each, d.CloseInteraction)]
    return [(each.interaction_id, each.why) for each in closed] == [(probe, "probe")]


def test_a_probe_finds_its_place_in_line_and_ends_there():
    """Placed like a customer's contact, in the journal, and out again with the same decision."""
    world = World(agents=["ana"])
    world.arrives("probe-1", urgency=1, traffic="probe")
    assert kinds(world) == ["QueueInteraction", "CloseInteraction"]
    assert ended(world, "probe-1")
    assert world.core.centre.line.waiting == 0


def test_a_probe_is_offered_to_nobody_and_wakes_no_alarm():
    """Also with everybody free, nobody there, or a requirement that nobody meets."""
    for agents in (["ana"], []):
        world = World(agents=agents)
        world.arrives(
            "probe-1", urgency=1, require=[("skill-of-nobody", 5)] if agents else (), traffic="probe"
        )
        world.passes(seconds=600)
        assert not [each for each in world.made if isinstance(each, d.OfferInteraction | d.RaiseAlarm)]


def test_a_probe_takes_nobody_from_anybody():
    """Whoever waits is served as if it had never been there."""
    world = World()
    world.arrives("chat-1", urgency=4)
    world.arrives("probe-1", urgency=1, traffic="probe")
    world.becomes_available("ana")
    assert world.offered_to("ana") == "chat-1"


def test_a_probe_that_nobody_read_ends_when_it_would_wait_unread():
    """Then the reading is in trouble, and the watch learns it from its `why`."""
    world = World(agents=["ana"])
    world.is_unread("probe-1", traffic="probe")
    world.passes(seconds=3)
    assert ended(world, "probe-1")
    placed = [each for each in world.made if isinstance(each, d.QueueInteraction)]
    assert [each.why for each in placed] == ["unread"]
    world.is_read("probe-1")
    assert world.latest == []


def test_a_probe_on_which_the_core_fails_rings_no_supervisor(monkeypatch: pytest.MonkeyPatch):
    """The alarm tells people; the manual queue is for customers."""
    from router import contacts

    world = World(agents=["ana"], twin=False)
    world.is_unread("probe-1", traffic="probe")

    def fails(*given: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(contacts, "queue", fails)
    world.is_read("probe-1")
    assert ended(world, "probe-1")
    assert [each.code for each in world.made if isinstance(each, d.RaiseAlarm)] == [CORE_ERROR]


def test_in_safe_mode_probes_end_as_well():
    """The simplest router must not begin to ring desks with them."""
    from router.core import Core
    from router.events import ContactArrived, ContactRead, DeskJoined, PresenceDeclared
    from router.run.safe_mode import SafeCore
    from skills.requirement import Requirement

    world = World()
    safe = SafeCore(world.plan, Core(world.plan, 1).state())
    made = []
    for event in (
        DeskJoined(at_ms=1, agent_id="ana", desk_id="d"),
        PresenceDeclared(at_ms=1, agent_id="ana", available=True, reason="", command_id="c"),
        ContactArrived(at_ms=2, interaction_id="p", channel="call", accepted_at_ms=2, traffic="probe"),
        ContactRead(
            at_ms=3, interaction_id="p", queue_id="general", urgency=1, requirement=Requirement(), rule_id="r"
        ),
    ):
        made += safe.handle(event)
        made += safe.advance(event.at_ms)
    assert [each.why for each in made if isinstance(each, d.CloseInteraction)] == ["probe"]
    assert not [each for each in made if isinstance(each, d.OfferInteraction)]
