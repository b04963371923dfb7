"""The acts on a pair: what a dry run says happens, twice changes nothing, refusals say what to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from config.settings import read_settings
from router.journal.stream import read_head
from router.sites.acts import ActRefused, override, reroute, take_over
from router.sites.dry_run import dry_run
from router.sites.ground import Ground
from router.sites.refusals import refusals
from router.sites.returning import going_home, return_dry_run, return_home
from router.sites.service_states import DOWN
from router.sites.standing import standing
from router.sites.status import COPY, PEER, WATCH, put_beat, put_status
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.site_pair import plan_of

ACTION = """
[[pair.actions]]
id = "dns-{when}"
when = "{when}"
site = "a"
kind = "command"
command = ["/bin/true"]
"""
PLAN = parse_plan(plan_of(ACTION.format(when="take_over") + ACTION.format(when="return")))


class Pair:
    """Sites a and b with routers, and the ground of an act at each."""

    def __init__(self, halves: tuple[Half, Half], folder: Path) -> None:
        self.a, self.b = halves
        self.at_a, self.at_b = (self._ground(half, folder) for half in halves)

    def _ground(self, half: Half, folder: Path) -> Ground:
        return Ground(
            settings=read_settings({"MUSTER_DATA": str(folder / half.name), "MUSTER_SITE": half.name}),
            plan=PLAN,
            site=half.name,
            own=half.site.database,
            copy=half.copy,
            committer=half.site.committer,
            clock=half.site.clock,
        )

    def works(self) -> None:
        """At a: one waits, one rings, one is talked to; everything is copied."""
        self.a.site.signs_in("hannah")
        self.a.site.arrives("held", urgency=2)
        self.a.site.settles()
        self.a.accepts("held")
        self.a.site.arrives("rings", urgency=2)
        self.a.site.settles()
        self.a.site.arrives("waits", urgency=3, queue="emergency")  # hannah may not serve it
        self.a.site.settles()
        self.a.sends()

    def beats(self, ground: Ground, *, age_ms: int = 0, **more: object) -> None:
        """What the other site's last beat said, and how far the line between both is."""
        at_ms = ground.clock() - age_ms
        beat = {"accepts": True, "plan": PLAN.digest, "state": "Normal", "last_seq": 0, **more}
        lag = {"behind_rows": more.pop("behind_rows", 0), "behind_ms": more.pop("behind_ms", 0)}
        with ground.own.writing() as db:
            put_status(db, PEER, at_ms, beat)
            put_status(db, COPY, ground.clock(), {**lag, "single_copies": 0})
            put_status(db, WATCH, ground.clock(), {"peer": "there", "clock": "fine"})

    def is_silent(self, ground: Ground) -> None:
        with ground.own.writing() as db:
            put_status(db, WATCH, ground.clock(), {"peer": "unreachable", "clock": "fine"})


@pytest.fixture
def pair(tmp_path) -> Iterator[Pair]:
    with routed_pair(tmp_path) as halves:
        yield Pair(halves, tmp_path)


def take(ground: Ground, **more: object):
    return take_over(ground, **{"who": "ana", "why": "alder is dark", "command_id": "c-1", **more})


def codes(refused: pytest.ExceptionInfo[ActRefused]) -> list[str]:
    return [each.code for each in refused.value.refusals]


def test_the_dry_run_says_exactly_what_then_happens(pair):
    """Somebody decides by it at three in the morning."""
    pair.works()
    report = dry_run(pair.at_b, ["a"])
    assert report["adopted_now"] == 2
    assert report["by_state"] == {"assigned": 1, "offered": 1, "waiting": 1}
    assert report["by_urgency"] == {"2": 1, "3": 1}
    assert report["by_channel"] == {"chat": 2}
    assert [each["agent_id"] for each in report["assigned"]] == ["hannah"]
    assert report["actions"] == [{"action_id": "dns-take_over", "kind": "command", "what": "/bin/true"}]
    assert report["refusals"] == []
    assert take(pair.at_b).adopted == 2
    pair.b.site.settles()
    assert (pair.b.state("waits"), pair.b.state("rings"), pair.b.state("held")) == ("waiting", "waiting", "")


