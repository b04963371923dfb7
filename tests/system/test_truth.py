"""The judge of the chaos tests is no pushover: what must not happen is noticed when it does."""

from typing import Any

from router.records import Row, canonical
from tests.system.crew import Shown
from tests.system.truth import History, untrue


def rows(*told: tuple[str, str, dict[str, Any]]) -> list[Row]:
    return [
        Row(
            site="here",
            incarnation="1",
            seq=number,
            at_ms=1000 * number,
            kind=kind,
            ref=ref,
            data=canonical(data),
            hash=b"",
        )
        for number, (kind, ref, data) in enumerate(told, 1)
    ]


def queued(ref: str, urgency: int = 3) -> tuple[str, str, dict[str, Any]]:
    return "queued", ref, {"urgency": urgency}


def offered(ref: str, agent_id: str, number: int = 1) -> tuple[str, str, dict[str, Any]]:
    return "offered", ref, {"offer_id": f"{ref}/{number}", "agent_id": agent_id}


def accepted(ref: str, agent_id: str) -> tuple[str, str, dict[str, Any]]:
    return "accepted", ref, {"offer_id": f"{ref}/1", "agent_id": agent_id}


def declined(ref: str, agent_id: str, until_ms: int) -> tuple[str, str, dict[str, Any]]:
    return "offer_ended", ref, {"agent_id": agent_id, "outcome": "declined", "cooldown_until_ms": until_ms}


PLACES = {"a": 1, "b": 2}


def test_an_ordinary_service_breaks_nothing():
    """Declined, offered to somebody else, accepted, closed: no fault in it."""
    told = rows(
        queued("a"),
        offered("a", "ana"),
        declined("a", "ana", until_ms=60_000),
        offered("a", "ben", 2),
        accepted("a", "ben"),
        queued("b"),
        offered("b", "ana"),
        ("closed", "a", {"agent_id": "ben"}),
    )
    history = History().follow(told, PLACES)
    assert (history.two_holders, history.out_of_order, history.mistakes) == ([], [], [])


def test_a_second_offer_before_the_first_has_ended_is_noticed():
    """Promise 3, from the journal alone."""
    history = History().follow(rows(queued("a"), offered("a", "ana"), offered("a", "ben", 2)), PLACES)
    assert len(history.two_holders) == 1


def test_an_accept_of_what_somebody_else_holds_is_noticed():
    """Promise 3, the other half."""
    told = rows(queued("a"), offered("a", "ana"), accepted("a", "ana"), accepted("a", "ben"))
    assert len(History().follow(told, PLACES).two_holders) == 1


def test_an_offer_out_of_turn_is_noticed_unless_the_agent_declined():
    """Promises 4 and 5: the most urgent first, then who came first."""
    told = rows(queued("a"), queued("b"), offered("b", "ana"))
    assert len(History().follow(told, PLACES).out_of_order) == 1
    told = rows(queued("a", 2), queued("b", 1), offered("a", "ana"))
    assert len(History().follow(told, PLACES).out_of_order) == 1
    told = rows(
        queued("a"), offered("a", "ana"), declined("a", "ana", 60_000), queued("b"), offered("b", "ana")
    )
    assert History().follow(told, PLACES).out_of_order == []


def test_a_desk_that_shows_what_never_was_is_noticed():
    """A snapshot is of one moment: half of the old and half of the new is no truth."""
    told = rows(queued("a"), offered("a", "ana"), accepted("a", "ana"))
    history = History().follow(told, PLACES)
    messages = {"a": [("m1", 1000), ("m2", 2999)]}
    assert untrue(history, shown_to_ana("a", messages={"m1", "m2"}), messages) == ""
    assert "was shown" in untrue(history, shown_to_ana("b", messages=set()), {"b": []})
    assert "lacks messages" in untrue(history, shown_to_ana("a", messages={"m2"}), messages)


def shown_to_ana(conversation: str, *, messages: set[str]) -> Shown:
    return Shown(
        agent_id="ana",
        asked_at_ms=4000,
        shown_at_ms=4100,
        at=0.0,
        offers=frozenset(),
        conversations=frozenset({conversation}),
        messages={conversation: frozenset(messages)},
    )
