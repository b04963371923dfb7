"""The simulation notices mistakes: each is planted, and some world breaks on it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from queues import line
from router import choose, persons
from router import offering as offers
from router.journal import appends, fold
from router.journal.committer import CommitUnknown, NotCommitted
from router.run import router_step
from tests.simulation.audit import Broken
from tests.simulation.journal import Journal
from tests.simulation.world import World

WORLDS = 10
"""A planted mistake must be noticed within this many worlds."""


def breaks_by(*words: str) -> bool:
    """Whether a world breaks, and what is said of it has one of these words: it breaks for this reason."""
    broken = first_break()
    return any(each in broken for each in words)


def first_break() -> str:
    """What is said of the first world that breaks; empty when all of them live."""
    for seed in range(WORLDS):
        try:
            World(seed, minutes=4, fault_rate=0.05).run()
        except Broken as broken:
            return str(broken)
    return ""


def test_an_unfenced_router_is_noticed(monkeypatch):
    """Two routers that both believe they are the one decide everything twice."""
    monkeypatch.setattr(appends, "check_epoch", lambda db, epoch: None)
    assert breaks_by("epoch went back", "replay decides otherwise")


def test_an_unknown_outcome_taken_for_a_failure_is_noticed(monkeypatch):
    """What was written although nobody learnt of it would be written again: two guards stand before it."""
    append = Journal.append

    def hopeful(self, given, *, skew_ms=0):
        try:
            return append(self, given, skew_ms=skew_ms)
        except CommitUnknown as unknown:
            raise NotCommitted(str(unknown)) from unknown

    monkeypatch.setattr(Journal, "append", hopeful)
    monkeypatch.setattr(appends.RouterAppend, "_check_after", lambda self, db: None)
    assert breaks_by("cannot be folded", "replay decides otherwise")


def test_a_commit_that_is_acknowledged_and_lost_is_noticed(monkeypatch):
    """Accepted is kept: the first promise."""
    transaction = Journal.transaction

    def forgetful(self, append, now_ms):
        rows = transaction(self, append, now_ms)
        if rows and rows[0].kind == "arrived" and self.db.row("SELECT count(*) FROM interaction")[0] == 7:
            self.db.run("DELETE FROM interaction WHERE interaction_id = :ref", ref=rows[0].ref)
        return rows

    monkeypatch.setattr(Journal, "transaction", forgetful)
    assert breaks_by("cannot be folded", "acknowledged and lost")


def test_overtaking_is_noticed(monkeypatch):
    """The line by age alone: urgent people wait behind those who came before them."""
    rank = line.rank
    monkeypatch.setattr(choose, "rank", lambda waiting, now_ms: (3, *rank(waiting, now_ms)[1:]))
    assert breaks_by("offered (")


def test_the_wrong_agent_is_noticed(monkeypatch):
    """The second best agent instead of the best."""
    best = choose.best_agents

    def second(centre, interaction, now_ms):
        one, other = best(centre, interaction, now_ms)
        return (other or one, one)

    monkeypatch.setattr(choose, "best_agents", second)
    assert breaks_by("offered (", "replay decides otherwise")


def test_another_agent_than_the_persons_own_is_noticed(monkeypatch):
    """The person who is talked with already is offered to a stranger."""
    monkeypatch.setattr(choose, "agent_of", lambda centre, interaction, now_ms: None)
    assert breaks_by("offered (")


def test_an_urgency_that_does_not_count_for_the_person_is_noticed(monkeypatch):
    """The second contact of somebody in danger waits behind the less urgent."""
    monkeypatch.setattr(persons, "counted", lambda centre, interaction, urgency: urgency)
    assert breaks_by("one person")


def test_a_fold_that_forgets_a_field_is_noticed(monkeypatch):
    """After a restart the router would know less than before."""
    forgotten: Callable[..., None] = lambda db, row, data: None  # noqa: E731
    monkeypatch.setattr(fold, "FOLDS", {**fold.FOLDS, "wrap_up_began": forgotten})
    assert breaks_by("replay decides otherwise", "differ:")


def test_an_offer_without_an_end_is_noticed(monkeypatch):
    """No limbo: an offer whose deadline never comes keeps a customer for ever."""
    offer_of = offers.offer_of
    endless = lambda *given: replace(offer_of(*given), deadline_ms=10**15)  # noqa: E731
    monkeypatch.setattr("router.core.offer_of", endless)
    assert breaks_by("InvariantBroken", "the core failed")


@pytest.mark.parametrize("lost", ["disposition_given", "presence_declared"])
def test_a_fact_that_the_router_does_not_read_is_noticed(monkeypatch, lost):
    """A row that is passed over is a person who is not heard."""
    event_of = router_step.event_of
    monkeypatch.setattr(router_step, "event_of", lambda row: None if row.kind == lost else event_of(row))
    assert breaks_by("replay decides otherwise")