def test_a_dry_run_changes_nothing(pair):
    """It is asked again and again by people who are afraid of the button."""
    pair.works()
    before = pair.a.last_seq(), pair.b.last_seq()
    assert dry_run(pair.at_b, ["a"])["lines"] == dry_run(pair.at_b, ["a"])["lines"]
    return_dry_run(pair.at_b, "a")
    assert (pair.a.last_seq(), pair.b.last_seq()) == before


def test_the_sentences_name_what_a_person_must_know(pair):
    """Counts, names, what stays, what comes back later: in words, in the order of the decision."""
    pair.works()
    said = "\n".join(dry_run(pair.at_b, ["a"])["lines"])
    for words in (
        "2 interactions come to Birch House now",
        "1 are with agents of Alder House",
        "(--assigned)",
    ):
        assert words in said


def test_the_second_person_hears_who_was_first_and_nothing_changes(pair):
    """Two admins, two cities, one telephone line that fell silent."""
    pair.works()
    assert take(pair.at_b).first == {}
    pair.b.site.settles()
    before = pair.b.last_seq()
    again = take(pair.at_b, who="ben", why="is it dark?", command_id="c-2")
    assert pair.b.last_seq() == before
    assert (again.adopted, again.first["a"].agent_id, again.first["a"].why) == (0, "ana", "alder is dark")
    assert dry_run(pair.at_b, ["a"])["domains"][0]["already"]["agent_id"] == "ana"


def test_the_assigned_ones_come_when_a_person_confirms_it(pair):
    """They may be talking; only a person knows that they are not."""
    pair.works()
    take(pair.at_b)
    pair.b.site.settles()
    assert pair.b.state("held") == ""
    taken = take(pair.at_b, who="ben", with_assigned=True, command_id="c-2")
    pair.b.site.settles()
    assert taken.adopted == 1
    assert pair.b.state("held") in ("assigned", "waiting")
    assert take(pair.at_b, with_assigned=True, command_id="c-3").adopted == 0
    assert pair.b.all("SELECT count(*) FROM action_run WHERE action_id NOT LIKE '@%'") == [(1,)]


def test_who_confirmed_it_once_confirmed_it_of_what_was_held_then(pair):
    """The site is back as a guest, its agents talk to others, and the dry run says that these stay there."""
    pair.works()
    take(pair.at_b, with_assigned=True)
    pair.a.site.signs_in("ines")
    pair.a.site.arrives("later", urgency=2)
    pair.a.site.settles()
    pair.a.accepts("later")
    pair.a.sends()
    assert take(pair.at_b, command_id="c-2").adopted == 0
    assert take(pair.at_b, with_assigned=True, command_id="c-3").adopted == 1


def test_a_take_over_that_was_broken_off_goes_on_where_it_was(pair):
    """The machine of the person who typed it may die as well."""
    pair.works()

    class Dies(Exception):
        """In the middle."""

    def dies(done: int, of: int) -> None:
        raise Dies

    with pytest.raises(Dies):
        take(pair.at_b, progress=dies)
    pair.a.site.arrives("late")
    pair.a.site.settles()
    pair.a.sends()
    assert take(pair.at_b, command_id="c-2").adopted == 1
    assert pair.b.all("SELECT count(*) FROM adoption") == [(3,)]


def test_what_the_other_site_served_of_ours_comes_back_with_it(pair):
    """a had taken over b's traffic, b came back, and now a dies before it gave it home."""
    pair.works()
    pair.b.sends()
    take_over(pair.at_a, who="ana", why="", command_id="c-0")
    pair.a.sends()
    taken = take(pair.at_b)
    assert taken.domains == ("a", "b")
    assert pair.b.all("SELECT domain, n, owner FROM domain ORDER BY 1") == [("a", 1, "b"), ("b", 2, "b")]


def test_a_site_that_answers_and_serves_is_not_taken_over(pair):
    """Its agents would be in the middle of sentences; rerouting is for that."""
    pair.works()
    pair.beats(pair.at_b)
    with pytest.raises(ActRefused) as refused:
        take(pair.at_b)
    assert codes(refused) == ["peer_serves"]
    assert "reroute" in str(refused.value)
    assert pair.b.all("SELECT count(*) FROM domain") == [(0,)]


