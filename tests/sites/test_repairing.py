"""Damaged rows are put back as the other site has them, where the chain proves them; nothing else is."""

from contextlib import closing

import pytest

from router.journal import chain, stream
from router.sites.recovering import CopyAtHand, PeerGone
from router.sites.repairing import repair
from router.sites.scrubbing import Scrub, chain_is_valid, keep_said
from tests.journal.conftest import committer, database, database_url
from tests.journal.writing import Arrival, all_rows, append, arrived, checked
from tests.sites.copying import copy_all
from tests.sites.test_recovering import beside
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["committer", "database", "database_url", "postgres_server", "postgres_url"]

ROWS = 12


@pytest.fixture
def history(database, committer):
    """Twelve contacts with their words."""
    for number in range(ROWS):
        committer.submit(Arrival(number)).result(20)
    return database


@pytest.fixture
def copy(history, request):
    """The other site's copy of it."""
    with closing(beside(history, request, "peer")) as found:
        found.create_tables(site="north")
        copy_all(history, found)
        yield found


def run(database, sql, **values):
    """Writes past the committer, as a broken disk or an intruder would."""
    with database.writing() as db:
        assert db.run(sql, **values)


def swap(database, one, other):
    """Two rows change places."""
    for seq, to in ((one, 1_000), (other, one), (1_000, other)):
        run(database, "UPDATE journal SET seq = :to WHERE seq = :seq", seq=seq, to=to)


def again(database, seq):
    """The row is there once more, as one of another life."""
    run(
        database,
        "INSERT INTO journal (site, incarnation, seq, at_ms, kind, ref, data, hash)"
        " SELECT site, 'zz', seq, at_ms, kind, ref, data, hash FROM journal WHERE seq = :seq",
        seq=seq,
    )


DAMAGE = {
    "data flipped": lambda db: run(db, 'UPDATE journal SET data = \'{"channel":"chit"}\' WHERE seq = 5'),
    "data torn": lambda db: run(db, "UPDATE journal SET data = substr(data, 1, 40) WHERE seq = 5"),
    "kind flipped": lambda db: run(db, "UPDATE journal SET kind = 'viewed' WHERE seq = 5"),
    "ref flipped": lambda db: run(db, "UPDATE journal SET ref = 'x' WHERE seq = 5"),
    "time flipped": lambda db: run(db, "UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 5"),
    "hash flipped": lambda db: run(db, "UPDATE journal SET hash = :hash WHERE seq = 5", hash=bytes(32)),
    "site flipped": lambda db: run(db, "UPDATE journal SET site = 'morth' WHERE seq = 5"),
    "incarnation flipped": lambda db: run(db, "UPDATE journal SET incarnation = 'x' WHERE seq = 5"),
    "deleted": lambda db: run(db, "DELETE FROM journal WHERE seq = 5"),
    "first deleted": lambda db: run(db, "DELETE FROM journal WHERE seq = 1"),
    "first flipped": lambda db: run(db, "UPDATE journal SET ref = 'x' WHERE seq = 1"),
    "last flipped": lambda db: run(db, "UPDATE journal SET ref = 'x' WHERE seq = 12"),
    "last hash flipped": lambda db: run(db, "UPDATE journal SET hash = :h WHERE seq = 12", h=bytes(32)),
    "end deleted": lambda db: run(db, "DELETE FROM journal WHERE seq > 8"),
    "most deleted": lambda db: run(db, "DELETE FROM journal WHERE seq BETWEEN 2 AND 11"),
    "neighbours swapped": lambda db: swap(db, 5, 6),
    "swapped far apart": lambda db: swap(db, 3, 9),
    "there twice": lambda db: again(db, 5),
    "counter flipped": lambda db: run(db, "UPDATE stream SET head_hash = :hash", hash=bytes(32)),
    "counter behind": lambda db: run(db, "UPDATE stream SET last_seq = 10"),
    "flipped at two places": lambda db: run(db, "UPDATE journal SET ref = 'x' WHERE seq IN (3, 9)"),
    "all flipped": lambda db: run(db, "UPDATE journal SET ref = 'x'"),
}


def test_every_kind_of_damage_is_named_and_put_back(history, copy):
    """S-25: afterwards the journal is what it was, byte for byte, and goes on. One after the other."""
    before = all_rows(history)
    for kind, damage in DAMAGE.items():
        damage(history)
        with history.reading() as db:
            assert list(chain.follow(db)), kind
            assert not chain_is_valid(db), kind
        done = repair(history, CopyAtHand(copy))
        assert done.back, kind
        assert done.left == [], kind
        assert all_rows(history) == before, kind
        with history.reading() as db:
            assert chain_is_valid(db), kind
            assert db.row("SELECT count(*) FROM journal") == (ROWS,), kind
    assert checked(history).problems == []
    again_done = repair(history, CopyAtHand(copy))
    assert (again_done.back, again_done.left) == ([], [])


def test_a_row_that_does_not_fit_is_never_put_back(history, copy):
    """Damaged at both sites, or forged there: the damage stays visible instead of becoming the record."""
    run(history, "UPDATE journal SET ref = 'x' WHERE seq = 5")
    run(copy, "UPDATE journal SET ref = 'forged' WHERE seq = 5")
    before = all_rows(history)
    done = repair(history, CopyAtHand(copy))
    assert done.back == []
    ((damage, why),) = done.left
    assert (damage.first, damage.last) == (5, 5)
    assert why == "the other site's row 5 does not follow the good row before"
    assert all_rows(history) == before


