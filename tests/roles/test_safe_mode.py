"""Safe mode: far simpler than the core, and yet nobody is lost, doubled or overtaken by less urgent work."""

from collections.abc import Iterable

import pytest

from router import decisions as orders
from router import events as facts
from router.decisions import Decision
from router.run.safe_mode import SafeCore
from router.state import CoreState
from skills.requirement import Requirement
from tests.roles.hand_stepped import T0, default_plan

NOBODY = CoreState(now_ms=T0, plan_version=1, interactions=(), agents=(), offers=())
HARD = Requirement(require=(("lang-uk", 5), ("medical", 5)))


@pytest.fixture
def safe() -> SafeCore:
    return SafeCore(default_plan(), NOBODY)


def arrives(safe: SafeCore, name: str, *, urgency: int, at_ms: int) -> list[Decision]:
    """A contact arrives and is read; what safe mode decides about that alone."""
    made = safe.handle(
        facts.ContactArrived(at_ms=at_ms, interaction_id=name, channel="chat", accepted_at_ms=at_ms)
    )
    return made + safe.handle(
        facts.ContactRead(
            at_ms=at_ms,
            interaction_id=name,
            queue_id="medical",
            urgency=urgency,
            requirement=HARD,
            rule_id="rule",
        )
    )


def signs_in(safe: SafeCore, agent_id: str, *, at_ms: int) -> None:
    safe.handle(facts.DeskJoined(at_ms=at_ms, agent_id=agent_id, desk_id=f"desk-{agent_id}"))
    safe.handle(facts.PresenceDeclared(at_ms=at_ms, agent_id=agent_id, available=True))


def offers(made: Iterable[Decision]) -> list[tuple[str, str]]:
    return [
        (each.interaction_id, each.agent_id) for each in made if isinstance(each, orders.OfferInteraction)
    ]


def test_the_most_urgent_and_then_the_oldest_is_offered_first(safe: SafeCore):
    """The one order that is kept when everything else is given up."""
    for name, urgency in (("young-3", 3), ("old-3", 3), ("last-1", 1)):
        arrives(safe, name, urgency=urgency, at_ms=T0 + {"old-3": 1}.get(name, 5))
    signs_in(safe, "ana", at_ms=T0 + 10)
    limit = next(each.max_at_once for each in default_plan().channels if each.channel_id == "chat")
    found = [name for name, _ in offers(safe.advance(T0 + 11))]
    assert found == ["last-1", "old-3", "young-3"][:limit]


