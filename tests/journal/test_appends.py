"""The router's appends: its fence, its position, and what replay must be told."""

import json
import threading

import pytest

from router.decisions import RaiseAlarm, SetPresence
from router.journal.appends import Fenced, RouterAppend, put_content, storable
from router.records import fact
from tests.journal.writing import PATIENCE_S, all_rows, append, arrived

PRESENT = SetPresence(at_ms=50, agent_id="ana", available=True, reason="")


def turn(read_through, *decisions, epoch=4, **more):
    """A turn of the router."""
    plain = {"now_ms": 60, "core_ms": 50, "plan_version": 1, "release": "r1", "decisions": decisions}
    return RouterAppend(epoch=epoch, read_through=read_through, **{**plain, **more})


def lease(database, epoch):
    """Gives the lease to somebody with this epoch."""
    with database.writing() as db:
        db.run("DELETE FROM lease")
        db.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('router', 'x', :e, 0)", e=epoch)


def position(database):
    """(read_through, now_ms) of the router."""
    with database.reading() as db:
        return db.row("SELECT read_through, now_ms FROM position WHERE reader = 'router'")


@pytest.mark.parametrize("held_by", [5, 3, None])
def test_a_router_whose_epoch_has_ended_writes_nothing(database, committer, held_by):
    """A router that slept through its own replacement must not decide anything any more (H-10, S-06)."""
    if held_by is not None:
        lease(database, held_by)
    with pytest.raises(Fenced):
        committer.submit(turn(0, PRESENT)).result(PATIENCE_S)
    assert all_rows(database) == []
    assert position(database) is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_successor_waits_for_the_commit_it_would_otherwise_miss(database, committer):
    """The epoch is held until the commit: nobody can load the state between the look and the decision.

    In SQLite a writing transaction keeps everybody out as it is.
    """
    lease(database, 4)
    order: list[str] = []
    raised = threading.Event()

    class Slow(RouterAppend):
        def facts(self, db, at_ms):
            found = super().facts(db, at_ms)
            successor.start()
            raised.wait(0.3)
            order.append("decided")
            return found

    def take_over() -> None:
        with database.writing() as db:
            db.run("UPDATE lease SET epoch = 5 WHERE name = 'router'")
            order.append("taken over")
        raised.set()

    successor = threading.Thread(target=take_over)
    plain = {"now_ms": 60, "core_ms": 50, "plan_version": 1, "release": "r1", "decisions": (PRESENT,)}
    committer.submit(Slow(epoch=4, read_through=0, **plain)).result(PATIENCE_S)
    successor.join()
    assert order == ["decided", "taken over"]


def test_a_group_says_under_what_it_was_decided(database, committer):
    """Replay needs how far was read, at what time, and under which plan and release."""
    lease(database, 4)
    append(committer, fact("presence_declared", "ana", available=True, reason="", command_id=""))
    alarm = RaiseAlarm(at_ms=50, code="x", ref="r")
    rows = committer.submit(turn(1, PRESENT, alarm)).result(PATIENCE_S)
    assert [(row.kind, row.ref) for row in rows] == [
        ("decided", "router"),
        ("presence_set", "ana"),
        ("alarm_raised", "r"),
    ]
    assert json.loads(rows[0].data) == {
        "core_ms": 50,
        "epoch": 4,
        "now_ms": 60,
        "plan_version": 1,
        "read_through": 1,
        "release": "r1",
    }
    assert position(database) == (1, 50)


def test_a_turn_that_read_no_event_moves_the_position_only(database, committer):
    """Otherwise the router would read its own row, and answer it with another, for ever."""
    lease(database, 4)
    append(committer, fact("viewed", "k", agent_id="ana", what="history"))
    assert committer.submit(turn(1)).result(PATIENCE_S) == ()
    assert position(database) == (1, 50)
    assert len(all_rows(database)) == 1


def test_a_turn_that_read_an_event_is_a_group_even_without_decisions(database, committer):
    """What the core was told, and when, belongs to the record: later it might have decided something."""
    lease(database, 4)
    append(committer, arrived("c-1"))
    rows = committer.submit(turn(1, quiet=((1, 55),))).result(PATIENCE_S)
    assert [row.kind for row in rows] == ["decided"]
    assert json.loads(rows[0].data)["quiet"] == [[1, 55]]
    assert committer.submit(turn(2)).result(PATIENCE_S) == ()


def test_facts_about_others_come_after_the_decisions(database, committer):
    """Desks of a dead web have left: the router says so, and reads it like everybody else."""
    lease(database, 4)
    left = fact("desk_left", "ana", desk_id="d", web_id="w")
    rows = committer.submit(turn(0, PRESENT, extra=(left,))).result(PATIENCE_S)
    assert [row.kind for row in rows] == ["decided", "presence_set", "desk_left"]


def test_content_is_kept_once_with_a_salt_of_its_own(database):
    """The journal's hash of a word must tell nobody the word, however short it is."""
    with database.writing() as db:
        for content_id in ("a", "b", "a"):
            put_content(db, content_id=content_id, media_type="text/plain", body=b"yes", at_ms=1)
    with database.reading() as db:
        salts = [bytes(salt) for (salt,) in db.rows("SELECT salt FROM content ORDER BY content_id")]
    assert len(salts) == 2
    assert salts[0] != salts[1]
    assert {len(salt) for salt in salts} == {16}


def test_any_name_of_a_file_can_be_stored(database):
    """NUL and half characters come from the outside; PostgreSQL refuses both, and a contact must not fail."""
    name = "a\0b\ud800c.png"
    with database.writing() as db:
        put_content(db, content_id="a", media_type="image/png", body=b"\0\xff", at_ms=1, file_name=name)
    with database.reading() as db:
        found = db.row("SELECT file_name, body FROM content")
    assert found is not None
    assert (found[0], bytes(found[1])) == (storable(name), b"\0\xff")
    assert storable(name) == "a\u2400b?c.png"
