"""Who waits for the second copy, and when nobody does any more: no clock is read, none passes."""

import random

import pytest

from router.sites.copy_line import CLOSE_MS, LATE_MAX, CopyLine, Outcome

WAIT_MS = 1_000
COPIED, SLOW, LAGGING = Outcome.COPIED, Outcome.SLOW, Outcome.LAGGING


class Line:
    """A line with a clock that somebody turns."""

    def __init__(self):
        self.line, self.now_ms = CopyLine(), 50_000

    def joins(self, *seqs):
        waits = [self.line.join(seq, now_ms=self.now_ms, wait_ms=WAIT_MS) for seq in seqs]
        return waits if len(waits) > 1 else waits[0]

    def hears(self, acked):
        return self.line.heard(acked, now_ms=self.now_ms)

    def passes(self, ms):
        self.now_ms += ms
        return self.line.pass_time(self.now_ms)

    def lags(self):
        """The other site stops answering while contacts come."""
        for seq in range(self.line.newest + 1, self.line.newest + 1 + LATE_MAX):
            self.joins(seq)
        self.passes(WAIT_MS)
        assert self.line.lagging
        return self


def test_a_contact_waits_until_the_other_site_has_it():
    """Promise 1: acknowledged means that both have it."""
    line = Line()
    early, late = line.joins(7, 8)
    assert line.hears(6) == [] and early.outcome is None
    assert line.hears(7) == [early]
    assert (early.outcome, late.outcome) == (COPIED, None)
    assert line.hears(12) == [late]
    assert line.joins(12).outcome is COPIED, "what is there already waits for nothing"


def test_news_that_come_late_take_nothing_back():
    """The table may be read before a hint is heard, and told after it."""
    line = Line()
    line.hears(20)
    line.hears(10)
    assert line.joins(15).outcome is COPIED


def test_who_waited_long_enough_waits_no_longer():
    """A provider gives up after a few seconds; the contact is on disk here."""
    line = Line()
    first = line.joins(1)
    assert line.passes(WAIT_MS - 1) == []
    second = line.joins(2)
    assert line.passes(1) == [first] and first.outcome is SLOW
    assert second.outcome is None and not line.line.lagging


def test_after_three_time_outs_in_a_row_nobody_waits():
    """A peer that is gone must not cost every contact a second."""
    line = Line()
    for seq in range(1, LATE_MAX + 1):
        line.joins(seq)
        line.passes(10)
    rest = line.joins(8, 9)
    done = line.passes(WAIT_MS - 10)
    assert [each.seq for each in done] == [1, 2, 3, 8, 9]
    assert all(each.outcome is LAGGING for each in rest), "those that still waited are let go as well"
    assert line.joins(10).outcome is LAGGING
    assert line.line.waiting == 0


def test_time_outs_that_are_not_in_a_row_do_not_add_up():
    """One slow second a day is no outage."""
    line = Line()
    for seq in range(1, 20, 2):
        line.joins(seq)
        line.passes(WAIT_MS)
        line.joins(seq + 1)
        line.hears(seq + 1)
    assert not line.line.lagging


def test_waiting_begins_again_when_the_other_site_has_everything():
    """By itself: nobody has to say that the network is back."""
    line = Line().lags()
    newest = line.line.newest
    line.hears(newest - 1)
    assert line.line.lagging
    line.hears(newest)
    assert not line.line.lagging
    assert line.joins(newest + 1).outcome is None


def test_a_peer_that_keeps_up_under_load_has_caught_up():
    """At a thousand contacts a second there is always one it cannot have yet."""
    line = Line().lags()
    for _ in range(10):
        line.joins(line.line.newest + 1)
        line.now_ms += CLOSE_MS // 5
        line.hears(line.line.newest - 1)
    assert line.line.acked < line.line.newest
    assert not line.line.lagging


def test_a_peer_that_stays_slow_has_not_caught_up():
    """Else every fourth contact would find out for itself that it takes too long."""
    line = Line().lags()
    before = line.line.newest
    for _ in range(20):
        line.joins(line.line.newest + 1)
        line.now_ms += 2 * CLOSE_MS
        line.hears(before)
        before = line.line.newest
    assert line.line.lagging


@pytest.mark.parametrize("seed", range(30))
def test_every_wait_ends_once_and_rightly(seed):
    """Whatever the order of contacts, news and time."""
    drawn = random.Random(seed)
    line, open_waits, seq = Line(), [], 0
    for _ in range(400):
        what = drawn.random()
        if what < 0.5:
            seq += drawn.randint(1, 3)
            wait = line.joins(seq)
            if wait.outcome is None:
                open_waits.append((wait, line.now_ms))
            else:
                assert (wait.outcome is COPIED) == (seq <= line.line.acked)
            continue
        done = line.hears(drawn.randint(0, seq)) if what < 0.7 else line.passes(drawn.randint(1, 400))
        known = [wait for wait, _ in open_waits]
        assert all(any(each is wait for wait in known) for each in done)
        for wait, since_ms in open_waits:
            if any(each is wait for each in done):
                assert (wait.outcome is COPIED) == (wait.seq <= line.line.acked)
                assert wait.outcome is not SLOW or line.now_ms >= since_ms + WAIT_MS
            else:
                assert wait.outcome is None and not line.line.lagging
        open_waits = [(wait, since) for wait, since in open_waits if wait.outcome is None]
        assert line.line.waiting == len(open_waits)
    line.passes(WAIT_MS)
    assert all(wait.outcome is not None for wait, _ in open_waits)


def test_a_thousand_waits_are_little_work():
    """A burst while the peer is away; counted, because how fast a machine is says nothing here."""
    line = Line()
    waits = line.joins(*range(1, 1_001))
    for acked in range(0, 1_001, 10):
        line.hears(acked)
        assert len(line.line._by_time) <= 1_000 - acked
    assert all(wait.outcome is COPIED for wait in waits)
    assert line.line.next_ms() is None
