"""A step of the follower that goes on failing is told: nobody sees what is missing because of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.journal.committer import Committer, NotCommitted
from router.journal.connection import DatabaseGone
from router.journal.database import Database
from router.sites.follower import HOLD_S, STEP_FAILING, Follower
from tests.sites.routed_pair import Half, routed_pair


@dataclass
class Turns:
    """A follower whose steps fail as they are told, and whose clock is set."""

    half: Half
    now_s: float = 1_000.0
    fault: Exception | None = None
    others: int = 0

    def __post_init__(self) -> None:
        site = self.half.site
        steps = [("agreeing", self._fails), ("orders", self._counts)]
        self.follower = Follower(
            site.committer, site.database, self.half.copy, steps, clock_s=lambda: self.now_s
        )

    def passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.half.site.clock.now_ms += round(seconds * 1000)
        self.follower.turn()

    def told(self) -> list[tuple[object, ...]]:
        return self.half.all("SELECT ref, detail FROM alarm WHERE code = :code", code=STEP_FAILING)

    def _fails(self, committer: Committer, own: Database, copy: Database) -> None:
        if self.fault is not None:
            raise self.fault

    def _counts(self, committer: Committer, own: Database, copy: Database) -> None:
        self.others += 1


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[Turns]:
    with routed_pair(tmp_path) as (_, b):
        yield Turns(b)


def test_a_step_that_goes_on_failing_is_told_once_and_holds_up_no_other(turns: Turns) -> None:
    """What two sites no longer agree on is seen by nobody, until it is too late."""
    turns.fault = DatabaseGone("nothing is there")
    turns.passes(0)
    turns.passes(HOLD_S - 1)
    assert turns.told() == []
    for _ in range(3):
        turns.passes(1)
    assert turns.told() == [("agreeing", "DatabaseGone: nothing is there")]
    assert turns.others == 5
    assert set(turns.follower.failing) == {"agreeing"}


def test_a_step_that_fails_now_and_then_is_not_told(turns: Turns) -> None:
    """An alarm that mends itself teaches people to look away."""
    for _ in range(4):
        turns.fault = DatabaseGone("for a moment")
        turns.passes(HOLD_S / 2)
        turns.fault = None
        turns.passes(1)
    assert turns.told() == []
    assert turns.follower.failing == {}


def test_a_mistake_of_ours_is_told_without_its_words(turns: Turns) -> None:
    """They may be a customer's, and the journal keeps them for good."""
    turns.fault = ValueError("my address is 5 Mill Lane")
    turns.passes(0)
    turns.passes(HOLD_S)
    assert turns.told() == [("agreeing", "ValueError")]


def test_what_cannot_be_told_now_is_told_later(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The own database is away too: the alarm does not get lost with it, and the other steps go on."""
    submit = turns.half.site.committer.submit

    def gone(append: object) -> None:
        raise NotCommitted("gone")

    monkeypatch.setattr(turns.half.site.committer, "submit", gone)
    turns.fault = DatabaseGone("away")
    turns.passes(0)
    turns.passes(HOLD_S)
    assert turns.told() == []
    monkeypatch.setattr(turns.half.site.committer, "submit", submit)
    turns.passes(1)
    assert turns.told() == [("agreeing", "DatabaseGone: away")]
    assert turns.others == 3
