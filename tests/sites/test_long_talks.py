"""Conversations of any length go from site to site, a little at a time, and hold up nobody."""

import hashlib
import json
import time
from collections.abc import Sequence

import pytest

from router.journal.connection import Connection
from router.journal.stream import DATA_MAX, FactTooLarge
from router.records import Fact, fact
from router.sites import missing_messages
from router.sites.adoptees import MESSAGES_MAX, NEWEST
from router.sites.copies import BYTES_MAX, read_batch, take_batch
from router.sites.wire import PACKED_MAX, pack_batch, unpack_batch
from tests.sites.routed_pair import Half, exchange, routed_pair

ROW_MAX = 512 << 10
"""No row of an adoption is larger, whatever somebody sends."""


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


class Flood:
    """Append: so many messages of one customer, as a web keeps them, in one transaction."""

    def __init__(self, ref: str, first: int, count: int) -> None:
        self._ref, self._numbers = ref, range(first, first + count)

    def write_content(self, db: Connection) -> None:
        pass

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        return [
            fact(
                "message_added",
                self._ref,
                message_id=f"{self._ref}-n{number:06}",
                content_id="",
                client_id="",
                direction="in",
                author_id="",
                message_kind="text",
                reading="unread" if number % 5 == 0 else "read",
            )
            for number in self._numbers
        ]


def floods(half: Half, ref: str, count: int, *, first: int = 0) -> None:
    for at in range(first, first + count, 2_000):
        half.site.committer.submit(Flood(ref, at, min(2_000, first + count - at))).result()
        half.site.settles()


def messages(half: Half, ref: str) -> list[str]:
    """As a desk shows them."""
    sql = "SELECT message_id FROM message WHERE interaction_id = :id ORDER BY seq, at_ms, message_id"
    return [str(row[0]) for row in half.all(sql, id=ref)]


