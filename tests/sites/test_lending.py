"""Replies on their way while their interaction changes sites: each leaves once, or says it may be two."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.channels.port import Outcome
from router.run import delivery_book as book
from router.run.delivery_book import Claimed, RecordTry
from router.sites.rerouting import take_handed
from tests.journal.conftest import database_url
from tests.sites.routed_pair import Half, exchange, routed_pair
from tests.sites.test_breaking import orders, says
from tests.sites.test_rerouting import rerouting
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]

SENT = Outcome(kind="sent", provider_id="")
ACCOUNT = "sms-1"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as halves:
        yield halves


@pytest.fixture
def asked(pair: tuple[Half, Half]) -> tuple[Half, Half]:
    """A conversation with a reply that is due at a, and everything of a is to go to b."""
    return _asked(pair)


@pytest.fixture
def asked_on_either(tmp_path: Path, database_url: str) -> Iterator[tuple[Half, Half]]:
    """The same; site a's own database is of each kind in turn, because claims are locks."""
    with routed_pair(tmp_path, urls={"a": database_url}) as halves:
        yield _asked(halves)


def _asked(pair: tuple[Half, Half]) -> tuple[Half, Half]:
    a, _ = pair
    a.site.arrives("c-1")
    a.site.settles()
    says(a, "c-1", "m-1", outbox="o-1")
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    return pair


def sound(pair: tuple[Half, Half]) -> None:
    for half in pair:
        half.site.settles()
        half.is_sound()


def due(half: Half) -> list[str]:
    """What a worker of this site would begin to send now."""
    with half.site.database.reading() as db:
        return book.candidates(db, account=ACCOUNT, until_ms=half.site.clock(), room=10)


def claims(half: Half, *outbox_ids: str) -> list[Claimed]:
    """A worker takes these, as one that looked a moment ago."""
    with half.site.database.writing() as db:
        return book.claim(db, outbox_ids, owner="worker")


def leaves(half: Half, *outbox_ids: str) -> list[bool]:
    """A worker sends these; of each, whether it knew that it might leave twice."""
    claimed = claims(half, *outbox_ids)
    for each in claimed:
        records(half, each)
    half.site.settles()
    return [each.doubtful for each in claimed]


def records(half: Half, claimed: Claimed) -> None:
    half.site.committer.submit(
        RecordTry(claimed=claimed, outcome=SENT, retry_ms=1_000, give_up_ms=1 << 40)
    ).result()


def hands_over(half: Half, **wrong: object) -> int:
    """One turn; how often the other site was asked."""
    moving = rerouting(half, **wrong)
    moving.step(half.site.committer, half.site.database)
    half.site.settles()
    return int(moving._line.asked)  # type: ignore[attr-defined]  # of the double


def trouble(half: Half, message_id: str = "m-1") -> str:
    ((found,),) = half.all("SELECT trouble FROM message WHERE message_id = :m", m=message_id)
    return str(found)


def twice_alarms(half: Half) -> int:
    return len(half.all("SELECT 1 FROM alarm WHERE code = 'sent_twice'"))


def test_what_the_other_site_may_send_does_not_leave_here(asked_on_either):
    """Both workers would find it due: the customer would have every reply of a moved conversation twice."""
    a, b = asked_on_either
    assert due(a) == ["o-1"]
    assert hands_over(a, lost=True) == 1
    assert (due(a), due(b)) == ([], ["o-1"])
    assert claims(a, "o-1") == [], "a worker that had looked before"
    b.sends()
    a.agrees()
    assert (due(a), orders(a), orders(b)) == ([], [("o-1", "moved")], [("o-1", "due")])
    assert leaves(b, "o-1") == [False]
    exchange(a, b)
    assert (trouble(a), trouble(b)) == ("", "")
    sound(asked_on_either)


def test_what_is_refused_there_leaves_here_at_once(asked):
    """Nobody else has it, so nothing is in doubt and nobody waits."""
    a, b = asked
    hands_over(a, refusal="full")
    assert (a.state("c-1"), due(a), b.state("c-1")) == ("waiting", ["o-1"], "")
    assert leaves(a, "o-1") == [False]
    a.is_sound()


def test_what_is_leaving_here_is_waited_for(asked_on_either):
    """The provider has it and the worker is about to say so: the other site would send it again."""
    a, b = asked_on_either
    (claimed,) = claims(a, "o-1")
    assert hands_over(a) == 0
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "")
    a.site.signs_in("hannah")
    a.site.settles()
    assert a.site.offered() == [("c-1", "hannah")], "its own agents have it meanwhile"
    records(a, claimed)
    assert hands_over(a) == 1
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    assert (due(b), orders(b)) == ([], [("o-1", "sent")])
    sound(asked_on_either)


