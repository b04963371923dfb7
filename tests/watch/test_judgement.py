"""When the watch says that something is wrong, and how soon. Times are given; nothing runs."""

from agents_ui.admin.roles import RoleHealth
from agents_ui.watch import judgement as j
from agents_ui.watch.judgement import Known, Trouble, Unoffered

SITE = "lowen"
EVERY_MS = 60_000
PROMISED_MS = 120_000


class Story:
    """Ways in and time that passes, a second at a time, with a probe sent whenever one is due."""

    def __init__(self, *names: str, every_ms: int = EVERY_MS) -> None:
        self.now_ms = 10_000_000
        self.every_ms = every_ms
        self.ways = {name: Known(through_ms=self.now_ms) for name in names}
        self.closed: dict[str, str] = {}
        self.probes: dict[str, int] = dict.fromkeys(names, 0)
        self.since_ms = self.now_ms

    def closes(self, name: str, problem: str = "http_403") -> None:
        self.closed[name] = problem

    def somebody_comes(self, name: str) -> None:
        known = self.ways[name]
        known.through_ms = known.real_ms = self.now_ms
        known.problem = ""

    def told(self) -> list[Trouble]:
        return j.silent(self.ways, self.now_ms, self.every_ms, since_ms=self.since_ms, site_id=SITE)

    def passes(self, seconds: int) -> list[Trouble]:
        """The troubles after that."""
        for _ in range(seconds):
            self.now_ms += 1_000
            for name, known in self.ways.items():
                if j.probe_due(known, self.now_ms, self.every_ms):
                    self.probes[name] += 1
                    known.probe_ms = self.now_ms
                    if name in self.closed:
                        known.problem = self.closed[name]
                    else:
                        known.through_ms, known.problem = self.now_ms, ""
        return self.told()

    def until_told(self) -> int:
        """Milliseconds until somebody is told."""
        began_ms = self.now_ms
        while not self.passes(1):
            assert self.now_ms - began_ms < 3_600_000
        return self.now_ms - began_ms


def test_a_quiet_way_is_tried_once_a_minute_and_is_no_trouble():
    """A centre at night: nobody comes, and everything is well."""
    story = Story("texts", "/chat")
    assert story.passes(600) == []
    assert story.probes == {"texts": 10, "/chat": 10}


def test_silence_is_told_within_two_minutes_wherever_in_the_minute_it_begins():
    """The promise; a person who cannot get in must not be the one who finds out."""
    for after_s in (0, 1, 30, 59, 60, 61, 119):
        story = Story("texts", "mail")
        story.passes(after_s)
        story.closes("texts")
        assert story.until_told() <= PROMISED_MS
        assert story.told() == [Trouble(j.SILENCE, "texts", "http_403")]


def test_one_lost_probe_is_no_trouble():
    """A second one is sent soon: a moment of the network is not a closed way."""
    story = Story("texts", "mail")
    story.passes(30)
    story.closes("texts")
    story.passes(35)
    del story.closed["texts"]
    assert story.passes(300) == []


def test_while_people_come_no_probe_is_sent():
    """In a disaster, when each request counts, the watch takes nothing."""
    story = Story("texts")
    for _ in range(60):
        story.passes(10)
        story.somebody_comes("texts")
    assert story.probes == {"texts": 0}


def test_a_probe_that_was_taken_and_did_not_come_through_is_silence():
    """Kept and never routed is as bad as refused."""
    story = Story("texts", "mail")
    story.passes(60)
    known = story.ways["texts"]
    for _ in range(60):
        story.now_ms += 1_000
        story.ways["mail"].through_ms = story.now_ms
        if j.probe_due(known, story.now_ms, EVERY_MS):
            known.probe_ms = story.now_ms
    story.now_ms += 55_000
    story.ways["mail"].through_ms = story.now_ms
    assert story.told() == [Trouble(j.SILENCE, "texts", "not_through")]


