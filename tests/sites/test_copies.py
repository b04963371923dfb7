"""The second copy is the same, byte for byte, or what came is refused by name and nothing of it is kept.

Rows are real ones: whole lives of texts, with all content they name.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.lives import fill
from config.settings import Settings, read_settings
from router.journal import fold, stream
from router.journal.appends import put_content
from router.journal.committer import Committer
from router.journal.connection import DatabaseUnsafe
from router.journal.database import Database, open_database
from router.journal.stream import begin_incarnation, read_rows, row_hash
from router.journal.tables import CONTENT, JOURNALLED
from router.journal.verify import verify
from router.records import DECISION_KINDS, EVENT_KINDS, Fact, Row, fact
from router.sites.copies import (
    PIECE_BYTES,
    Batch,
    Refused,
    copy_url,
    open_copy,
    read_batch,
    read_piece,
    take_batch,
    take_piece,
)
from router.sites.named import EVERYTHING, NAMED, named_by
from router.sites.wire import pack_batch, unpack_batch
from tests.journal.conftest import postgres_server, postgres_url
from tests.journal.writing import append
from tests.sites.copying import copy_all

__all__ = ["postgres_server", "postgres_url"]

LIVES = 4
ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""Rules are checked before the database is asked; what it is asked is checked on both."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest, data_dir: Path) -> str:
    """DATABASE_URL of an empty database."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{data_dir}/muster.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def settings(database_url: str, data_dir: Path) -> Settings:
    """Of site a, on either database."""
    return read_settings({"MUSTER_DATA": str(data_dir), "DATABASE_URL": database_url, "MUSTER_UNSAFE": "1"})


@pytest.fixture
def own(settings: Settings) -> Iterator[Database]:
    """The database of site a, with some lives in it."""
    database = open_database(settings.database_url, unsafe=True)
    database.create_tables(site="a")
    committer = Committer(database)
    fill(committer, LIVES)
    committer.close()
    yield database
    database.close()


@pytest.fixture
def copy(settings: Settings) -> Iterator[Database]:
    """What site b keeps of a: beside a's own database here, as b's would be beside b's."""
    database = open_copy(settings, "a")
    yield database
    database.close()


def everything(own: Database, after_seq: int = 0) -> Batch:
    """One batch with all that follows, as it comes off the wire."""
    with own.reading() as db:
        return unpack_batch(pack_batch(read_batch(db, after_seq=after_seq)))


def take(copy: Database, batch: Batch) -> int:
    """How many rows were new."""
    with copy.writing() as db:
        return take_batch(db, batch).rows


