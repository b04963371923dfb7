"""One router's turns on a real database: committed before anybody sees it, and nothing decided twice."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from router.invariants import InvariantBroken
from router.journal.appends import Fenced, RouterAppend
from router.journal.committer import CommitUnknown, NotCommitted
from router.journal.replay import Replay
from router.records import GROUP, Row
from router.run.lease import lease_of
from router.run.rebuild import SAFE_MS
from router.run.web_lease import renew_web
from tests.roles.hand_stepped import T0, Site, new_site


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    site = new_site(data_dir)
    yield site
    site.close()


def test_a_contact_is_offered_and_the_group_says_what_was_read(site: Site):
    """A replay needs to know what the router had read when it decided."""
    site.signs_in("hannah")
    site.arrives("call-1")
    read_through = site.rows()[-1].seq
    site.settles()
    assert site.offered() == [("call-1", "hannah")]
    group = site.rows(GROUP)[-1]
    assert json.loads(group.data)["read_through"] == read_through
    assert group.seq < site.rows("offered")[0].seq
    assert site.same_as_tables()


def test_rows_that_lead_to_nothing_are_noted_as_read_a_second_later(site: Site):
    """Else a router that restarts in a quiet night would read the evening again."""
    site.settles()
    site.clock.now_ms += 2_000
    site.settles()
    groups = len(site.rows(GROUP))
    site.say("customer_disconnected", "nobody", connection_id="c", web_id="web-1")
    site.settles()
    assert len(site.rows(GROUP)) == groups
    site.clock.now_ms += 1_500
    site.settles()
    assert len(site.rows(GROUP)) == groups + 1
    site.clock.now_ms += 60_000
    site.settles()
    assert len(site.rows(GROUP)) == groups + 1, "a router with nothing to do writes nothing"


def test_a_commit_that_failed_is_made_later_and_decides_nothing_new(site: Site):
    """While the database is away the decision stands; deciding again could offer to somebody else."""
    site.signs_in("hannah")
    site.settles()
    site.arrives("call-1")
    tried: list[RouterAppend] = []

    def gone(append: RouterAppend) -> Sequence[Row]:
        tried.append(append)
        raise NotCommitted("the database is away")

    site.broken += [gone, gone]
    assert not site.router.step()
    assert site.offered() == []
    site.clock.now_ms += 5_000
    assert not site.router.step()
    site.settles()
    assert tried[0] == tried[1]
    assert site.offered() == [("call-1", "hannah")]
    assert json.loads(site.rows("offered")[0].data)["at_ms"] == tried[0].now_ms
    assert site.router.rebuilder.rebuilds == 1


def test_what_was_decided_before_a_long_outage_is_decided_anew(site: Site):
    """An offer of a minute ago is over when it is committed: its agent would count as not responding."""
    site.signs_in("hannah")
    site.settles()
    site.arrives("call-1")

    def gone(append: RouterAppend) -> Sequence[Row]:
        raise NotCommitted("the database is away")

    site.broken += [gone]
    assert not site.router.step()
    site.clock.now_ms += 60_000
    site.settles()
    assert site.offered() == [("call-1", "hannah")]
    assert site.rows("offer_ended") == []
    assert json.loads(site.rows("offered")[0].data)["deadline_ms"] > site.clock.now_ms
    assert site.same_as_tables()


def test_a_customer_who_comes_back_while_the_end_is_being_written_is_not_taken_for_gone(site: Site):
    """What they say from then on would be in an interaction that nobody reads any more."""
    site.arrives("call-1")
    site.say("customer_connected", "call-1", connection_id="c-1", web_id="web-1")
    site.say("customer_disconnected", "call-1", connection_id="c-1", web_id="web-1")
    site.settles()
    renewed = site.rows("connections_noted")[-1]
    site.clock.now_ms = json.loads(renewed.data)["abandon_at_ms"]

    def overtaken(append: RouterAppend) -> Sequence[Row]:
        site.say("customer_connected", "call-1", connection_id="c-2", web_id="web-1")
        return site.commit(append)

    site.broken += [overtaken]
    site.settles()
    assert site.broken == [] and site.rows("closed") == []
    assert json.loads(site.rows("connections_noted")[-1].data)["connection_ids"] == ["c-2"]
    assert site.same_as_tables()


@pytest.mark.parametrize("by_time", [True, False])
def test_a_group_that_comes_through_while_it_is_decided_anew_counts_once(site: Site, by_time: bool):
    """Its commit hung at a dead replica, the router read the tables without it, and the replica is back."""
    site.signs_in("hannah")
    site.arrives("call-1")
    site.settles()
    if by_time:  # decided by a deadline: no row was read for it
        site.clock.now_ms += 600_000
    else:
        site.arrives("call-2")
    held: list[RouterAppend] = []

    def hangs(append: RouterAppend) -> Sequence[Row]:
        held.append(append)
        raise CommitUnknown("the server has not answered for 5 s")

    def too_late(append: RouterAppend) -> Sequence[Row]:
        site.commit(held[0])
        return site.commit(append)

    site.broken += [hangs, too_late]
    site.settles()
    assert site.broken == []
    said = [(row.kind, row.ref, row.data) for row in site.rows()]
    assert len(said) == len(set(said)), "nothing was decided twice"
    assert site.router.rebuilder._mistakes == []
    assert site.same_as_tables()


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_of_unknown_outcome_is_neither_lost_nor_doubled(site: Site, arrived: bool):
    """The connection broke while committing: only the tables know whether the offer was made."""
    site.signs_in("hannah")
    site.settles()
    site.arrives("call-1")

    def unknown(append: RouterAppend) -> Sequence[Row]:
        if arrived:
            site.commit(append)
        raise CommitUnknown("the connection broke")

    site.broken.append(unknown)
    site.settles()
    assert site.offered() == [("call-1", "hannah")]
    assert site.router.rebuilder.rebuilds == 2
    assert site.same_as_tables()


def test_unknown_outcomes_never_begin_safe_mode(site: Site):
    """A shaky network says nothing against the core; skills must not be given up for it."""

    def unknown(append: RouterAppend) -> Sequence[Row]:
        raise CommitUnknown("the connection broke")

    site.broken += [unknown] * 10
    site.signs_in("hannah")
    site.settles()
    assert not site.router.rebuilder.safe


def test_a_router_whose_epoch_is_over_ends(site: Site):
    """Its successor has decided meanwhile; whatever it still remembers is the past."""
    site.settles()
    lease_of(site.database, owner="successor")
    with site.database.writing() as db:
        db.run("UPDATE lease SET epoch = epoch + 1 WHERE name = 'router'")
    site.signs_in("hannah")
    before = site.rows()[-1].seq
    with pytest.raises(Fenced):
        site.settles()
    assert site.rows()[-1].seq == before


def test_a_row_that_cannot_be_read_stops_nobody(site: Site):
    """A mistake in a web must not keep everybody else waiting."""
    site.signs_in("hannah")
    site.say("presence_declared", "ana", available="perhaps")
    site.arrives("call-1")
    site.settles()
    assert site.offered() == [("call-1", "hannah")]


def test_an_arrival_that_cannot_be_read_waits_unread(site: Site):
    """Its interaction is in the tables: unknown to the core it would stay parked until a restart."""
    site.settles()
    site.signs_in("ana")
    site.say("arrived", "call-1", channel="chat", connection_id=5, customer_id="c1", accepted_at_ms=T0)
    site.passes(3)
    assert site.offered() == [("call-1", "ana")]
    assert site.same_as_tables()
    replay = Replay()
    assert [each for row in site.rows() if (each := replay.take(row))] == []


def test_what_the_fold_refuses_is_a_mistake_of_the_core(site: Site):
    """The tables are what a router is rebuilt from: a decision they cannot hold must not be remembered."""

    def refused(append: RouterAppend) -> Sequence[Row]:
        raise KeyError("no such column")

    site.broken.append(refused)
    site.signs_in("hannah")
    site.arrives("call-1")
    site.settles()
    assert site.router.rebuilder.rebuilds == 2
    assert site.offered() == [("call-1", "hannah")]


def test_three_mistakes_begin_safe_mode_and_ten_quiet_minutes_end_it(site: Site):
    """People wait while the core fails: they are served by urgency and age until it can be tried again."""
    site.settles()
    site.signs_in("femke")
    site.settles()
    _break(site)
    site.arrives("routine", urgency=4)
    site.arrives("worse", urgency=2)
    site.settles()
    assert site.router.rebuilder.safe
    assert site.offered() == [("worse", "femke"), ("routine", "femke")], "she lacks the skills, and is there"
    alarms = [json.loads(row.data)["code"] for row in site.rows("alarm_raised")]
    assert alarms.count("safe_mode") == 1
    assert json.loads(site.rows(GROUP)[-1].data)["release"] == "test+safe"
    site.say("accept_pressed", "worse/1", agent_id="femke", command_id="c1")
    site.settles()
    assert [row.ref for row in site.rows("accepted")] == ["worse"]
    _mend(site)
    site.clock.now_ms += SAFE_MS
    site.settles()
    assert not site.router.rebuilder.safe
    assert site.same_as_tables()
    assert json.loads(site.rows(GROUP)[-1].data)["release"] in ("test", "test+safe")


def test_a_relapse_makes_safe_mode_last_longer(site: Site):
    """A core that fails again at once would otherwise stop routing every ten minutes."""
    site.settles()
    _break(site)
    site.signs_in("hannah")
    site.settles()
    assert site.router.rebuilder.safe
    site.clock.now_ms += SAFE_MS
    site.signs_in("ana")
    site.settles()
    assert site.router.rebuilder.safe
    site.clock.now_ms += SAFE_MS
    site.settles()
    assert site.router.rebuilder.safe, "the second time it lasts twice as long"


def test_a_plan_that_cannot_be_read_leaves_the_newest_before_it_in_force_with_an_alarm(site: Site):
    """After an upgrade the words of a plan may have changed: people still call, and somebody has to know."""
    site.settles()
    site.say("plan_activated", "digest", version=2, text='[site]\nid = "from another release"\n', by="test")
    site.signs_in("hannah")
    site.settles()
    successor = site.begins_anew()
    site.arrives("call-1")
    site.settles()
    assert successor.rebuilder.rebuilds == 1
    assert site.offered() == [("call-1", "hannah")]
    alarms = [json.loads(row.data) for row in site.rows("alarm_raised")]
    [alarm] = [each for each in alarms if each["code"] == "plan_unreadable"]
    assert "version 2" in alarm["detail"]
    assert "version 1" in alarm["detail"]
    site.passes(seconds=30)
    assert len([row for row in site.rows("alarm_raised") if "plan_unreadable" in row.data]) == 1
    replay = Replay()
    assert [difference for row in site.rows() if (difference := replay.take(row)) is not None] == []


def _break(site: Site) -> None:
    def broken(*_: object) -> None:
        raise InvariantBroken("two hold one")

    site.router._check = broken


def _mend(site: Site) -> None:
    site.router._check = lambda *_: None


def test_the_desks_of_a_dead_web_leave(site: Site):
    """Nobody else can say it: the process that would have is gone."""
    with site.database.writing() as db:
        renew_web(db, web_id="web-1")
    site.signs_in("hannah", web_id="web-1")
    site.settles()
    site.passes(3)
    assert site.rows("desk_left") == []
    with site.database.writing() as db:
        db.run("UPDATE lease SET until_ms = 1 WHERE name = 'web/web-1'")
    site.passes(3)
    (left,) = site.rows("desk_left")
    assert (left.ref, json.loads(left.data)) == ("hannah", {"desk_id": "desk-hannah", "web_id": "web-1"})
    assert json.loads(site.rows("desks_noted")[-1].data)["desk_ids"] == []
    assert site.same_as_tables()


def test_a_web_that_was_only_late_keeps_its_desks(site: Site):
    """After the machine stood still every lease looks old for a moment."""
    site.settles()
    site.signs_in("hannah", web_id="web-1")
    site.clock.now_ms += 1_000
    site.settles()
    with site.database.writing() as db:
        renew_web(db, web_id="web-1")
    site.passes(3)
    assert site.rows("desk_left") == []


def test_a_replay_of_what_the_router_wrote_decides_the_same(site: Site):
    """`muster replay` and `muster why` stand on this."""
    for name in ("hannah", "ivan"):
        site.signs_in(name)
    for number in range(6):
        site.arrives(f"call-{number}", urgency=1 + number % 5)
        site.settles()
    site.passes(40)
    replay = Replay()
    differences = [replay.take(row) for row in site.rows()] + [replay.end()]
    assert [each for each in differences if each is not None] == []
    assert replay.seen.decisions > 10
