"""Whether the other site is there: beats go in one by one, no clock is read."""

import random
from dataclasses import replace

import pytest

from router.sites.watching import (
    BACK_AFTER,
    CLOCK_FINE,
    CLOCK_SUSPECT,
    PEER_BACK,
    PEER_UNREACHABLE,
    SUSPECTED,
    SUSPECTED_AFTER,
    THERE,
    THIRD_SILENT,
    UNREACHABLE,
    UNREACHABLE_AFTER,
    Look,
    Watch,
    take_over_due,
    watched,
)

DAY_MS = 1_760_000_000_000


class Watcher:
    """Looks once a second and keeps what was new."""

    def __init__(self):
        self.watch, self.news, self.mono_ms, self.wall_ms = Watch(), [], 1_000, DAY_MS

    def looks(self, times=1, *, answered=True, every_ms=1_000, skew_ms=0, round_trip_ms=0, **more):
        for _ in range(times):
            self.mono_ms += every_ms
            self.wall_ms += every_ms
            look = Look(
                mono_ms=self.mono_ms,
                wall_ms=self.wall_ms,
                answered=answered,
                peer_wall_ms=self.wall_ms - round_trip_ms // 2 + skew_ms if answered else 0,
                round_trip_ms=round_trip_ms,
                **more,
            )
            self.watch, news = watched(self.watch, look)
            self.news += [each.code for each in news]
        return self


def test_one_lost_beat_is_nothing():
    """Every network loses one."""
    watcher = Watcher().looks(10).looks(SUSPECTED_AFTER - 1, answered=False)
    assert watcher.watch.state == THERE
    assert watcher.looks().news == []


def test_a_silent_site_is_suspected_and_then_unreachable_and_it_is_said_once():
    """People hear of it within seconds, and one time."""
    watcher = Watcher().looks(5).looks(SUSPECTED_AFTER, answered=False)
    assert watcher.watch.state == SUSPECTED
    watcher.looks(UNREACHABLE_AFTER - SUSPECTED_AFTER, answered=False)
    assert watcher.watch.state == UNREACHABLE
    assert watcher.looks(100, answered=False).news == [PEER_UNREACHABLE]


def test_it_is_there_again_after_five_good_beats_and_not_before():
    """A site that starts answers a beat or two and dies again."""
    watcher = Watcher().looks(5).looks(30, answered=False).looks(BACK_AFTER - 1)
    assert watcher.watch.state == UNREACHABLE
    watcher.looks(1, answered=False).looks(BACK_AFTER - 1)
    assert watcher.watch.state == UNREACHABLE
    assert watcher.looks(1).watch.state == THERE
    assert watcher.news == [PEER_UNREACHABLE, PEER_BACK]


def test_a_flapping_link_is_said_twice_and_not_a_hundred_times():
    """Ten seconds off, ten seconds on, for half an hour: whoever reads alarms must still read the others."""
    watcher = Watcher().looks(5)
    for _ in range(90):
        watcher.looks(10, answered=False).looks(10)
    assert watcher.news == [PEER_UNREACHABLE, PEER_BACK, PEER_UNREACHABLE]
    watcher.looks(70)
    assert watcher.watch.state == THERE


def test_a_flapping_link_never_takes_over_by_itself():
    """Each answered beat ends a silence: the site lives, and would go on answering."""
    watcher, due = Watcher().looks(5), False
    for _ in range(90):
        watcher.looks(29, answered=False).looks(1)
        due = due or take_over_due(watcher.watch, after_ms=30_000)
    assert not due


def test_a_dead_site_is_due_after_the_silence_of_the_plan_and_not_before():
    """The promise is 30 to 60 s: not 29, and not when somebody looks again."""
    watcher = Watcher().looks(5).looks(29, answered=False)
    assert not take_over_due(watcher.watch, after_ms=30_000)
    assert take_over_due(watcher.looks(1, answered=False).watch, after_ms=30_000)


def test_a_link_that_carries_one_way_counts_as_down():
    """Its answers reach us, ours do not reach it: for the other site we are gone, so both must think so."""
    watcher = Watcher().looks(5).looks(30, heard_by_peer=False)
    assert watcher.watch.state == UNREACHABLE
    assert take_over_due(watcher.watch, after_ms=30_000)


