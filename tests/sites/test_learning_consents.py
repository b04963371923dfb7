"""Whoever said STOP at one site is left in peace by both."""

import pytest

from router.channels.ingest import address_hash_of
from router.journal.connection import Connection
from router.journal.verify import verify
from router.sites.learning_consents import ConsentLearning
from tests.sites.routed_pair import Half, routed_pair

NUMBER = "+15550100"


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def known(half: Half) -> str:
    """The hash by which this site knows the number."""

    def look(db: Connection) -> str:
        return address_hash_of(db, kind="phone", address=NUMBER)

    with half.site.database.writing() as db:
        return look(db)


def says(half: Half, state: str) -> None:
    half.site.clock.now_ms += 1_000
    half.site.say(
        "consent_changed",
        "c-1",
        channel="sms",
        account="texts",
        address_hash=known(half),
        categories=["service", "bulk"],
        state=state,
        how="word",
        blocked=False,
        message_id="",
        agent_id="",
    )


def learn(*halves: Half) -> None:
    for half in halves:
        assert half.other is not None
        half.other.sends()
        ConsentLearning().step(half.site.committer, half.site.database, half.copy)


def consents(half: Half) -> list[tuple[object, ...]]:
    return half.all(
        "SELECT category, state FROM consent WHERE address_hash = :h ORDER BY category", h=known(half)
    )


def is_whole(half: Half) -> None:
    """The tables are what the journal says."""
    with half.site.database.reading() as db:
        assert verify(db).problem_count == 0


def test_a_stop_at_one_site_holds_at_the_other(pair):
    """The number has another hash there: it is the same telephone."""
    a, b = pair
    known(b)
    says(a, "out")
    learn(b)
    assert consents(b) == [("bulk", "out"), ("service", "out")]
    assert known(a) != known(b)
    is_whole(b)


def test_the_later_word_wins_at_both_in_whatever_order_they_are_learned(pair):
    """STOP here, START there, minutes apart: both come to what was said last."""
    a, b = pair
    says(a, "out")
    says(b, "in")
    for _ in range(3):
        learn(b, a)
    assert consents(a) == consents(b) == [("bulk", "in"), ("service", "in")]
    says(a, "out")
    learn(b, a)
    assert consents(a) == consents(b) == [("bulk", "out"), ("service", "out")]
    is_whole(a)
    is_whole(b)


def test_what_was_learned_is_not_learned_back(pair):
    """Nothing goes round in circles."""
    a, b = pair
    says(a, "out")
    for _ in range(4):
        learn(b, a)
    assert (len(a.rows("consent_changed")), len(b.rows("consent_changed"))) == (1, 2)
