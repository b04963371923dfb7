"""After a return nobody waits at a site whose agents have gone home, and nobody is told that nobody waits."""

from collections.abc import Iterator

import pytest

from agents_ui.site_words import returned_lines
from router.sites.acts import override, reroute
from router.sites.left_alone import AFTER_RETURN_MS, ALONE_MS, TRICKLES_MS
from router.sites.rerouting import calls_to_send_on, chosen
from router.sites.rerouting_dry_run import reroute_dry_run
from router.sites.returning import return_dry_run, return_home
from router.sites.service_states import UNSTAFFED
from router.sites.standing import standing
from tests.sites.routed_pair import Half, exchange, routed_pair
from tests.sites.test_acts import Pair, take
from tests.sites.test_rerouting import rerouting
from tests.sites.test_rerouting_again import moves, wanted


@pytest.fixture
def pair(tmp_path) -> Iterator[Pair]:
    """b serves a's traffic: one came with it, and one came to b itself since; one is b's own."""
    with routed_pair(tmp_path) as halves:
        pair = Pair(halves, tmp_path)
        pair.a.site.arrives("came")
        pair.a.site.settles()
        pair.a.sends()
        pair.b.site.arrives("own")
        pair.b.site.settles()
        take(pair.at_b)
        pair.b.site.settles()
        pair.b.site.arrives("new")
        pair.b.site.settles()
        exchange(pair.a, pair.b)
        pair.beats(pair.at_b)
        yield pair


def give_back(pair: Pair):
    return return_home(pair.at_b, domain="a", who="ana", why="alder is well", command_id="r-1")


def goes_by(half: Half, ms: int) -> None:
    """Nothing happens meanwhile."""
    half.site.clock.now_ms += ms
    half.site.settles()


def is_unstaffed(half: Half, for_ms: int = ALONE_MS) -> None:
    half.site.say("state_observed", half.name, state=UNSTAFFED, why="no agent is signed in")
    goes_by(half, for_ms)


def text_of(lines: list[str]) -> str:
    return "\n".join(lines)


def test_what_came_to_this_site_itself_is_counted_with_what_moves_it(pair):
    """Of an hour's contacts most may have come so: "0 waiting" would send everybody home."""
    report = return_dry_run(pair.at_b, "a")
    assert (report["waiting"], report["besides"], report["calls"]) == (1, 2, 0)
    assert "Waiting at Birch House besides: 2 (came to Birch House itself" in text_of(report["lines"])
    assert "`muster site reroute all 100` at Birch House" in text_of(report["lines"])
    done = give_back(pair)
    moves(pair.b)
    assert (pair.b.state("came"), pair.b.state("new")) == ("moved", "waiting")
    again = give_back(pair)
    assert (again.left.waiting, again.left.besides) == (0, 2)
    for lines in (returned_lines(pair.at_b, done), return_dry_run(pair.at_b, "a")["lines"]):
        assert "Waiting at Birch House besides: 2" in text_of(lines)


def test_where_everybody_went_home_it_goes_there_too(pair):
    """One crew serves both buildings, and follows the traffic: nobody is left to answer what stays."""
    give_back(pair)
    moves(pair.b)
    is_unstaffed(pair.b)
    pair.b.site.arrives("late")  # its provider has not switched yet
    pair.b.site.settles()
    places = set(
        pair.b.all("SELECT interaction_id, accepted_at_ms FROM interaction WHERE interaction_id <> 'own'")
    )
    assert wanted(pair.b) == ["new", "late"]
    moves(pair.b)
    exchange(pair.a, pair.b)
    assert [pair.a.state(each) for each in ("came", "new", "late")] == ["waiting"] * 3
    assert set(pair.a.all("SELECT interaction_id, accepted_at_ms FROM interaction")) == places
    assert wanted(pair.a) == wanted(pair.b) == []
    for half in (pair.a, pair.b):
        half.is_sound()


def test_as_long_as_agents_are_here_it_is_theirs(pair):
    """They may be this site's own, and what came may be this site's own as well."""
    give_back(pair)
    moves(pair.b)
    assert wanted(pair.b) == []
    is_unstaffed(pair.b)
    assert wanted(pair.b) == ["new"]
    pair.b.site.say("state_observed", "b", state="Normal", why="")
    assert wanted(pair.b) == []