def test_a_refused_take_over_can_be_done_anyway_and_that_is_recorded(pair):
    """A person may know better, and answers for it."""
    pair.works()
    pair.beats(pair.at_b)
    assert take(pair.at_b, anyway=True).adopted == 2
    assert pair.b.all("SELECT why FROM domain") == [("alder is dark (anyway: peer_serves)",)]


def test_a_damaged_copy_is_not_put_in_front_of_agents(pair):
    """A row that is not what was written names itself, and what to do."""
    pair.works()
    with pair.b.copy.writing() as db:
        (seq,) = db.row("SELECT seq FROM journal WHERE kind = 'arrived' AND ref = 'waits'") or (0,)
        db.run("UPDATE journal SET data = replace(data, 'chat', 'chit') WHERE seq = :seq", seq=seq)
    with pytest.raises(ActRefused) as refused:
        take(pair.at_b)
    assert codes(refused) == ["copy_broken"]
    assert f"row {seq} (arrived)" in str(refused.value)


def test_nothing_is_taken_over_from_a_copy_that_never_was(pair):
    """Also not anyway: an empty claim would only hide that nothing came."""
    for anyway in (False, True):
        with pytest.raises(ActRefused) as refused:
            take(pair.at_b, anyway=anyway)
        assert codes(refused) == ["copy_empty"]


def test_a_copy_that_is_only_partly_there_is_named_with_its_lag_and_can_be_used_anyway(pair):
    """It was begun anew, and the other site burns: people must know, and a part is better than nothing."""
    pair.works()
    with pair.at_b.copy.reading() as copy:
        head = read_head(copy)
    lag = {"last_seq": head.seq + 4_321, "at_ms": head.at_ms + 7_200_000}
    pair.beats(pair.at_b, age_ms=60_000, accepts=False, **lag)
    pair.is_silent(pair.at_b)
    report = dry_run(pair.at_b, ["a"])
    assert [each["code"] for each in report["refusals"]] == ["copy_partial"]
    said = [each for each in report["lines"] if each.startswith("REFUSED")]
    assert len(said) == 1
    for words in ("only partly there: 4321 rows are missing", "2 h 0 min", "--anyway"):
        assert words in said[0]
    with pytest.raises(ActRefused) as refused:
        take(pair.at_b)
    assert codes(refused) == ["copy_partial"]
    assert take(pair.at_b, anyway=True).adopted == report["adopted_now"] == 2
    assert pair.b.all("SELECT why FROM domain") == [("alder is dark (anyway: copy_partial)",)]


@pytest.mark.parametrize(("rows", "behind_ms"), [(4_321, 60_000), (150, 7_200_000), (0, 7_200_000)])
def test_a_copy_that_lacks_the_last_rows_of_a_storm_refuses_nothing(pair, rows, behind_ms):
    """A site dies when most comes in, and then something is on its way: the dry run says how much."""
    pair.works()
    with pair.at_b.copy.reading() as copy:
        head = read_head(copy)
    pair.beats(pair.at_b, accepts=False, last_seq=head.seq + rows, at_ms=head.at_ms + behind_ms)
    pair.is_silent(pair.at_b)
    report = dry_run(pair.at_b, ["a"])
    assert (report["refusals"], report["copy"]["missing_rows"]) == ([], rows)
    assert any(each.startswith(f"{rows} rows of Alder House") for each in report["lines"]) is bool(rows)
    assert take(pair.at_b).adopted == 2


@pytest.mark.parametrize("anew", [False, True])
def test_a_rush_after_a_quiet_hour_is_no_old_copy_unless_that_was_begun_anew(pair, anew):
    """The newest row that came is an hour old, and what is missing seconds: that is no reason to wait."""
    pair.works()
    with pair.at_b.copy.reading() as copy:
        head = read_head(copy)
    now_ms, rush_ms, was = pair.at_b.clock(), head.at_ms + 3_600_000, head.seq + 1_000 * anew
    quiet = {"accepts": False, "last_seq": was, "at_ms": rush_ms}
    with pair.at_b.own.writing() as db:
        put_beat(db, now_ms, quiet, copy_seq=was)
        rushed = {"last_seq": was + 4_321, "at_ms": rush_ms + 20_000}
        put_beat(db, now_ms, {**quiet, **rushed}, copy_seq=head.seq)
    pair.is_silent(pair.at_b)
    with pair.at_b.own.reading() as own, pair.at_b.copy.reading() as copy:
        found = [each.code for each in refusals(pair.at_b, own, copy)]
    assert found == ["copy_partial"] * anew
    assert take(pair.at_b, anyway=anew).adopted == 2


