"""A contact that both sites got keeps the place of its first receipt, whichever site serves it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import call_backs
from router.sites.first_receipt import DOUBTED_MS_MAX, EARLIER_MS_MAX, is_believed
from router.sites.reconciling import Reconciler
from tests.sites.routed_pair import Half, exchange, routed_pair

PLACE = "SELECT accepted_at_ms FROM interaction WHERE interaction_id = :id"


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def place(half: Half, ref: str = "c-1") -> int:
    ((at_ms,),) = half.all(PLACE, id=ref)
    assert isinstance(at_ms, int)
    return at_ms


def both_got(a: Half, b: Half, *, seconds: int = 15, **values: object) -> int:
    """a kept c-1 and its provider heard nothing: so b got it too, later. The first time."""
    a.site.arrives("c-1", **values)  # type: ignore[arg-type]  # of arrives()
    a.site.settles()
    a.site.passes(seconds)
    b.site.arrives("c-1", **values)  # type: ignore[arg-type]  # of arrives()
    b.site.settles()
    return place(a)


def test_the_site_that_serves_it_takes_the_earlier_time(pair):
    """The provider tried again at the other address: the customer has waited since the first try."""
    a, b = pair
    first_ms = both_got(a, b)
    b.site.clock.now_ms = first_ms + 8_000
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    assert place(b) == first_ms
    assert len(b.rows("place_learned")) == 1
    for half in pair:
        half.is_sound()


def test_it_is_served_before_who_came_between(pair):
    """That is what the place is for: the line, and not only what pages show."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.passes(5)
    b.site.arrives("c-2")
    b.site.passes(5)
    b.site.arrives("c-1")
    b.site.settles()
    exchange(a, b)
    b.site.signs_in("hannah")
    b.site.passes(1)
    assert b.site.offered()[0][0] == "c-1"
    b.is_sound()


def test_an_offer_rings_on_and_the_place_counts_when_it_waits_again(pair):
    """An agent about to accept is not disturbed; who declines puts it back where it belongs."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.passes(5)
    b.site.signs_in("hannah")
    b.site.arrives("c-1")
    b.site.settles()
    (before,) = b.rows("offered")
    exchange(a, b)
    assert b.state("c-1") == "offered"
    assert [row.seq for row in b.rows("offered")] == [before.seq]
    assert place(b) == place(a)
    offer_id = json.loads(before.data)["offer_id"]
    b.site.say("decline_pressed", offer_id, agent_id="hannah", command_id="no")
    b.site.settles()
    assert b.state("c-1") == "waiting"
    b.is_sound()


def test_an_urgent_one_that_nobody_took_raises_its_alarm_by_its_first_time(pair):
    """The alarm counts from when somebody asked for help, not from when the second site heard of it."""
    a, b = pair
    both_got(a, b, seconds=600, urgency=1)
    assert [row for row in b.rows("alarm_raised") if json.loads(row.data)["code"] == "unattended"] == []
    exchange(a, b)
    codes = [json.loads(row.data)["code"] for row in b.rows("alarm_raised")]
    assert codes.count("unattended") == 1
    b.is_sound()


def test_who_gave_up_here_is_called_back_at_the_first_time(pair):
    """The call-back was opened before the two sites had spoken: its place is the contact's all the same."""
    a, b = pair
    first_ms = both_got(a, b)
    for half in pair:
        said = {"connection_id": f"c-{half.name}", "web_id": "web-1"}
        half.site.say("customer_connected", "c-1", **said)
        half.site.say("customer_disconnected", "c-1", **said, for_good=True)
        half.site.settles()
    call_back = call_backs.id_of("c-1")
    assert place(b, call_back) > first_ms
    exchange(a, b)
    served = [half for half in pair if half.state(call_back) == "waiting"]
    assert [place(half, call_back) for half in served] == [first_ms]
    for half in pair:
        half.is_sound()


def test_what_comes_back_has_the_place_it_had_here(pair):
    """b served it by its own later time and burnt down before the two had spoken: a had it earlier."""
    a, b = pair
    first_ms = both_got(a, b)
    b.sends()
    a.site.say("yielded", "c-1", to_site="b", n=0, owner="b", why="served_there", orders=[])
    a.site.settles()
    assert a.state("c-1") == "moved"
    assert a.adopts().adopted == 1
    assert place(a) == first_ms
    a.is_sound()


def test_a_router_that_begins_anew_knows_the_place(pair):
    """It is a fact of the site's own stream: tables, memory and replay say the same."""
    a, b = pair
    first_ms = both_got(a, b)
    exchange(a, b)
    b.site.begins_anew()
    b.site.settles()
    assert place(b) == first_ms
    b.is_sound()


@pytest.mark.parametrize(("seconds", "believed"), [(50, True), (3_600, False)])
def test_a_clock_that_was_found_wrong_wins_little(pair, seconds, believed):
    """One of two clocks is an hour behind, and somebody was told: nobody goes before an hour's line by it."""
    a, b = pair
    alarm = {"code": "clock_suspect", "detail": "the clocks are 3600000 ms apart"}
    b.site.say("trouble_noticed", "a", **alarm)
    first_ms = both_got(a, b, seconds=seconds)
    exchange(a, b)
    assert (place(b) == first_ms) is believed
    b.is_sound()


def compares(half: Half, *, compared: list[bool]) -> None:
    """Its peer role begins anew, and has measured the clocks where the last of these says so."""
    peer = "b" if half.name == "a" else "a"
    half.reconciler = Reconciler(site=half.name, peer=peer, compared=lambda: compared[-1])