def test_desks_that_are_gone_for_seconds_move_nothing(pair):
    """A web role starts anew, a switch hiccups: the crew is still in its chairs, and has not gone home."""
    give_back(pair)
    moves(pair.b)
    is_unstaffed(pair.b, ALONE_MS - 1)
    assert wanted(pair.b) == []
    goes_by(pair.b, 1)
    assert wanted(pair.b) == ["new"]


def test_this_sites_own_work_waits_for_its_own_people_in_the_morning(pair):
    """Its crew signs off at six; mails of the night are for its specialists, not for other ones."""
    give_back(pair)
    moves(pair.b)
    goes_by(pair.b, TRICKLES_MS + 1_000)
    for night in range(3):
        pair.b.site.arrives(f"night-{night}")
    is_unstaffed(pair.b)
    moves(pair.b)
    exchange(pair.a, pair.b)
    mine = ("own", "night-0", "night-1", "night-2")
    assert [pair.b.state(each) for each in ("new", *mine)] == ["moved", *["waiting"] * 4]
    assert [pair.a.state(each) for each in mine] == [""] * 4
    for half in (pair.a, pair.b):
        half.is_sound()


def test_two_take_overs_ago_is_not_what_this_one_brought(pair):
    """Between them this site had its own work only. The claim may be made twice, for what agents held."""
    give_back(pair)
    moves(pair.b)
    exchange(pair.a, pair.b)
    pair.b.site.arrives("between")
    pair.b.site.settles()
    pair.beats(pair.at_b)
    take(pair.at_b, command_id="t-2", anyway=True)
    pair.b.site.arrives("newer")
    pair.b.site.settles()
    take(pair.at_b, command_id="t-3", anyway=True, with_assigned=True)
    assert len(pair.b.all("SELECT 1 FROM act_done WHERE ref = 'a/take_over'")) == 3
    exchange(pair.a, pair.b)
    pair.beats(pair.at_b)
    return_home(pair.at_b, domain="a", who="ana", why="well again", command_id="r-2")
    moves(pair.b)
    is_unstaffed(pair.b)
    assert wanted(pair.b) == ["newer"]


def test_nobody_is_alarmed_that_nobody_is_anywhere_at_night(pair):
    """What waits where it came to is no trouble of the other site, which is empty as well."""
    give_back(pair)
    moves(pair.b)
    is_unstaffed(pair.b)
    assert wanted(pair.b) == ["new"]
    rerouting(pair.b).nobody_takes(pair.b.site.committer, pair.b.site.database, "unstaffed")
    assert pair.b.all("SELECT 1 FROM alarm WHERE code = 'overflow_full'") == []


def test_a_return_of_long_ago_moves_nothing(pair):
    """Months later an empty room is an empty room: a person decides what that means."""
    give_back(pair)
    moves(pair.b)
    is_unstaffed(pair.b)
    assert wanted(pair.b) == ["new"]
    goes_by(pair.b, AFTER_RETURN_MS)
    pair.b.site.arrives("months later")
    pair.b.site.settles()
    assert wanted(pair.b) == []


def test_what_was_handed_here_later_goes_too_when_nobody_is_left(pair):
    """Home gave a share away; the crew that was to take it has gone, and home takes work."""
    give_back(pair)
    moves(pair.b)
    exchange(pair.a, pair.b)
    reroute(pair.at_a, scope="all", share_pct=100, who="ana", why="", command_id="m-0")
    moves(pair.a)
    exchange(pair.a, pair.b)
    assert (pair.a.state("came"), pair.b.state("came"), wanted(pair.b)) == ("moved", "waiting", [])
    is_unstaffed(pair.b)
    moves(pair.b)
    exchange(pair.a, pair.b)
    assert (pair.a.state("came"), pair.b.state("came")) == ("waiting", "moved")
    assert wanted(pair.a) == wanted(pair.b) == []


def test_a_caller_who_is_on_the_line_here_is_not_handed_over(pair):
    """No sound moves between sites: at home they would be an interaction without anybody on the line."""
    with pair.b.site.database.writing() as db:
        db.run(
            "UPDATE interaction SET channel = 'voice', connection_ids = '[1]' WHERE interaction_id = 'came'"
        )
    report = return_dry_run(pair.at_b, "a")
    assert (report["waiting"], report["calls"]) == (0, 1)
    give_back(pair)
    assert wanted(pair.b) == []


