"""Waiting work goes to the other site while this one lives: never at two sites, never at none."""

from typing import Any

import pytest

from router.sites import rerouting as rerouting_module
from router.sites.peer_client import PeerUnreachable
from router.sites.rerouting import Rerouting, chosen, take_handed
from router.sites.shares import Share
from tests.sites.routed_pair import Half, exchange, routed_pair
from tests.sites.test_adopting import left_to_a
from tests.sites.test_reconciling import gives_back


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


class Line:
    """The line from one half to the other; what goes wrong on it is said beforehand."""

    def __init__(self, here: Half, *, refusal: str = "", lost: bool = False, status: int = 200) -> None:
        self.here, self.refusal, self.lost, self.answered = here, refusal, lost, status
        self.asked = 0

    def ask_json(self, method: str, target: str, values: Any) -> Any:
        other, answered = self.here.other, self.answered
        assert other is not None
        self.asked += 1
        self.here.sends()
        said = take_handed(
            other.site.committer,
            other.site.database,
            other.copy,
            values["ids"],
            through_seq=values["through_seq"],
            site=other.name,
            peer=self.here.name,
            refusal=lambda: self.refusal,
        )
        other.site.settles()
        if self.lost:
            raise PeerUnreachable("no_answer")

        class Said:
            status = answered

            def json(self) -> dict[str, Any]:
                return said

        return Said()


def rerouting(half: Half, **wrong: Any) -> Rerouting:
    assert half.other is not None
    return Rerouting(
        site=half.name,
        peer=half.other.name,
        line=Line(half, **wrong),
        clock_ms=half.site.clock,
        pause=lambda seconds: half.site.settles(),
    )


def test_a_share_moves_and_keeps_its_place(pair):
    """The same tenth every time it is asked, each with the time at which it came."""
    a, b = pair
    for number in range(40):
        a.site.arrives(f"c-{number:02}")
    a.site.settles()
    a.site.say("reroute_set", "all", share_pct=50, agent_id="admin", why="flood", command_id="r")
    with a.site.database.reading() as db:
        wanted = chosen(db, site="a", peer="b")
        assert chosen(db, site="a", peer="b") == wanted
    assert 10 <= len(wanted) <= 30
    moving = rerouting(a)
    while moving.step(a.site.committer, a.site.database):
        a.site.settles()
    a.site.settles()
    moved = [ref for (ref,) in a.all("SELECT interaction_id FROM interaction WHERE closed_why = 'moved'")]
    there = [ref for (ref,) in b.all("SELECT interaction_id FROM interaction WHERE closed_seq = 0")]
    assert sorted(moved) == sorted(there) == sorted(wanted)
    places = "SELECT interaction_id, accepted_at_ms FROM interaction ORDER BY interaction_id"
    assert set(b.all(places)) <= set(a.all(places))
    a.is_sound()
    b.is_sound()


def test_only_what_was_asked_for_moves(pair):
    """By urgency, channel or queue: the rest stays with the agents who are here."""
    a, _ = pair
    a.site.arrives("urgent", urgency=1)
    a.site.arrives("routine", urgency=4)
    a.site.settles()
    a.site.say("reroute_set", "urgency/1", share_pct=100, agent_id="admin", why="x", command_id="r")
    with a.site.database.reading() as db:
        assert chosen(db, site="a", peer="b") == ["urgent"]


def test_a_full_site_takes_nothing_and_nobody_is_lost(pair):
    """Refused, they wait here as before, at once, and the refusal is known."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    moving = rerouting(a, refusal="full")
    moving.step(a.site.committer, a.site.database)
    a.site.signs_in("hannah")
    a.site.settles()
    assert (moving.last.refused, moving.last.why) == (1, "full")
    assert (a.state("c-1"), b.state("c-1")) == ("offered", "")


def test_an_answer_that_is_lost_leaves_one_owner(pair):
    """The other site has it and this one does not know: its deadline passes, its stream tells."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    moving = rerouting(a, lost=True)
    moving.step(a.site.committer, a.site.database)
    a.site.settles()
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "waiting")
    a.site.signs_in("hannah")
    a.site.settles()
    assert a.site.offered() == []
    b.sends()
    a.agrees()
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    a.site.passes(20)
    assert a.site.offered() == []
    a.is_sound()
    b.is_sound()


def test_what_came_from_there_is_not_sent_back(pair):
    """Both reroute at once: nothing goes round in circles."""
    a, b = pair
    a.site.arrives("of-a")
    b.site.arrives("of-b")
    for half in (a, b):
        half.site.settles()
        half.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    for _ in range(3):
        for half in (a, b):
            rerouting(half).step(half.site.committer, half.site.database)
            half.site.settles()
    assert (a.state("of-a"), b.state("of-a")) == ("moved", "waiting")
    assert (a.state("of-b"), b.state("of-b")) == ("waiting", "moved")


