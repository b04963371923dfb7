"""Beats in, facts and take-overs out: the policy on two real databases, with time that passes when told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from config.settings import read_settings
from router.journal.stream import read_head
from router.records import fact
from router.sites.acts import take_over
from router.sites.ground import Ground
from router.sites.status import PEER, WATCH, put_status, readiness_key, status_of
from router.sites.watcher import Watcher
from router.sites.watching import Look
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.site_pair import PAIR, plan_of


def plan(take_over: str = "automatic", more: str = ""):
    return parse_plan(plan_of(pair=PAIR.replace('"manual"', f'"{take_over}"\n{more}')))


class Pair:
    """Site b watches site a. The clocks of both go together."""

    def __init__(self, halves: tuple[Half, Half], folder: Path) -> None:
        self.a, self.b = halves
        self.plan = plan()
        self.mono_ms = 1_000
        self.folder = folder
        self.content = {"agents_here": 1, "waiting": 0}
        self.begins_anew()
        self.lives("router", "web")

    def begins_anew(self) -> None:
        """The role of b's that watches; a new one remembers nothing."""
        self.watcher = Watcher(
            self.ground, content=lambda: self.content, owner="test", mono_ms=lambda: self.mono_ms
        )

    def ground(self) -> Ground:
        return Ground(
            settings=read_settings({"MUSTER_DATA": str(self.folder / "b"), "MUSTER_SITE": "b"}),
            plan=self.plan,
            site="b",
            own=self.b.site.database,
            copy=self.b.copy,
            committer=self.b.site.committer,
            clock=self.b.site.clock,
        )

    def lives(self, *roles: str) -> None:
        with self.b.site.database.writing() as db:
            db.run("DELETE FROM lease WHERE name LIKE '%/%'")
            for role in roles:
                db.run(
                    "INSERT INTO lease (name, owner, epoch, until_ms) VALUES (:name, '', 0, 1 << 60)",
                    name=f"{role}/1",
                )

    def passes(self, seconds: int, *, answered: bool, third: bool | None = None, **said: object) -> None:
        """A beat and a turn each second."""
        for _ in range(seconds):
            self.mono_ms += 1_000
            self.b.site.clock.now_ms += 1_000
            look = Look(
                mono_ms=self.mono_ms,
                wall_ms=self.b.site.clock(),
                answered=answered,
                peer_wall_ms=self.b.site.clock() if answered else 0,
                third=third,
            )
            beat = {"state": "Normal", "accepts": True, "last_seq": 1, **said} if answered else {}
            self.watcher.heard(look, beat)
            self.watcher.turn(self.ground())

    def owner(self) -> str:
        rows = self.b.all("SELECT owner FROM domain WHERE domain = 'a'")
        return str(rows[0][0]) if rows else "a"

    def alarms(self) -> list[str]:
        codes = "('peer_unreachable', 'peer_back', 'clock_suspect', 'third_silent', 'take_over_refused')"
        return [
            str(row[0]) for row in self.b.all(f"SELECT code FROM alarm WHERE code IN {codes} ORDER BY at_ms")
        ]

    def observed(self, site: str) -> str:
        rows = self.b.all("SELECT observed FROM site_state WHERE site = :site", site=site)
        return str(rows[0][0]) if rows else ""

    def waits_at_a(self, *ids: str) -> None:
        for each in ids:
            self.a.site.arrives(each)
        self.a.site.settles()
        self.a.sends()


@pytest.fixture
def pair(tmp_path) -> Iterator[Pair]:
    with routed_pair(tmp_path) as halves:
        yield Pair(halves, tmp_path)


def test_a_dead_site_is_taken_over_by_itself_after_the_silence_of_the_plan(pair):
    """Between 30 and 60 seconds: not sooner, and nobody has to be awake."""
    pair.waits_at_a("c-1", "c-2")
    pair.passes(5, answered=True)
    pair.passes(29, answered=False)
    assert pair.owner() == "a"
    pair.passes(2, answered=False)
    assert pair.owner() == "b"
    assert pair.b.all("SELECT agent_id, automatic, with_assigned FROM domain") == [("policy", 1, 0)]
    pair.b.site.settles()
    assert (pair.b.state("c-1"), pair.b.state("c-2")) == ("waiting", "waiting")


def test_where_the_plan_says_manual_nobody_takes_over_but_a_person(pair):
    """That is what the word means."""
    pair.plan = plan("manual")
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    pair.passes(300, answered=False)
    assert pair.owner() == "a"
    assert pair.alarms() == ["peer_unreachable"]
    assert pair.observed("a") == "Unreachable"


