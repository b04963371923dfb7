"""What came from the other site goes back there when somebody asks for it, and never to and fro."""

from collections.abc import Iterator

import pytest

from router.sites.rerouting import to_move
from tests.sites.routed_pair import Half, exchange, routed_pair
from tests.sites.test_rerouting import rerouting

CLAIM = {"agent_id": "x", "why": "", "command_id": "c", "with_assigned": False, "automatic": False}


@pytest.fixture
def pair(tmp_path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as halves:
        yield halves


def came_home(a: Half, b: Half, *ids: str) -> None:
    """They waited at a; b took over; a was given its traffic back, and they wait there again."""
    for each in ids:
        a.site.arrives(each)
    a.site.settles()
    a.sends()
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    b.adopts()
    exchange(a, b)
    b.site.say("domain_claimed", "a", n=2, owner="a", mode="return", **CLAIM)
    moves(b)
    exchange(a, b)
    assert [(a.state(each), b.state(each)) for each in ids] == [("waiting", "moved")] * len(ids)


def asks(half: Half, share_pct: int = 100, scope: str = "all") -> None:
    half.site.say("reroute_set", scope, share_pct=share_pct, agent_id="admin", why="x", command_id="r")


def moves(half: Half) -> None:
    """All that is to go goes."""
    while rerouting(half).step(half.site.committer, half.site.database):
        half.site.settles()
    half.site.settles()


def wanted(half: Half) -> list[str]:
    assert half.other is not None
    with half.site.database.reading() as db:
        return to_move(db, site=half.name, peer=half.other.name, now_ms=half.site.clock())


def test_what_came_home_goes_again_when_its_home_has_no_agents(pair):
    """A return at ten; at ten past ten the building is left: all 500 that came back must go once more."""
    a, b = pair
    came_home(a, b, "c-1", "c-2")
    a.site.arrives("new")
    a.site.settles()
    asks(a)
    moves(a)
    assert [(a.state(each), b.state(each)) for each in ("c-1", "c-2", "new")] == [("moved", "waiting")] * 3
    exchange(a, b)
    for half in (a, b):
        assert wanted(half) == []
        half.is_sound()


def test_what_comes_after_it_was_asked_for_stays(pair):
    """Both sites ask for everything to go: each order moves a contact once, and then it rests."""
    a, b = pair
    came_home(a, b, "c-1")
    places = a.all("SELECT accepted_at_ms FROM interaction")
    for half in (a, b):
        asks(half)
    for _ in range(4):
        for half in (a, b):
            moves(half)
            exchange(a, b)
    open_at = [half.name for half in (a, b) if half.state("c-1") == "waiting"]
    assert len(open_at) == 1
    assert wanted(a) == wanted(b) == []
    assert a.all("SELECT accepted_at_ms FROM interaction") == places
    for half in (a, b):
        half.is_sound()


def test_what_this_site_took_over_is_not_handed_over_but_given_back(pair):
    """While it serves the other one's traffic, that one would bring it back: a return is what moves it."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    b.adopts()
    asks(b)
    assert wanted(b) == []
    b.site.say("domain_claimed", "a", n=2, owner="a", mode="return", **CLAIM)
    assert wanted(b) == ["c-1"]


def test_a_guest_hands_on_what_it_has_of_the_other_site(pair):
    """b serves both; what had come from b to a before, and waits there, waits for nobody."""
    a, b = pair
    b.site.arrives("c-1")
    b.site.settles()
    b.sends()
    a.adopts()
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("waiting", "moved")
    for half in (a, b):
        half.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    moves(a)
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    assert wanted(a) == wanted(b) == []


def test_asking_anew_moves_what_came_since(pair):
    """Nothing more, and then everything: a new order, and it counts for what the first one left here."""
    a, b = pair
    asks(a)
    came_home(a, b, "c-1")
    assert wanted(a) == []
    asks(a, 0)
    assert wanted(a) == []
    asks(a)
    assert wanted(a) == ["c-1"]