def test_skills_do_not_matter_and_room_does(safe: SafeCore):
    """Anybody who is there helps; nobody gets more conversations than the channel allows."""
    chat = next(each for each in default_plan().channels if each.channel_id == "chat")
    for number in range(10):
        arrives(safe, f"call-{number}", urgency=2, at_ms=T0 + number)
    signs_in(safe, "oscar", at_ms=T0 + 20)
    made = offers(safe.advance(T0 + 21))
    assert 0 < len(made) == min(chat.max_at_once, 100 // chat.load)
    assert {agent for _, agent in made} == {"oscar"}
    assert offers(safe.advance(T0 + 22)) == []


def test_an_unanswered_offer_goes_to_somebody_else_and_keeps_its_place(safe: SafeCore):
    """Promise 4 holds here too: ringing out costs the customer nothing."""
    signs_in(safe, "ana", at_ms=T0)
    arrives(safe, "call-1", urgency=1, at_ms=T0 + 1)
    (offer,) = [each for each in safe.advance(T0 + 1) if isinstance(each, orders.OfferInteraction)]
    assert safe.next_deadline_ms() == offer.deadline_ms
    signs_in(safe, "ben", at_ms=T0 + 2)
    made = safe.advance(offer.deadline_ms)
    ended = [each.outcome for each in made if isinstance(each, orders.EndOffer)]
    away = [each.agent_id for each in made if isinstance(each, orders.SetPresence) and not each.available]
    assert (ended, away, offers(made)) == (["ring_no_answer"], ["ana"], [("call-1", "ben")])


def test_an_unread_contact_is_put_in_line_after_two_seconds(safe: SafeCore):
    """No limbo: a parked contact has a time at which it waits for everybody."""
    safe.handle(facts.ContactArrived(at_ms=T0, interaction_id="call-1", channel="chat", accepted_at_ms=T0))
    due_ms = safe.next_deadline_ms()
    assert due_ms == T0 + default_plan().limits.read_within_ms
    (queued,) = safe.advance(due_ms)
    assert isinstance(queued, orders.QueueInteraction)
    assert queued.why == "unread"


def test_the_work_of_an_agent_who_left_goes_back_in_line(safe: SafeCore):
    """A desk that stays away for the grace time holds nobody any more."""
    signs_in(safe, "ana", at_ms=T0)
    arrives(safe, "call-1", urgency=2, at_ms=T0)
    safe.advance(T0)
    (accepted,) = safe.handle(facts.OfferAccepted(at_ms=T0 + 1, offer_id="call-1/1", agent_id="ana"))
    assert isinstance(accepted, orders.ConnectParties)
    safe.handle(facts.DeskLeft(at_ms=T0 + 2, agent_id="ana", desk_id="desk-ana"))
    made = safe.advance(T0 + 2 + default_plan().limits.desk_grace_ms)
    assert [each.why for each in made if isinstance(each, orders.QueueInteraction)] == ["orphaned"]
    signs_in(safe, "ben", at_ms=T0 + 60_000)
    assert offers(safe.advance(T0 + 60_001)) == [("call-1", "ben")]


def test_only_who_was_offered_it_gets_it(safe: SafeCore):
    """One holder: a late or foreign accept is refused, never obeyed."""
    signs_in(safe, "ana", at_ms=T0)
    arrives(safe, "call-1", urgency=2, at_ms=T0)
    safe.advance(T0)
    for agent_id, offer_id in (("ben", "call-1/1"), ("ana", "call-1/7"), ("ana", "nothing/1")):
        (answer,) = safe.handle(
            facts.OfferAccepted(at_ms=T0 + 1, offer_id=offer_id, agent_id=agent_id, command_id="c")
        )
        assert isinstance(answer, orders.RefuseRequest)
        assert answer.command_id == "c"


def test_conversations_are_ended_and_given_on(safe: SafeCore):
    """What agents do all day works in safe mode as well."""
    signs_in(safe, "ana", at_ms=T0)
    for name in ("call-1", "call-2"):
        arrives(safe, name, urgency=2, at_ms=T0)
    safe.advance(T0)
    for name in ("call-1", "call-2"):
        safe.handle(facts.OfferAccepted(at_ms=T0 + 1, offer_id=f"{name}/1", agent_id="ana"))
    ended = safe.handle(facts.ConversationEnded(at_ms=T0 + 2, interaction_id="call-1", agent_id="ana"))
    closed = safe.handle(
        facts.DispositionGiven(at_ms=T0 + 3, interaction_id="call-1", agent_id="ana", disposition="done")
    )
    given = safe.handle(
        facts.TransferAsked(
            at_ms=T0 + 4, interaction_id="call-2", agent_id="ana", to_queue_id="emergency", command_id="c"
        )
    )
    kinds = [type(each) for each in ended + closed + given]
    assert kinds == [orders.BeginWrapUp, orders.CloseInteraction, orders.EndOffer, orders.QueueInteraction]
    assert given[-1].command_id == "c"


def test_what_was_given_away_goes_to_somebody_else_first(safe: SafeCore):
    """Whoever transfers says that somebody else should do it; back at once would be a loop."""
    signs_in(safe, "ana", at_ms=T0)
    arrives(safe, "call-1", urgency=2, at_ms=T0)
    safe.advance(T0)
    safe.handle(facts.OfferAccepted(at_ms=T0 + 1, offer_id="call-1/1", agent_id="ana"))
    safe.handle(facts.TransferAsked(at_ms=T0 + 2, interaction_id="call-1", agent_id="ana", to_agent_id="ben"))
    assert offers(safe.advance(T0 + 3)) == []
    signs_in(safe, "ben", at_ms=T0 + 4)
    assert offers(safe.advance(T0 + 5)) == [("call-1", "ben")]


def test_the_giver_gets_it_back_when_nobody_else_is_there(safe: SafeCore):
    """A customer must not wait for the comfort of an agent."""
    signs_in(safe, "ana", at_ms=T0)
    arrives(safe, "call-1", urgency=2, at_ms=T0)
    safe.advance(T0)
    safe.handle(facts.OfferAccepted(at_ms=T0 + 1, offer_id="call-1/1", agent_id="ana"))
    safe.handle(
        facts.TransferAsked(at_ms=T0 + 2, interaction_id="call-1", agent_id="ana", to_queue_id="emergency")
    )
    wait_ms = default_plan().limits.only_candidate_ms
    assert offers(safe.advance(T0 + 2 + wait_ms - 1)) == []
    assert offers(safe.advance(T0 + 2 + wait_ms)) == [("call-1", "ana")]


@pytest.mark.parametrize("read", [True, False])
def test_neither_a_reading_nor_its_absence_lowers_what_somebody_declared(safe: SafeCore, read: bool):
    """Lowering takes a named person with the right to (promise 4), in safe mode too."""
    safe.handle(facts.ContactArrived(at_ms=T0, interaction_id="call-1", channel="chat", accepted_at_ms=T0))
    safe.handle(facts.UrgencyDeclared(at_ms=T0, interaction_id="call-1", agent_id="ana", urgency=1))
    if read:
        made = safe.handle(
            facts.ContactRead(
                at_ms=T0 + 1,
                interaction_id="call-1",
                queue_id="medical",
                urgency=4,
                requirement=HARD,
                rule_id="rule",
            )
        )
    else:
        made = safe.advance(T0 + default_plan().limits.read_within_ms)
    (queued,) = [each for each in made if isinstance(each, orders.QueueInteraction)]
    assert queued.urgency == 1


def test_urgency_rises_by_anybody_and_falls_by_a_person_who_may(safe: SafeCore):
    """A message that sounds worse counts at once; making it less urgent takes a right."""
    arrives(safe, "call-1", urgency=3, at_ms=T0)

    def declared(urgency: int, *, may_lower: bool) -> list[Decision]:
        return safe.handle(
            facts.UrgencyDeclared(
                at_ms=T0 + 1, interaction_id="call-1", agent_id="ana", urgency=urgency, may_lower=may_lower
            )
        )

    assert [type(each) for each in declared(4, may_lower=False)] == [orders.RefuseRequest]
    assert [type(each) for each in declared(1, may_lower=False)] == [orders.SetUrgency]
    assert [type(each) for each in declared(4, may_lower=True)] == [orders.SetUrgency]


def test_a_supervisor_steps_in_also_in_safe_mode(safe: SafeCore):
    """When everything else is broken, a person who moves people by hand must not be refused."""
    signs_in(safe, "ana", at_ms=T0)
    arrives(safe, "call-1", urgency=2, at_ms=T0)
    assert offers(safe.advance(T0)) == [("call-1", "ana")]
    asked = {"interaction_id": "call-1", "agent_id": "sam", "steps_in": True}
    made = safe.handle(facts.TransferAsked(at_ms=T0 + 1, to_queue_id="emergency", **asked))
    assert [type(each) for each in made] == [orders.EndOffer, orders.QueueInteraction]
    signs_in(safe, "ben", at_ms=T0 + 2)
    assert offers(safe.advance(T0 + 3)) == [("call-1", "ben")]
    safe.handle(facts.OfferAccepted(at_ms=T0 + 4, offer_id="call-1/2", agent_id="ben"))
    made = safe.handle(facts.TransferAsked(at_ms=T0 + 5, **asked))
    assert [getattr(each, "outcome", "") for each in made] == ["transferred", ""]
    made = safe.handle(facts.TransferAsked(at_ms=T0 + 6, **{**asked, "interaction_id": "gone"}))
    assert [type(each) for each in made] == [orders.RefuseRequest]