def refusal(copy: Database, batch: Batch) -> tuple[str, int, int]:
    """(code, the row it is about, the row that is waited for); the copy is as it was before."""
    before = contents(copy)
    with pytest.raises(Refused) as refused:
        take(copy, batch)
    assert contents(copy) == before
    return refused.value.code, refused.value.at_seq, refused.value.expected


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that two sites have in common."""
    tables = ("journal", "stream", *JOURNALLED, *CONTENT)
    with database.reading() as db:
        return {name: sorted(map(_plain, db.rows(f"SELECT * FROM {name}")), key=repr) for name in tables}


def _plain(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def writing(own: Database, *facts: Fact) -> None:
    """Appended at a."""
    committer = Committer(own)
    append(committer, *facts)
    committer.close()


def changed(batch: Batch, at: int, **fields: object) -> Batch:
    """The batch with another row at this place."""
    rows = [*batch.rows]
    rows[at] = replace(rows[at], **fields)  # type: ignore[arg-type]
    return replace(batch, rows=rows)


@ON_BOTH
def test_the_copy_is_the_same_and_verifies(own: Database, copy: Database) -> None:
    """Whoever takes over finds everything: rows, tables, words, addresses, provider ids."""
    assert copy_all(own, copy) > 100
    assert contents(copy) == contents(own)
    with copy.reading() as db:
        assert verify(db).problem_count == 0


def test_small_batches_lead_to_the_same_copy(own: Database, copy: Database) -> None:
    """A slow line sends a few rows at a time, and may be cut after any of them."""
    at = 0
    while True:
        with own.reading() as db:
            batch = read_batch(db, after_seq=at, rows_max=7, bytes_max=900)
        if not batch.rows:
            break
        assert take(copy, batch) == len(batch.rows)
        at = batch.rows[-1].seq
    assert contents(copy) == contents(own)


@ON_BOTH
def test_what_came_before_is_accepted_as_a_repeat(own: Database, copy: Database) -> None:
    """An acknowledgement that was lost is asked for again."""
    batch = everything(own)
    assert take(copy, batch) == len(batch.rows)
    before = contents(copy)
    assert take(copy, batch) == 0
    writing(own, fact("viewed", "c-1", agent_id="ana", what="history"))
    assert take(copy, everything(own, after_seq=len(batch.rows) - 3)) == 1
    assert contents(copy) == contents(own) != before


def test_a_gap_is_refused_with_the_row_that_is_waited_for(own: Database, copy: Database) -> None:
    """Contiguous, or an acknowledgement would say too much."""
    batch = everything(own)
    assert refusal(copy, replace(batch, rows=batch.rows[4:])) == ("gap", 5, 1)
    assert take(copy, replace(batch, rows=batch.rows[:10])) == 10
    assert refusal(copy, replace(batch, rows=batch.rows[12:])) == ("gap", 13, 11)
    assert refusal(copy, replace(batch, rows=[*batch.rows[10:20], *batch.rows[21:]])) == ("gap", 22, 11)


def test_swapped_rows_are_refused(own: Database, copy: Database) -> None:
    """As a disk might write them."""
    batch = everything(own)
    rows = [*batch.rows]
    rows[5], rows[6] = rows[6], rows[5]
    assert refusal(copy, replace(batch, rows=rows))[0] == "gap"
    at_each_others_place = changed(changed(batch, 5, seq=7), 6, seq=6)
    rows = [*at_each_others_place.rows]
    rows[5], rows[6] = rows[6], rows[5]
    assert refusal(copy, replace(batch, rows=rows)) == ("hash", 6, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"data": '{"x":1}'},
        {"ref": "somebody else"},
        {"kind": "viewed"},
        {"at_ms": 1_999_000_000_000},
        {"hash": bytes(32)},
        {"incarnation": "another"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_is_refused_wherever_it_is(
    own: Database, copy: Database, change: dict[str, object]
) -> None:
    """One flipped bit, or one forged field: the chain of hashes goes through every field."""
    batch = everything(own)
    for at in (0, 9, len(batch.rows) - 1):
        code, at_seq, expected = refusal(copy, changed(batch, at, **change))
        assert (code, expected) == ("hash", 1)
        assert at_seq == at + 1


def test_rows_of_another_site_are_refused(own: Database, copy: Database) -> None:
    """Two folders that were confused must not become one site."""
    batch = everything(own)
    assert refusal(copy, replace(batch, site="b"))[0] == "site"
    assert refusal(copy, changed(batch, 3, site="b"))[0] == "site"


@ON_BOTH
def test_another_row_under_a_known_number_is_a_divergence(own: Database, copy: Database) -> None:
    """The site was restored from an older state and went on: both versions must not be mixed."""
    batch = everything(own)
    take(copy, batch)
    last = batch.rows[-1]
    forged = rechained(batch.rows[:-1], replace(last, data='{"other":1}'))
    assert refusal(copy, replace(batch, rows=forged)) == ("divergence", last.seq, last.seq + 1)


def test_a_site_that_has_less_than_its_copy_is_refused(own: Database, copy: Database) -> None:
    """An old backup that was simply started: what it appends now would be lost again, or overwrite."""
    batch = everything(own)
    take(copy, batch)
    older = replace(batch, rows=[], head_seq=batch.head_seq - 1)
    assert refusal(copy, older)[0] == "behind"


def rechained(before: list[Row], row: Row) -> list[Row]:
    """A last row with another content whose hash is right: forged by somebody who can count."""
    return [*before, replace(row, hash=row_hash(before[-1].hash, row))]


def test_a_row_of_a_life_that_never_began_is_refused(own: Database, copy: Database) -> None:
    """An incarnation begins by `stream_begun` and in no other way; an older one does not come back."""
    batch = everything(own)
    other = rechained(batch.rows[:-1], replace(batch.rows[-1], incarnation="another"))
    assert refusal(copy, replace(batch, rows=other))[0] == "incarnation"
    take(copy, batch)
    with own.writing() as db:
        begin_incarnation(db, "recovered", 0)
    take(copy, everything(own, after_seq=batch.head_seq))
    old_life = replace(batch.rows[-1], seq=batch.head_seq + 2, at_ms=1_999_000_000_000)
    with own.reading() as db:
        (begun,) = read_rows(db, after_seq=batch.head_seq)
    late = replace(everything(own), rows=rechained([begun], old_life)[1:], head_seq=batch.head_seq + 2)
    assert refusal(copy, late)[0] == "incarnation"


@ON_BOTH
def test_a_new_life_goes_on_where_the_old_one_ended(own: Database, copy: Database) -> None:
    """After `muster recover` the copy follows, in one batch or in two, and still verifies."""
    first = everything(own)
    with own.writing() as db:
        begin_incarnation(db, "recovered", 0)
    writing(own, fact("viewed", "c-1", agent_id="ana", what="history"))
    take(copy, replace(first, rows=first.rows[:5]))
    assert take(copy, everything(own, after_seq=5)) == len(first.rows) - 5 + 2
    assert contents(copy) == contents(own)
    with copy.reading() as db:
        assert verify(db).problem_count == 0


def test_time_that_goes_back_is_refused(own: Database, copy: Database) -> None:
    """at_ms never goes back in a stream: who sends that is not its committer."""
    batch = everything(own)
    rows = rechained(batch.rows[:-1], replace(batch.rows[-1], at_ms=1))
    assert refusal(copy, replace(batch, rows=rows))[0] == "time"


def test_a_row_that_this_site_cannot_read_is_refused_whole(own: Database, copy: Database) -> None:
    """The other site may run a newer release: nothing of it is half understood."""
    batch = everything(own)
    rows = rechained(batch.rows[:-1], replace(batch.rows[-1], kind="kind_of_next_year"))
    assert refusal(copy, replace(batch, rows=rows))[0] == "fold"


@ON_BOTH
def test_large_content_goes_ahead_in_pieces(own: Database, copy: Database) -> None:
    """A mail of 50 MB must neither be refused for its size nor hold a batch of that size in memory."""
    body = os.urandom(2 * PIECE_BYTES + 17)
    with own.writing() as db:
        put_content(db, content_id="big", media_type="video/mp4", body=body, at_ms=1, file_name="v.mp4")
    writing(own, fact("part_added", "m-1", number=1, part_kind="file", content_id="big", content_hash="h"))
    batch = everything(own)
    assert batch.large == ["big"]
    assert "big" not in {each["content_id"] for each in batch.content}
    assert len(pack_batch(batch)) < PIECE_BYTES
    assert refusal(copy, batch)[0] == "content"
    offsets = send_pieces(own, copy, "big")
    assert offsets == [PIECE_BYTES, 2 * PIECE_BYTES, len(body)]
    take(copy, batch)
    assert contents(copy) == contents(own)


def send_pieces(own: Database, copy: Database, content_id: str) -> list[int]:
    """What the other site says it has, after each piece."""
    found = [0]
    while True:
        with own.reading() as db:
            piece = read_piece(db, content_id, found[-1])
        assert piece is not None
        with copy.writing() as db:
            found.append(take_piece(db, piece))
        if found[-1] >= piece.size:
            return found[1:]


def test_a_piece_that_does_not_follow_changes_nothing(own: Database, copy: Database) -> None:
    """The line was cut, and both begin again at different places."""
    with own.writing() as db:
        put_content(db, content_id="big", media_type="t", body=bytes(3 * PIECE_BYTES), at_ms=1)
    with own.reading() as db:
        first, second, third = (read_piece(db, "big", n * PIECE_BYTES) for n in range(3))
    assert first and second and third
    with copy.writing() as db:
        assert [take_piece(db, each) for each in (second, first, first, third, second)] == [
            0,
            PIECE_BYTES,
            PIECE_BYTES,
            PIECE_BYTES,
            2 * PIECE_BYTES,
        ]
        assert db.row("SELECT 1 FROM content WHERE content_id = 'big'") is None
        assert take_piece(db, third) == 3 * PIECE_BYTES
        assert take_piece(db, first) == 3 * PIECE_BYTES


@ON_BOTH
def test_a_credential_follows_the_newest_and_all_other_content_stays(own: Database, copy: Database) -> None:
    """Passwords change; words that were said do not."""
    put_credential(own, "first")
    take(copy, everything(own))
    put_credential(own, "second")
    with own.writing() as db:
        db.run("UPDATE content SET body = :other", other=b"rewritten")
    batch = everything(own)
    after = batch.head_seq - 1
    take(copy, everything(own, after_seq=after - 30))
    with copy.reading() as db:
        assert db.rows("SELECT password_hash FROM credential") == [("second",)]
        assert db.row("SELECT count(*) FROM content WHERE body = :other", other=b"rewritten") == (0,)


def put_credential(own: Database, password_hash: str) -> None:
    with own.writing() as db:
        db.run("DELETE FROM credential")
        db.run("INSERT INTO credential VALUES ('ana', :hash, 0)", hash=password_hash)
    about = {"name": "Ana", "role": "agent", "active": True, "credential_digest": password_hash}
    writing(own, fact("person_changed", "ana", **about, by="", password=True))


def test_one_row_that_names_more_than_a_batch_holds_still_goes(own: Database, copy: Database) -> None:
    """Otherwise it would be tried for ever."""
    ids = [f"words-{n}" for n in range(8)]
    with own.writing() as db:
        for each in ids:
            put_content(db, content_id=each, media_type="t", body=os.urandom(40_000), at_ms=1)
    before = everything(own).head_seq
    writing(own, fact("alarm_seen", "x", agent_id="ana"))
    with own.reading() as db:
        (row,) = read_rows(db, after_seq=before)
        batch = read_batch(db, after_seq=before, bytes_max=10)
    assert [each.seq for each in batch.rows] == [row.seq]


def test_no_kind_is_forgotten() -> None:
    """A new kind of row must say what content it names, or its words would be at one site only."""
    kinds = set(fold.FOLDS) | set(fold.UNFOLDED) | set(EVENT_KINDS) | set(DECISION_KINDS)
    assert kinds - set(NAMED) == set()


def test_a_kind_that_was_forgotten_all_the_same_loses_nothing() -> None:
    """Everything that looks like content is taken along then."""
    data = '{"a":[{"content_id":"c"}],"address_hash":"h","outbox_id":"o","n":{"name_content_id":"n"}}'
    row = Row(site="a", incarnation="i", seq=1, at_ms=1, kind="new", ref="r", data=data, hash=b"")
    named = named_by([row])
    assert (set(named.content), set(named.addresses)) == ({"c", "n"}, {"h"})
    assert set(named.sendings) == {"o", "r"} and set(named.credentials) == {"r"}
    assert EVERYTHING.deep


def test_what_is_said_to_name_content_is_looked_for_under_its_name(own: Database) -> None:
    """Every content id in the data of a real row is found by what NAMED says of its kind."""
    with own.reading() as db:
        rows = read_rows(db, after_seq=0, limit=2_000)
    blind = [replace(row, kind="new") for row in rows]
    found, all_there_is = named_by(rows), named_by(blind)
    assert set(found.content) == set(all_there_is.content) != set()
    assert set(found.addresses) == set(all_there_is.addresses) != set()


@ON_BOTH
def test_the_copy_of_another_site_is_not_opened_by_mistake(settings: Settings, copy: Database) -> None:
    """A folder that was moved to the other machine holds a copy of itself."""
    assert copy_url(settings.database_url, unsafe=True) != settings.database_url
    with pytest.raises(DatabaseUnsafe, match="is of site 'a', not of 'b'"):
        open_copy(settings, "b")
    again = open_copy(settings)
    with again.reading() as db:
        assert stream.read_head(db).site == "a"
    again.close()