def test_a_forged_row_with_a_true_hash_of_its_own_is_never_put_back(history, copy):
    """Whoever forges a row at the other site also makes its hash: it still does not lead to the next one."""
    with copy.reading() as db:
        fourth, fifth = stream.read_rows(db, after_seq=3, limit=2)
    forged = stream.row_hash(fourth.hash, _with_ref(fifth, "forged"))
    run(copy, "UPDATE journal SET ref = 'forged', hash = :hash WHERE seq = 5", hash=forged)
    run(history, "DELETE FROM journal WHERE seq = 5")
    done = repair(history, CopyAtHand(copy))
    assert done.back == []
    assert [each.texts for each, _ in done.left] == [["row 5 is missing"]]
    assert len(all_rows(history)) == ROWS - 1


def test_what_the_other_site_does_not_have_yet_is_left(history, copy, committer):
    """The newest rows may be here only."""
    append(committer, arrived("new"))
    run(history, "UPDATE journal SET ref = 'x' WHERE seq = :seq", seq=ROWS + 1)
    done = repair(history, CopyAtHand(copy))
    assert [why for _, why in done.left] == ["the other site does not have it (any more, or yet)"]


def test_a_journal_that_was_rewritten_whole_is_told_by_the_other_site(history, copy, database):
    """H-35: with all hashes made anew the journal is whole in itself, and not what was taken from here."""
    _rewrite(history, from_seq=7)
    assert checked(history).problem_count  # the tables know better; the chain alone does not:
    with history.reading() as db:
        assert list(chain.follow(db)) == []
    done = repair(history, CopyAtHand(copy))
    assert [each.texts for each, _ in done.left] == [
        ["row 12 is not the one that the other site took from here"]
    ]


def test_repair_goes_on_while_contacts_arrive(history, copy, committer):
    """Nobody stops a centre to mend a row of last year."""

    class Arriving(CopyAtHand):
        def rows(self, after_seq):
            append(committer, arrived(f"meanwhile-{after_seq}-{len(all_rows(history))}"))
            return super().rows(after_seq)

    run(history, "UPDATE journal SET ref = 'x' WHERE seq = 5")
    assert repair(history, Arriving(copy)).left == []
    report = checked(history)
    assert report.problems == []
    assert report.rows > ROWS


def test_without_the_other_site_nothing_changes(history):
    """One line, and everything as it was."""

    class Gone(CopyAtHand):
        def rows(self, after_seq):
            raise PeerGone("the other site does not answer")

    run(history, "UPDATE journal SET ref = 'x' WHERE seq = 5")
    before = all_rows(history)
    with pytest.raises(PeerGone):
        repair(history, Gone(history))
    assert all_rows(history) == before


def test_the_scrub_finds_damage_wherever_it_is_and_says_so_until_it_is_mended(database, committer, request):
    """Rows nobody has read for a year are read again, page by page; readiness knows before the worst day."""
    append(committer, *(arrived(f"i-{number:04}") for number in range(2_500)))
    scrub = Scrub()
    assert [fault.text for fault in _round(database, scrub)] == []
    with database.reading() as db:
        assert chain_is_valid(db)
    run(database, "UPDATE journal SET ref = 'x' WHERE seq = 17")
    append(committer, *(arrived(f"j-{number:04}") for number in range(2_500)))
    found = _round(database, scrub)
    assert [(fault.first, fault.text) for fault in found] == [
        (17, "row 17 (arrived) is not what was written, or not at its place")
    ]
    with database.reading() as db:
        scrub.step(db)  # the next round has begun, and has not come to the row yet
        assert not chain_is_valid(db)
    run(database, "UPDATE journal SET ref = 'i-0016' WHERE seq = 17")
    _round(database, scrub)
    assert [fault.text for fault in _round(database, scrub)] == []
    with database.reading() as db:
        assert chain_is_valid(db)


def _round(database, scrub):
    """Steps until a round has ended; what they found."""
    found = []
    while True:
        with database.reading() as db:
            step = scrub.step(db)
        found += step.faults
        if step.ended:
            scrub.begin_again()
        with database.writing() as db:
            keep_said(db, scrub, 1)
        if step.ended:
            return found


def _with_ref(row, ref):
    return type(row)(
        **{
            name: getattr(row, name)
            for name in ("site", "incarnation", "seq", "at_ms", "kind", "data", "hash")
        },
        ref=ref,
    )


def _rewrite(database, from_seq):
    """Somebody who can write everything changes a row and all hashes after it."""
    rows = all_rows(database)
    seal = rows[from_seq - 2].hash
    for row in rows[from_seq - 1 :]:
        forged = _with_ref(row, f"{row.ref}-forged")
        seal = stream.row_hash(seal, forged)
        run(
            database,
            "UPDATE journal SET ref = :ref, hash = :hash WHERE seq = :seq",
            ref=forged.ref,
            hash=seal,
            seq=row.seq,
        )
    run(database, "UPDATE stream SET head_hash = :hash", hash=seal)
