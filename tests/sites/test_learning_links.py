"""Whose address is whose, and whether texts are switched off: decided at one site, so at both."""

import json

import pytest

from router.channels.ingest import address_hash_of
from router.journal.verify import verify
from router.sites.learning_kinds import KindLearning
from router.sites.learning_links import link_learning
from router.sites.learning_texts import text_learning
from tests.sites.routed_pair import Half, routed_pair


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def knows(half: Half, customer_id: str, number: str, *, verified: bool = True) -> str:
    """This site has heard of this number as of this customer; its identity. Each site has its own ids."""
    with half.site.database.writing() as db:
        address_hash = address_hash_of(db, kind="phone", address=number)
    identity_id = f"{half.name}-{number}"
    said = {"channel": "sms", "account": "texts", "address_hash": address_hash, "verified": verified}
    half.site.say("customer_added", f"{half.name}-{customer_id}", identity_id=identity_id, **said)
    return identity_id


def moves(half: Half, number: str, *, of: str, to: str, why: str = "merge") -> None:
    half.site.clock.now_ms += 1_000
    half.site.say(
        "identity_moved",
        f"{half.name}-{number}",
        from_customer_id=f"{half.name}-{of}",
        to_customer_id=f"{half.name}-{to}",
        agent_id="hannah",
        command_id=f"{why}-{number}",
        why=why,
    )


def switches(half: Half, *, off: bool) -> None:
    half.site.clock.now_ms += 1_000
    said = {"reason": "flooded", "agent_id": "boss", "command_id": "c"}
    half.site.say("text_switched", "account/texts", off=off, **said)


def learn(learning: KindLearning, half: Half) -> None:
    assert half.other is not None
    half.other.sends()
    learning.step(half.site.committer, half.site.database, half.copy)
    half.site.settles()


def is_whole(half: Half) -> None:
    """Journal and tables say the same. (What decides nothing moves the clock of the core in memory only.)"""
    for database in (half.site.database, half.copy):
        with database.reading() as db:
            report = verify(db)
        assert not report.problem_count, report.problems[:3]


def customer(half: Half, number: str) -> str:
    sql = "SELECT customer_id FROM identity WHERE identity_id = :id"
    ((found,),) = half.all(sql, id=f"{half.name}-{number}")
    return str(found)


def test_who_was_merged_at_one_site_is_one_person_at_the_other(pair):
    """After a take-over the agent sees the whole history, under whatever ids this site knows it."""
    a, b = pair
    for half in pair:
        knows(half, "ann", "+15550100")
        knows(half, "also-ann", "+15550101")
    moves(a, "+15550101", of="also-ann", to="ann")
    learn(link_learning(), b)
    assert customer(b, "+15550101") == customer(b, "+15550100") == "b-ann"
    (row,) = b.rows("identity_moved")
    assert json.loads(row.data)["agent_id"] == "hannah"
    is_whole(b)


def test_a_merge_that_was_wrong_is_undone_at_both(pair):
    """Somebody else's history must not be shown at one site because it was put right at the other."""
    a, b = pair
    for half in pair:
        knows(half, "ann", "+15550100")
        knows(half, "bob", "+15550101")
    moves(a, "+15550101", of="bob", to="ann")
    learn(link_learning(), b)
    moves(a, "+15550101", of="ann", to="bob", why="undo")
    learn(link_learning(), b)
    assert customer(b, "+15550101") != customer(b, "+15550100")
    is_whole(b)


def test_what_was_learned_is_not_learned_back_and_the_later_act_wins(pair):
    """Two agents disagree: both sites come to what was done last, and come to rest."""
    a, b = pair
    for half in pair:
        knows(half, "ann", "+15550100")
        knows(half, "bob", "+15550101")
    at_a, at_b = link_learning(), link_learning()
    moves(a, "+15550101", of="bob", to="ann")
    moves(b, "+15550101", of="bob", to="carl", why="split")
    for _ in range(3):
        learn(at_a, a)
        learn(at_b, b)
    assert [len(half.rows("identity_moved")) for half in pair] == [2, 1]
    assert customer(b, "+15550101") == "b-carl"
    assert customer(a, "+15550101") != customer(a, "+15550100")
    learn(link_learning(), b)
    assert len(b.rows("identity_moved")) == 1


def test_whom_this_site_never_heard_of_is_left_alone(pair):
    """It comes as it is then, with the interaction that brings it."""
    a, b = pair
    knows(a, "ann", "+15550100")
    knows(a, "bob", "+15550101")
    moves(a, "+15550101", of="bob", to="ann")
    learn(link_learning(), b)
    assert b.rows("identity_moved") == []


def test_two_who_were_put_to_one_new_person_one_after_the_other_are_learned_together(pair):
    """The line was down meanwhile: the second one's person is known here by the first one alone."""
    a, b = pair
    for half in pair:
        for number in ("+15550100", "+15550101", "+15550102"):
            knows(half, "ann", number)
    for number in ("+15550101", "+15550102"):
        moves(a, number, of="ann", to="bob", why="split")
    learn(link_learning(), b)
    assert customer(b, "+15550102") == customer(b, "+15550101") != customer(b, "+15550100")
    is_whole(b)


def test_a_claim_is_not_taken_for_the_address_that_it_claims(pair):
    """Who typed a number in is not the person whose number it is."""
    a, b = pair
    knows(a, "ann", "+15550100")
    knows(a, "claimant", "+15550101", verified=False)
    moves(a, "+15550101", of="claimant", to="ann", why="link")
    knows(b, "ann", "+15550100")
    knows(b, "owner", "+15550101")
    learn(link_learning(), b)
    assert customer(b, "+15550101") == "b-owner"


def test_texts_that_are_off_at_one_site_are_off_at_both_and_on_again(pair):
    """Whoever writes is told the same, whichever site hears it."""
    a, b = pair
    at_a, at_b = text_learning(), text_learning()
    state = "SELECT is_off FROM text_switch WHERE scope = 'account/texts'"
    unseen = "SELECT code FROM alarm WHERE code = 'texts_off' AND seen_at_ms = 0"
    switches(a, off=True)
    learn(at_b, b)
    learn(at_a, a)
    assert b.all(state) == [(1,)]
    assert b.all(unseen) == [("texts_off",)]
    switches(b, off=False)
    learn(at_a, a)
    learn(at_b, b)
    assert a.all(state) == b.all(state) == [(0,)]
    assert a.all(unseen) == []
    assert [len(half.rows("text_switched")) for half in pair] == [2, 2]
    for half in pair:
        is_whole(half)
