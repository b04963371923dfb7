"""What one site had open goes on at the other: at its old place, with its words, by one owner."""

import json

import pytest

from tests.sites.routed_pair import Half, exchange, routed_pair


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def taken_over(a: Half, b: Half) -> None:
    """b serves what waited at a, which has heard of it."""
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    b.sends()
    a.agrees()


def test_whoever_waited_there_waits_here_at_the_old_place(pair):
    """Promise 4 across a site's death: nobody who waited longest waits behind somebody who just came."""
    a, b = pair
    for number in range(5):
        a.site.arrives(f"c-{number}", urgency=2 if number == 3 else 3)
        a.site.passes(1)
    a.sends()
    b.site.passes(30)
    b.site.arrives("young")
    b.site.settles()
    assert b.adopts().adopted == 5
    b.site.signs_in("hannah")
    b.site.passes(1)
    places = (
        "SELECT interaction_id, accepted_at_ms FROM interaction WHERE interaction_id LIKE 'c-%' ORDER BY 1"
    )
    assert b.all(places) == a.all(places)
    line = b.all(
        "SELECT interaction_id FROM interaction WHERE closed_seq = 0 ORDER BY urgency, accepted_at_ms"
    )
    assert [each for (each,) in line] == ["c-3", "c-0", "c-1", "c-2", "c-4", "young"]
    b.is_sound()


def test_adopting_again_changes_nothing_even_when_it_has_ended_here(pair):
    """An admin presses twice, a policy runs beside the admin: nobody is called back to life."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.arrives("c-2")
    a.site.settles()
    a.sends()
    assert b.adopts().adopted == 2
    b.site.signs_in("hannah")
    b.site.settles()
    agent = b.accepts("c-1")
    b.site.say("disposition_given", "c-1", agent_id=agent, disposition="answered", command_id="d")
    b.site.settles()
    assert b.state("c-1") == "disposed"
    before = b.last_seq()
    assert b.adopts().adopted == 0
    assert b.last_seq() == before


def test_what_was_ringing_there_waits_here_and_what_was_held_only_comes_when_asked(pair):
    """The dead site's offers ring nowhere any more; who was talking may still be talking."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("held")
    a.site.settles()
    a.accepts("held")
    a.site.arrives("ringing", urgency=1)
    a.site.passes(1)
    assert a.state("ringing") == "offered"
    a.sends()
    assert b.adopts().adopted == 1
    assert (b.state("ringing"), b.state("held")) == ("waiting", "")
    assert b.adopts(assigned=True).adopted == 1
    assert b.state("held") == "assigned"
    b.is_sound()


def test_an_agent_who_comes_along_finds_the_same_work(pair):
    """Her desk arrives within the grace: the conversation goes on, and nobody else was offered it."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("held")
    a.site.settles()
    a.accepts("held")
    a.sends()
    b.site.signs_in("ivan")
    b.adopts(assigned=True)
    b.site.passes(10)
    b.site.signs_in("hannah")
    b.site.passes(60)
    assert b.all("SELECT state, agent_id FROM interaction WHERE interaction_id = 'held'") == [
        ("assigned", "hannah")
    ]
    assert not [pair for pair in b.site.offered() if pair == ("held", "ivan")]
    b.is_sound()


def test_an_agent_who_stays_away_leaves_it_to_others(pair):
    """Nobody waits for an agent whose site and whose screen are both gone."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("held")
    a.site.settles()
    a.accepts("held")
    a.sends()
    b.site.signs_in("ivan")
    b.adopts(assigned=True)
    b.site.passes(90)
    assert ("held", "ivan") in b.site.offered()
    b.is_sound()


def test_a_site_that_comes_back_lets_go_of_what_was_adopted(pair):
    """One owner: what b has adopted is not offered at a any more, and the words said at b are at a too."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    b.site.say(
        "message_added",
        "c-1",
        message_id="m-2",
        content_id="",
        client_id="",
        direction="in",
        author_id="",
        message_kind="text",
        reading="read",
    )
    b.site.settles()
    b.sends()
    a.agrees()
    a.site.signs_in("hannah")
    a.site.passes(5)
    assert a.state("c-1") == "moved"
    assert a.site.offered() == []
    assert ("m-2",) in a.all("SELECT message_id FROM message WHERE interaction_id = 'c-1'")
    a.sends()
    b.agrees()
    assert b.state("c-1") == "waiting"
    a.is_sound()
    b.is_sound()


def test_two_who_answered_both_keep_it_and_both_are_told(pair):
    """A split with people on both sides of it: no answer is undone, and nobody learns of it by accident."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.arrives("c-2")
    a.site.settles()
    a.sends()
    b.adopts()
    for half, agent in ((a, "hannah"), (b, "ivan")):
        half.site.signs_in(agent)
        half.site.passes(1)
        half.accepts("c-1")
    a.sends()
    b.sends()
    for _ in range(3):
        a.agrees()
        b.agrees()
        a.sends()
        b.sends()
    for half, mine, other in ((a, "hannah", "ivan"), (b, "ivan", "hannah")):
        assert half.state("c-1") == "assigned"
        told = half.rows("kept_too")
        assert [row.ref for row in told] == ["c-1"]
        data = json.loads(told[0].data)
        assert (data["agent_id"], data["other_agent_id"]) == (mine, other)
        half.is_sound()
    assert (a.state("c-2"), b.state("c-2")) == ("moved", "offered")


