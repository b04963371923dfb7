"""Journals recorded by earlier code: this code must decide the same, or say why it means not to."""

import pytest

from router.journal.replay import Replay
from tests.histories.record import FOLDER, load

HISTORIES = sorted(FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_recorded_journal_leads_to_the_same_decisions(path):
    """A centre that was upgraded in the night must not quietly send people to other agents (F-28).

    If the change is meant: `python -m tests.histories.record`, and the commit says why.
    """
    replay = Replay()
    for row in load(path):
        difference = replay.take(row)
        assert difference is None, difference
    assert replay.end() is None
    assert replay.seen.decisions > 100


def test_there_are_histories():
    """A pattern that finds no file would make the test above silent."""
    assert len(HISTORIES) >= 3
