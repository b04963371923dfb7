"""Whoever cannot be taken over is named once, and does not keep the watch busy while that site is dead."""

import logging

from router.sites.adopting import NOT_ADOPTED
from tests.sites.test_copy_rotten import alarmed, rots, waiting_at
from tests.sites.test_watcher import pair

__all__ = ["pair"]


def test_what_cannot_be_taken_over_is_tried_once_in_a_silence(pair, tmp_path, caplog):
    """Every fifteen seconds for days all of it would be read again, and each alarm seen would come back."""
    ids = waiting_at(pair.a)
    rots(pair.b, "message", ids[60], tmp_path)
    caplog.set_level(logging.WARNING, "muster.watch")
    pair.passes(5, answered=True)
    pair.passes(36, answered=False)
    pair.b.site.settles()
    lost = alarmed(pair.b, NOT_ADOPTED)
    assert 0 < len(lost) < len(ids) / 2
    for (alarm_id,) in pair.b.all("SELECT alarm_id FROM alarm WHERE code = 'not_adopted'"):
        pair.b.site.say("alarm_seen", str(alarm_id), agent_id="ana")
    pair.passes(60, answered=False)
    assert caplog.text.count("took over adopted=") == 1


def test_what_is_left_beside_it_is_finished(pair, tmp_path, monkeypatch):
    """One that is lost says nothing of the others: the terminal was closed in the middle."""
    ids = waiting_at(pair.a)
    rots(pair.b, "message", ids[60], tmp_path)
    pair.passes(5, answered=True)
    pair.passes(36, answered=False)
    pair.b.site.settles()
    lost = alarmed(pair.b, NOT_ADOPTED)
    first = next(each for each in ids if each not in lost)
    pair.b.site.say("yielded", first, to_site="a", n=2, owner="a", why="served_there", orders=[])
    pair.b.site.settles()
    assert pair.b.state(first) == "moved"
    pair.passes(20, answered=False)
    pair.b.site.settles()
    assert pair.b.state(first) in ("waiting", "offered")
