"""The measures: what each figure means, and that counting one by one comes to the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues.measures import (
    NENA_TARGETS,
    Tally,
    abandonment,
    average_speed_of_answer,
    occupancy,
    service_level,
)

WAITS = st.lists(st.integers(0, 400_000), max_size=60)
THRESHOLDS = st.lists(st.integers(1, 400_000), min_size=1, max_size=4, unique=True).map(tuple)


def _tally(thresholds: tuple[int, ...], answered: list[int], left: list[int]) -> Tally:
    tally = Tally(thresholds_ms=thresholds)
    for wait_ms in answered:
        tally.answer(wait_ms)
    for wait_ms in left:
        tally.abandon(wait_ms)
    return tally


@given(thresholds=THRESHOLDS, answered=WAITS, left=WAITS)
def test_counting_one_by_one_gives_the_measures_of_the_whole(thresholds, answered, left):
    """The wall counts as things happen; a report counts a day at once. They must not differ."""
    tally = _tally(thresholds, answered, left)
    for threshold_ms in thresholds:
        late = sum(wait_ms > threshold_ms for wait_ms in left)
        assert tally.service_level(threshold_ms) == service_level(answered, late, threshold_ms)
    assert tally.asa_ms == average_speed_of_answer(sum(answered), len(answered))
    assert tally.abandonment == abandonment(len(answered), len(left))


@given(thresholds=THRESHOLDS, one=WAITS, two=WAITS, left=WAITS)
def test_the_whole_centre_is_the_sum_of_its_queues(thresholds, one, two, left):
    """A site's figure that is not that of all its contacts would let a bad queue hide behind a good one."""
    together = _tally(thresholds, one + two, left)
    first, second = _tally(thresholds, one, left), _tally(thresholds, two, [])
    first.add(second)
    assert first == together


@given(answered=WAITS, late=st.integers(0, 50), threshold=st.integers(1, 400_000))
def test_a_service_level_is_a_share_that_no_later_answer_can_raise(answered, late, threshold):
    """Between none and all; and one more contact answered late never makes the figure look better."""
    level = service_level(answered, late, threshold)
    if level is None:
        assert not answered and not late
        return
    assert 0.0 <= level <= 1.0
    worse = service_level([*answered, threshold + 1], late, threshold)
    assert worse is not None and worse <= level
    assert service_level(answered, late + 1, threshold) <= level


@given(answered=WAITS, shorter=st.integers(1, 200_000), more=st.integers(0, 200_000))
def test_a_longer_threshold_is_never_held_worse(answered, shorter, more):
    """95 % within 20 s cannot be missed where 95 % within 15 s is held, of the same contacts."""
    near, far = service_level(answered, 0, shorter), service_level(answered, 0, shorter + more)
    assert (near is None and far is None) or near <= far


def test_the_threshold_itself_is_in_time():
    """NENA says within 15 seconds: an answer at 15.000 s is one."""
    assert service_level([15_000], 0, 15_000) == 1.0
    assert service_level([15_001], 0, 15_000) == 0.0


def test_who_left_early_is_counted_as_gone_but_not_as_let_down():
    """A misdial of three seconds must not lower the service level, nor vanish from the abandonments."""
    tally = _tally((15_000,), [1_000], [3_000])
    assert tally.service_level(15_000) == 1.0
    assert tally.abandonment == 0.5
    tally.abandon(15_001)
    assert tally.service_level(15_000) == 0.5


def test_a_service_level_over_answered_contacts_alone_would_be_a_lie():
    """Nine answered at once and one left after a minute: nine in ten, not ten in ten."""
    tally = _tally((15_000,), [0] * 9, [60_000])
    assert tally.service_level(15_000) == 0.9


def test_nothing_counted_is_no_figure():
    """An empty queue has no service level; 0 % and 100 % would both be read as facts."""
    tally = _tally((15_000,), [], [])
    assert tally.service_level(15_000) is tally.asa_ms is tally.abandonment is None
    assert service_level([], 0, 15_000) is occupancy(0, 0) is None


def test_a_threshold_nobody_counted_for_is_a_mistake_and_no_figure():
    """A level read from the counts of another threshold would be believed."""
    with pytest.raises(ValueError, match="not in tuple"):
        _tally((15_000,), [1], []).service_level(20_000)


def test_occupancy_is_busy_of_staffed():
    """Three of four at work, at one moment or over an hour."""
    assert occupancy(3, 4) == occupancy(3 * 3_600_000, 4 * 3_600_000) == 0.75


def test_the_published_targets_are_the_published_ones():
    """90 % within 15 s and 95 % within 20 s from arrival: NENA-STA-020.1-2020."""
    assert NENA_TARGETS == ((90, 15_000), (95, 20_000))


@given(percent=st.integers(1, 100))
def test_a_target_is_held_at_exactly_its_percentage(percent):
    """57 of 100 hold 57 %, although 0.57 * 100 is less than 57 in binary."""
    held = _tally((1_000,), [0] * percent + [2_000] * (100 - percent), [])
    assert held.held(percent, 1_000) is True
    held.abandon(5_000)
    assert held.held(percent, 1_000) is (percent * 101 <= percent * 100)
    assert _tally((1_000,), [], []).held(percent, 1_000) is None
