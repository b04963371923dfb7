"""A page of the copy that the disk does not give any more holds up nobody who does not stand on it.

Played on real SQLite files: a leaf of one table is overwritten. The site that the copy is of is dead.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from router.journal.connection import DatabaseDamaged
from router.journal.database import Database, open_database
from router.journal.readable_ids import readable_ids
from router.sites.adopting import NOT_ADOPTED
from router.sites.follower import Follower
from router.sites.learning_consents import ConsentLearning
from router.sites.peer_role import LEARNING
from router.sites.reconciling import NOT_AGREED
from router.sites.unsent import OUTBOX, LeaveOrders
from tests.sites.rotting import reopened, rot_rows
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_joining_there import FIRST, writes
from tests.sites.test_lending import due, leaves, trouble
from tests.sites.test_unsent import two
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url", "two"]

MANY = 120


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as halves:
        yield halves


def waiting_at(half: Half, many: int = MANY) -> list[str]:
    """So many that they stand on several pages."""
    ids = [f"wait-{number:03}" for number in range(many)]
    for each in ids:
        half.site.arrives(each)
    half.site.settles()
    half.sends()
    return ids


def rots(half: Half, table: str, word: str, folder: Path) -> None:
    path = folder / half.name / "peer.db"
    rot_rows(path, table, word)
    half.copy = reopened(half.copy, path)


def alarmed(half: Half, code: str = NOT_ADOPTED) -> set[str]:
    return {str(row[0]) for row in half.all("SELECT ref FROM alarm WHERE code = :code", code=code)}


def here(half: Half) -> set[str]:
    return {str(row[0]) for row in half.all("SELECT interaction_id FROM interaction WHERE closed_seq = 0")}


@pytest.mark.parametrize("table", ["interaction", "message"])
def test_whoever_stands_on_no_rotten_page_is_taken_over_and_the_others_are_named(pair, tmp_path, table):
    """One bad sector must not leave everybody behind it at a site that is dead, with their providers told."""
    a, b = pair
    ids = waiting_at(a)
    rots(b, table, ids[MANY // 2], tmp_path)
    b.adopts()
    left = set(ids) - here(b)
    assert 0 < len(left) < MANY / 2
    assert alarmed(b) == left
    before = b.last_seq()
    b.adopts()
    assert b.last_seq() == before
    assert b.site.same_as_tables()


@pytest.mark.parametrize("does", ["adopts", "agrees"])
def test_a_rotten_page_of_the_own_database_is_not_taken_for_one_of_the_copy(pair, tmp_path, does):
    """Nobody is named as lost because of it: who cannot read the own site tries again, as ever."""
    a, b = pair
    ids = waiting_at(a)
    b.adopts()
    path = tmp_path / "b" / "muster.db"
    rot_rows(path, "interaction", ids[MANY // 2])
    b.site.database = reopened(b.site.database, path)
    with pytest.raises(DatabaseDamaged) as caught:
        getattr(b, does)()
    assert caught.value.of is b.site.database
    assert alarmed(b) | alarmed(b, NOT_AGREED) == set()


@pytest.mark.parametrize("looked", [False, True])
def test_what_is_open_there_can_be_joined_unless_it_is_on_the_rotten_page(pair, tmp_path, looked):
    """Who writes again while the line is cut is nobody new; and a site that starts waits for this step."""
    a, b = pair
    contacts = [replace(FIRST, provider_id=f"S{number}", address=f"+1555{number}") for number in range(60)]
    refs = [writes(a, contacts[0]).interaction_id]
    a.sends()
    if looked:
        b.looks()
    refs += [writes(a, each).interaction_id for each in contacts[1:]]
    a.sends()
    rots(b, "interaction", refs[30], tmp_path)
    b.looks()
    kept = {str(row[0]) for row in b.all("SELECT interaction_id FROM open_there")}
    assert refs[30] not in kept
    assert len(refs) / 2 < len(kept) < len(refs)


@pytest.mark.parametrize("table", ["interaction", "message"])
def test_two_sites_agree_on_whatever_is_on_no_rotten_page(pair, tmp_path, table):
    """Else a site that is back never learns what is served elsewhere, and both serve all of it for good."""
    a, b = pair
    ids = waiting_at(a)
    b.adopts()
    b.sends()
    rots(a, table, ids[MANY // 2], tmp_path)
    a.agrees()
    left = here(a)
    assert a.reconciler.caught_up
    assert 0 < len(left) < MANY / 2
    assert alarmed(a, NOT_AGREED) == left


@pytest.mark.parametrize(("table", "word"), [("outbox", "o-20"), ("message", "m-20"), ("interaction", "")])
def test_replies_that_stand_on_no_rotten_page_are_sent_and_the_others_are_told(two, tmp_path, table, word):
    """A take-over goes through to its end: who was answered gets the answer, or somebody is told of them."""
    refs = {number: two.answered(two.a, number) for number in range(1, 41)}
    two.a.sends()
    rots(two.b, table, word or refs[20], tmp_path)
    taken = two.takes_over(two.b)
    assert 0 < taken.orders < 40
    assert len(due(two.b)) == 10
    named = alarmed(two.b)
    if table == "outbox":
        ((lost,),) = two.b.all("SELECT detail FROM alarm WHERE code = :code", code=NOT_ADOPTED)
        assert (named, lost) == ({OUTBOX}, f"replies: {40 - taken.orders}")
    else:
        assert refs[20] in named
        assert len(named) == 40 - taken.orders


@pytest.mark.parametrize("table", ["outbox", "journal"])
def test_a_site_that_is_back_leaves_what_can_be_read_and_sends_the_rest_as_perhaps_sent(two, tmp_path, table):
    """Else one rotten page kept its gate shut, and then all forty went twice; and those on it go, or might
    never."""
    for number in range(1, 41):
        two.answered(two.a, number)
    two.a.sends()
    two.takes_over(two.b)
    two.b.sends()
    rots(two.a, table, "o-20", tmp_path)
    for _ in range(2):
        before = two.a.last_seq()
        two.hears(two.a)
    assert two.a.last_seq() == before, "said once"
    kept = two.a.all("SELECT outbox_id, lent_to FROM outbox WHERE status = 'due'")
    assert ("o-20", "b") in kept
    assert {lent for _, lent in kept} == {"b"}
    assert len(kept) < 30
    assert leaves(two.a, "o-20") == [True]
    assert trouble(two.a, "m-20") == "maybe_twice"
    assert two.a.site.same_as_tables()


def test_a_rotten_page_of_the_journal_of_the_other_site_hides_nothing_that_it_serves(pair, tmp_path):
    """What its rows would have said of one contact is looked for in all that both sites have open."""
    a, b = pair
    a.agrees()
    ids = waiting_at(a)
    b.adopts()
    b.sends()
    rots(a, "journal", ids[MANY // 2], tmp_path)
    for _ in range(3):
        a.agrees()
    assert here(a) == set()
    assert alarmed(a, NOT_AGREED) == set()


def test_the_gate_waits_for_no_step_that_only_learns_and_cannot_read_the_copy(pair, tmp_path):
    """It would wait for ever, and who serves and who sends is known: whoever waits then goes on blindly."""
    a, b = pair
    ids = waiting_at(a)
    steps = [
        ("consents", ConsentLearning().step),
        ("agreeing", b.reconciler.step),
        ("orders", LeaveOrders(peer="a").step),
    ]
    assert steps[0][0] in LEARNING
    rots(b, "journal", ids[MANY // 2], tmp_path)
    follower = Follower(b.site.committer, b.site.database, b.copy, steps)
    follower.turn()
    assert (set(follower.failing), follower.failing_but(LEARNING)) == ({"consents"}, [])
    assert follower.failing_but(()) == ["consents"]
    own = Follower(b.site.committer, b.site.database, b.copy, [("consents", _cannot_read_its_own)])
    own.turn()
    assert own.failing_but(LEARNING) == ["consents"]


def _cannot_read_its_own(committer: object, own: Database, copy: Database) -> None:
    raise DatabaseDamaged("a page is rotten")


def test_postgresql_gives_the_ids_of_all_pages_but_the_rotten_one(postgres_url):
    """Its rows are read for whatever is asked of them; one page must not hide all the others."""
    with closing(open_database(postgres_url, unsafe=True)) as database, database.writing() as db:
        db.run("CREATE TABLE thing (thing_id text, filled text)")
        db.run("ALTER TABLE thing ALTER filled SET STORAGE PLAIN")
        db.run(
            "INSERT INTO thing SELECT 'id-' || each, repeat('x', 1500) FROM generate_series(1, 100) AS each"
        )
        db.run(
            """CREATE FUNCTION given(word text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
               IF word = 'id-42' THEN RAISE EXCEPTION 'invalid page' USING ERRCODE = 'XX001'; END IF;
               RETURN true; END $$"""
        )
        found = set(readable_ids(db, "thing", index="", where="given(thing_id)"))
    missing = {f"id-{number}" for number in range(1, 101)} - found
    assert "id-42" in missing
    assert len(missing) <= 5
