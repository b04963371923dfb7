"""A rehearsal goes the whole way, rings at no desk, counts nowhere, and says what failed."""

from typing import Any

import pytest

from router.journal.appends import FactsAppend
from router.sites.drills import DrillRefused, Drills, begin_facts, report_of, sent_fact
from router.sites.rerouting import Rerouting
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_rerouting import Line


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


class Stage:
    """A drill at one half, stepped by hand."""

    def __init__(self, half: Half, **wrong: Any) -> None:
        assert half.other is not None
        rerouting = Rerouting(
            site=half.name,
            peer=half.other.name,
            line=Line(half, **wrong),
            clock_ms=half.site.clock,
            pause=lambda seconds: half.site.settles(),
        )
        self.half = half
        self.ready = True
        self.drills = Drills(
            rerouting=rerouting,
            clock_ms=half.site.clock,
            every_days=lambda: 30,
            share_pct=lambda: 10,
            ready=lambda: self.ready,
        )
        self.drill_id = ""

    def begins(self, *, share_pct: int = 50, count: int = 10) -> str:
        with self.half.site.database.reading() as db:
            drill_id, facts = begin_facts(db, who="admin", share_pct=share_pct, count=count)
        self.half.site.committer.submit(FactsAppend(facts_to_append=tuple(facts))).result()
        return drill_id

    def sends(self, drill_id: str, count: int, **problems: str) -> None:
        """What the web does: rehearsals by the front door, and a word about them."""
        site = self.half.site
        for number in range(count):
            ref = f"staged-{number}"
            site.say(
                "arrived",
                ref,
                channel="chat",
                account="",
                customer_id="",
                thread="",
                connection_id="",
                traffic="rehearsal",
                message_id=f"{ref}-m",
                content_id="",
                client_id="",
                message_kind="text",
            )
            wish = {"require": [], "require_any": [], "forbid": [], "prefer": []}
            site.say(
                "read",
                ref,
                message_id=f"{ref}-m",
                queue_id="public-information",
                urgency=3,
                requirement=wish,
                rule_id="rule",
                language="en",
                reading="read",
                hits=[],
            )
        said = sent_fact(drill_id, sent=count, kept_ms=[5] * count, problems=problems)
        site.committer.submit(FactsAppend(facts_to_append=(said,))).result()
        site.settles()

    def goes_on(self) -> None:
        other = self.half.other
        assert other is not None
        self.drills.step(self.half.site.committer, self.half.site.database, self.half.copy)
        for each in (self.half, other):
            each.site.settles()
            each.sends()


def open_of(half: Half) -> int:
    return len(half.all("SELECT 1 FROM interaction WHERE closed_seq = 0"))


def test_a_drill_takes_a_share_there_and_ends_clean(pair):
    """The whole way is measured; nobody was offered any of it, at either site, with agents free at both."""
    a, b = pair
    for half in pair:
        half.site.signs_in("hannah")
        half.site.settles()
    stage = Stage(a)
    drill_id = stage.begins(share_pct=50, count=10)
    stage.sends(drill_id, 10)
    for _ in range(4):
        stage.goes_on()
        a.site.passes(1)
    with a.site.database.reading() as db:
        report = report_of(db, drill_id)
    assert report is not None
    assert (report["sent"], report["kept"], report["handed"], report["there"]) == (10, 10, 5, 5)
    assert report["failed"] == []
    assert report["who"] == "admin"
    assert (a.site.offered(), b.site.offered()) == ([], [])
    assert (open_of(a), open_of(b)) == (0, 0)
    a.is_sound()
    b.is_sound()


def test_what_fails_is_in_the_report(pair):
    """A drill that says all is well when nothing arrived is worse than none."""
    a, _ = pair
    stage = Stage(a, refusal="full")
    drill_id = stage.begins(share_pct=100, count=4)
    stage.sends(drill_id, 4, sms="http_503")
    for _ in range(80):
        stage.goes_on()
        a.site.passes(1)
        with a.site.database.reading() as db:
            if (report := report_of(db, drill_id)) is not None:
                break
    assert report is not None
    assert "sms took nothing: http_503" in report["failed"]
    assert "4 were refused there: full" in report["failed"]
    a.site.passes(2)
    assert open_of(a) == 0
    a.is_sound()


def test_a_drill_that_nobody_carries_out_ends_with_a_report(pair):
    """Its web died: within three minutes somebody can read that nothing was sent."""
    a, _ = pair
    stage = Stage(a)
    drill_id = stage.begins()
    for _ in range(8):
        stage.goes_on()
        a.site.passes(30)
    with a.site.database.reading() as db:
        report = report_of(db, drill_id)
    assert report is not None
    assert report["failed"]


def test_two_drills_do_not_run_at_once(pair):
    """The second is told who began the first."""
    a, _ = pair
    stage = Stage(a)
    stage.begins()
    with pytest.raises(DrillRefused, match="admin"):
        stage.begins()


def test_a_drill_is_due_by_schedule_and_waits_until_both_are_ready(pair):
    """Monthly, without anybody thinking of it; not while one of the sites is in trouble."""
    a, _ = pair
    stage = Stage(a)
    drill_id = stage.begins(count=1)
    stage.sends(drill_id, 1)
    for _ in range(4):
        stage.goes_on()
        a.site.passes(1)
    stage.ready = False
    a.site.clock.now_ms += 31 * 86_400_000
    stage.goes_on()
    assert len(a.rows("drill_began")) == 1
    stage.ready = True
    stage.goes_on()
    assert len(a.rows("drill_began")) == 2


def test_real_work_keeps_its_agent_during_a_drill(pair):
    """A drill takes nobody's place: the one customer is offered at once, whatever is rehearsed."""
    a, _ = pair
    stage = Stage(a)
    drill_id = stage.begins(count=10)
    stage.sends(drill_id, 10)
    a.site.signs_in("hannah")
    a.site.arrives("real")
    a.site.settles()
    assert a.site.offered() == [("real", "hannah")]