def test_a_flapping_link_moves_nobody(pair):
    """A beat now and then is a site that lives."""
    pair.waits_at_a("c-1")
    for _ in range(6):
        pair.passes(25, answered=False)
        pair.passes(1, answered=True)
    assert pair.owner() == "a"


def test_a_site_that_is_cut_off_itself_does_not_take_over(pair):
    """The third point answers neither: it is we who are gone."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    pair.passes(120, answered=False, third=False)
    assert pair.owner() == "a"
    assert pair.alarms() == ["third_silent"]
    pair.passes(3, answered=False, third=True)
    assert pair.owner() == "b"


def test_a_clock_that_was_set_leaves_it_to_a_person(pair):
    """Routing goes on, people are told, nothing is taken over by itself."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    pair.b.site.clock.now_ms += 3_600_000
    pair.passes(120, answered=False)
    assert pair.owner() == "a"
    assert pair.alarms() == ["clock_suspect", "peer_unreachable"]


def test_a_site_that_somebody_put_out_of_service_does_not_take_over(pair):
    """Who said `Down` knew something that no figure shows; the alarm says what was not done."""
    pair.waits_at_a("c-1")
    pair.b.site.say("state_overridden", "b", state="Down", agent_id="ana", why="smoke", command_id="o")
    pair.passes(5, answered=True)
    pair.passes(40, answered=False)
    assert pair.owner() == "a"
    assert pair.alarms() == ["peer_unreachable", "take_over_refused"]


def test_what_agents_held_comes_after_its_time(pair):
    """Ten minutes in which they may still be talking; then nobody is."""
    pair.a.site.signs_in("hannah")
    pair.waits_at_a("c-1")
    assert pair.a.state("c-1") == "offered"
    pair.a.accepts("c-1")
    pair.a.sends()
    pair.plan = plan(more="assigned_after_ms = 120_000")
    pair.passes(5, answered=True)
    pair.passes(100, answered=False)
    assert pair.owner() == "b"
    assert pair.b.state("c-1") == ""
    pair.passes(80, answered=False)
    assert pair.b.all("SELECT with_assigned FROM domain") == [(1,)]
    pair.b.site.settles()
    assert pair.b.state("c-1") in ("assigned", "waiting")


def with_agents_at_a(pair: Pair, *ids: str) -> None:
    """Agents at a talk to these; b's copy knows."""
    for each in ids:
        pair.a.site.arrives(each)
        pair.a.site.settles()
        pair.a.accepts(each)
    pair.a.sends()


def test_a_short_silence_long_after_the_take_over_interrupts_nobody(pair):
    """It is the silence that has to last: the site is back as a guest, and its agents are in mid-sentence."""
    pair.a.site.signs_in("hannah")
    pair.waits_at_a("c-1")
    pair.a.accepts("c-1")
    pair.a.sends()
    pair.plan = plan(more="assigned_after_ms = 60_000")
    pair.passes(5, answered=True)
    pair.passes(32, answered=False)
    assert pair.owner() == "b"
    pair.passes(70, answered=True)
    pair.passes(30, answered=False)
    pair.b.site.settles()
    assert pair.b.all("SELECT with_assigned FROM domain") == [(0,)]
    assert pair.b.state("c-1") == ""
    pair.passes(40, answered=False)
    pair.b.site.settles()
    assert pair.b.all("SELECT with_assigned FROM domain") == [(1,)]
    assert pair.b.state("c-1") in ("assigned", "waiting")


def test_what_was_confirmed_of_one_silence_does_not_hold_in_the_next(pair):
    """Each flap of the line would take whatever agents of the other site hold by then."""
    pair.a.site.signs_in("hannah")
    pair.waits_at_a("c-1")
    pair.plan = plan(more="assigned_after_ms = 60_000")
    pair.passes(5, answered=True)
    pair.passes(100, answered=False)
    assert pair.b.all("SELECT with_assigned FROM domain") == [(1,)]
    pair.passes(70, answered=True)
    pair.a.accepts("c-1")
    with_agents_at_a(pair, "c-2")
    pair.waits_at_a("c-3", "c-4")
    pair.passes(6, answered=False)
    pair.b.site.settles()
    assert [pair.b.state(each) for each in ("c-2", "c-3", "c-4")] == ["", "waiting", "waiting"]
    pair.passes(60, answered=False)
    pair.b.site.settles()
    assert pair.b.state("c-2") in ("assigned", "waiting")


