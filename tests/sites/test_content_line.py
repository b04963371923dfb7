"""Damaged content between two sites at work: the real sender, a real connection, the real door."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from router.journal import stream
from router.journal.clock import wall_ms
from router.journal.database import Database
from router.journal.hashed_content import Finding, hashed_by
from router.sites import copies, mending
from router.sites.content_faults import note, noted
from router.sites.copies import PIECE_BYTES, read_batch
from router.sites.copy_keeper import UNFIT_TRIES
from router.sites.peer_client import PeerClient
from router.sites.sender import ROWS, Sender
from router.sites.wire import pack_batch
from tests.sites.test_line import Other, other, own, until

__all__ = ["other", "own"]

pytestmark = pytest.mark.system


@pytest.fixture
def send(
    own: Database, other: Other, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[Finding]]]:
    """Starts the sender; what it finds damaged here."""
    monkeypatch.setattr(mending, "MEND_S", 0.05)
    found: list[Finding] = []
    at_work: list[tuple[Sender, threading.Thread]] = []

    def damaged(each: Sequence[Finding]) -> None:
        found.extend(each)

    def begin() -> list[Finding]:
        client = PeerClient(other.access(), clock_ms=wall_ms)
        sending = Sender(own, client, acked=lambda seq: None, damaged=damaged)
        thread = threading.Thread(target=sending.run, daemon=True)
        at_work.append((sending, thread))
        thread.start()
        return found

    yield begin
    for sending, thread in at_work:
        sending.stop()
        thread.join(30)


def bodies(database: Database) -> dict[str, bytes]:
    with database.reading() as db:
        return {str(each): bytes(body) for each, body in db.rows("SELECT content_id, body FROM content")}


def put(database: Database, content_id: str, body: bytes) -> None:
    with database.writing() as db:
        assert db.run("UPDATE content SET body = :b WHERE content_id = :id", b=body, id=content_id)


def faults(database: Database) -> list[str]:
    with database.reading() as db:
        return [each.content_id for each in noted(db)]


def last(own: Database) -> int:
    with own.reading() as db:
        return stream.last_seq(db)


def test_rotten_content_stays_behind_its_rows_and_follows_once_it_is_mended(own, other, send):
    """One bad sector must neither stop the second copy nor be copied; and nobody has to think of it after."""
    before = bodies(own)
    rotten = sorted(before)[0]
    put(own, rotten, b"X" + before[rotten][1:])
    found = send()
    until(lambda: other.seq() == last(own))
    assert {each.hashed.content_id for each in found} == {rotten}
    assert faults(other.copy) == [rotten]
    assert bodies(other.copy) == {each: body for each, body in before.items() if each != rotten}
    put(own, rotten, before[rotten])
    until(lambda: bodies(other.copy) == before)
    assert faults(other.copy) == []


def test_what_the_copy_has_spoiled_comes_again_by_itself(own, other, send):
    """A copy is there for the day on which its original is gone: what is wrong in it is mended before."""
    send()
    until(lambda: other.seq() == last(own))
    before = bodies(own)
    one, gone = sorted(before)[:2]
    put(other.copy, one, bytes(PIECE_BYTES + 1))
    with other.copy.writing() as db:
        db.run("DELETE FROM content WHERE content_id = :id", id=gone)
    with own.reading() as db:
        hashed = hashed_by(read_batch(db, after_seq=0).rows)
    with other.copy.writing() as db:
        note(db, [Finding(hashed=hashed[each], what="damaged") for each in (one, gone)])
    until(lambda: bodies(other.copy) == before)
    assert faults(other.copy) == []


def test_what_is_said_meanwhile_does_not_wait_until_a_copy_that_lacks_much_is_whole(own, other, monkeypatch):
    """A contact is acknowledged when the other site has it: gigabytes of old files must not come first."""
    monkeypatch.setattr(copies, "PIECE_BYTES", 5)
    with own.reading() as db:
        hashed = hashed_by(read_batch(db, after_seq=0).rows)
    before = bodies(own)
    longest = max(hashed, key=lambda each: len(before[each]))
    with other.copy.writing() as db:
        note(db, [Finding(hashed=hashed[longest], what="absent")])
    client = PeerClient(other.access(), clock_ms=wall_ms)
    mends = mending.Mending(own, client)
    steps = 1
    while mends.step():
        steps += 1
        assert bodies(other.copy)[f"{longest}#part"] == before[longest][: 5 * (steps - 1)]
    client.close()
    assert steps == -(-len(before[longest]) // 5) > 2
    assert bodies(other.copy) == {longest: before[longest]}
    assert faults(other.copy) == []


def test_a_site_that_sends_rotten_content_for_ever_is_refused_and_then_taken_without_it(own, other):
    """As one of an older release does, which does not look at what it sends."""
    with own.reading() as db:
        batch = read_batch(db, after_seq=0)
    rotten = str(batch.content[0]["content_id"])
    spoiled = [{**each, "body": b"X"} if each is batch.content[0] else each for each in batch.content]
    body = pack_batch(replace(batch, content=spoiled))
    client = PeerClient(other.access(), clock_ms=wall_ms)
    for _ in range(UNFIT_TRIES):
        answer = client.ask("POST", ROWS, body)
        assert (answer.status, answer.json()["code"]) == (409, "content_hash")
        assert rotten in answer.json()["text"]
        assert other.seq() == 0
    assert client.ask("POST", ROWS, body).status == 200
    client.close()
    assert faults(other.copy) == [rotten]
    assert rotten not in bodies(other.copy)