def test_callers_on_the_line_are_sent_on_only_where_somebody_asks(pair):
    """They might end at a telephone outside; the dry run names them, and what sends them."""
    with pair.b.site.database.writing() as db:
        db.run(
            "UPDATE interaction SET channel = 'voice', connection_ids = '[1]' WHERE interaction_id = 'new'"
        )
    report = return_dry_run(pair.at_b, "a")
    assert (report["besides"], report["calls"]) == (1, 1)
    assert "Calls on the line at Birch House: 1" in text_of(report["lines"])
    give_back(pair)
    is_unstaffed(pair.b)
    with pair.b.site.database.reading() as db:
        assert calls_to_send_on(db, site="b", peer="a") == []
    reroute(pair.at_b, scope="all", share_pct=100, who="ana", why="", command_id="m-1")
    with pair.b.site.database.reading() as db:
        assert calls_to_send_on(db, site="b", peer="a") == ["new"]
        assert set(chosen(db, site="b", peer="a")) == {"came", "own"}


def test_who_has_not_moved_after_a_reroute_is_named_with_what_moves_them(pair):
    """Asked for before the return, a reroute leaves what came home since: typing it again must say so."""
    reroute(pair.at_a, scope="all", share_pct=100, who="ana", why="", command_id="m-0")
    exchange(pair.a, pair.b)
    assert "But Alder House itself gives 100 % of all" in text_of(return_dry_run(pair.at_b, "a")["lines"])
    give_back(pair)
    moves(pair.b)
    exchange(pair.a, pair.b)
    assert (pair.a.state("came"), wanted(pair.a)) == ("waiting", [])
    report = reroute_dry_run(pair.at_a, "all", 100)
    assert (report["moves"], report["waiting"], report["stays"]) == (0, 1, 1)
    assert "`muster site reroute all 0`, then `muster site reroute all 100`" in text_of(report["lines"])
    for number, share in enumerate((0, 100)):
        reroute(pair.at_a, scope="all", share_pct=share, who="ana", why="", command_id=f"m-{number + 1}")
    assert wanted(pair.a) == ["came"]
    assert reroute_dry_run(pair.at_a, "all", 100)["stays"] == 0


def test_what_is_served_here_is_given_back_and_not_rerouted(pair):
    """The dry run of a reroute says which command it is."""
    report = reroute_dry_run(pair.at_b, "all", 100)
    assert (report["moves"], report["waiting"], report["stays"]) == (2, 3, 1)
    assert "`muster site return`" in text_of(report["lines"])


def test_a_dry_run_that_moves_nobody_says_who_waits_otherwise(pair):
    """ "0 of 0" must mean that nobody waits at all."""
    give_back(pair)
    moves(pair.b)
    for each in ("new", "own"):
        pair.b.site.say("handover_began", each, to_site="a", until_ms=pair.b.site.clock.now_ms + 9_000)
    pair.b.site.settles()
    report = reroute_dry_run(pair.at_b, "all", 100)
    assert (report["waiting"], report["not_yet"]["asked"]) == (0, 2)
    assert "0 of 0" not in text_of(report["lines"])
    assert "Not among them: 2 that the other site is being asked" in text_of(report["lines"])


def test_what_was_given_back_is_not_said_to_go_once_more(pair):
    """At home again it came "from there": the page there must not promise that it is handed over."""
    give_back(pair)
    moves(pair.b)
    exchange(pair.a, pair.b)
    assert standing(pair.at_a)["foreign"] == {"waiting": 0, "held": 0}
    assert standing(pair.at_b)["foreign"] == {"waiting": 0, "held": 0}


def test_a_person_can_say_that_nobody_is_here(pair):
    """Somebody forgot to sign out; what waits shall not wait for them."""
    give_back(pair)
    moves(pair.b)
    override(pair.at_b, site="b", state=UNSTAFFED, who="ana", why="all went home", command_id="o-1")
    goes_by(pair.b, ALONE_MS)
    assert wanted(pair.b) == ["new"]
