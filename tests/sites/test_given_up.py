"""A customer who gives up while their interaction changes sites: exactly one of both goes on with it."""

import pytest

from router.call_backs import id_of
from tests.sites.routed_pair import Half, exchange, routed_pair
from tests.sites.test_rerouting import rerouting

TALK = "c-1"
CALL_BACK = id_of(TALK)


@pytest.fixture
def pair(tmp_path):
    """A customer at a with a chat open in one browser, and everything of a is to go to b."""
    with routed_pair(tmp_path) as halves:
        a, _ = halves
        a.site.arrives(TALK)
        a.site.say("customer_connected", TALK, connection_id="k", web_id="web-1")
        a.site.settles()
        a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
        yield halves


def hands_over(half: Half, **wrong: object) -> None:
    rerouting(half, **wrong).step(half.site.committer, half.site.database)
    half.site.settles()


def leaves(half: Half, *, for_good: bool = True) -> None:
    half.site.say("customer_disconnected", TALK, connection_id="k", for_good=for_good)
    half.site.settles()


def open_at(pair: tuple[Half, Half]) -> list[tuple[str, str]]:
    """Where this customer's matter is open, and as what."""
    sql = "SELECT interaction_id FROM interaction WHERE closed_seq = 0"
    return [(half.name, str(ref)) for half in pair for (ref,) in half.all(sql)]


def sound(pair: tuple[Half, Half]) -> None:
    for half in pair:
        half.site.settles()
        half.is_sound()


@pytest.mark.parametrize("for_good", [True, False])
def test_who_gives_up_while_the_other_site_is_asked_is_there_and_not_here_too(pair, for_good):
    """A call-back here and the conversation there would be two agents for one customer, who has left."""
    a, b = pair
    if not for_good:
        leaves(a, for_good=False)
        a.site.passes(110)
    hands_over(a, lost=True)
    if for_good:
        leaves(a)
    else:
        a.site.passes(12)
    assert (a.state(TALK), a.state(CALL_BACK)) == ("waiting", "")
    exchange(a, b)
    assert open_at(pair) == [("b", TALK)]
    a.site.passes(300)
    assert open_at(pair) == [("b", TALK)]
    sound(pair)


def test_who_gives_up_and_is_not_taken_there_is_called_back_at_once(pair):
    """The other site said no: nobody here may be offered a dead conversation for the rest of the hold."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.say("handover_began", TALK, to_site="b", until_ms=a.site.clock.now_ms + 15_000)
    a.site.settles()
    before = len(a.site.offered())
    leaves(a)
    a.site.say("handover_ended", TALK, to_site="b", why="full")
    a.site.settles()
    assert (a.state(TALK), b.state(TALK)) == ("abandoned", "")
    assert a.site.offered()[before:] == [(CALL_BACK, "hannah")]
    a.is_sound()


def test_who_comes_back_before_it_is_known_is_not_given_up(pair):
    """The page reconnects within a second: the customer waits on, here or there."""
    a, _ = pair
    hands_over(a, lost=True, refusal="full")
    leaves(a)
    a.site.say("customer_connected", TALK, connection_id="k2", web_id="web-1")
    a.site.passes(200)
    assert open_at(pair) == [("a", TALK)]
    assert a.state(TALK) == "waiting"


def test_who_gives_up_while_nothing_is_heard_has_one_agent_when_it_is(pair):
    """The line is cut: this site must call back, for it cannot know who has it. Then one goes on."""
    a, b = pair
    hands_over(a, lost=True)
    leaves(a)
    a.site.passes(20)
    assert open_at(pair) == [("a", CALL_BACK), ("b", TALK)]
    exchange(a, b)
    assert open_at(pair) == [("b", TALK)]
    before = [half.last_seq() for half in pair]
    exchange(a, b)
    assert [half.last_seq() for half in pair] == before
    sound(pair)


def test_a_call_back_that_an_agent_has_is_hers(pair):
    """She talks to the customer already: she is not cut off because the other site has the old one."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.say("presence_declared", "hannah", available=False, reason="break", by="hannah")
    hands_over(a, lost=True)
    leaves(a)
    a.site.passes(20)
    a.site.say("presence_declared", "hannah", available=True, reason="", by="hannah")
    a.site.settles()
    a.accepts(CALL_BACK)
    exchange(a, b)
    assert (a.state(CALL_BACK), b.state(TALK)) == ("assigned", "waiting")
    a.site.say("disposition_given", CALL_BACK, agent_id="hannah", disposition="answered", command_id="d")
    a.site.settles()
    assert a.state(CALL_BACK) == "disposed"
    sound(pair)


def test_the_site_that_was_left_yields_to_the_call_back_of_the_one_that_took_it(pair):
    """They followed their conversation and gave up there; the site that lost the answer has it open."""
    a, b = pair
    hands_over(a, lost=True)
    b.site.say("customer_connected", TALK, connection_id="k", web_id="web-1")
    b.site.settles()
    leaves(b)
    assert (b.state(TALK), b.state(CALL_BACK)) == ("abandoned", "waiting")
    exchange(a, b)
    assert open_at(pair) == [("b", CALL_BACK)]
    sound(pair)


def test_a_take_over_brings_no_call_back_of_who_is_served_here(pair):
    """The site died after its customer had given up there; this one had taken the conversation before."""
    a, b = pair
    hands_over(a, lost=True)
    leaves(a)
    a.site.passes(20)
    a.sends()
    b.adopts()
    assert [ref for name, ref in open_at(pair) if name == "b"] == [TALK]
    sound(pair)


def test_who_gave_up_and_was_left_by_both_is_taken_up_again(pair):
    """The other site saw an agent here, who has let go; this one saw it wait there: nobody had them."""
    a, b = pair
    a.site.signs_in("hannah")
    hands_over(a, lost=True)
    a.site.passes(20)
    a.accepts(TALK)
    a.sends()
    b.sends()
    asked = {"agent_id": "hannah", "to_agent_id": "", "to_queue_id": "manual", "command_id": "t"}
    a.site.say("transfer_asked", TALK, **asked)
    a.site.settles()
    leaves(a)
    assert (a.state(TALK), b.state(TALK)) == ("abandoned", "waiting")
    b.agrees()
    a.agrees()
    assert (b.state(TALK), a.state(CALL_BACK)) == ("moved", "moved")
    exchange(a, b)
    assert open_at(pair) == [("a", TALK)]
    before = [half.last_seq() for half in pair]
    exchange(a, b)
    assert [half.last_seq() for half in pair] == before
    sound(pair)