def test_where_the_other_site_never_said_how_far_it_is_the_dry_run_says_that_nobody_knows(pair):
    """The database here is new, and its copy of the other site may be of any age: silence is no good news."""
    pair.works()
    said = "\n".join(dry_run(pair.at_b, ["a"])["lines"])
    assert "How much is at Alder House only, nobody here knows" in said
    assert "Nothing is known to be at Alder House only" not in said


@pytest.mark.parametrize("how", ["watcher", "journal"])
def test_a_suspect_clock_refuses_a_take_over(pair, how):
    """Places in line are times: who takes over with a wrong clock puts people in a wrong order."""
    pair.works()
    if how == "watcher":
        with pair.at_b.own.writing() as db:
            put_status(db, WATCH, pair.at_b.clock(), {"peer": "unreachable", "clock": "suspect"})
    else:
        pair.b.site.clock.now_ms -= 60_000
    with pytest.raises(ActRefused) as refused:
        take(pair.at_b)
    assert codes(refused) == ["clock_suspect"]


def test_going_home_is_refused_while_the_home_site_is_behind_and_the_lag_is_named(pair):
    """What has not arrived there would be decided without."""
    pair.works()
    take(pair.at_b)
    pair.b.site.settles()
    pair.beats(pair.at_b, behind_rows=4_321, behind_ms=65_000)
    with pytest.raises(ActRefused) as refused:
        return_home(pair.at_b, domain="a", who="ana", why="", command_id="r-1")
    assert codes(refused) == ["peer_behind"]
    assert "4321 rows, 65 s" in str(refused.value)


def test_nothing_goes_home_to_a_site_that_is_not_there(pair):
    """Going home never happens by itself, and never into the dark."""
    pair.works()
    take(pair.at_b)
    pair.beats(pair.at_b, age_ms=60_000)
    with pytest.raises(ActRefused) as refused:
        return_home(pair.at_b, domain="a", who="ana", why="", command_id="r-1")
    assert codes(refused) == ["peer_silent"]


def test_nothing_goes_home_to_a_site_that_takes_no_work(pair):
    """It answers, and its router does not decide: what went there would wait for nobody."""
    pair.works()
    take(pair.at_b)
    pair.beats(pair.at_b, accepts=False, state="Down", plan="another")
    with pytest.raises(ActRefused) as refused:
        return_home(pair.at_b, domain="a", who="ana", why="", command_id="r-1")
    assert codes(refused) == ["peer_not_serving", "plan_differs"]


def test_a_home_without_agents_gets_its_traffic_back(pair):
    """They all came here when it fell; they go home with what they do."""
    pair.works()
    take(pair.at_b)
    pair.beats(pair.at_b, accepts=False, state="Unstaffed")
    return_home(pair.at_b, domain="a", who="ana", why="", command_id="r-1")
    assert pair.b.all("SELECT owner FROM domain") == [("a",)]


def test_going_home_is_one_claim_and_says_what_is_still_here(pair):
    """What waits is handed over by the peer role, what agents hold is finished by them."""
    pair.works()
    take(pair.at_b, with_assigned=True)
    pair.b.site.signs_in("jonas")
    pair.b.site.settles()
    pair.beats(pair.at_b)
    report = return_dry_run(pair.at_b, "a")
    assert report["refusals"] == []
    done = return_home(pair.at_b, domain="a", who="ana", why="alder is well", command_id="r-1")
    assert (done.left.waiting, done.left.held) == (report["waiting"], report["held"])
    assert pair.b.all("SELECT n, owner, mode FROM domain") == [(2, "a", "return")]
    assert len(going_home(pair.b.site.database.connect(), site="b", peer="a")) == done.left.waiting
    before = pair.b.last_seq()
    again = return_home(pair.at_b, domain="a", who="ben", why="", command_id="r-2")
    assert pair.b.last_seq() == before
    assert again.first is not None and again.first.agent_id == "ana"
    assert pair.b.all("SELECT run_id, mode FROM action_run WHERE action_id NOT LIKE '@%' ORDER BY 1") == [
        ("a/1/dns-take_over", "take_over"),
        ("a/2/dns-return", "return"),
    ]


