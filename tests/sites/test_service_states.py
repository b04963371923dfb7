"""The words of NENA-STA-010: what figures say, what a person says, what holds."""

from dataclasses import replace

import pytest

from router.sites.service_states import (
    DOWN,
    GOING_DOWN,
    MAINTENANCE_DOWN,
    NORMAL,
    OVERLOADED,
    OVERRIDES,
    PARTIAL,
    ROUTABLE,
    STATES,
    UNREACHABLE,
    UNSTAFFED,
    Figures,
    Settling,
    effective,
    raw_state,
    settled,
    takes_work,
)

FINE = Figures(serving=True, agents_here=4, waiting=10, waiting_max=100)


@pytest.mark.parametrize(
    ("figures", "state"),
    [
        (FINE, NORMAL),
        (replace(FINE, serving=False), DOWN),
        (replace(FINE, stopping=True), GOING_DOWN),
        (replace(FINE, agents_here=0), UNSTAFFED),
        (replace(FINE, waiting=101), OVERLOADED),
        (replace(FINE, parts_missing=("voice",)), PARTIAL),
    ],
)
def test_each_trouble_has_its_word(figures, state):
    """The peer routes by this word."""
    assert raw_state(figures)[0] == state
    assert bool(raw_state(figures)[1]) == (state != NORMAL)


def test_no_figures_make_a_site_call_itself_unreachable():
    """Only who watches it can say so, and no person can."""
    assert UNREACHABLE not in OVERRIDES
    assert {raw_state(each)[0] for each in (FINE, replace(FINE, serving=False))} == {NORMAL, DOWN}


def test_a_state_that_comes_and_goes_does_not_count():
    """The last agent of a shift leaves two seconds before the first of the next one comes."""
    settling = Settling(state=NORMAL)
    for raw in (UNSTAFFED, UNSTAFFED, NORMAL, UNSTAFFED, UNSTAFFED):
        settling = settled(settling, raw)
        assert settling.state == NORMAL
    assert settled(settling, UNSTAFFED).state == UNSTAFFED


def test_getting_better_takes_longer_than_getting_worse():
    """Work that is sent too early comes back."""
    settling = Settling(state=DOWN)
    states = []
    for _ in range(5):
        settling = settled(settling, NORMAL)
        states.append(settling.state)
    assert states == [DOWN, DOWN, DOWN, DOWN, NORMAL]


def test_a_site_that_is_being_stopped_says_so_at_once():
    """There may be no third look."""
    assert settled(Settling(state=NORMAL), GOING_DOWN).state == GOING_DOWN


@pytest.mark.parametrize("override", OVERRIDES)
@pytest.mark.parametrize("observed", STATES)
def test_a_person_overrules_figures_but_not_distance(observed, override):
    """`Normal` said of a site that nobody reaches would send it work that never arrives."""
    held = effective(observed, override)
    if observed == UNREACHABLE and override in ROUTABLE:
        assert held == UNREACHABLE
    else:
        assert held == override
    assert effective(observed, "") == observed


def test_work_goes_to_four_states_only():
    """The others are those to which the standard says: route elsewhere."""
    assert [state for state in STATES if takes_work(state)] == list(ROUTABLE)
    assert not takes_work(MAINTENANCE_DOWN)