def test_a_long_one_is_adopted_in_small_rows_and_ends_equal(pair):
    """One number that floods must not keep anybody's conversation from the agents of the other site."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.arrives("c-2")
    floods(a, "c-1", 3_000)
    a.sends()
    assert b.adopts().adopted == 2
    adopted = {row.ref: json.loads(row.data) for row in b.rows("adopted")}
    assert NEWEST < len(adopted["c-1"]["messages"]) <= MESSAGES_MAX
    assert b.state("c-1") == b.state("c-2") == "waiting"
    shown = messages(b, "c-1")
    assert shown[0] == "c-1-m"
    assert shown[-NEWEST:] == messages(a, "c-1")[-NEWEST:]
    exchange(a, b)
    assert messages(b, "c-1") == messages(a, "c-1")
    assert len(messages(b, "c-1")) == 3_001
    for half in pair:
        half.is_sound()


def test_no_row_and_no_batch_is_large(pair):
    """The second copy stands still for ever behind a row that the line does not carry."""
    a, b = pair
    a.site.arrives("c-1")
    floods(a, "c-1", 2_500)
    a.sends()
    b.adopts()
    b.agrees()
    assert max(len(row.data) for row in b.rows("adopted", "message_copied")) < ROW_MAX
    assert len(b.rows("message_copied")) > 2_000
    exchange(a, b)
    assert messages(a, "c-1") == messages(b, "c-1")


def test_what_is_said_while_the_rest_follows_stands_behind_it(pair, monkeypatch):
    """The agent answers at once; what was said before the take-over comes meanwhile, and stands before."""
    monkeypatch.setattr(missing_messages, "EACH_LOOK", 300)
    monkeypatch.setattr(missing_messages, "AT_ONCE", 100)
    a, b = pair
    a.site.arrives("c-1")
    floods(a, "c-1", 1_000)
    a.sends()
    b.adopts()
    b.reconciler.step(b.site.committer, b.site.database, b.copy)
    floods(b, "c-1", 3, first=500_000)
    b.agrees()
    shown = messages(b, "c-1")
    assert len(shown) == 1_004
    assert shown[-3:] == [f"c-1-n{number:06}" for number in range(500_000, 500_003)]
    assert shown[:-3] == messages(a, "c-1")
    exchange(a, b)
    assert sorted(messages(a, "c-1")) == sorted(shown)
    for half in pair:
        half.is_sound()


def test_one_long_one_holds_up_no_other(pair, monkeypatch):
    """What else the two have to agree on is said in the same look, however much is left to copy."""
    monkeypatch.setattr(missing_messages, "EACH_LOOK", 200)
    a, b = pair
    a.site.arrives("c-1")
    a.site.arrives("c-2")
    floods(a, "c-1", 2_000)
    a.sends()
    b.adopts()
    b.sends()
    a.agrees()
    assert (a.state("c-1"), a.state("c-2")) == ("moved", "moved")
    b.reconciler.step(b.site.committer, b.site.database, b.copy)
    assert len(b.rows("message_copied")) <= 200


def test_messages_that_come_at_both_while_they_are_apart_are_at_both_in_the_end(pair):
    """The customer wrote to either site during a split: a long conversation is compared to its end."""
    a, b = pair
    a.site.arrives("c-1")
    floods(a, "c-1", 400)
    a.sends()
    b.adopts()
    exchange(a, b)
    floods(a, "c-1", 5, first=600_000)
    floods(b, "c-1", 5, first=700_000)
    exchange(a, b)
    assert sorted(messages(a, "c-1")) == sorted(messages(b, "c-1"))
    assert len(messages(a, "c-1")) == 411


@pytest.mark.long
def test_a_flood_of_sixty_thousand_is_copied_adopted_and_equal(pair):
    """Fifty texts a second from one number for twenty minutes. Adopted within the 10 s of a take-over."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.arrives("c-2")
    floods(a, "c-1", 60_000)
    a.sends()
    began_s = time.monotonic()
    assert b.adopts().adopted == 2
    assert time.monotonic() - began_s < 10
    assert b.state("c-1") == b.state("c-2") == "waiting"
    for _ in range(60):
        before = b.last_seq()
        b.reconciler.step(b.site.committer, b.site.database, b.copy)
        b.site.settles()
        if b.last_seq() == before:
            break
    assert messages(b, "c-1") == messages(a, "c-1")
    assert len(messages(b, "c-1")) == 60_001
    b.sends()
    a.agrees()
    assert a.state("c-1") == "moved"
    assert max(len(row.data) for row in b.rows("adopted", "message_copied")) < ROW_MAX


@pytest.mark.parametrize("size", [BYTES_MAX + 1, 12 << 20])
def test_a_row_larger_than_a_batch_goes_alone(pair, size):
    """Whatever wrote it: what is behind it must not wait for ever."""
    a, b = pair
    a.site.say("session_moved", "t", agent_id="", from_site="", known=True, pad=_noise(size))
    a.site.say("session_moved", "u", agent_id="", from_site="", known=True)
    with b.copy.reading() as db:
        after_seq = db.row("SELECT last_seq FROM stream WHERE own = 1")[0]
    while True:
        with a.site.database.reading() as db:
            batch = read_batch(db, after_seq=after_seq)
        if not batch.rows:
            break
        assert batch.rows[0].seq == after_seq + 1
        with b.copy.writing() as db:
            after_seq = take_batch(db, unpack_batch(pack_batch(batch))).acked_through
    with a.site.database.reading() as db:
        assert db.row("SELECT last_seq FROM stream WHERE own = 1") == (after_seq,)


def test_a_fact_that_no_line_carries_is_refused_before_it_is_written(pair):
    """A mistake of ours costs one fact, named, and not the second copy of all that comes after it."""
    a, _ = pair
    before = a.last_seq()
    with pytest.raises(FactTooLarge, match="session_moved"):
        a.site.say("session_moved", "t", pad="x" * DATA_MAX)
    assert a.last_seq() == before
    assert PACKED_MAX > DATA_MAX + BYTES_MAX


def _noise(size: int) -> str:
    """Text that does not pack well, the same each time."""
    return "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(size // 64 + 1))