def test_when_every_way_is_closed_one_alarm_says_so():
    """Ten alarms about ten accounts would hide that the mistake is in the middle."""
    story = Story("texts", "mail", "/chat")
    for name in story.ways:
        story.closes(name, "no_connection")
    assert story.until_told() <= PROMISED_MS
    assert [(each.code, each.ref) for each in story.told()] == [(j.ALL_SILENT, SITE)]


def test_whoever_begins_to_watch_first_tries():
    """After a night of standing still the old times say nothing about now."""
    story = Story("texts", "mail")
    story.now_ms += 36_000_000
    story.since_ms = story.now_ms
    assert story.told() == []
    assert story.passes(200) == []


def test_without_probes_nothing_is_said_about_silence():
    """0 in the plan: nobody can tell a quiet night from a closed way."""
    story = Story("texts", every_ms=0)
    assert story.passes(3_600) == []
    assert story.probes == {"texts": 0}


def test_a_wave_of_refusals_is_told():
    """Forged requests in numbers, or a secret that is no longer the right one."""
    known = {"texts": Known(through_ms=1, real_ms=1_000_000)}
    now_ms = 1_000_500
    assert j.forged(known, {"texts": j.WAVE}, {"texts": j.WAVE}, now_ms) == [
        Trouble(j.SIGNATURES, "texts", str(j.WAVE))
    ]
    assert j.forged(known, {"texts": j.WAVE - 1}, {"texts": j.WAVE - 1}, now_ms) == []


def test_on_a_quiet_account_three_refusals_are_a_wave():
    """Our own probes are signed with our own secret: they come through while every citizen is refused."""
    known = {"texts": Known(through_ms=5_000_000, real_ms=1)}
    assert j.forged(known, {}, {"texts": j.FEW}, 5_000_000)
    known["texts"].real_ms = 4_999_000
    assert j.forged(known, {}, {"texts": j.FEW}, 5_000_000) == []


def test_a_role_that_does_not_serve_is_told_once_it_had_time_to_come_back():
    """The worker as well: without one no answer leaves, and nothing else would say so."""
    gone = RoleHealth(role="worker", ok=False, count=0)
    fine = RoleHealth(role="router", ok=True, count=1)
    since = {"worker": 1_000}
    assert j.roles_gone([gone, fine], since, {"worker"}, 1_000 + j.ROLE_GONE_MS - 1) == []
    assert j.roles_gone([gone, fine], since, {"worker"}, 1_000 + j.ROLE_GONE_MS) == [
        Trouble(j.ROLE_GONE, "worker")
    ]
    assert j.roles_gone([gone], since, set(), 1_000 + j.ROLE_GONE_MS) == []
    assert j.roles_gone([gone], since, set(), 1_000 + j.ROLE_MISSING_MS) != []


def test_who_waits_beside_a_free_able_agent_is_told_of():
    """The router offers at once; whoever waits like this is forgotten."""
    waits = Unoffered(interaction_id="c-1", offer_count=0, agent_id="ana")
    assert j.not_offered([waits], {waits: 1_000}, 1_000 + j.UNOFFERED_MS - 1) == []
    assert j.not_offered([waits], {waits: 1_000}, 1_000 + j.UNOFFERED_MS) == [
        Trouble(j.NOT_OFFERED, "c-1", "ana")
    ]
    offered_since = Unoffered(interaction_id="c-1", offer_count=1, agent_id="ana")
    assert j.not_offered([offered_since], {waits: 1_000}, 90_000) == []


def test_what_is_accepted_and_left_is_told_of():
    """Arrived and in nobody's line, or unread: a human must look, whatever the reason is."""
    assert j.left_behind((0, ""), (0, ""), SITE) == []
    assert j.left_behind((2, "c-1"), (1, "m-1"), SITE) == [
        Trouble(j.NOT_ROUTED, SITE, "2: c-1"),
        Trouble(j.UNREAD_LONG, SITE, "1: m-1"),
    ]
