"""The core restored from the tables is the core in memory, at any moment; and it decides the same again."""

from contextlib import closing
from dataclasses import replace

import pytest

from router.core import Core
from router.decisions import ConnectParties, OfferInteraction
from router.journal.moment import moment_before, passed_over
from router.journal.replay import replay
from router.journal.restore import load_plan, load_state
from router.journal.stream import read_rows
from router.records import decision_of
from tests.journal.history import History
from tests.journal.writing import checked


def seeds(on_sqlite: int, *, on_postgresql: int) -> pytest.MarkDecorator:
    """So many days on each: the fast database carries the search, the other proves that it is the same."""
    cases = [("sqlite", seed) for seed in range(on_sqlite)]
    cases += [("postgresql", seed) for seed in range(on_postgresql)]
    return pytest.mark.parametrize(("database_url", "seed"), cases, indirect=["database_url"])


@seeds(10, on_postgresql=2)
def test_the_tables_give_back_the_core_at_a_hundred_points(database, seed):
    """Whatever moment a router dies at, its successor knows exactly what it knew: a thousand points."""
    compared = 0
    with closing(History(database, seed)) as history:
        while compared < 100:
            if not history.step():
                continue
            with database.reading() as db:
                read_through, state = load_state(db)
            assert state == history.core.state(), f"seed {seed}, point {compared}"
            compared += 1
    kinds = {type(decision) for decision in history.decisions}
    assert {OfferInteraction, ConnectParties} <= kinds
    assert read_through > 100


@seeds(3, on_postgresql=1)
def test_a_restored_core_goes_on_as_the_old_one_would(database, seed):
    """A successor after every tenth turn: what it decides is what one router alone would have decided."""
    with closing(History(database, seed)) as history:
        turns = 0
        while turns < 100:
            turns += history.step()
            if turns % 10 == 0:
                history.turn(appended=True)
                with database.reading() as db:
                    _, state = load_state(db)
                    history.core = Core.restore(load_plan(db, state.plan_version), state)
    assert _replayed(database).difference is None


@seeds(4, on_postgresql=1)
def test_a_recorded_day_replays_to_equal_bytes(database, seed):
    """Every bug, every test and every take-over is a list of events that can be replayed."""
    with closing(History(database, seed)) as history:
        for _ in range(300):
            history.step()
        history.turn(appended=True)
    seen = _replayed(database)
    assert seen.difference is None
    assert seen.decisions == len(history.decisions)
    assert seen.decisions > 200
    report = checked(database)
    assert report.problems == []
    assert report.compared["interaction"] > 50


def test_a_changed_decision_is_found_and_shown(database):
    """A core that decides differently than the one that was on duty must not go unnoticed."""
    with closing(History(database, 4)) as history:
        for _ in range(60):
            history.step()
    with database.reading() as db:
        rows = read_rows(db, after_seq=0)
    offered = [row for row in rows if row.kind == "offered"][3]
    with database.writing() as db:
        db.run(
            "UPDATE journal SET data = :data WHERE seq = :seq",
            data=offered.data.replace('"agent_id":"', '"agent_id":"x'),
            seq=offered.seq,
        )
    difference = _replayed(database).difference
    assert difference is not None
    assert difference.seq == offered.seq
    assert difference.recorded is not None
    assert difference.replayed is not None
    assert '"agent_id":"x' in difference.recorded.data
    assert difference.replayed.data == offered.data


def test_a_missing_decision_is_found(database):
    """Nothing where the core would have decided something is a difference as well."""
    with closing(History(database, 5)) as history:
        for _ in range(40):
            history.step()
    with database.reading() as db:
        offered = [row for row in read_rows(db, after_seq=0) if row.kind == "offered"][2]
    with database.writing() as db:
        db.run("UPDATE journal SET kind = 'viewed' WHERE seq = :seq", seq=offered.seq)
    difference = _replayed(database).difference
    assert difference is not None
    assert (difference.recorded, difference.replayed is None) == (None, False)


def test_arrivals_after_the_position_are_left_to_be_read(database):
    """They are in the tables already, but the router has not seen them: it must not start with them."""
    with closing(History(database, 6)) as history:
        for _ in range(20):
            history.step()
        history.turn(appended=True)
        before = history.core.state()
        history.append(history._arrives())
        with database.reading() as db:
            _, state = load_state(db)
            count = db.row("SELECT count(*) FROM interaction WHERE closed_seq = 0")
    assert state == before
    assert count == (len(before.interactions) + 1,)


@seeds(4, on_postgresql=1)
def test_everybody_passed_over_is_named_and_counted_as_the_offer_said(database, seed):
    """Two ways to the same answer: the explanation of each offer, and the list worked out from its moment."""
    with closing(History(database, seed)) as history:
        for _ in range(120):
            history.step()
    with database.reading() as db:
        offered = [row for row in read_rows(db, after_seq=0, limit=100_000) if row.kind == "offered"]
        for row in offered[:: max(1, len(offered) // 12)]:
            decision = decision_of(row.kind, row.ref, row.data)
            assert isinstance(decision, OfferInteraction)
            found = passed_over(moment_before(db, row))
            said = {each.reason: each for each in decision.explanation.passed_over}
            assert {reason: len(ids) for reason, ids in found.items()} == {
                reason: each.count for reason, each in said.items()
            }, row
            for reason, ids in found.items():
                assert tuple(ids[:5]) == said[reason].agent_ids, (row, reason)


def test_safe_mode_is_passed_over_and_the_core_goes_on_after_it(database):
    """Decisions of the stand-in are not the core's; what comes after them is compared again."""
    with closing(History(database, 9)) as history:
        for _ in range(40):
            history.step()
        history.turn(appended=True)
        history.release = "test+safe"
        for _ in range(5):
            history.step()
        history.turn(appended=True)
        history.release = "test"
        for _ in range(40):
            history.step()
        history.turn(appended=True)
    seen = _replayed(database)
    assert seen.difference is None
    assert seen.passed_over >= 1
    assert 0 < seen.decisions < len(history.decisions)


def _replayed(database):
    with database.reading() as db:
        *_, seen = replay(db)
    return replace(seen)
