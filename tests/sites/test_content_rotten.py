"""A disk that does not give one file any more keeps back that file, and nothing else.

Played on real SQLite files: one page of the file says that the next one is where none can be.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from router.journal.appends import put_content
from router.journal.connection import DatabaseDamaged
from router.journal.database import Database, open_database
from router.journal.hashed_content import DAMAGED
from router.journal.many_rows import readable_in
from router.journal.verify import verify
from router.records import fact
from router.sites.bringing import content_of, sizes_of
from router.sites.content_scrub import ContentScrub
from router.sites.copies import PIECE_BYTES, read_batch, read_piece, take_batch
from router.sites.recovering import CopyAtHand
from router.sites.repairing_content import repair_content
from tests.journal.conftest import committer, database
from tests.journal.writing import append
from tests.sites.test_content_checked import body_of, copy, faults, flip, says
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["committer", "copy", "database", "postgres_server", "postgres_url", "says"]

PAGE = 4096
GOOD, BAD = b"g" * 20_000, b"b" * 20_000


@pytest.fixture
def database_url(data_dir: Path) -> str:
    """Of an SQLite database: its pages can be reached."""
    return f"sqlite:///{data_dir}/muster.db"


def rot(database_url: str, byte: bytes) -> None:
    """The page within a body of these bytes names a following page that is not there."""
    path = Path(database_url.removeprefix("sqlite://"))
    raw = bytearray(path.read_bytes())
    for at in range(0, len(raw), PAGE):
        if raw[at + 4 : at + PAGE] == byte * (PAGE - 4) and any(raw[at : at + 4]):
            raw[at : at + 4] = b"\0\xff\xff\xff"
            path.write_bytes(raw)
            return
    raise AssertionError("no such page")


@pytest.fixture
def rotten(database: Database, says, database_url: str) -> Iterator[tuple[Database, str, str]]:
    """A site with two files, and the second is not given by the disk: (database, good id, bad id)."""
    good, bad = says(GOOD), says(BAD)
    with closing(database.connect()) as db:
        db.row("PRAGMA wal_checkpoint(TRUNCATE)")
    rot(database_url, b"b")
    with closing(open_database(database_url, unsafe=True)) as found:
        with found.reading() as db, pytest.raises(DatabaseDamaged):
            db.row("SELECT body FROM content WHERE content_id = :id", id=bad.content_id)
        yield found, good.content_id, bad.content_id


def test_a_file_that_the_disk_does_not_give_does_not_hold_up_the_second_copy(rotten, copy):
    """One bad sector must not leave everything behind it at one site only."""
    own, good, bad = rotten
    with own.reading() as db:
        batch = read_batch(db, after_seq=0)
    assert [each.hashed.content_id for each in batch.damaged] == [bad]
    with copy.writing() as db:
        assert take_batch(db, batch).acked_through == batch.head_seq
    assert (body_of(copy, good), body_of(copy, bad)) == (GOOD, b"")
    assert faults(copy) == [bad]


def test_nobody_is_kept_from_an_agent_because_the_copy_does_not_give_one_file(rotten):
    """The other site is dead, and a disk here fails: whoever waits there is taken over all the same."""
    own, good, bad = rotten
    with own.reading() as db:
        assert set(sizes_of(db, [good, bad])) == {good, bad}
        assert [each["content_id"] for each in content_of(db, [good, bad])] == [good]
        assert read_piece(db, bad, 0) is None


def test_the_scrub_and_verify_say_which_file_it_is_and_go_on(rotten):
    """Else nobody would hear of any other one behind it."""
    own, _, bad = rotten
    with own.reading() as db:
        looked, report = ContentScrub().step(db), verify(db)
    assert looked.ended
    assert [(each.hashed.content_id, each.what) for each in looked.faults] == [(bad, DAMAGED)]
    assert (report.contents.checked, report.contents.damaged) == (2, 1)
    assert not report.problem_count


def test_what_cannot_be_put_back_on_a_rotten_place_is_left_and_what_can_is_mended(rotten, copy):
    """The command names it, and goes on with the others."""
    own, good, bad = rotten
    with own.reading() as db:
        batch = read_batch(db, after_seq=0)
    with copy.writing() as db:
        take_batch(db, batch)
    flip(own, good)
    done = repair_content(own, CopyAtHand(copy))
    assert len(done.back) == 1
    assert good in done.back[0]
    assert len(done.left) == 1
    assert bad in done.left[0][0]
    assert body_of(own, good) == GOOD


def test_a_large_file_without_a_hash_is_not_waited_for(database, committer, database_url):
    """What was taken over before rows had hashes would go ahead in pieces, and its first one never comes."""
    with database.writing() as db:
        put_content(db, content_id="large", media_type="x", body=b"b" * (PIECE_BYTES + 1), at_ms=1)
    append(committer, fact("part_added", "m-1", number=1, part_kind="file", content_id="large"))
    with closing(database.connect()) as db:
        db.row("PRAGMA wal_checkpoint(TRUNCATE)")
    rot(database_url, b"b")
    with closing(open_database(database_url, unsafe=True)) as found, found.reading() as db:
        assert read_batch(db, after_seq=0).large == []


def test_what_is_rotten_is_left_out_on_postgresql_and_the_others_are_read(postgres_url):
    """PostgreSQL would end the whole transaction by it."""
    with closing(open_database(postgres_url, unsafe=True)) as large_one, large_one.writing() as db:
        db.run(
            """CREATE FUNCTION given(word text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
               IF word = 'bad' THEN RAISE EXCEPTION 'invalid page' USING ERRCODE = 'XX001'; END IF;
               RETURN word; END $$"""
        )
        words = "(VALUES ('one'), ('bad'), ('two')) AS words (word)"
        sql = f"SELECT given(word) FROM {words} WHERE word IN {{wanted}}"
        assert readable_in(db, sql, ["one", "bad", "two"]) == ([("one",), ("two",)], ["bad"])
        assert db.row("SELECT 1") == (1,)
