"""What would be in the way of a take-over: each cause is named, with what to do, and goes when it is gone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.plan_file import parse_plan
from router.records import fact
from router.sites.ground import Ground
from router.sites.readiness import DAY_MS, Machine, problems, store
from router.sites.status import COPY, PEER, VERIFIED, WATCH, put_status, readiness_key, status_of
from tests.sites.site_pair import SitePair, plan_of, site_pair

ACCOUNT = """
[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "+15551230100"
secret = "line"
options = {{ account_sid = "AC1"{more} }}
"""
NUMBER = """
[[pair.actions]]
id = "number"
when = "take_over"
site = "{site}"
kind = "twilio_number"
account = "line"
"""
MACHINE = Machine(release="1.0", disk_used_pct=lambda: 10)


class Room:
    """Site b with everything in order; each test takes one thing away, and puts it back."""

    def __init__(self, pair: SitePair) -> None:
        self.pair = pair
        self.machine = MACHINE
        site = pair.b
        secrets = dict.fromkeys(("MUSTER_SECRET_PEER_KEY", "MUSTER_SECRET_LINE"), "x" * 40)
        self.ground = Ground(
            settings=replace(site.settings, secrets=secrets),
            plan=parse_plan(plan_of(pair=_PAIR)),
            site="b",
            own=site.own,
            copy=site.copy,
            committer=site.committer,
            clock=lambda: pair.clock[0],
        )
        self.says()

    def says(self, **beat: object) -> None:
        """How things are: the other site's beat, the copy, the watch."""
        now_ms = self.pair.clock[0]
        with self.ground.own.writing() as db:
            put_status(db, PEER, now_ms, {"plan": self.ground.plan.digest, "release": "1.0", **beat})
            put_status(db, COPY, now_ms, {"behind_rows": 0, "behind_ms": 0, "single_copies": 0})
            put_status(db, WATCH, now_ms, {"peer": "there", "clock": "fine"})
            put_status(db, VERIFIED, now_ms, {"fault": ""})

    def keeps(self, key: str, **values: object) -> None:
        with self.ground.own.writing() as db:
            put_status(db, key, self.pair.clock[0], values)

    def codes(self) -> list[str]:
        found = problems(self.ground, self.machine)
        assert all(each.text and each.todo for each in found)
        return [each.code for each in found if each.code not in self.known]

    known: tuple[str, ...] = ()


_PAIR = """
[pair]
drill_every_days = 30
[[pair.sites]]
id = "a"
name = "Alder House"
url = "https://a.example.org"
peer = "https://a.example.org:8443"
[[pair.sites]]
id = "b"
name = "Birch House"
url = "https://b.example.org"
peer = "https://b.example.org:8443"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SitePair]:
    with site_pair(tmp_path_factory.mktemp("room") / "pair") as pair:
        pair.b.append(
            fact("person_added", "ana", name="Ana", role="agent", active=1, credential_digest="d"),
            fact("desk_joined", "ana", desk_id="d-1", web_id="w"),
            fact("drill_began", "d-1", share_pct=10, count=1, agent_id="ana"),
            fact("drill_ended", "d-1", report={}),
        )
        with pair.b.own.writing() as db:
            db.run("INSERT INTO credential (agent_id, password_hash, must_change) VALUES ('ana', 'h', 0)")
            db.run("UPDATE agent SET available = 1, desk_ids = '[\"d-1\"]'")
            db.run(
                "INSERT INTO agent (agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids,"
                " grace_until_ms) VALUES ('ana', 1, '', 0, 0, '[\"d-1\"]', 0) ON CONFLICT DO NOTHING"
            )
        yield pair


@pytest.fixture
def room(made: SitePair) -> Room:
    """In order, but for what the default plan's own accounts want, which nobody gave this site."""
    room = Room(made)
    room.known = ()
    first = set(room.codes())
    assert first <= {"secret_missing", "no_way_over"}, first
    room.known = tuple(first)
    assert room.codes() == []
    return room


@pytest.mark.parametrize(
    ("beat", "code"),
    [({"plan": "another"}, "plan_differs"), ({"release": "2.0"}, "release_differs")],
)
def test_both_sites_decide_by_the_same_plan_and_program(room, beat, code):
    """Else a take-over changes more than the place."""
    room.says(**beat)
    assert room.codes() == [code]
    room.says()
    assert room.codes() == []


def test_a_peer_that_was_never_heard_is_named(room):
    """Two sites that do not know each other are no pair."""
    with room.ground.own.writing() as db:
        db.run("DELETE FROM site_status WHERE key = :key", key=PEER)
    assert room.codes() == ["peer_never_heard"]


def test_every_secret_of_both_sites_traffic_is_wanted(room):
    """Found on the day of the take-over, it is found by customers."""
    room.known = ()
    accounts = ACCOUNT.format(more="")
    room.ground = replace(room.ground, plan=parse_plan(plan_of(pair=_PAIR, accounts=accounts)))
    room.says()
    before = problems(room.ground, MACHINE)
    settings = replace(room.ground.settings, secrets={})
    room.ground = replace(room.ground, settings=settings)
    after = problems(room.ground, MACHINE)
    texts = {each.text for each in after} - {each.text for each in before}
    assert texts == {"the secret of account line is missing", "the secret peer-key is missing"}


@pytest.mark.parametrize(
    ("more", "actions", "ready"),
    [
        ("", "", False),
        (", peer_fallback = true", "", True),
        ("", NUMBER.format(site="a"), True),
        ("", NUMBER.format(site="b"), False),
    ],
)
def test_every_provider_can_find_the_other_site(room, more, actions, ready):
    """By its own fallback, or because it is told; an action for our own traffic brings nobody here."""
    plan = parse_plan(plan_of(actions, pair=_PAIR, accounts=ACCOUNT.format(more=more)))
    ground = replace(room.ground, plan=plan)
    texts = [each.text for each in problems(ground, MACHINE) if each.code == "no_way_over"]
    assert any("line" in each for each in texts) is not ready


def test_a_full_disk_is_named_with_its_figure(room):
    """Ingest ends when it is full."""
    room.machine = Machine(release="1.0", disk_used_pct=lambda: 93)
    assert room.codes() == ["disk_full"]


@pytest.mark.parametrize(
    ("key", "values", "code"),
    [
        (WATCH, {"clock": "suspect", "skew_ms": 4_000}, "clock_suspect"),
        (VERIFIED, {"fault": "row 7 is missing"}, "journal_damaged"),
        (COPY, {"behind_rows": 9_000, "behind_ms": 90_000, "single_copies": 0}, "copy_behind"),
        (COPY, {"behind_rows": 0, "behind_ms": 0, "single_copies": 3}, "single_copies"),
    ],
)
def test_what_the_peer_role_found_is_named(room, key, values, code):
    """Each of it is somebody's work for this morning, not for the night of the take-over."""
    room.keeps(key, **values)
    assert room.codes() == [code]


def test_a_peer_role_that_is_silent_is_named(room):
    """Figures that nobody renews look fine for ever."""
    with room.ground.own.writing() as db:
        put_status(db, COPY, room.pair.clock[0] - 120_000, {"behind_rows": 0, "behind_ms": 0})
    assert room.codes() == ["peer_role_silent"]


def test_a_copy_that_has_not_caught_up_is_named_with_its_lag(room):
    """A take-over would be refused: whoever prepares for the day must see it before."""
    room.says(last_seq=200)
    assert "copy_partial" not in room.codes()
    room.says(last_seq=4_321)
    (found,) = [each for each in problems(room.ground, room.machine) if each.code == "copy_partial"]
    assert "4321 rows are missing here" in found.text


def test_a_copy_that_differs_over_there_is_named(room):
    """One of both was restored from an older state; both would go on for months."""
    room.says(copy_of_you={"seq": 1, "head_hash": "00" * 32})
    assert room.codes() == ["copies_differ"]


def test_a_drill_that_is_overdue_is_named(room):
    """What is not rehearsed does not work."""
    room.pair.clock[0] += 31 * DAY_MS
    try:
        room.says()
        assert room.codes() == ["drill_due"]
    finally:
        room.pair.clock[0] -= 31 * DAY_MS


def test_nobody_free_and_nobody_who_can_sign_in_are_two_things(room):
    """The first is a shift that has not begun; the second is a site that nobody can use."""
    with room.ground.own.writing() as db:
        db.run("UPDATE agent SET available = 0")
    assert room.codes() == ["nobody_free"]
    with room.ground.own.writing() as db:
        db.run("UPDATE person SET active = 0")
    assert room.codes() == ["nobody_can_sign_in", "nobody_free"]
    with room.ground.own.writing() as db:
        db.run("UPDATE agent SET available = 1")
        db.run("UPDATE person SET active = 1")


def test_the_list_is_kept_for_console_and_beat(room):
    """In words: the other site shows it as well."""
    store(room.ground, problems(room.ground, Machine(release="1.0", disk_used_pct=lambda: 93)))
    with room.ground.own.reading() as db:
        kept = status_of(db, readiness_key("b")).data["problems"]
    assert {"code": "disk_full", "text": "the disk is 93 % full", "todo": kept[-1]["todo"]} in kept
