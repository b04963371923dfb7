"""Words and files are what the journal says, in the copy as at home, or are named; none holds up another.

Real contacts; a broken disk, a line that flips bits and a lost row of `content` are played on the tables.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agents_ui.cli import main
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.hashed_content import ABSENT, DAMAGED, hashed_by
from router.journal.verify import verify
from router.records import fact
from router.sites import content_scrub
from router.sites.content_faults import noted
from router.sites.content_scrub import ALARMS, ContentScrub, ContentScrubbing
from router.sites.copies import (
    PIECE_BYTES,
    Batch,
    Refused,
    forget_unfit,
    read_batch,
    read_piece,
    take_batch,
    take_piece,
)
from router.sites.recovering import CopyAtHand, recover
from router.sites.repairing_content import ITS_OWN_IS_DAMAGED, repair_content
from router.sites.status import CONTENT, status_of
from router.sites.wire import pack_batch, pack_wanted, unpack_batch, unpack_wanted
from tests.journal.conftest import committer, database
from tests.journal.writing import append
from tests.sites.copying import copy_all
from tests.sites.test_recovering import beside
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["committer", "database", "postgres_server", "postgres_url"]

ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""Rules are checked before the database is asked; what it is asked is checked on both."""

LARGE = bytes(range(256)) * (PIECE_BYTES // 256) + b"the end"


@dataclass(frozen=True)
class Said:
    """A contact that was kept: its content, and the row that names it."""

    content_id: str
    seq: int


@pytest.fixture
def database_url(request: pytest.FixtureRequest, data_dir: Path) -> str:
    """DATABASE_URL of an empty database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{data_dir}/muster.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def copy(database: Database, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The other site's copy."""
    with closing(beside(database, request, "peer")) as found:
        found.create_tables(site="north")
        yield found


@pytest.fixture
def says(committer: Committer):
    """Somebody says something; what is kept of it."""

    def keep(body: bytes = b"help") -> Said:
        contact = Contact(
            channel="chat",
            account="web",
            provider_id=os.urandom(8).hex(),
            body=body,
            media_type="text/plain",
            received_at_ms=1,
            address_kind="phone",
            address=f"+1555{int.from_bytes(os.urandom(4), 'big')}",
            verified=True,
        )
        rows = committer.submit(KeepContact(contact)).result()
        ((content_id, hashed),) = hashed_by(rows).items()
        return Said(content_id=content_id, seq=hashed.seq)

    return keep


def flip(database: Database, content_id: str, body: bytes = b"hemp") -> None:
    """As a disk does it: nobody is told."""
    run(database, "UPDATE content SET body = :body WHERE content_id = :id", body=body, id=content_id)


def lose(database: Database, content_id: str) -> None:
    run(database, "DELETE FROM content WHERE content_id = :id", id=content_id)


def run(database: Database, sql: str, **values: str | int | bytes) -> None:
    with database.writing() as db:
        assert db.run(sql, **values)


def swap(database: Database, one: str, other: str) -> None:
    """Each has the words of the other."""
    words = [body_of(database, each) for each in (other, one)]
    for content_id, body in zip((one, other), words, strict=True):
        flip(database, content_id, body)


def body_of(database: Database, content_id: str) -> bytes:
    with database.reading() as db:
        row = db.row("SELECT body FROM content WHERE content_id = :id", id=content_id)
    return b"" if row is None else bytes(row[0])


def coming(own: Database, after_seq: int = 0) -> Batch:
    """What is sent, as it comes off the wire."""
    with own.reading() as db:
        return unpack_batch(pack_batch(read_batch(db, after_seq=after_seq)))


def changed(batch: Batch, bodies: dict[str, bytes]) -> Batch:
    """The same with other bytes of content."""
    content = [{**each, "body": bodies.get(str(each["content_id"]), each["body"])} for each in batch.content]
    return replace(batch, content=content)


def take(copy: Database, batch: Batch, without: tuple[str, ...] = ()) -> int:
    with copy.writing() as db:
        return take_batch(db, batch, without=without).acked_through


def refusal(copy: Database, batch: Batch) -> tuple[str, str, int]:
    """(code, content, row): and nothing of the batch is kept."""
    with pytest.raises(Refused) as refused, copy.writing() as db:
        take_batch(db, batch)
    with copy.reading() as db:
        assert db.row("SELECT count(*) FROM journal") == (0,)
        assert not db.rows("SELECT 1 FROM content_fault")
    return refused.value.code, refused.value.detail, refused.value.at_seq


def faults(database: Database) -> list[str]:
    with database.reading() as db:
        return [each.content_id for each in noted(db)]


@ON_BOTH
def test_words_that_came_with_another_byte_are_refused_by_name_and_taken_when_they_come_well(
    database, copy, says
):
    """Who is acknowledged must be kept as said: a flipped digit of an address sends help to another house."""
    first, second = says(b"house 14"), says(b"house 15")
    batch = coming(database)
    spoiled = changed(batch, {second.content_id: b"house 75"})
    assert refusal(copy, spoiled) == ("content_hash", second.content_id, second.seq)
    swapped = changed(batch, {first.content_id: b"house 15", second.content_id: b"house 14"})
    assert refusal(copy, swapped) == ("content_hash", first.content_id, first.seq)
    assert take(copy, batch) == batch.head_seq
    assert body_of(copy, second.content_id) == b"house 15"


def test_an_address_that_came_with_another_digit_is_refused(database, copy, says):
    """The address is what the call-back goes to."""
    says()
    batch = coming(database)
    wrong = [{**each, "address": "+15550000"} for each in batch.addresses]
    code, known_by, _ = refusal(copy, replace(batch, addresses=wrong))
    assert (code, known_by) == ("content_hash", batch.addresses[0]["address_hash"])


def test_what_comes_wrong_for_ever_does_not_hold_up_what_is_behind_it(database, copy, says):
    """A site of an older release sends what its disk has: rows are taken, what is missing is noted."""
    rotten, behind = says(b"rotten"), says(b"behind it")
    batch = changed(coming(database), {rotten.content_id: b"gotten"})
    assert take(copy, batch, without=(rotten.content_id,)) == batch.head_seq
    assert (body_of(copy, rotten.content_id), body_of(copy, behind.content_id)) == (b"", b"behind it")
    assert faults(copy) == [rotten.content_id]


def test_what_is_rotten_at_its_own_site_is_not_sent_and_its_row_is(database, copy, says):
    """A disk that fails must not end the second copy."""
    rotten, lost, behind = says(b"rotten"), says(b"lost"), says(b"behind it")
    flip(database, rotten.content_id)
    lose(database, lost.content_id)
    with database.reading() as db:
        batch = read_batch(db, after_seq=0)
    assert [each.text for each in batch.damaged] == [
        f"content {rotten.content_id} of row {rotten.seq} is not what was written"
    ]
    take(copy, batch)
    assert body_of(copy, rotten.content_id) == b""
    assert body_of(copy, behind.content_id) == b"behind it"
    assert faults(copy) == sorted([rotten.content_id, lost.content_id])


def test_a_good_one_here_is_never_given_up_for_a_rotten_one_that_comes(database, committer, copy, says):
    """Rows that name the same words again (a conversation that comes back) bring them again."""
    said = says(b"as it was")
    copy_all(database, copy)
    again = {"content_id": said.content_id, "content_hash": hashed_of(database, said)}
    append(committer, fact("part_added", "m-1", number=1, part_kind="file", **again))
    batch = coming(database, said.seq)
    take(copy, changed(batch, {said.content_id: b"as it is not"}))
    assert body_of(copy, said.content_id) == b"as it was"
    assert faults(copy) == []


@ON_BOTH
def test_a_rotten_one_here_goes_when_the_good_one_comes_again(database, committer, copy, says):
    """The other way round."""
    said = says(b"as it was")
    copy_all(database, copy)
    flip(copy, said.content_id)
    again = {"content_id": said.content_id, "content_hash": hashed_of(database, said)}
    append(committer, fact("part_added", "m-1", number=1, part_kind="file", **again))
    take(copy, coming(database, said.seq))
    assert body_of(copy, said.content_id) == b"as it was"


def hashed_of(database: Database, said: Said) -> str:
    with database.reading() as db:
        rows = read_batch(db, after_seq=0).rows
    return hashed_by(rows)[said.content_id].content_hash


@ON_BOTH
def test_a_file_of_which_a_piece_was_flipped_is_refused_and_comes_again(database, copy, says):
    """What was put together is checked as a whole, before its row is acknowledged."""
    said = says(LARGE)
    batch = coming(database)
    assert batch.large == [said.content_id]
    send_pieces(database, copy, said, flipped=True)
    assert refusal(copy, batch) == ("content_hash", said.content_id, said.seq)
    with copy.writing() as db:
        forget_unfit(db, batch, said.content_id)
    send_pieces(database, copy, said)
    take(copy, batch)
    assert body_of(copy, said.content_id) == LARGE


def test_a_file_that_is_rotten_at_its_own_site_is_left_out_whatever_its_size(database, copy, says):
    """Otherwise its pieces would go for nothing again and again."""
    said = says(LARGE)
    flip(database, said.content_id, LARGE[:-1] + b"X")
    with database.reading() as db:
        batch = read_batch(db, after_seq=0)
    assert (batch.large, [each.what for each in batch.damaged]) == ([], [DAMAGED])
    take(copy, batch)
    assert faults(copy) == [said.content_id]


def send_pieces(own: Database, copy: Database, said: Said, *, flipped: bool = False) -> int:
    """How many bytes are there in the end."""
    there = 0
    while there < len(LARGE):
        with own.reading() as db:
            piece = read_piece(db, said.content_id, there)
        assert piece is not None
        if flipped and there:
            piece.body = piece.body[:-1] + b"X"
        with copy.writing() as db:
            there = take_piece(db, piece)
        if there == 0:
            return 0
    return there


@ON_BOTH
def test_what_the_copy_has_spoiled_or_lost_is_found_named_and_brought_again(database, committer, copy, says):
    """The scrub notes it, the sender asks for the list; a bad one is never taken for it."""
    flipped, lost, well = says(b"flipped"), says(b"lost"), says(b"well")
    large = says(LARGE)
    copy_all(database, copy)
    flip(copy, flipped.content_id)
    lose(copy, lost.content_id)
    flip(copy, large.content_id, LARGE[1:])
    scrubbing = ContentScrubbing(database, copy, committer)
    assert scrubbing.turn()
    assert scrubbing.turn()
    wanted = sorted([flipped.content_id, lost.content_id, large.content_id])
    assert faults(copy) == wanted
    assert alarms(database) == [(ALARMS["copy"], "content")]
    with copy.reading() as db:
        assert [each.content_id for each in unpack_wanted(pack_wanted(noted(db)))] == wanted
    assert send_pieces(database, copy, large, flipped=True) == 0
    assert large.content_id in faults(copy)
    for each in (flipped, lost, large):
        send_pieces(database, copy, each) if each is large else send_one(database, copy, each)
    assert faults(copy) == []
    assert same_content(database, copy)
    with database.reading() as db:
        said = status_of(db, CONTENT).data["copy"]
    assert (said["damaged"], said["absent"]) == (2, 1)
    assert body_of(copy, well.content_id) == b"well"


def send_one(own: Database, copy: Database, said: Said) -> None:
    with own.reading() as db:
        piece = read_piece(db, said.content_id, 0)
    assert piece is not None
    with copy.writing() as db:
        assert take_piece(db, piece) == piece.size


def alarms(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as db:
        return db.rows("SELECT code, ref FROM alarm ORDER BY alarm_id")


def same_content(own: Database, copy: Database) -> bool:
    found = []
    for each in (own, copy):
        with each.reading() as db:
            rows = db.rows("SELECT content_id, media_type, salt, body FROM content ORDER BY content_id")
        found.append([tuple(map(_plain, row)) for row in rows])
    return found[0] == found[1]


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


@ON_BOTH
def test_the_scrub_finds_what_is_damaged_and_says_again_when_it_is_well(database, says, monkeypatch):
    """A bit that fell over is found before somebody needs the file; a few rows and bytes at a time."""
    monkeypatch.setattr(content_scrub, "PAGE", 3)
    monkeypatch.setattr(content_scrub, "STEP_BYTES", 10)
    sound, damaged = [says(b"12345678") for _ in range(4)], says(b"what was said")
    flip(database, damaged.content_id)
    scrub = ContentScrub()
    texts = scrub_round(database, scrub)
    assert texts == [f"content {damaged.content_id} of row {damaged.seq} is not what was written"]
    said = scrub.said()
    assert (said["checked"], said["damaged"], said["absent"]) == (len(sound) + 1, 1, 0)
    flip(database, damaged.content_id, b"what was said")
    assert scrub_round(database, scrub) == []
    assert scrub.said()["fault"] == ""


def scrub_round(database: Database, scrub: ContentScrub) -> list[str]:
    texts = []
    while True:
        with database.reading() as db:
            step = scrub.step(db)
        texts += [each.text for each in step.faults]
        if step.ended:
            scrub.begin_again()
            return texts


SPOILED = {
    "flipped": lambda db, one, other: flip(db, one),
    "torn": lambda db, one, other: flip(db, one, b"he"),
    "emptied": lambda db, one, other: flip(db, one, b""),
    "salt flipped": lambda db, one, other: run(
        db, "UPDATE content SET salt = :s WHERE content_id = :id", s=bytes(16), id=one
    ),
    "of another type": lambda db, one, other: run(
        db,
        "UPDATE content SET body = CAST('help' AS {}) WHERE content_id = :id".format(
            "TEXT" if db.dialect == "sqlite" else "BYTEA"
        ),
        id=one,
    ),
    "lost": lambda db, one, other: lose(db, one),
    "swapped": swap,
}


@ON_BOTH
def test_damaged_and_lost_content_is_put_back_from_the_other_sites_copy(database, copy, says):
    """The journal proves it, so nobody has to believe the other site; afterwards all is as it was."""
    one, other, large = says(b"help"), says(b"house 14"), says(LARGE)
    copy_all(database, copy)
    for spoil in SPOILED.values():
        spoil(database, one.content_id, other.content_id)
        done = repair_content(database, CopyAtHand(copy))
        assert (done.left, done.absent) == ([], 0)
        assert same_content(database, copy)
    flip(database, large.content_id, LARGE[:-2])
    assert len(repair_content(database, CopyAtHand(copy)).back) == 1
    assert same_content(database, copy)
    done = repair_content(database, CopyAtHand(copy))
    assert (done.back, done.left, done.checked) == ([], [], 3)


def test_a_site_is_made_again_without_what_is_rotten_at_the_other_one(database, copy, says, tmp_path):
    """Everything else comes back, and what is missing is noted; also from a release that does not look."""
    rotten, well = says(b"rotten"), says(b"well")
    copy_all(database, copy)

    class OfBefore(CopyAtHand):
        def rows(self, after_seq: int) -> Batch:
            return changed(super().rows(after_seq), {rotten.content_id: b"gotten"})

    with closing(open_database(f"sqlite:///{tmp_path}/again.db", unsafe=True)) as again:
        recover(again, OfBefore(copy), site="north", now_ms=1, say=lambda seq, of: None)
        assert (body_of(again, well.content_id), body_of(again, rotten.content_id)) == (b"well", b"")
        assert faults(again) == [rotten.content_id]


def test_what_is_damaged_at_both_sites_is_left_and_named(database, copy, says):
    """It is not what was written, and nothing that is not may take its place."""
    said, gone = says(b"help"), says(b"gone")
    copy_all(database, copy)
    flip(database, said.content_id, b"hemp")
    flip(copy, said.content_id, b"heap")
    lose(database, gone.content_id)
    lose(copy, gone.content_id)
    done = repair_content(database, CopyAtHand(copy))
    text = f"content {said.content_id} of row {said.seq} is not what was written"
    assert (done.left, done.absent) == ([(text, ITS_OWN_IS_DAMAGED)], 1)
    assert body_of(database, said.content_id) == b"hemp"


@ON_BOTH
def test_verify_names_damaged_content_and_counts_what_cannot_be_checked(database, committer, says):
    """What was erased is no damage; what has no hash was not checked, and nobody shall think that it was."""
    damaged, gone = says(b"help"), says(b"gone")
    says(b"well")
    append(committer, fact("part_added", "m-1", number=1, part_kind="lost", content_id="a", content_hash=""))
    flip(database, damaged.content_id)
    lose(database, gone.content_id)
    with database.reading() as db:
        report = verify(db)
    found = report.contents
    assert found.texts == [f"content {damaged.content_id} of row {damaged.seq} is not what was written"]
    assert report.problems == []
    assert (found.checked, found.damaged, found.absent, found.unhashed) == (2, 1, 1, 1)


def test_the_address_of_a_file_that_has_come_is_not_missed(database, committer, copy):
    """Reading wants a file by its address; with the file the address goes."""
    about = {"number": 0, "part_kind": "wanted", "content_id": "address", "content_hash": "0" * 64}
    append(committer, fact("part_added", "m-1", **about))
    copy_all(database, copy)
    assert faults(copy) == []
    with copy.reading() as db:
        step = ContentScrub().step(db)
    assert step.faults == ()


def test_only_content_of_the_noted_hash_is_what_was_wanted(database, copy, says):
    """Absent content stays noted as what it is, by its row."""
    said = says(b"help")
    lose(database, said.content_id)
    copy_all(database, copy)
    with copy.reading() as db:
        assert db.rows("SELECT content_id, seq, what FROM content_fault") == [
            (said.content_id, said.seq, ABSENT)
        ]


def test_the_command_mends_content_and_says_what_it_did(
    tmp_path, database_url, monkeypatch, capsys, says, database
):
    """One command for rows and content: who types it at night need not know the difference."""
    said = says(b"help")
    with closing(open_database(f"sqlite:///{tmp_path}/peer.db", unsafe=True)) as copy:
        copy.create_tables(site="north")
        copy_all(database, copy)
    flip(database, said.content_id)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MUSTER_UNSAFE", "1")
    repair = ["journal", "repair", "--from-copy", f"{tmp_path}/peer.db"]
    assert main(repair) == 0
    assert f"put back: content {said.content_id} of row {said.seq} is not what" in capsys.readouterr().out
    assert main([*repair, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)["content"]
    assert (content["checked"], content["back"], content["left"]) == (1, [], [])
    assert body_of(database, said.content_id) == b"help"
