"""What the other site keeps of a journal becomes the journal again: verbatim, in order, in another life."""

from contextlib import closing

import pytest

from router.journal.appends import put_content
from router.journal.committer import Committer
from router.journal.database import open_database
from router.journal.replay import replay
from router.journal.restore import load_state
from router.journal.restoring import finish
from router.journal.unfinished import unfinished
from router.sites.recovering import CannotRecover, CopyAtHand, PeerGone, recover
from tests.journal.conftest import committer, database, database_url
from tests.journal.history import History
from tests.journal.writing import Arrival, all_rows, append, arrived, checked
from tests.sites.copying import copy_all
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["committer", "database", "database_url", "postgres_server", "postgres_url"]

NOW_MS = 1_795_000_000_000


def beside(database, request, name):
    """Another empty database of the same kind, with a site's tables."""
    if database.dialect == "sqlite":
        url = f"sqlite:///{request.getfixturevalue('data_dir')}/{name}.db"
    else:
        url = request.getfixturevalue("postgres_server").new_schema()
    return open_database(url, unsafe=True)


@pytest.fixture
def copy(database, request):
    """The other site's copy of the database `database`."""
    with closing(beside(database, request, "peer")) as found:
        found.create_tables(site="north")
        yield found


@pytest.fixture
def another(database, request):
    """A new machine's database, without tables."""
    with closing(beside(database, request, "again")) as found:
        yield found


def recovered(database, copy, **more):
    """Everything the copy has, and the next incarnation."""
    pulled = recover(
        database, CopyAtHand(copy), site="north", now_ms=NOW_MS, **{"say": lambda *_: None, **more}
    )
    return pulled, finish(database, why="recovered", now_ms=NOW_MS)


def test_a_site_that_lost_everything_gets_all_that_the_other_one_has(database, copy, another):
    """The machine burnt: every row, all content and every table come back, and the same is decided again."""
    history = History(database, seed=5)
    for _ in range(40):
        history.step()
    history.close()
    copy_all(database, copy)
    pulled, begun = recovered(another, copy)
    rows = all_rows(database)
    assert (pulled.rows, pulled.seq, pulled.of) == (len(rows), len(rows), len(rows))
    assert all_rows(another)[:-1] == rows
    assert (begun.seq, begun.kind) == (len(rows) + 1, "stream_begun")
    assert begun.incarnation != rows[-1].incarnation
    assert checked(another).problems == []
    with another.reading() as db, database.reading() as old:
        assert load_state(db)[1].interactions == load_state(old)[1].interactions
        *_, seen = replay(db)
    assert seen.difference is None


def test_an_old_state_of_the_database_gets_what_followed(database, committer, copy, another):
    """S-12, S-24: an old backup, or a standby that lagged, goes on where the other site's copy goes on."""
    for number in range(6):
        committer.submit(Arrival(number)).result(20)
    copy_all(database, another_with_tables(another), through=4)
    copy_all(database, copy)
    pulled, _ = recovered(another, copy)
    assert (pulled.rows, pulled.seq) == (2, 6)
    assert all_rows(another)[:6] == all_rows(database)
    with another.reading() as db:
        words = db.rows("SELECT content_id FROM content ORDER BY content_id")
    assert words == [(f"c-{number:06}-words",) for number in range(6)]


def test_nothing_is_pulled_where_this_site_has_more(database, committer, copy):
    """What the other site never got stays: recovering takes nothing away."""
    for number in range(6):
        committer.submit(Arrival(number)).result(20)
    copy_all(database, copy, through=4)
    pulled, begun = recovered(database, copy)
    assert (pulled.rows, pulled.seq, pulled.of) == (0, 6, 4)
    assert begun.seq == 7
    assert checked(database).problems == []


def test_two_lives_that_went_different_ways_are_not_mixed(database, committer, copy, another):
    """Restored and started alone, then recovered: neither side is overwritten, and it says what to do."""
    append(committer, arrived("a"), arrived("b"))
    copy_all(database, another_with_tables(another))
    append(committer, arrived("c"))
    copy_all(database, copy)
    finish(another, why="alone", now_ms=NOW_MS)
    with closing(Committer(another)) as on_another:
        append(on_another, arrived("d"))
    before = all_rows(another)
    with pytest.raises(CannotRecover, match="not the same at row 3"):
        recovered(another, copy)
    assert all_rows(another) == before


def test_recovering_goes_on_where_it_was_stopped(database, committer, copy, another):
    """Hours of rows over a thin line: a lost line costs no hours. Until it is done nothing starts."""
    append(committer, *(arrived(f"i-{number:04}") for number in range(4_500)))
    copy_all(database, copy)

    class Thin(CopyAtHand):
        left = 1

        def rows(self, after_seq):
            self.left -= 1
            if self.left < 0:
                raise PeerGone("the line is gone")
            return super().rows(after_seq)

    with pytest.raises(PeerGone):
        recover(another, Thin(copy), site="north", now_ms=NOW_MS, say=lambda *_: None)
    with another.reading() as db:
        assert unfinished(db) == "peer"
    there = len(all_rows(another))
    assert 0 < there < 4_500
    heard = []
    pulled, _ = recovered(another, copy, say=lambda *said: heard.append(said))
    assert pulled.rows == 4_500 - there
    assert [of for _, of in heard] == [4_500] * len(heard)
    with another.reading() as db:
        assert unfinished(db) == ""


def test_large_files_come_back_in_pieces(database, committer, copy, another):
    """A recording of an hour does not fit into one answer."""
    body = bytes(range(256)) * 12_000

    class Large(Arrival):
        def write_content(self, db):
            put_content(db, content_id=f"{self.name}-words", media_type="audio/ogg", body=body, at_ms=1)

    committer.submit(Large(1)).result(20)
    copy_all(database, copy)
    recovered(another, copy)
    with another.reading() as db:
        found = db.rows("SELECT content_id, body FROM content")
    assert [(key, bytes(each) == body) for key, each in found] == [("c-000001-words", True)]


def test_the_rows_of_another_site_are_refused(database, committer, copy, another):
    """Two files in one folder on a bad night."""
    append(committer, arrived("a"))
    copy_all(database, copy)
    with pytest.raises(CannotRecover, match="MUSTER_SITE"):
        recover(another, CopyAtHand(copy), site="south", now_ms=NOW_MS, say=lambda *_: None)


def another_with_tables(another):
    """It, as a database of the same site that has nothing yet."""
    another.create_tables(site="north")
    return another
