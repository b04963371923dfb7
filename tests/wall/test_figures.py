"""What counts as what: real arrivals of today, in the queue where they were answered; and who is alone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents_ui.wall.day import day_of, last_seq_before
from agents_ui.wall.rows import Agent, Contact, Outcome
from agents_ui.wall.standing import Standing, seeded
from agents_ui.wall.tallies import Tallies
from agents_ui.wall.urgent import OVERDUE_MS, Urgent, unattended
from agents_ui.wall.waiting import Waiting
from router.decisions import CloseInteraction, NoteConnections
from router.journal.committer import wall_ms
from tests.desk import plans
from tests.desk.small_site import Site, connected, queued

HOUR = 3_600_000
ZONES = ("Europe/Amsterdam", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "UTC")
AT_DESK, GONE = Agent("ana", desk_ids='["d"]'), Agent("ana")


def _contact(**fields: object) -> Contact:
    empty = dict.fromkeys(Contact.__struct_fields__[:11], "") | dict.fromkeys(
        Contact.__struct_fields__[11:], 0
    )
    return Contact(**{**empty, "interaction_id": "i", "state": "waiting", "urgency": 1, **fields})  # type: ignore[arg-type]


@given(at_ms=st.integers(0, 4_000_000_000_000), zone=st.sampled_from(ZONES))
def test_a_day_begins_at_local_midnight_and_holds_its_instant(at_ms, zone):
    """Also on the days on which clocks are changed, and those that have no midnight."""
    begins_ms, ends_ms = day_of(at_ms, zone)
    assert begins_ms <= at_ms < ends_ms
    assert 22 * HOUR <= ends_ms - begins_ms <= 26 * HOUR or zone == "Pacific/Apia"
    first, last = (datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)) for ms in (begins_ms, ends_ms - 1))
    assert first.date() == last.date()
    assert day_of(ends_ms, zone)[0] == ends_ms


def _outcome(**fields: object) -> Outcome:
    usual = {
        "interaction_id": "i",
        "queue_id": "second",
        "answered_queue_id": "",
        "closed_why": "",
        "channel": "chat",
    }
    times = {"accepted_at_ms": 100_000, "answered_at_ms": 0, "closed_at_ms": 0, "abandon_at_ms": 0}
    return Outcome(**{**usual, **times, **fields})  # type: ignore[arg-type]


def test_an_answer_counts_for_the_queue_where_it_was_given():
    """A contact that is moved on after its first answer must not take that queue's figure along."""
    tallies = Tallies(plans.plan(), 0)
    assert tallies.count(_outcome(answered_at_ms=105_000, answered_queue_id="first")) == "first"
    assert (tallies.of_queue("first")["answered"], tallies.of_queue("second")["answered"]) == (1, 0)
    assert tallies.of_queue("first")["asa_ms"] == 5_000


def test_a_chat_left_when_its_line_closed_and_not_when_the_site_stopped_waiting():
    """Two minutes of grace after three seconds of patience are three seconds: an early leaver."""
    tallies = Tallies(plans.plan(), 0)
    closed = {"closed_why": "abandoned", "abandon_at_ms": 223_000, "closed_at_ms": 223_100}
    tallies.count(_outcome(**closed))
    figures = tallies.of_queue("second")
    assert (figures["abandoned"], figures["levels"][0]["due"]) == (1, 0)
    tallies.count(_outcome(**{**closed, "abandon_at_ms": 240_000, "closed_at_ms": 240_000}))
    assert tallies.of_queue("second")["levels"][0]["due"] == 1, "twenty seconds were too long"


def test_yesterday_does_not_count():
    """Since midnight means since midnight."""
    tallies = Tallies(plans.plan(), 200_000)
    assert tallies.count(_outcome(answered_at_ms=199_999, answered_queue_id="first")) == ""
    assert tallies.count(_outcome(closed_why="abandoned", closed_at_ms=199_999)) == ""
    assert tallies.count(_outcome(closed_why="disposed", closed_at_ms=300_000)) == ""
    assert tallies.of_site()["answered"] == tallies.of_site()["abandoned"] == 0


def test_without_targets_of_its_own_a_centre_is_held_to_nenas():
    """The plan of these tests names none."""
    levels = Tallies(plans.plan(), 0).of_queue("first")["levels"]
    assert [(each["percent"], each["within_ms"]) for each in levels] == [(90, 15_000), (95, 20_000)]