def test_after_a_split_nobody_goes_far_before_others_by_a_clock_that_was_not_measured(pair):
    """The first rows come before the beats that show a clock hours behind; the alarm would come too late."""
    a, b = pair
    compared = [False]
    compares(b, compared=compared)
    first_ms = both_got(a, b, seconds=3_600)
    own_ms = place(b)
    exchange(a, b)
    assert place(b) == own_ms > first_ms
    b.site.say("trouble_noticed", "a", code="clock_suspect", detail="the clocks are 3600000 ms apart")
    compared.append(True)
    exchange(a, b)
    assert place(b) == own_ms
    b.is_sound()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_place_is_not_lost_by_waiting_for_the_clocks(pair, restarted):
    """The clocks were right: five beats later the contact has its place, also with a role that began anew."""
    a, b = pair
    compared = [False]
    compares(b, compared=compared)
    first_ms = both_got(a, b, seconds=3_600)
    exchange(a, b)
    assert place(b) > first_ms
    if restarted:
        compares(b, compared=compared)
        exchange(a, b)
        assert place(b) > first_ms
    compared.append(True)
    exchange(a, b, times=1)
    assert place(b) == first_ms
    assert len(b.rows("place_learned")) == 1
    b.is_sound()


def test_a_call_back_waits_for_the_clocks_as_well(pair):
    """It has the place of a contact that is over: a role that began anew has to find it, too."""
    a, b = pair
    compared = [False]
    compares(b, compared=compared)
    first_ms = both_got(a, b, seconds=3_600)
    said = {"connection_id": "c-b", "web_id": "web-1"}
    b.site.say("customer_connected", "c-1", **said)
    b.site.say("customer_disconnected", "c-1", **said, for_good=True)
    b.site.settles()
    call_back = call_backs.id_of("c-1")
    own_ms = place(b, call_back)
    a.sends()
    for _ in range(2):
        b.agrees()
        assert place(b, call_back) == own_ms > first_ms
        compares(b, compared=compared)
    compared.append(True)
    b.agrees()
    assert place(b, call_back) == first_ms
    b.is_sound()


def test_the_minute_in_which_a_provider_tries_again_needs_no_clocks(pair):
    """So much is believed of clocks that are known to be wrong."""
    a, b = pair
    compares(b, compared=[False])
    first_ms = both_got(a, b, seconds=50)
    exchange(a, b)
    assert place(b) == first_ms


def test_the_clock_of_another_year_is_never_believed(pair):
    """A machine that begins in 1970 has everything first."""
    a, b = pair
    first_ms = both_got(a, b, seconds=1)
    b.site.clock.now_ms += EARLIER_MS_MAX
    b.site.arrives("c-2")
    b.site.settles()
    a.site.say(
        "arrived",
        "c-2",
        **json.loads(a.rows("arrived")[0].data) | {"message_id": "c-2-m"},
        accepted_at_ms=first_ms - 1,
    )
    a.site.settles()
    own_ms = place(b, "c-2")
    exchange(a, b)
    assert place(b, "c-2") == own_ms


def test_a_time_that_was_agreed_on_is_nobodys_to_move(pair):
    """Who asked to be called at six is not called at four because a site had it down for four once."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("c-1")
    a.site.settles()
    a.accepts("c-1")
    due_ms = a.site.clock.now_ms + 3_600_000
    asked = {"agent_id": "hannah", "to_queue_id": "", "to_agent_id": "", "urgency": 0, "steps_in": False}
    a.site.say("call_back_asked", "c-1", **asked, due_at_ms=due_ms, command_id="later")
    a.site.settles()
    ref = call_backs.id_of("c-1", "later")
    a.sends()
    b.adopts(assigned=True)
    changed = {"agent_id": "boss", "to_queue_id": "", "to_agent_id": "", "command_id": "even later"}
    b.site.say("call_back_changed", ref, **changed, due_at_ms=due_ms + 7_200_000)
    b.site.settles()
    exchange(a, b)
    assert place(b, ref) == due_ms + 7_200_000
    assert b.rows("place_learned") == []


times = st.integers(0, 3 * EARLIER_MS_MAX)


def joined(mine_ms: int, theirs_ms: int, doubted: bool) -> int:
    """What a site makes of its own time and the other one's."""
    return theirs_ms if is_believed(theirs_ms, mine_ms, doubted=doubted) else mine_ms


@given(times, times, st.booleans())
def test_looking_again_changes_nothing(mine_ms, theirs_ms, doubted):
    """A place that crept forward with each look would pass everybody in the end."""
    once = joined(mine_ms, theirs_ms, doubted)
    assert joined(once, theirs_ms, doubted) == once
    assert joined(once, mine_ms, doubted) == once
    assert once in (mine_ms, theirs_ms)


@given(times, times, st.booleans())
def test_the_two_sites_come_to_the_same_where_clocks_can_be_compared(mine_ms, theirs_ms, doubted):
    """Within the bound it is the earlier one at both; beyond it each keeps its own: nobody loses a place."""
    here, there = joined(mine_ms, theirs_ms, doubted), joined(theirs_ms, mine_ms, doubted)
    bound_ms = DOUBTED_MS_MAX if doubted else EARLIER_MS_MAX
    if abs(mine_ms - theirs_ms) <= bound_ms:
        assert here == there == min(mine_ms, theirs_ms)
    else:
        assert (here, there) == (mine_ms, theirs_ms)


@given(st.lists(st.integers(0, DOUBTED_MS_MAX), min_size=3, max_size=3), st.randoms())
def test_in_whatever_order_times_are_learned_the_earliest_stays(learned, dice):
    """Batches come late, twice and in any order."""
    shuffled = [*learned, *learned]
    dice.shuffle(shuffled)
    place_ms = shuffled[0]
    for each in [*shuffled, *learned]:
        place_ms = joined(place_ms, each, False)
    assert place_ms == min(learned)