def test_everything_goes_home_when_its_home_serves_again(pair):
    """Return: what waits of that site goes back, the site's own stays."""
    a, b = pair
    a.site.arrives("of-a")
    b.site.arrives("of-b")
    a.site.settles()
    a.sends()
    claim = {"agent_id": "x", "why": "", "command_id": "c", "with_assigned": False, "automatic": False}
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **claim)
    b.adopts()
    b.sends()
    a.agrees()
    assert a.state("of-a") == "moved"
    with b.site.database.reading() as db:
        assert chosen(db, site="b", peer="a") == []
    b.site.say("domain_claimed", "a", n=2, owner="a", mode="return", **claim)
    rerouting(b).step(b.site.committer, b.site.database)
    b.site.settles()
    assert (a.state("of-a"), b.state("of-a")) == ("waiting", "moved")
    assert b.state("of-b") == "waiting"
    a.is_sound()
    b.is_sound()


def test_a_site_whose_traffic_the_other_serves_sends_all_that_still_reaches_it(pair):
    """Come back during a take-over: what providers still send here is served where the agents are."""
    a, b = pair
    claim = {"agent_id": "x", "why": "", "command_id": "c", "with_assigned": False, "automatic": False}
    a.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **claim)
    a.site.arrives("late")
    a.site.settles()
    rerouting(a).step(a.site.committer, a.site.database)
    a.site.settles()
    assert (a.state("late"), b.state("late")) == ("moved", "waiting")


@pytest.mark.parametrize("refusal", ["", "full"])
def test_what_the_other_site_left_to_this_one_is_taken_there_or_kept_here(pair, refusal):
    """Its claim is the higher one, though it has let go: to say that it has it would leave it with nobody."""
    a, b = pair
    left_to_a(a, b)
    gives_back(a, "hannah")
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(a, refusal=refusal).step(a.site.committer, a.site.database)
    a.site.settles()
    serving = ("waiting", "moved") if refusal else ("moved", "waiting")
    assert (a.state("c-1"), b.state("c-1")) == serving
    claims = "SELECT n, owner FROM {} WHERE interaction_id = 'c-1'"
    assert b.all(claims.format("adoption")) == [(1 if refusal else 2, "b")]
    if not refusal:
        assert a.all(claims.format("yielding")) == [(2, "b")], "by the claim that it has there"
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == serving
    for half in pair:
        half.is_sound()


@pytest.mark.parametrize("came_to", ["a", "both"])
def test_what_nobody_had_goes_to_the_site_that_serves_the_traffic(pair, came_to):
    """Each counted on the other, and the one without agents took it up again: it must not wait there."""
    a, b = pair
    claim = {"agent_id": "x", "why": "", "command_id": "c", "with_assigned": False, "automatic": False}
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **claim)
    exchange(a, b)
    left_to_a(a, b, both=came_to == "both")
    gives_back(a, "hannah")
    n = 0 if came_to == "both" else 1
    a.site.say("yielded", "c-1", to_site="b", n=n, owner="b", why="served_there", orders=[])
    a.site.settles()
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "moved")
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "moved")
    for _ in range(2):
        rerouting(a).step(a.site.committer, a.site.database)
        a.site.settles()
        exchange(a, b)
        assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    with a.site.database.reading() as db:
        assert chosen(db, site="a", peer="b") == []
    for half in pair:
        half.is_sound()


