"""A stream goes on through the lives of its database: numbers go on, and so does the chain of hashes."""

import pytest

from router.journal import stream
from router.journal.connection import Connection
from router.records import canonical
from tests.journal.writing import Arrival, all_rows, append, arrived, checked

NOW_MS = 1_795_000_000_000


def begin(database, why="restored"):
    """Another incarnation, as `muster restore` and `muster recover` begin it."""
    with database.writing() as db:
        return stream.begin_incarnation(db, why, NOW_MS)


@pytest.fixture
def lives(database, committer):
    """Three contacts, another incarnation, three more."""
    for number in range(3):
        committer.submit(Arrival(number)).result(20)
    begin(database)
    for number in range(3, 6):
        committer.submit(Arrival(number)).result(20)
    return database


def test_numbers_and_hashes_go_on_in_the_next_incarnation(lives):
    """A number never means two rows, so every reader's position stays right."""
    rows = all_rows(lives)
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert len({row.incarnation for row in rows[:3]}) == 1
    assert len({row.incarnation for row in rows[3:]}) == 1
    assert rows[2].incarnation != rows[3].incarnation
    assert rows[3].hash == stream.row_hash(rows[2].hash, rows[3])
    assert checked(lives).problems == []


def test_the_first_row_of_an_incarnation_says_why_and_after_what(lives):
    """Whoever reads the journal years later sees that rows may be missing before it."""
    row = all_rows(lives)[3]
    said = {"after_seq": 3, "from_incarnation": all_rows(lives)[0].incarnation, "why": "restored"}
    assert (row.kind, row.ref, row.data) == ("stream_begun", "stream", canonical(said))


def test_the_end_of_each_incarnation_is_kept(lives):
    """So that the other site can be asked whether it ever had more of it."""
    with lives.reading() as db:
        ends = db.rows("SELECT own, last_seq, head_hash FROM stream ORDER BY last_seq")
    rows = all_rows(lives)
    assert [(own, seq, bytes(seal)) for own, seq, seal in ends] == [
        (0, 3, rows[2].hash),
        (1, 7, rows[6].hash),
    ]


def test_a_row_of_another_incarnation_in_between_is_named(lives):
    """A row of a life that ended cannot come later; whoever puts one there also has to forge every hash."""
    with lives.writing() as db:
        assert db.run("UPDATE journal SET incarnation = 'other' WHERE seq = 6")
    texts = [problem.text for problem in checked(lives).problems]
    assert "row 6 is of another incarnation than the row before it, and does not begin one" in texts


def test_many_incarnations_follow_each_other(database, committer):
    """A bad week: restored, recovered, restored again; also with nothing in between."""
    append(committer, arrived("a"))
    for why in ("restored", "recovered", "alone"):
        begin(database, why)
    append(committer, arrived("b"))
    report = checked(database)
    assert (report.rows, report.problems) == (5, [])


def test_reading_the_stream_is_a_scan_of_its_key(database, committer):
    """Every reader asks for what follows several times a second: that may not look at the whole journal."""
    append(committer, *(arrived(f"i-{number}") for number in range(2_000)))
    with database.writing() as db:
        db.run("ANALYZE journal")  # a server does so by itself, as tables grow
    with database.reading() as db:
        plan = "\n".join(_plan(db))
    assert "SCAN journal" not in plan
    assert "Seq Scan on journal" not in plan
    assert "SORT" not in plan.upper().replace("SORTED", "")
    assert "B-TREE" not in plan.upper()


def _plan(db: Connection) -> list[str]:
    """How the database reads the next rows."""
    sql = (
        f"SELECT {stream.COLUMNS} FROM journal WHERE {stream.OWN_ROWS} AND seq > :after"
        " ORDER BY seq LIMIT :limit"
    )
    words = "EXPLAIN QUERY PLAN " if db.dialect == "sqlite" else "EXPLAIN "
    return [str(row[-1]) for row in db.rows(words + sql, after=1_990, limit=1_000)]