def test_what_a_dead_worker_had_begun_goes_along_and_says_so(asked_on_either):
    """It may have left: only this site knew of the claim, and the other one is about to send it."""
    a, b = asked_on_either
    claims(a, "o-1")
    with a.site.database.writing() as db:
        db.run("UPDATE claim SET until_ms = 1")
    assert hands_over(a) == 1
    assert (a.state("c-1"), orders(a)) == ("moved", [("o-1", "moved")])
    b.site.clock.now_ms += 1_000
    assert leaves(b, "o-1") == [True]
    assert trouble(b) == "maybe_twice"
    sound(asked_on_either)


def test_what_no_provider_takes_here_moves_with_its_conversation(asked):
    """Its provider is out of reach from this site only: there it leaves."""
    a, b = asked
    (claimed,) = claims(a, "o-1")
    later = Outcome(kind="later", detail="no_connection")
    a.site.committer.submit(
        RecordTry(claimed=claimed, outcome=later, retry_ms=300_000, give_up_ms=1 << 40)
    ).result()
    assert hands_over(a) == 1
    assert (due(a), due(b)) == ([], ["o-1"])
    assert leaves(b, "o-1") == [False]
    sound(asked)


def test_what_was_said_after_it_was_asked_for_leaves_here_when_it_went(asked):
    """A notice that the other site never saw: it is this one's to send, after the conversation has gone."""
    a, b = asked
    hands_over(a, lost=True)
    says(a, "c-1", "m-late", outbox="o-late")
    assert due(a) == []
    b.sends()
    a.agrees()
    assert (due(a), due(b)) == (["o-late"], ["o-1"])
    assert (leaves(a, "o-late"), leaves(b, "o-1")) == ([False], [False])
    exchange(a, b)
    assert (twice_alarms(a), twice_alarms(b)) == (0, 0)
    sound(asked)


def test_an_answer_that_never_comes_holds_no_reply_back_for_ever(asked):
    """The line is cut at the worst instant: it leaves late and says so, and both sites say so in the end."""
    a, b = asked
    hands_over(a, lost=True)
    a.site.passes(16)
    assert due(a) == ["o-1"]
    assert (leaves(a, "o-1"), leaves(b, "o-1")) == ([True], [False])
    assert (trouble(a), trouble(b)) == ("maybe_twice", "")
    exchange(a, b)
    assert (trouble(a), trouble(b)) == ("maybe_twice", "maybe_twice")
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    assert twice_alarms(b) == 1
    sound(asked)


def test_an_answer_that_never_comes_and_was_no_is_not_said_to_be_twice(asked):
    """What was in doubt is not any more, as soon as the other site has said that it has nothing."""
    a, b = asked
    hands_over(a, lost=True, refusal="full")
    a.site.passes(16)
    hands_over(a, refusal="full")
    assert leaves(a, "o-1") == [False]
    assert (trouble(a), b.state("c-1")) == ("", "")
    sound(asked)


def test_replies_that_left_at_both_sites_are_flagged_at_both(pair):
    """Taken over from a site that lived: nobody could know, so everybody is told, by one alarm."""
    a, b = pair
    for number in range(3):
        a.site.arrives(f"c-{number}")
        a.site.settles()
        says(a, f"c-{number}", f"m-{number}", outbox=f"o-{number}")
    a.sends()
    b.adopts()
    for half in pair:
        due_here = due(half)
        assert due_here == ["o-0"], "one after the other to one address"
        for number in range(3):
            assert leaves(half, f"o-{number}") == [False]
    exchange(a, b)
    for half in pair:
        assert [trouble(half, f"m-{number}") for number in range(3)] == ["maybe_twice"] * 3
        assert twice_alarms(half) == 1
        before = half.last_seq()
        exchange(a, b)
        assert half.last_seq() == before, "said once"
    sound(pair)


def test_a_site_that_is_late_takes_nothing(asked):
    """Whoever asked goes on by itself soon: what is taken after that would be at two sites."""
    a, b = asked
    a.sends()
    with a.site.database.reading() as db:
        ((through,),) = db.rows("SELECT last_seq FROM stream WHERE own = 1")
    said = {"through_seq": through, "site": "b", "peer": "a", "refusal": lambda: ""}
    there = (b.site.committer, b.site.database, b.copy, ["c-1"])
    late = take_handed(*there, **said, asked_s=time.monotonic() - 60)
    assert (late["adopted"], late["why"], b.state("c-1")) == ([], "late", "")
    assert take_handed(*there, **said)["adopted"] == ["c-1"]
    full = take_handed(*there, **{**said, "refusal": lambda: "full"})
    assert (full["adopted"], full["orders"]) == (["c-1"], {"c-1": ["o-1"]}), "what it has it has"
