"""What a site took over from one that is gone stays, also what an agent there had."""

import pytest

from router.sites.out_of_use import HERE_MS, is_silent
from router.sites.reconciling import Reconciler
from router.sites.status import PEER, put_status
from tests.sites.routed_pair import Half, exchange, routed_pair


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        for half in halves:
            clock = half.site.clock
            half.reconciler = Reconciler(
                site=half.name,
                peer=half.other.name,
                silent=lambda ours, theirs, clock=clock: is_silent(ours, theirs, clock.now_ms),
            )
        yield halves


def hears(half: Half) -> None:
    """A beat of the other site was answered just now."""
    with half.site.database.writing() as db:
        put_status(db, PEER, half.site.clock.now_ms, {})


def held_at_a(a: Half, b: Half) -> None:
    """An agent of a has a contact, b knows it, and then takes it over, as somebody confirmed."""
    a.site.signs_in("hannah")
    a.site.arrives("c-1")
    a.site.settles()
    a.site.passes(1)
    a.accepts("c-1")
    exchange(a, b)
    hears(b)
    b.site.passes(HERE_MS // 1_000 + 1)
    assert b.adopts(assigned=True).adopted == 1


def passes(half: Half, *, seconds: int) -> None:
    """So long, in which it agrees as it does all day."""
    for _ in range(seconds // 10):
        half.site.passes(10)
        half.agrees()
        half.site.settles()


def test_what_an_agent_of_a_dead_site_held_waits_here_when_nobody_comes_for_it(pair):
    """The copy says for ever that an agent there has it: given back to her, the customer waits for nobody."""
    a, b = pair
    held_at_a(a, b)
    passes(b, seconds=120)
    assert b.state("c-1") == "waiting"
    b.site.signs_in("ivan")
    b.site.passes(1)
    assert b.state("c-1") == "offered"
    assert b.is_sound() is None


def test_it_is_left_to_an_agent_who_has_it_still_when_her_site_is_heard_again(pair):
    """Who took over too early takes nobody's conversation away: two would talk with one customer."""
    a, b = pair
    held_at_a(a, b)
    passes(b, seconds=60)
    assert b.state("c-1") == "waiting"
    hears(b)
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("assigned", "moved")


def test_rows_that_come_are_enough_to_be_heard(pair):
    """Over a line that carries one way no beat is answered, and an agent there has it all the same."""
    a, b = pair
    held_at_a(a, b)
    passes(b, seconds=60)
    a.site.arrives("c-2")
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("assigned", "moved")


@pytest.mark.parametrize("held", [True, False])
def test_what_both_sites_got_is_not_left_to_the_one_that_is_silent(pair, held):
    """A provider brought it to both; the other one was to serve it, and burned down: it waits here, too."""
    a, b = pair
    b.site.signs_in("ivan") if held else None
    for half in pair:
        half.site.arrives("c-1")
        half.site.settles()
    assert b.accepts("c-1") == "ivan" if held else b.state("c-1") == "waiting"
    b.sends()
    hears(a)
    a.site.passes(HERE_MS // 1_000 + 1)
    passes(a, seconds=120)
    assert a.state("c-1") == "waiting"
    hears(a)
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "assigned" if held else "waiting")
    for half in pair:
        half.is_sound()


def test_what_both_let_go_of_is_taken_up_by_whoever_lives(pair):
    """Each counted on the other, and whose turn it was burned down before it saw that nobody has it."""
    a, b = pair
    for half in pair:
        half.site.arrives("c-1")
        half.site.settles()
        said = {
            "to_site": half.other.name,
            "n": 0,
            "owner": half.other.name,
            "why": "served_there",
            "orders": [],
        }
        half.site.say("yielded", "c-1", **said)
        half.site.settles()
    a.sends()
    b.reconciler = Reconciler(site="b", peer="a", gone=lambda: True)
    passes(b, seconds=20)
    assert b.state("c-1") == "moved", "a may live: it is a's to take up"
    claim = {"agent_id": "boss", "automatic": False, "command_id": "", "mode": "take_over", "n": 1}
    b.site.say("domain_claimed", "a", **claim, owner="b", why="", with_assigned=True)
    passes(b, seconds=20)
    assert b.state("c-1") == "waiting"
