"""What is taken over from the other site proves itself here as it did there, and is mended from there."""

from hashlib import sha256

import pytest

from router.journal.appends import put_content
from router.journal.database import Database
from router.journal.hashed_content import hashed_by
from router.journal.verify import verify
from router.sites.copies import Batch, Piece, read_batch, read_piece
from router.sites.repairing_content import repair_content
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_history_there import texts


class Peer:
    """The other site over the line, for who has lost something: its copy, and what it has itself."""

    def __init__(self, half: Half) -> None:
        self._half = half

    def rows(self, after_seq: int) -> Batch:
        with self._half.copy.reading() as db:
            return read_batch(db, after_seq=after_seq)

    def piece(self, content_id: str, offset: int) -> Piece | None:
        return self._of(self._half.copy, content_id, offset)

    def original(self, content_id: str, offset: int) -> Piece | None:
        return self._of(self._half.site.database, content_id, offset)

    def _of(self, database: Database, content_id: str, offset: int) -> Piece | None:
        with database.reading() as db:
            return read_piece(db, content_id, offset)


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def words_of(half: Half) -> dict[str, bytes]:
    return {str(each): bytes(body) for each, body in half.all("SELECT content_id, body FROM content")}


def flip(database: Database, content_id: str) -> None:
    with database.writing() as db:
        assert db.run("UPDATE content SET body = :b WHERE content_id = :id", b=b"hemp", id=content_id)


def test_words_that_were_taken_over_have_the_hash_that_the_first_row_gave_them(pair):
    """The second site must not vouch for what it found in its copy: only the row of that day can."""
    a, b = pair
    texts(a, 1, "I fell")
    a.site.settles()
    a.sends()
    b.adopts()
    (arrived,) = hashed_by(a.rows("arrived")).values()
    (adopted,) = hashed_by(b.rows("adopted")).values()
    assert (adopted.content_id, adopted.content_hash) == (arrived.content_id, arrived.content_hash)
    with b.site.database.reading() as db:
        assert verify(db).contents.checked == 1


def test_words_that_were_damaged_before_they_were_taken_over_are_shown_and_known_to_be(pair):
    """Half of what somebody said is more than nothing, while nobody can ask the dead site."""
    a, b = pair
    texts(a, 1, "I fell")
    a.site.settles()
    a.sends()
    ((content_id, _),) = words_of(a).items()
    flip(b.copy, content_id)
    b.adopts()
    assert words_of(b) == {content_id: b"hemp"}
    with b.site.database.reading() as db:
        assert verify(db).contents.damaged == 1
    done = repair_content(b.site.database, Peer(a))
    assert (len(done.back), done.left) == (1, [])
    assert words_of(b) == words_of(a) == {content_id: b"I fell"}


def test_what_both_sites_said_by_themselves_under_one_id_is_damaged_at_neither(pair):
    """A notice to a message that came to both: an alarm that is false is one that nobody believes later."""
    a, b = pair
    texts(a, 1, "STOP")
    a.site.settles()
    ((ref,),) = a.all("SELECT interaction_id FROM interaction")
    for half in pair:
        with half.site.database.writing() as db:
            put_content(db, content_id="notice", media_type="text/plain", body=b"You are off", at_ms=1)
            (salt,) = db.row("SELECT salt FROM content WHERE content_id = 'notice'")
        said = {"content_id": "notice", "content_hash": sha256(bytes(salt) + b"You are off").hexdigest()}
        said |= {"message_id": "notice", "client_id": "", "direction": "system", "author_id": ""}
        if half is a:
            a.site.say("message_added", str(ref), **said, message_kind="text", reading="read")
    a.site.settles()
    a.sends()
    b.adopts()
    with b.site.database.reading() as db:
        report = verify(db)
    assert (report.contents.checked, report.contents.damaged, report.contents.unhashed) == (1, 0, 1)
    assert not report.problem_count


def test_words_that_one_site_took_over_and_spoiled_come_from_the_site_that_had_them_first(pair):
    """Also when the first site's copy of the second is spoiled as well: it has the original."""
    a, b = pair
    texts(a, 1, "I fell")
    a.site.settles()
    a.sends()
    b.adopts()
    b.sends()
    ((content_id, _),) = words_of(a).items()
    flip(b.site.database, content_id)
    flip(a.copy, content_id)
    assert len(repair_content(b.site.database, Peer(a)).back) == 1
    assert words_of(b) == words_of(a)
    flip(b.site.database, content_id)
    flip(a.site.database, content_id)
    assert len(repair_content(b.site.database, Peer(a)).left) == 1
