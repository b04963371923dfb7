"""Our own mistakes: one interaction takes a detour by the manual queue, with an alarm; the core goes on."""

import pytest

from router import answers, choose, contacts, core, due, offering
from router import events as e
from router.decisions import ConnectParties, OfferInteraction, RaiseAlarm
from router.invariants import InvariantBroken
from skills.requirement import Requirement
from tests.scenarios.world import World


def _raise(*given: object, **named: object) -> None:
    raise RuntimeError("a mistake of ours")


def _failing(monkeypatch: pytest.MonkeyPatch, event: type) -> None:
    monkeypatch.setitem(core._DECIDE, event, _raise)


def test_an_event_that_cannot_be_handled_sends_its_interaction_to_the_manual_queue(monkeypatch):
    """Whatever triage makes of a contact, a human sees it."""
    world = World(["sue"])
    world.is_unread("call-1")
    with monkeypatch.context() as patch:
        _failing(patch, e.ContactRead)
        world.is_read("call-1", urgency=2)
    state = world.interaction("call-1")
    assert (state.queue_id, state.rule_id, state.urgency) == ("manual", "manual", 2)
    [alarm] = world.alarms("core_error")
    assert (alarm.ref, alarm.detail) == ("call-1", "RuntimeError: a mistake of ours")
    assert world.offered_to("sue") == "call-1"
    world.accepts("sue")
    world.arrives("call-2")
    assert world.state_of("call-2") == "waiting", "the core goes on"


def test_a_requirement_that_cannot_be_worked_out_goes_to_the_manual_queue():
    """Content never causes loss (promise 7)."""
    world = World(["sue"])
    world.is_unread("call-1")
    world.event(
        e.ContactRead(
            at_ms=world.now_ms,
            interaction_id="call-1",
            queue_id="general",
            urgency=3,
            requirement=Requirement(require=(("medical", None),)),  # type: ignore[arg-type]
            rule_id="broken",
        )
    )
    assert world.offered_to("sue") == "call-1"
    assert len(world.alarms("core_error")) == 1


def test_a_request_that_fails_is_answered(monkeypatch):
    """The desk would otherwise wait for its answer; a supervisor takes over what the agent could not end."""
    world = World(["ana"])
    world.opens_desk("sue")
    world.holds("ana", "call-1")
    with monkeypatch.context() as patch:
        _failing(patch, e.DispositionGiven)
        world.disposes("ana", "call-1")
    assert world.refusal() == "core_error"
    assert world.interaction("call-1").queue_id == "manual"
    assert world.held_by("ana") == []
    world.arrives("call-2")
    assert world.offered_to("ana") == "call-2"


def test_an_event_about_an_agent_that_fails_changes_nothing(monkeypatch):
    """There is no interaction to send anywhere; the alarm names the agent."""
    world = World(["ana"])
    before = world.core.state()
    with monkeypatch.context() as patch:
        _failing(patch, e.PresenceDeclared)
        world.becomes_unavailable("ana")
    assert [alarm.ref for alarm in world.alarms("core_error")] == ["ana"]
    assert world.core.state() == before


def test_a_contact_whose_arrival_fails_is_not_lost(monkeypatch):
    """It is on disk and acknowledged: it must wait for somebody."""
    world = World(["sue"])
    with monkeypatch.context() as patch:
        _failing(patch, e.ContactArrived)
        world.is_unread("call-1")
    assert world.offered_to("sue") == "call-1"


def test_an_interaction_that_cannot_be_matched_goes_to_the_manual_queue(monkeypatch):
    """One that breaks the matching must not stop the others from being matched."""
    explain = offering.explain

    def failing(centre, interaction, agent, rival, now_ms):
        if interaction.interaction_id == "call-1" and interaction.queue_id != "manual":
            raise RuntimeError("a mistake of ours")
        return explain(centre, interaction, agent, rival, now_ms)

    monkeypatch.setattr(offering, "explain", failing)
    world = World()
    world.arrives("call-1", urgency=1)
    world.arrives("call-2", urgency=5)
    world.becomes_available("ana")
    assert world.interaction("call-1").queue_id == "manual"
    assert world.offered_to("ana") == "call-2"
    world.becomes_available("sue")
    assert world.offered_to("sue") == "call-1"


def test_choosing_an_agent_that_fails_is_laid_at_the_interactions_door(monkeypatch):
    """The same when it is the choice itself that fails."""
    best_agents = choose.best_agents

    def failing(centre, interaction, now_ms):
        if interaction.interaction_id == "call-1" and interaction.queue_id != "manual":
            raise RuntimeError("a mistake of ours")
        return best_agents(centre, interaction, now_ms)

    monkeypatch.setattr(core, "best_agents", failing)
    world = World(["sue"])
    world.arrives("call-1")
    assert world.interaction("call-1").queue_id == "manual"
    assert world.offered_to("sue") == "call-1"


def test_a_deadline_that_fails_does_not_stop_the_others(monkeypatch):
    """The offer is withdrawn, a supervisor looks; what else is due is still done."""
    world = World(["ana", "ben"])
    world.arrives("call-1")
    world.arrives("call-2")
    deadline = due.deadline

    def failing(centre, what, ref, now_ms):
        if ref == "call-1":
            raise RuntimeError("a mistake of ours")
        return deadline(centre, what, ref, now_ms)

    with monkeypatch.context() as patch:
        patch.setattr(due, "deadline", failing)
        world.passes(seconds=15)
    assert world.interaction("call-1").queue_id == "manual"
    assert world.interaction("call-2").queue_id == "general"


def test_what_cannot_even_be_handled_by_hand_asks_for_a_rebuild(monkeypatch):
    """The state in memory may be wrong: the router starts again from the tables."""
    monkeypatch.setattr(offering, "explain", _raise)
    world = World(["sue"])
    with pytest.raises(InvariantBroken, match="call-1"):
        world.arrives("call-1")


def test_a_change_that_fails_asks_for_a_rebuild(monkeypatch):
    """A change that half happened cannot be trusted."""
    from router import change

    monkeypatch.setitem(change._CHANGES, ConnectParties, _raise)
    world = World(["ana"], twin=False)
    world.arrives("call-1")
    with pytest.raises(InvariantBroken, match="ConnectParties"):
        world.accepts("ana")


def test_deciding_changes_nothing(monkeypatch):
    """What raises after reading half the state has changed none of it."""
    for name in ("accepted", "declined", "ended"):
        assert hasattr(answers, name)
    world = World(["ana"])
    world.arrives("call-1")
    before = world.core.state()
    event = e.OfferAccepted(at_ms=world.now_ms, offer_id="call-1/1", agent_id="ana")
    made = answers.accepted(world.core.centre, event, world.now_ms)
    assert [type(each) for each in made] == [ConnectParties]
    assert contacts.abandoned(world.core.centre, world.core.centre.interactions["call-1"], world.now_ms)
    assert world.core.state() == before


def test_alarms_and_offers_of_one_call_are_in_the_order_of_what_happened(monkeypatch):
    """The journal is read by people: first what failed, then where it went."""
    world = World(["sue"])
    world.is_unread("call-1")
    with monkeypatch.context() as patch:
        _failing(patch, e.ContactRead)
        world.is_read("call-1")
    kinds = [type(each) for each in world.latest]
    assert kinds.index(RaiseAlarm) < kinds.index(OfferInteraction)
