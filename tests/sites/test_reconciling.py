"""Two sites that come back to one answer, also where each acts on what the other one was a moment ago."""

import json

import pytest

from router import call_backs
from router.journal.committer import NotCommitted
from router.sites.reconciling import Reconciler
from tests.sites.routed_pair import Half, routed_pair


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def taken_over(a: Half, b: Half, *, agent: str = "hannah") -> None:
    """c-1 came to a and was adopted by b; then an agent of a, which lives, took it."""
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    a.site.signs_in(agent)
    a.site.passes(1)
    a.accepts("c-1")


def gives_back(half: Half, agent: str) -> None:
    """The agent lets it wait again, and takes a break."""
    half.site.say("presence_declared", agent, available=False, reason="break", by="boss", hand_back=True)
    half.site.settles()


def settle(a: Half, b: Half) -> None:
    for _ in range(3):
        a.sends()
        b.sends()
        a.agrees()
        b.agrees()


def test_what_both_let_go_of_at_the_same_moment_is_taken_up_again(pair):
    """b yields to an agent of a, who gives it back; a yields to the higher claim of b: nobody has it."""
    a, b = pair
    taken_over(a, b)
    a.sends()
    b.sends()
    b.agrees()
    assert b.state("c-1") == "moved"
    gives_back(a, "hannah")
    a.agrees()
    assert a.state("c-1") == "moved"
    places = "SELECT accepted_at_ms FROM interaction WHERE interaction_id = 'c-1'"
    before = a.all(places)
    settle(a, b)
    assert sorted((a.state("c-1"), b.state("c-1"))) == ["moved", "waiting"]
    assert a.all(places) == b.all(places) == before
    for half in pair:
        half.is_sound()


def test_both_are_told_also_when_only_one_saw_both_answers(pair):
    """The agent of a had given it back when the answer of b was seen there: ivan was told all the same."""
    a, b = pair
    taken_over(a, b)
    b.site.signs_in("ivan")
    b.site.passes(1)
    b.accepts("c-1")
    a.sends()
    b.agrees()
    gives_back(a, "hannah")
    settle(a, b)
    for half, mine, other in ((a, "hannah", "ivan"), (b, "ivan", "hannah")):
        (told,) = half.rows("kept_too")
        data = json.loads(told.data)
        assert (data["agent_id"], data["other_agent_id"]) == (mine, other)
        half.is_sound()


def test_an_agent_who_went_along_is_not_told_of_herself(pair):
    """What she left at the site that died looks like an answer of somebody else, and is hers."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("c-1")
    a.site.settles()
    a.accepts("c-1")
    a.sends()
    b.adopts(assigned=True)
    b.site.signs_in("hannah")
    b.site.passes(5)
    settle(a, b)
    b.site.say("disposition_given", "c-1", agent_id="hannah", disposition="answered", command_id="d")
    b.site.settles()
    settle(a, b)
    assert b.state("c-1") == "disposed"
    assert a.rows("kept_too") == b.rows("kept_too") == []


def test_an_agent_who_went_along_and_one_who_stayed_are_told_of_each_other(pair):
    """Each talks with the same customer, and neither has pressed Accept twice."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.arrives("c-1")
    a.site.settles()
    a.accepts("c-1")
    a.sends()
    b.adopts(assigned=True)
    b.site.signs_in("hannah")
    b.site.passes(1)
    gives_back(a, "hannah")
    a.site.signs_in("ivan")
    a.site.passes(1)
    assert a.accepts("c-1") == "ivan"
    settle(a, b)
    assert [len(half.rows("kept_too")) for half in pair] == [1, 1]
    assert (a.state("c-1"), b.state("c-1")) == ("assigned", "assigned")


def test_what_could_not_be_said_is_looked_at_again(pair, monkeypatch):
    """The database is busy for a moment: what was to follow is not forgotten because it was looked at."""
    a, b = pair
    a.agrees()
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    b.sends()

    def refuse(append):
        raise NotCommitted("busy")

    with monkeypatch.context() as patched:
        patched.setattr(a.site.committer, "submit", refuse)
        with pytest.raises(NotCommitted):
            a.reconciler.step(a.site.committer, a.site.database, a.copy)
    a.agrees()
    assert a.state("c-1") == "moved"


