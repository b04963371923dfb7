"""Where a call is sent when its site's work is to be done elsewhere: the choice, without any call."""

from typing import Any

from config.plan import Pair, SitePlan
from router.sites.overflow import PAUSE_MS, Target, next_target, refusal_of, targets_of
from router.sites.status import Status

CELL, DESK = "+15550100555", "+15550100666"
THERE = "sip:112@b.example"


def pair(sip: str = THERE) -> Pair:
    sites = [SitePlan(site_id=each, name=each.upper(), url="", peer="", sip=sip) for each in "ab"]
    return Pair(sites=tuple(sites), overflow=("+1 555 010-0555", DESK))


def order(refusal: str = "", sip: str = THERE) -> list[str]:
    return [each.address for each in targets_of(pair(sip), peer="b", refusal=refusal)]


def chosen(**values: Any) -> str:
    """The address of the next target; empty: none."""
    targets = targets_of(pair(), peer="b", refusal="")
    plain: dict[str, Any] = {"tried": (), "ringing": (), "paused": {}, "now_ms": 1_000}
    found = next_target(targets, **{**plain, **values})
    return found.address if found else ""


def test_external_numbers_come_after_the_other_site() -> None:
    """The other site's people have the words, the history and the place in line; a cell phone has none."""
    assert order() == [THERE, CELL, DESK]
    assert order(sip="") == [CELL, DESK]
    assert order(sip="+1 555 0100 911") == ["+15550100911", CELL, DESK]


def test_a_site_that_takes_nothing_is_passed_over() -> None:
    """Full, or nobody signed in: callers would wait there instead of here."""
    assert order(refusal="full") == [CELL, DESK]


def test_each_is_tried_once_for_a_call() -> None:
    """Who did not answer will not a minute later; and others wait for that phone."""
    assert [chosen(tried=each) for each in ([], [THERE], [THERE, CELL], [THERE, CELL, DESK])] == [
        THERE,
        CELL,
        DESK,
        "",
    ]


def test_a_number_that_rings_is_passed_over_and_the_other_site_is_not() -> None:
    """A phone has one line, a site has many."""
    assert chosen(ringing=[THERE, CELL]) == THERE
    assert chosen(tried=[THERE], ringing=[THERE, CELL]) == DESK


def test_what_was_busy_is_tried_again_after_a_while() -> None:
    """Whoever talks with the caller before will have hung up."""
    paused = {THERE: 1_000 + PAUSE_MS, CELL: 1_000 + PAUSE_MS}
    assert chosen(paused=paused) == DESK
    assert chosen(paused=paused, now_ms=1_000 + PAUSE_MS) == THERE


def test_what_the_other_site_sent_is_not_sent_back() -> None:
    """It would come back at once."""
    assert chosen(came_from_there=True) == CELL


def test_the_other_site_refuses_by_its_own_word_of_now() -> None:
    """What it said before it fell silent is no refusal: a call will tell."""

    def beat(at_ms: int = 10_000, **said: Any) -> Status:
        return Status(at_ms=at_ms, data={"accepts": True, "waiting": 3, "limits_waiting": 5, **said})

    assert refusal_of(beat(), 10_500) == ""
    assert refusal_of(beat(waiting=5), 10_500) == "full"
    assert refusal_of(beat(accepts=False, state="Unstaffed"), 10_500) == "unstaffed"
    assert refusal_of(beat(accepts=False, state="Unstaffed"), 20_000) == ""
    assert refusal_of(Status(data={}), 10_500) == ""


def test_who_rings_back_is_told_where_the_call_went() -> None:
    """A name where there is one."""
    assert [each.shown for each in targets_of(pair(), peer="b", refusal="")] == [f"B ({THERE})", CELL, DESK]
    assert Target(address=CELL).ring_s < Target(address=THERE, site="b").ring_s