def test_what_rings_goes_too_when_everything_goes(pair):
    """An agent who still talks is not given more of what is to leave, and so is free to leave as well."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("rings")
    a.site.passes(1)
    assert a.state("rings") == "offered"
    a.site.say("reroute_set", "all", share_pct=90, agent_id="admin", why="x", command_id="r")
    rerouting(a).step(a.site.committer, a.site.database)
    assert a.state("rings") == "offered"
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r2")
    rerouting(a).step(a.site.committer, a.site.database)
    a.site.settles()
    assert (a.state("rings"), b.state("rings")) == ("moved", "waiting")
    a.is_sound()


def test_where_no_share_is_asked_for_no_line_is_read():
    """It is looked twice a second, and thousands may wait."""

    class NoLine:
        def rows(self, sql: str) -> list[tuple[object, ...]]:
            raise AssertionError(f"read in vain: {sql}")

    for shares in ({}, {"all": Share(share_pct=0, since_seq=1)}):
        assert rerouting_module.moving(NoLine(), shares) == []  # type: ignore[arg-type]  # no connection at all


def test_what_nobody_takes_is_told_once_and_waits_here(pair):
    """Texts and mails have no number to be sent to: a person has to know, and need hear it once."""
    a, _ = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    moving = rerouting(a, refusal="full")
    for _ in range(3):
        moving.step(a.site.committer, a.site.database)
        moving.nobody_takes(a.site.committer, a.site.database, "unstaffed")
        a.site.clock.now_ms += 10_000
        a.site.settles()
    alarms = "SELECT ref, detail FROM alarm WHERE code = 'overflow_full'"
    assert a.all(alarms) == [("b", "full")]
    assert a.state("c-1") == "waiting"


def test_where_nothing_is_to_move_a_full_site_is_nobodys_alarm(pair):
    """A site may be full every Friday night: that is for its own people."""
    a, _ = pair
    a.site.arrives("c-1")
    a.site.settles()
    rerouting(a).nobody_takes(a.site.committer, a.site.database, "full")
    assert a.all("SELECT 1 FROM alarm WHERE code = 'overflow_full'") == []


def test_a_site_that_takes_nothing_is_asked_less_and_less_often(pair):
    """Whatever is asked about rings nowhere meanwhile: its own agents must be able to answer it."""
    a, _ = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    moving = rerouting(a, refusal="full")
    times = []
    for second in range(180):
        before = moving._line.asked  # type: ignore[attr-defined]  # of the double
        moving.step(a.site.committer, a.site.database)
        a.site.settles()
        if moving._line.asked > before:  # type: ignore[attr-defined]
            times.append(second)
        a.site.clock.now_ms += 1_000
    assert times == [0, 5, 15, 35, 75, 135]


def test_one_that_is_left_holds_up_nobody_behind_it(pair, monkeypatch):
    """It is the oldest, so it would be the first to be asked about for ever."""
    a, b = pair
    monkeypatch.setattr("router.sites.rerouting.AT_ONCE", 2)
    for number in range(6):
        a.site.arrives(f"c-{number}")
        a.site.passes(1)
    a.sends()
    with b.copy.writing() as db:
        db.run("UPDATE interaction SET requirement = 'x' WHERE interaction_id = 'c-0'")
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    moving = rerouting(a)
    while moving.step(a.site.committer, a.site.database):
        a.site.settles()
    assert [b.state(f"c-{number}") for number in range(6)] == ["", *["waiting"] * 5]
    assert a.state("c-0") == "waiting"


def test_an_answer_that_it_failed_is_no_refusal(pair):
    """The other site does not know whether it kept them: offered here at once, two would answer."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.say("presence_declared", "hannah", available=False, reason="break", by="hannah")
    a.site.arrives("c-1")
    a.site.settles()
    a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(a, status=503).step(a.site.committer, a.site.database)
    a.site.say("presence_declared", "hannah", available=True, reason="", by="hannah")
    a.site.passes(1)
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "waiting")
    b.sends()
    a.agrees()
    assert a.state("c-1") == "moved"


def test_who_was_moved_is_followed_by_what_they_write_next(pair):
    """Their provider still asks this site. The agent who has them must have what they say now as well."""
    a, _ = pair
    a.site.say("reroute_set", "all", share_pct=50, agent_id="admin", why="x", command_id="r")
    for number in range(12):
        a.site.arrives(f"c-{number}")
    a.site.settles()
    moving = rerouting(a)
    while moving.step(a.site.committer, a.site.database):
        a.site.settles()
    moved = [number for number in range(12) if a.state(f"c-{number}") == "moved"]
    assert 0 < len(moved) < 12
    for number in moved:
        _writes_again(a, f"again-{number}", thread=f"t-c-{number}")
    _writes_again(a, "stranger-0", thread="t-nobody")
    a.site.say("reroute_set", "all", share_pct=10, agent_id="admin", why="x", command_id="r1")
    with a.site.database.reading() as db:
        wanted = chosen(db, site="a", peer="b")
    assert {f"again-{number}" for number in moved} <= set(wanted)
    a.site.say("reroute_set", "all", share_pct=0, agent_id="admin", why="x", command_id="r0")
    with a.site.database.reading() as db:
        assert chosen(db, site="a", peer="b") == []


def _writes_again(half: Half, ref: str, *, thread: str) -> None:
    half.site.arrives(ref)
    half.site.settles()
    with half.site.database.writing() as db:
        db.run("UPDATE interaction SET thread = :t WHERE interaction_id = :i", t=thread, i=ref)