def test_no_offer_id_is_given_twice_by_a_site_that_has_it_again(pair):
    """An answer to an old offer that comes late must not be taken for an answer to the new one."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    a.site.signs_in("hannah")
    for _ in range(3):
        a.site.passes(120)
        a.site.say("presence_declared", "hannah", available=True, reason="", by="hannah")
        a.site.settles()
    assert len(a.site.offered()) > 2
    b.sends()
    gives_back(a, "hannah")
    a.agrees()
    assert a.state("c-1") == "moved"
    a.adopts()
    a.site.say("presence_declared", "hannah", available=True, reason="", by="hannah")
    a.site.settles()
    a.site.passes(120)
    ids = [row.data for row in a.rows("offered")]
    numbers = [json.loads(each)["offer_id"] for each in ids]
    assert len(numbers) > 3
    assert len(set(numbers)) == len(numbers)


def test_what_was_said_while_nobody_looked_is_looked_at_by_the_next_one(pair):
    """The peer role dies after the copy took the rows, and before it saw what they mean."""
    a, b = pair
    for half, agent in ((a, "hannah"), (b, "ivan")):
        half.agrees()
        half.site.arrives("c-1")
        half.site.signs_in(agent)
        half.site.passes(1)
        half.accepts("c-1")
        half.site.say(
            "disposition_given", "c-1", agent_id=agent, disposition="answered", command_id=f"{agent}-d"
        )
        half.site.settles()
    a.sends()
    b.sends()
    for half in pair:
        assert half.state("c-1") == "disposed"
        half.reconciler = Reconciler(site=half.name, peer="b" if half.name == "a" else "a")
        half.agrees()
        assert [row.ref for row in half.rows("kept_too")] == ["c-1"]


def test_what_went_to_the_other_site_and_came_back_waits_at_its_old_place(pair):
    """What is left of its first life in the line must not be in the way of its second."""
    a, b = pair
    for ref in ("c-1", "c-2"):
        a.site.arrives(ref)
        a.site.passes(1)
    a.sends()
    b.adopts()
    a.site.say("yielded", "c-2", to_site="b", n=1, owner="b", why="handed_over")
    a.site.settles()
    b.sends()
    assert a.adopts().adopted == 1
    assert a.state("c-2") == "waiting"
    a.site.signs_in("hannah")
    a.site.passes(1)
    assert a.site.offered()[0] == ("c-1", "hannah")
    assert a.site.router.rebuilder.rebuilds == 1
    a.is_sound()


def test_it_is_said_once_that_the_other_site_serves_it(pair):
    """The router waits until the reconciler has looked: nothing changes meanwhile, however often it looks."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    b.sends()
    for _ in range(5):
        a.reconciler.step(a.site.committer, a.site.database, a.copy)
    assert len(a.rows("yielded")) == 1
    a.agrees()
    assert a.state("c-1") == "moved"
    assert len(a.rows("yielded")) == 1


@pytest.mark.parametrize("called_back", [False, True])
def test_who_gives_up_once_more_after_coming_back_is_called_back_once(pair, called_back):
    """The call-back has its id of the first time: one that waits stays, one that is over begins anew."""
    a, b = pair
    call_back = call_backs.id_of("c-1")
    a.site.arrives("c-1")
    a.site.settles()
    a.sends()
    b.adopts()
    _gives_up(a)
    assert (a.state("c-1"), a.state(call_back)) == ("abandoned", "waiting")
    if called_back:
        a.site.signs_in("hannah")
        a.site.passes(1)
        agent_id = a.accepts(call_back)
        a.site.say(
            "disposition_given", call_back, agent_id=agent_id, disposition="answered", command_id="d-1"
        )
        a.site.say("presence_declared", "hannah", available=False, reason="break", by="hannah")
        a.site.settles()
        assert a.state(call_back) == "disposed"
    b.sends()
    assert a.adopts().adopted == 1
    assert a.state("c-1") == "waiting"
    rebuilds = a.site.router.rebuilder.rebuilds
    _gives_up(a)
    assert (a.state("c-1"), a.state(call_back)) == ("abandoned", "waiting")
    assert a.site.router.rebuilder.rebuilds == rebuilds
    a.is_sound()


def _gives_up(half: Half) -> None:
    """The customer of c-1 is there for a moment, and has hung up."""
    said = {"connection_id": f"c-{half.last_seq()}", "web_id": "web-1"}
    half.site.say("customer_connected", "c-1", **said)
    half.site.say("customer_disconnected", "c-1", **said, for_good=True)
    half.site.settles()


def test_people_are_told_again_when_others_share_it_than_before(pair):
    """Handed to a colleague, it is she who must know that somebody at the other site has it as well."""
    a, b = pair
    taken_over(a, b)
    b.site.signs_in("ivan")
    b.site.passes(1)
    b.accepts("c-1")
    settle(a, b)
    a.site.signs_in("jamila")
    gives_back(a, "hannah")
    a.site.passes(1)
    assert a.accepts("c-1") == "jamila"
    settle(a, b)
    for half, pairs in (
        (a, [("hannah", "ivan"), ("jamila", "ivan")]),
        (b, [("ivan", "hannah"), ("ivan", "jamila")]),
    ):
        told = [json.loads(row.data) for row in half.rows("kept_too")]
        assert [(each["agent_id"], each["other_agent_id"]) for each in told] == pairs
        alarms = "SELECT detail FROM alarm WHERE code = 'dual_answered' ORDER BY at_ms, alarm_id"
        assert len(half.all(alarms)) == 2
        half.is_sound()
    gives_back(a, "jamila")
    settle(a, b)
    assert [len(half.rows("kept_too")) for half in pair] == [2, 2], "what is over is not told back and forth"
    settle(a, b)