def test_an_override_stands_beside_what_is_observed(pair):
    """Taking it back shows what was observed meanwhile; doing it twice changes nothing."""
    who = {"who": "ana"}
    pair.b.site.say("state_observed", "b", state="Normal", why="")
    assert override(pair.at_b, site="b", state=DOWN, why="water in the room", command_id="o-1", **who)
    assert not override(pair.at_b, site="b", state=DOWN, why="again", command_id="o-1", **who)
    pair.b.site.say("state_observed", "b", state="Unstaffed", why="no agent is signed in")
    (state,) = [each for each in standing(pair.at_b)["sites"] if each["site"] == "b"]
    assert (state["observed"], state["override"], state["effective"]) == ("Unstaffed", DOWN, DOWN)
    assert (state["override_by"], state["override_why"]) == ("ana", "water in the room")
    assert override(pair.at_b, site="b", state="", why="dry again", command_id="o-2", **who)
    (state,) = [each for each in standing(pair.at_b)["sites"] if each["site"] == "b"]
    assert state["effective"] == "Unstaffed"


@pytest.mark.parametrize(("state", "site"), [("Unreachable", "b"), ("Fine", "b"), (DOWN, "c")])
def test_nobody_says_what_only_a_watcher_can_know(pair, state, site):
    """Unreachable is inferred; other words are no words of the standard."""
    with pytest.raises(ActRefused):
        override(pair.at_b, site=site, state=state, who="ana", why="", command_id="o-1")


@pytest.mark.parametrize(
    ("scope", "share", "code"),
    [("everything", 50, "scope_wrong"), ("queue/nowhere", 50, "scope_wrong"), ("all", 55, "share_wrong")],
)
def test_a_share_is_of_something_there_is_in_steps_of_ten(pair, scope, share, code):
    """A typing mistake must not move a centre."""
    with pytest.raises(ActRefused) as refused:
        reroute(pair.at_b, scope=scope, share_pct=share, who="ana", why="", command_id="m-1")
    assert codes(refused) == [code]


def test_a_share_is_set_once_and_shown_with_who_set_it(pair):
    """The second one to ask for the same hears that it is so."""
    said = {"who": "ana", "why": "half of us are ill", "command_id": "m-1"}
    assert reroute(pair.at_b, scope="channel/chat", share_pct=50, **said)
    assert not reroute(pair.at_b, scope="channel/chat", share_pct=50, **said)
    (shown,) = standing(pair.at_b)["reroutes"]
    assert (shown["scope"], shown["share_pct"], shown["agent_id"]) == ("channel/chat", 50, "ana")
    assert reroute(pair.at_b, scope="channel/chat", share_pct=0, **{**said, "command_id": "m-2"})
    assert standing(pair.at_b)["reroutes"] == []


def test_what_is_shown_is_json(pair):
    """Console and `--json` send it as it is."""
    pair.works()
    take(pair.at_b)
    pair.beats(pair.at_b)
    for report in (standing(pair.at_b), dry_run(pair.at_b, ["a"]), return_dry_run(pair.at_b, "a")):
        assert json.loads(json.dumps(report)) == report


def test_tables_follow_the_journal_after_every_act(pair):
    """Who reads the journal on an empty database must come to the same."""
    pair.works()
    take(pair.at_b, with_assigned=True)
    override(pair.at_b, site="a", state="Partial", who="ana", why="", command_id="o")
    reroute(pair.at_b, scope="all", share_pct=10, who="ana", why="", command_id="m")
    pair.beats(pair.at_b)
    return_home(pair.at_b, domain="a", who="ana", why="", command_id="r")
    pair.b.site.settles()
    pair.b.is_sound()