def test_who_cannot_reach_the_third_point_infers_nothing():
    """Then it is this site that is cut off, and the other one serves."""
    watcher = Watcher().looks(5, third=True).looks(600, answered=False, third=False)
    assert watcher.watch.state == SUSPECTED
    assert not take_over_due(watcher.watch, after_ms=30_000)
    assert watcher.news == [THIRD_SILENT]
    assert watcher.looks(1, answered=False, third=True).watch.state == UNREACHABLE


def test_losing_the_third_point_later_stops_the_automatic_take_over():
    """It was reachable when the other site went, and now we are cut off ourselves."""
    watcher = Watcher().looks(5).looks(20, answered=False, third=True).looks(60, answered=False, third=False)
    assert watcher.watch.state == UNREACHABLE
    assert not take_over_due(watcher.watch, after_ms=30_000)


def test_who_was_frozen_itself_heard_no_silence():
    """A paused machine wakes up a minute later and must not think that the other site was silent."""
    watcher = Watcher().looks(5).looks(1, answered=False, every_ms=90_000)
    assert watcher.watch.silent_ms <= 2_000
    assert watcher.watch.state == THERE


@pytest.mark.parametrize("step_ms", [6_000, -6_000, 3_600_000])
def test_a_clock_that_is_set_stops_the_automatic_take_over(step_ms):
    """Times of this machine mean nothing then; what is decided by them waits for a person."""
    watcher = Watcher().looks(5)
    watcher.wall_ms += step_ms
    watcher.looks(120, answered=False)
    assert watcher.watch.state == UNREACHABLE
    assert not take_over_due(watcher.watch, after_ms=30_000)
    assert CLOCK_SUSPECT in watcher.news


def test_a_clock_that_agrees_with_the_other_site_again_is_fine_again():
    """Somebody set it right: nobody has to restart anything."""
    watcher = Watcher().looks(5)
    watcher.wall_ms += 6_000
    watcher.looks(1).looks(BACK_AFTER + 1)
    assert not watcher.watch.clock_suspect
    assert watcher.news == [CLOCK_SUSPECT, CLOCK_FINE]


def test_clocks_that_are_apart_are_said_and_a_slow_answer_is_not():
    """Skew is measured to half the round trip: an answer of four seconds says nothing about two."""
    assert Watcher().looks(9, skew_ms=2_500).news == [CLOCK_SUSPECT]
    assert Watcher().looks(9, skew_ms=-2_500).news == [CLOCK_SUSPECT]
    assert Watcher().looks(9, skew_ms=1_900).news == []
    assert Watcher().looks(9, skew_ms=2_500, round_trip_ms=4_000).news == []


def test_clocks_are_compared_anew_after_each_silence():
    """Whatever happened to either meanwhile: what was measured before says nothing about it."""
    watcher = Watcher()
    assert not watcher.looks(BACK_AFTER - 1).watch.clocks_compared
    assert watcher.looks(1).watch.clocks_compared
    assert not watcher.looks(1, answered=False).watch.clocks_compared
    assert not watcher.looks(BACK_AFTER - 1).watch.clocks_compared
    assert watcher.looks(1).watch.clocks_compared


def test_clocks_that_are_apart_were_never_compared():
    """Before that is suspect, and as long as it is, nothing long is believed of them."""
    watcher = Watcher().looks(9).looks(3, answered=False)
    assert not any(watcher.looks(1, skew_ms=3_600_000).watch.clocks_compared for _ in range(20))
    assert not watcher.looks(BACK_AFTER - 1).watch.clocks_compared
    assert watcher.looks(1).watch.clocks_compared


@pytest.mark.parametrize("seed", range(40))
def test_whatever_beats_bring_the_watch_keeps_its_word(seed):
    """Unreachable needs five lost beats, back needs five good ones, and news tell of every change."""
    draw = random.Random(seed)
    watcher, before, answers = Watcher(), Watch(), []
    for _ in range(600):
        answered = draw.random() < draw.choice((0.05, 0.5, 0.95))
        watcher.looks(answered=answered, third=draw.choice((None, True, False)))
        answers.append(answered)
        now = watcher.watch
        if now.state == UNREACHABLE and before.state != UNREACHABLE:
            assert not any(answers[-UNREACHABLE_AFTER:])
            assert watcher.news[-1] == PEER_UNREACHABLE
        if before.state == UNREACHABLE and now.state == THERE:
            assert all(answers[-BACK_AFTER:])
            assert watcher.news[-1] == PEER_BACK
        if answered:
            assert now.silent_ms == 0
        assert now == replace(now, mono_ms=watcher.mono_ms, wall_ms=watcher.wall_ms)
        before = now