@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_person_confirmed_is_finished_while_the_silence_lasts(pair, restarted):
    """Who said that nobody talks there any more said it of this silence, whichever process finishes it."""
    pair.plan = plan("manual", more="assigned_after_ms = 0")
    pair.a.site.signs_in("hannah")
    with_agents_at_a(pair, "c-1")
    pair.waits_at_a("c-2")
    with pair.b.site.database.writing() as db:
        put_status(db, PEER, pair.b.site.clock(), {"last_seq": 1})
    pair.passes(10, answered=False)

    def dies(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_over(pair.ground(), who="ana", why="", command_id="c", with_assigned=True, progress=dies)
    with_agents_at_a(pair, "c-3")
    if restarted:
        pair.begins_anew()
    pair.passes(30, answered=False)
    pair.b.site.settles()
    assert pair.b.state("c-3") in ("assigned", "waiting")


def is_behind(pair: Pair, *, rows: int = 4_321, ms: int = 7_200_000) -> None:
    """What b's copy of a lacks, by a's last beat."""
    with pair.b.copy.reading() as copy:
        head = read_head(copy)
    with pair.b.site.database.writing() as db:
        beat = {"last_seq": head.seq + rows, "at_ms": head.at_ms + ms}
        put_status(db, PEER, pair.b.site.clock(), beat)


def test_the_policy_takes_nothing_over_from_a_copy_that_is_only_partly_there(pair):
    """It would put people who were served long ago before those who wait: that is for somebody to weigh."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    is_behind(pair)
    pair.passes(60, answered=False)
    assert pair.owner() == "a"
    ((ref, detail),) = alarms_of(pair, "take_over_refused")
    assert ref == "a"
    assert "4321 rows are missing here" in str(detail)
    take_over(pair.ground(), who="ana", why="", command_id="c", anyway=True)
    pair.b.site.settles()
    assert pair.b.state("c-1") == "waiting"


def test_the_policy_does_not_wait_for_the_last_rows_of_a_storm(pair):
    """Nobody may be awake, and a copy is always a little behind when most comes in."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    is_behind(pair, ms=45_000)
    pair.passes(32, answered=False)
    assert pair.owner() == "b"


def test_what_somebody_took_over_from_part_of_a_copy_is_finished_in_the_same_silence_only(pair, caplog):
    """The other site came back, its copy is being made anew here, and the line flaps: what is open in it may
    have ended long ago."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    is_behind(pair)
    pair.passes(40, answered=False)
    take_over(pair.ground(), who="ana", why="", command_id="c", anyway=True)
    pair.waits_at_a("c-2")
    pair.passes(20, answered=False)
    pair.b.site.settles()
    assert (pair.b.state("c-1"), pair.b.state("c-2")) == ("waiting", "waiting")
    pair.passes(70, answered=True)
    pair.waits_at_a("c-3")
    is_behind(pair)
    caplog.clear()
    pair.passes(20, answered=False)
    pair.b.site.settles()
    assert pair.b.state("c-3") == ""
    assert "not taken over reason=the copy of Alder House is only partly there" in caplog.text


def test_a_take_over_that_somebody_broke_off_is_finished(pair):
    """The terminal was closed in the middle: what was left there must not wait for somebody to notice."""
    pair.plan = plan("manual")
    pair.waits_at_a("c-1")

    def dies(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_over(pair.ground(), who="ana", why="", command_id="c", progress=dies)
    pair.waits_at_a("c-2")
    pair.passes(30, answered=False)
    assert pair.b.all("SELECT count(*) FROM adoption") == [(2,)]


def test_a_site_that_comes_back_is_there_again_and_keeps_nothing_by_itself(pair):
    """Going home is a person's act: after the return of its beats nothing moves."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    pair.passes(40, answered=False)
    pair.passes(200, answered=True)
    assert pair.owner() == "b"
    assert pair.observed("a") == "Normal"
    assert pair.alarms() == ["peer_unreachable", "peer_back"]


def test_this_site_says_of_itself_what_its_figures_say(pair):
    """In the standard's words, and not because of one bad second."""
    pair.passes(10, answered=True)
    assert pair.observed("b") == "Normal"
    pair.content["agents_here"] = 0
    pair.passes(2, answered=True)
    assert pair.observed("b") == "Normal"
    pair.passes(1, answered=True)
    assert pair.observed("b") == "Unstaffed"
    pair.content["agents_here"] = 3
    pair.lives("web")
    pair.passes(3, answered=True)
    assert pair.observed("b") == "Down"
    pair.lives("router")
    pair.passes(5, answered=True)
    assert pair.observed("b") == "Partial"


def test_a_state_is_a_fact_once_and_not_every_second(pair):
    """Ten minutes of Normal are one row, or the journal tells of nothing else."""
    pair.passes(120, answered=True)
    assert len(pair.b.rows("state_observed")) == 2


def test_what_is_known_is_kept_for_console_and_command_line(pair):
    """Also what the other site says that it lacks."""
    wants = [{"code": "nobody_free", "text": "no agent is available", "todo": "sign in"}]
    pair.passes(5, answered=True, ready=wants)
    with pair.b.site.database.reading() as db:
        watch, theirs = status_of(db, WATCH), status_of(db, readiness_key("a"))
        ours = status_of(db, readiness_key("b"))
    assert (watch.text("peer"), watch.text("clock")) == ("there", "fine")
    assert theirs.data["problems"] == wants
    assert {each["code"] for each in ours.data["problems"]} >= {"nobody_can_sign_in", "drill_due"}


def test_nothing_of_this_leaves_the_tables_different_from_the_journal(pair):
    """Every table of it folds."""
    pair.waits_at_a("c-1")
    pair.b.site.say("action_due", "a/9/x", action_id="x", domain="a", mode="take_over")
    pair.b.site.committer.submit(_tried()).result()
    pair.passes(5, answered=True)
    pair.passes(40, answered=False)
    pair.b.site.settles()
    pair.b.is_sound()


def _tried():
    from router.journal.appends import FactsAppend

    said = {"attempt": 1, "outcome": "later", "detail": "busy", "due_at_ms": 5}
    return FactsAppend(facts_to_append=(fact("action_tried", "a/9/x", **said),))


STUCK = {
    "state": "Down",
    "accepts": False,
    "ready": [{"code": "database_hangs", "text": "the database has taken nothing for 6 s", "todo": "look"}],
}


def stuck_for(pair: Pair, seconds: int, *, from_s: int = 5) -> None:
    """Beats that say so, each a second later."""
    for second in range(from_s, from_s + seconds):
        pair.passes(1, answered=True, stuck_ms=second * 1_000, **STUCK)


def alarms_of(pair: Pair, code: str) -> list[tuple[object, ...]]:
    return pair.b.all(f"SELECT ref, detail FROM alarm WHERE code = '{code}'")


def test_a_site_whose_database_takes_nothing_is_told_of_at_the_other_one(pair):
    """It can tell its own people nothing, and its beats are answered: nobody else would notice."""
    pair.passes(5, answered=True)
    stuck_for(pair, 8)
    assert pair.observed("a") == "Down"
    assert pair.b.all("SELECT observed_why FROM site_state WHERE site = 'a'") == [
        ("the database has taken nothing for 6 s",)
    ]
    assert alarms_of(pair, "peer_database_hangs") == [("a", "the database has taken nothing for 6 s")]
    with pair.b.site.database.reading() as db:
        told = status_of(db, readiness_key("a")).data["problems"]
    assert [each["code"] for each in told] == ["database_hangs"]
    pair.passes(2, answered=True)
    assert pair.observed("a") == "Normal"


def test_a_site_that_says_that_it_takes_nothing_is_taken_over_like_one_that_is_gone(pair):
    """Who waits there waits for nobody. It says so itself: nothing is inferred; and not before its time."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    stuck_for(pair, 24)
    assert pair.owner() == "a"
    stuck_for(pair, 3, from_s=29)
    assert pair.owner() == "b"
    assert pair.b.all("SELECT automatic, why FROM domain WHERE domain = 'a'") == [
        (1, "Alder House says for 30 s that its database takes nothing")
    ]
    pair.b.site.settles()
    assert pair.b.state("c-1") == "waiting"


@pytest.mark.parametrize("take_over", ["manual", "automatic"])
def test_old_words_of_a_silent_site_take_nothing_over(pair, take_over):
    """What it said last may be over, and silence has a time of its own. In a manual pair nothing does."""
    pair.plan = plan(take_over)
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    stuck_for(pair, 20)
    if take_over == "manual":
        stuck_for(pair, 60, from_s=25)
    else:
        pair.passes(20, answered=False)
    assert pair.owner() == "a"


def test_a_site_whose_own_database_hangs_takes_nothing_over_and_says_what_it_can(pair):
    """It could write nothing of it down; and its own list says why, as far as that can be written."""
    pair.waits_at_a("c-1")
    pair.passes(5, answered=True)
    pair.content |= {"stuck_ms": 6_000, "ready": [*STUCK["ready"]]}
    pair.passes(45, answered=False)
    assert pair.owner() == "a"
    with pair.b.site.database.reading() as db:
        told = status_of(db, readiness_key("b")).data["problems"]
        assert status_of(db, WATCH).data["peer"] == "unreachable"
    assert told[0]["code"] == "database_hangs"
    pair.content.pop("stuck_ms")
    pair.content["ready"] = []
    pair.passes(1, answered=False)
    with pair.b.site.database.reading() as db:
        assert "database_hangs" not in str(status_of(db, readiness_key("b")).data)
    assert pair.owner() == "b"
