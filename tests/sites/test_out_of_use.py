"""What somebody here says of the other site: as long as it takes no work by that, nothing is sent there."""

import pytest

from agents_ui.admin.site_view import fitting
from agents_ui.site_words import override_line
from router.sites.acts import ActRefused, override, take_over
from router.sites.out_of_use import is_well, refuses, takes
from router.sites.rerouting_dry_run import reroute_dry_run
from router.sites.returning import return_home
from router.sites.standing import standing
from tests.sites.test_acts import Pair, codes, pair, take

__all__ = ["pair"]

WHO = {"who": "ana", "why": "smoke in their room"}


def _says(pair: Pair, state: str) -> None:
    override(pair.at_b, site="a", state=state, command_id=f"o-{state}", **WHO)


def _asked(pair: Pair) -> tuple[bool, str, bool]:
    """Whether a takes work, why not, whether a drill may begin: as b sees it."""
    now_ms = pair.at_b.clock()
    with pair.at_b.own.reading() as db:
        return takes(db, "a", now_ms), refuses(db, "a", now_ms), is_well(db, "a", now_ms)


@pytest.mark.parametrize(
    "state", ["Down", "ScheduledMaintenanceDown", "Overloaded", "GoingDown", "Unstaffed"]
)
def test_nothing_is_sent_where_somebody_said_that_no_work_is_taken(pair, state):
    """A person on the telephone knows of the smoke before any figure does, and cannot type it over there."""
    pair.beats(pair.at_b)
    assert _asked(pair) == (True, "", True)
    _says(pair, state)
    assert _asked(pair) == (False, state.lower(), False)
    report = reroute_dry_run(pair.at_b, "all", 100)
    assert not report["accepts"]
    assert any(f"takes no work ({state};" in line for line in report["lines"])
    _says(pair, "")
    assert _asked(pair) == (True, "", True)


@pytest.mark.parametrize("state", ["Normal", "Partial", "MajorIncidentInProgress"])
def test_nobody_makes_a_site_take_more_than_it_says(pair, state):
    """What it takes is its own decision: what it would be sent would come back, or wait for nobody."""
    pair.beats(pair.at_b, accepts=False, state="Unstaffed")
    _says(pair, state)
    assert _asked(pair) == (False, "unstaffed", False)


def test_a_site_that_does_not_answer_stays_gone_whatever_is_said(pair):
    """Unreachable is only inferred, and so is its end."""
    pair.beats(pair.at_b, age_ms=60_000)
    _says(pair, "Normal")
    assert _asked(pair) == (False, "", False)


def test_nothing_goes_home_to_a_site_that_is_said_to_be_down(pair):
    """Two people at one site: the one who gives back must hear what the other one knows."""
    pair.works()
    take(pair.at_b)
    pair.beats(pair.at_b)
    _says(pair, "Down")
    with pytest.raises(ActRefused) as refused:
        return_home(pair.at_b, domain="a", command_id="r-1", **WHO)
    assert codes(refused) == ["peer_out_of_use"]
    assert "muster site override none --site a" in str(refused.value.refusals[0].todo)
    _says(pair, "")
    assert return_home(pair.at_b, domain="a", command_id="r-1", **WHO).first is None


def test_a_site_that_serves_is_not_taken_over_for_a_word(pair):
    """Both would answer: who means it says --anyway, and is on record."""
    pair.works()
    pair.beats(pair.at_b)
    _says(pair, "Down")
    with pytest.raises(ActRefused) as refused:
        take_over(pair.at_b, command_id="t-1", **WHO)
    assert codes(refused) == ["peer_serves"]


def test_what_it_does_is_said_before_it_is_done(pair):
    """The other site does not hear of it: who wants that types it there."""
    assert override_line(pair.at_b, "b", "Down") == "Birch House would count as Down."
    assert "nothing is sent there" in override_line(pair.at_b, "a", "Down")
    assert "its own decision" in override_line(pair.at_b, "a", "Normal")
    assert override_line(pair.at_b, "a", "") == "Alder House would count as what is observed of it."


def test_the_page_does_not_offer_to_hand_over_there(pair):
    """What it offers is what works."""
    pair.beats(pair.at_b)
    override(pair.at_b, site="b", state="Down", command_id="o-b", **WHO)
    assert _fits(pair) == "hand-over"
    _says(pair, "Down")
    assert _fits(pair) == ""


def _fits(pair: Pair) -> str:
    report = standing(pair.at_b)
    return fitting({**report, "peer": {**report["peer"], "watch": "there"}})