def test_who_answered_serves_it_even_when_the_other_claimed_it_later(pair):
    """Answered beats claimed: b took over while a's agent was already talking; b lets go of it."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    a.site.signs_in("hannah")
    a.site.passes(1)
    a.accepts("c-1")
    for _ in range(2):
        a.sends()
        b.sends()
        a.agrees()
        b.agrees()
    assert (a.state("c-1"), b.state("c-1")) == ("assigned", "moved")
    assert a.rows("kept_too") == []


def test_what_is_handed_over_rings_at_one_site_at_a_time(pair):
    """Held for the other site nobody is offered it; refused, it waits as before; forgotten, too."""
    a, _ = pair
    a.site.arrives("c-1")
    a.site.settles()
    until_ms = a.site.clock.now_ms + 10_000
    a.site.say("handover_began", "c-1", to_site="b", until_ms=until_ms, command_id="h")
    a.site.settles()
    a.site.signs_in("hannah")
    a.site.passes(5)
    assert (a.state("c-1"), a.site.offered()) == ("waiting", [])
    a.site.say("handover_ended", "c-1", to_site="b", why="full")
    a.site.settles()
    assert a.site.offered() == [("c-1", "hannah")]
    a.site.say("handover_began", "c-1", to_site="b", until_ms=a.site.clock.now_ms + 10_000, command_id="h2")
    a.site.settles()
    assert a.state("c-1") == "waiting"
    a.site.passes(11)
    assert a.site.offered()[-1] == ("c-1", "hannah")
    a.is_sound()


def test_what_came_back_is_served_where_it_began(pair):
    """Return home: b gives back what it adopted, with a higher claim, and both agree on it."""
    a, b = pair
    taken_over(a, b)
    assert a.state("c-1") == "moved"
    assert a.adopts().adopted == 1
    for _ in range(2):
        a.sends()
        b.sends()
        b.agrees()
        a.agrees()
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "moved")
    a.is_sound()
    b.is_sound()


def left_to_a(a: Half, b: Half, *, both: bool = False) -> None:
    """b has let go of c-1, because an agent of a has it. both: it came to both sites from outside."""
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    if both:
        b.site.arrives("c-1")
        b.site.settles()
    else:
        b.adopts()
    a.site.signs_in("hannah")
    a.site.passes(1)
    a.accepts("c-1")
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("assigned", "moved")


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("given_back", [False, True])
def test_what_was_left_to_a_site_that_dies_then_is_taken_over_too(pair, both, given_back):
    """Its agent had it, so this site let go; with that site gone nobody else will ever serve it."""
    a, b = pair
    left_to_a(a, b, both=both)
    if given_back:
        a.site.say("presence_declared", "hannah", available=False, reason="break", by="x", hand_back=True)
        a.site.settles()
        assert a.state("c-1") == "waiting"
    a.sends()
    place = "SELECT accepted_at_ms FROM interaction WHERE interaction_id = 'c-1'"
    since = a.all(place)
    assert b.adopts(assigned=False).adopted == int(given_back), "who may still be talking is left alone"
    assert b.adopts(assigned=True).adopted == int(not given_back)
    assert b.adopts(assigned=True).adopted == 0, "once"
    b.site.passes(120)
    assert (b.state("c-1"), b.all(place)) == ("waiting", since)
    exchange(a, b)
    serving = [half.name for half in pair if half.state("c-1") != "moved"]
    assert serving == (["b"] if given_back else ["a"]), "one owner: who has it, or who claimed it last"
    for half in pair:
        half.is_sound()


def test_what_was_taken_over_again_is_left_again_and_taken_again(pair):
    """The site flickers: somebody serves it each time, by a claim above all before, and it comes to rest."""
    a, b = pair
    left_to_a(a, b)
    found = []
    for _ in range(3):
        assert b.adopts(assigned=True).adopted == 1
        found += b.all("SELECT n FROM adoption WHERE interaction_id = 'c-1'")
        b.site.passes(120)
        exchange(a, b)
        assert (a.state("c-1"), b.state("c-1")) == ("assigned", "moved")
        before = a.last_seq(), b.last_seq()
        exchange(a, b)
        assert (a.last_seq(), b.last_seq()) == before, "all is said"
    assert found == [(2,), (3,), (4,)]
    for half in pair:
        half.is_sound()


def test_a_claim_is_above_that_of_a_hand_over_which_the_copy_does_not_show_yet(pair):
    """b gave it back to a, and knows that; the copy of a is from before. Two claims of one height would let
    the site that acted earlier go on with it."""
    a, b = pair
    taken_over(a, b)
    assert a.adopts().adopted == 1, "as where it is asked to"
    b.site.say("yielded", "c-1", to_site="a", n=2, owner="a", why="handed_over", orders=[])
    b.site.settles()
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "moved")
    assert b.adopts().adopted == 1
    assert b.all("SELECT n, owner FROM adoption WHERE interaction_id = 'c-1'") == [(3, "b")]
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