@pytest.mark.parametrize(
    ("contact", "holder", "expected"),
    [
        (_contact(), None, "waiting"),
        (_contact(state="offered"), AT_DESK, "offered"),
        (_contact(state="assigned"), AT_DESK, ""),
        (_contact(state="assigned"), GONE, "orphaned"),
        (_contact(state="assigned", wrap_up_since_ms=5), GONE, ""),
        (_contact(urgency=3), None, ""),
        (_contact(closed_seq=9), None, ""),
        (_contact(state="parked", urgency=0, parked_until_ms=10_000), None, ""),
        (_contact(state="parked", urgency=0, parked_until_ms=10_000 - OVERDUE_MS), None, "overdue"),
        (_contact(state="parked", urgency=2, parked_until_ms=10_000 - OVERDUE_MS), None, "overdue"),
        (_contact(state="parked", urgency=4, parked_until_ms=1), None, ""),
    ],
)
def test_who_is_alone(contact, holder, expected):
    """With nobody, ringing, with somebody whose desk closed, or parked past its time, unread included."""
    assert unattended(contact, holder, now_ms=10_000) == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50), st.booleans()), max_size=60))
def test_the_oldest_is_first_whatever_came_and_went(changes):
    """Raised, taken, given back: the order is that of arrival, always."""
    urgent, alone = Urgent(0), {}
    for number, accepted_at_ms, is_alone in changes:
        contact = _contact(
            interaction_id=f"i{number}", accepted_at_ms=alone.get(f"i{number}", accepted_at_ms)
        )
        urgent.set(contact, "waiting" if is_alone else "")
        alone.pop(contact.interaction_id, None)
        if is_alone:
            alone[contact.interaction_id] = contact.accepted_at_ms
    assert urgent.ids() == sorted(alone, key=lambda each: (alone[each], each))
    assert len(urgent) == len(alone)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 5), st.integers(0, 1000)), max_size=300))
def test_the_line_knows_its_oldest_and_forgets_who_left(changes):
    """Counts and the longest wait come from who waits now, also after thousands have come and gone."""
    waiting, known = Waiting(plans.plan()), {}
    for number, urgency, accepted_at_ms in changes:
        before = known.pop(number, None)
        if before is not None:
            waiting.count(before, -1)
            continue
        known[number] = _contact(
            interaction_id=f"i{number}", queue_id="first", urgency=urgency, accepted_at_ms=accepted_at_ms + 1
        )
        waiting.count(known[number], 1)
    value = waiting.of_queue("first")
    assert sum(value["waiting"]) == len(known)
    assert value["oldest_at_ms"] == min((each.accepted_at_ms for each in known.values()), default=0)


async def test_drills_and_call_backs_are_in_the_lines_and_in_no_measure(site: Site) -> None:
    """A drill must be served like an emergency, and must not touch the month's service level."""
    drill, given_up = await site.arrives("drill"), await site.arrives("gone")
    with site.database.writing() as db:
        db.run("UPDATE interaction SET traffic = 'drill' WHERE interaction_id = :i", i=drill)
    offer = await site.offered(drill, "ana")
    await site.decide(connected(drill, offer, "ana"))
    await site.decide(queued(site.plan, given_up), _line_closed(given_up))
    call_back = await site.given_up(given_up)
    entities = _fresh(site).entities
    [figures] = entities["site"].values()
    assert (figures["answered"], figures["abandoned"], figures["not_real"]) == (0, 1, 1)
    assert entities["urgent"][call_back]["follows"] == given_up
    answered = await site.offered(call_back, "ana")
    await site.decide(connected(call_back, answered, "ana"))
    [figures] = _fresh(site).entities["site"].values()
    assert (figures["answered"], figures["contacts"]["engaged"]) == (0, 2)


def _line_closed(interaction_id: str) -> NoteConnections:
    return NoteConnections(
        at_ms=wall_ms(), interaction_id=interaction_id, connection_ids=(), abandon_at_ms=wall_ms() + 120_000
    )


async def test_the_days_first_row_is_found_in_the_journal(site: Site) -> None:
    """The seed reads what was closed since midnight, and not the whole history."""
    interaction_id = await site.held("ana")
    between_ms = wall_ms()
    close = CloseInteraction(
        at_ms=wall_ms(), interaction_id=interaction_id, agent_id="ana", disposition="done", why="disposed"
    )
    [row] = await site.decide(close)
    with site.database.reading() as db:
        assert last_seq_before(db, row.at_ms + 1) == row.seq
        assert last_seq_before(db, between_ms) <= row.seq
        assert last_seq_before(db, 0) == 0
    [figures] = _fresh(site).entities["site"].values()
    assert figures["answered"] == 1


def _fresh(site: Site) -> Standing:
    with site.database.reading() as db:
        return seeded(db, site.plan, wall_ms())
