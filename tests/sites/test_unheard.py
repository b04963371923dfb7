"""What somebody says while the agent of the other site, who cannot see it, ends their conversation."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from router import call_backs
from router.sites.reconciling import Reconciler
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_joining_there import CLAIM, FIRST, is_read, writes
from tests.sites.test_reconciling import settle
from tests.sites.test_rerouting import rerouting

SECOND = replace(FIRST, provider_id="SM2", body=b"he does not breathe any more", received_at_ms=5_000)
NEED = "SELECT urgency FROM interaction WHERE interaction_id = :ref AND closed_seq = 0"
PLACE = "SELECT accepted_at_ms FROM interaction WHERE interaction_id = :ref"


@pytest.fixture
def pair(tmp_path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as halves:
        yield halves


def is_taken_over(a: Half, b: Half, *, agent: str = "ivan") -> str:
    """They wrote to a; b took it over, and an agent of b talks with them."""
    ref = writes(a, FIRST).interaction_id
    is_read(a, ref, FIRST)
    a.sends()
    b.adopts()
    b.site.signs_in(agent)
    b.site.passes(1)
    assert b.accepts(ref) == agent
    return ref


def ends(half: Half, ref: str, agent: str = "ivan") -> None:
    """The agent says that it is done."""
    command = f"done-{half.last_seq()}"
    half.site.say("disposition_given", ref, agent_id=agent, disposition="answered", command_id=command)
    half.site.settles()
    assert half.state(ref) == "disposed"


def moves(a: Half, ref: str) -> None:
    a.site.say("yielded", ref, to_site="b", n=1, owner="b", why="handed_over", orders=[])
    a.site.settles()


def opened(pair: tuple[Half, Half], ref: str) -> list[tuple[str, object]]:
    return [(half.name, row[0]) for half in pair for row in half.all(NEED, ref=ref)]


@pytest.mark.parametrize("goes", ["before", "after", "never"])
@pytest.mark.parametrize("urgency", [1, 3, 0])
def test_what_came_here_after_it_was_ended_there_has_somebody(pair, urgency, goes):
    """Both sites lived, and no line was there: whoever writes that it is worse now is not told "answered"."""
    a, b = pair
    ref = is_taken_over(a, b)
    ends(b, ref) if goes == "after" else None
    assert writes(a, SECOND).interaction_id == ref
    if goes == "before":
        moves(a, ref)
    if urgency:  # else nobody has read it yet
        is_read(a, ref, SECOND, urgency=urgency)
    ends(b, ref) if goes != "after" else None
    place = a.all(PLACE, ref=ref)
    settle(a, b)
    ((name, now),) = opened(pair, ref)
    assert (name, now) == ("a", urgency or 3)
    assert a.all(PLACE, ref=ref) == place
    for half in pair:
        half.is_sound()


def test_it_is_over_when_it_has_been_heard(pair):
    """Taken up again once: whoever ends it then has seen all of it."""
    a, b = pair
    ref = is_taken_over(a, b)
    writes(a, SECOND)
    is_read(a, ref, SECOND, urgency=2)
    ends(b, ref)
    settle(a, b)
    a.site.signs_in("hannah")
    a.site.passes(1)
    a.accepts(ref)
    ends(a, ref, "hannah")
    before = a.last_seq(), b.last_seq()
    settle(a, b)
    assert opened(pair, ref) == []
    settle(a, b)
    assert len(a.rows("adopted")) == len(b.rows("adopted")) == 1
    assert a.last_seq() - before[0] < 10


def test_whoever_ended_it_by_the_lower_claim_takes_it_up_herself(pair):
    """Hers was the only answer, so that b let go; what b had heard meanwhile she had not."""
    a, b = pair
    ref = writes(a, FIRST).interaction_id
    is_read(a, ref, FIRST)
    a.sends()
    b.adopts()
    assert writes(b, SECOND).interaction_id == ref
    is_read(b, ref, SECOND, urgency=1)
    a.site.signs_in("hannah")
    a.site.passes(1)
    a.accepts(ref)
    a.sends()
    b.agrees()
    assert b.state(ref) == "moved"
    ends(a, ref, "hannah")
    settle(a, b)
    assert opened(pair, ref) == [("a", 1)]
    a.site.passes(70)
    a.site.say("presence_declared", "hannah", available=True, reason="", command_id="", by="hannah")
    a.site.passes(1)
    a.accepts(ref)
    ends(a, ref, "hannah")
    settle(a, b)
    assert opened(pair, ref) == []


def test_what_was_there_before_it_was_ended_opens_nothing(pair):
    """It was copied while the agent still talked with them: she has seen it."""
    a, b = pair
    ref = is_taken_over(a, b)
    writes(a, SECOND)
    settle(a, b)
    ends(b, ref)
    settle(a, b)
    assert opened(pair, ref) == []


def test_what_comes_in_her_wrap_up_is_not_heard(pair):
    """Nor would it be at one site: a conversation that ended is not joined, whatever is left to note."""
    a, b = pair
    ref = is_taken_over(a, b)
    writes(a, SECOND)
    is_read(a, ref, SECOND)
    b.site.say("conversation_ended", ref, agent_id="ivan", command_id="over")
    b.site.passes(2)
    settle(a, b)
    ends(b, ref)
    settle(a, b)
    assert [name for name, _ in opened(pair, ref)] == ["a"]


def test_what_is_read_here_when_it_has_gone_is_as_urgent_there(pair):
    """It came while the conversation was handed over, and its words were read after that."""
    a, b = pair
    ref = writes(a, FIRST).interaction_id
    is_read(a, ref, FIRST)
    a.sends()
    b.adopts()
    writes(a, SECOND)
    moves(a, ref)
    is_read(a, ref, SECOND, urgency=1)
    settle(a, b)
    assert opened(pair, ref) == [("b", 1)]
    said = {"agent_id": "boss", "urgency": 4, "may_lower": True, "command_id": "lower"}
    b.site.say("urgency_declared", ref, **said)
    b.site.settles()
    settle(a, b)
    assert opened(pair, ref) == [("b", 4)], "a person's word is not undone by looking again"


def test_who_gave_up_here_and_whose_call_back_was_left_to_what_ended_there_has_somebody(pair):
    """The agent ended it while this site still saw her talk: so the call-back was left to her."""
    a, b = pair
    ref = is_taken_over(a, b)
    writes(a, SECOND)
    for kind, more in (("customer_connected", {}), ("customer_disconnected", {"for_good": True})):
        a.site.say(kind, ref, connection_id="line", web_id="web-1", **more)
        a.site.settles()
    assert a.state(ref) == "abandoned"
    b.sends()
    ends(b, ref)
    a.agrees()
    assert a.state(call_backs.id_of(ref)) == "moved"
    settle(a, b)
    assert opened(pair, ref) == [("a", 3)]
    a.is_sound()


@pytest.mark.parametrize("crossed", [False, True])
def test_what_is_taken_up_again_goes_to_whoever_serves(pair, crossed):
    """Here nobody may be signed in at all: that is why the other site serves. But nothing goes to and fro."""
    a, b = pair
    ref = is_taken_over(a, b)
    for half, domain in ((b, "a"), (a, "b"))[: 1 + crossed]:
        half.site.say("domain_claimed", domain, n=1, owner=half.name, mode="take_over", **CLAIM)
    writes(a, SECOND)
    is_read(a, ref, SECOND, urgency=1)
    ends(b, ref)
    settle(a, b)
    assert opened(pair, ref) == [("a", 1)]
    b.site.say("presence_declared", "ivan", available=False, reason="", command_id="", by="ivan")
    for _ in range(3):
        for half in pair:
            rerouting(half).step(half.site.committer, half.site.database)
            half.site.settles()
            settle(a, b)
    assert opened(pair, ref) == [("a" if crossed else "b", 1)]
    assert len(b.rows("adopted")) == (1 if crossed else 2)


class Line:
    """Whether this site hears the other one: as its watcher would say."""

    def __init__(self, half: Half) -> None:
        self.gone = False
        self._half = half
        self.begins()

    def begins(self) -> None:
        """The peer role, again."""
        peer = "a" if self._half.name == "b" else "b"
        self._half.reconciler = Reconciler(site=self._half.name, peer=peer, gone=lambda: self.gone)


@pytest.mark.parametrize("begins", [False, True])
@pytest.mark.parametrize("first", ["lost", "taken over"])
def test_what_a_site_did_not_let_go_of_before_it_died_has_somebody(pair, first, begins):
    """It would have taken it up itself, a second later. Nobody may wait for it until it is back."""
    a, b = pair
    line = Line(b)
    ref = is_taken_over(a, b)
    ends(b, ref)
    writes(a, SECOND)
    is_read(a, ref, SECOND, urgency=1)
    a.sends()
    b.agrees()
    for step in (first, *{"lost", "taken over"} - {first}):
        assert b.state(ref) == "disposed", "as long as the other site may live, it is that one's"
        if step == "lost":
            line.gone = True
        else:
            b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
            b.site.settles()
        if begins:
            line.begins()
        b.agrees()
    assert [each for each in opened(pair, ref) if each[0] == "b"] == [("b", 1)]
    line.gone = False
    settle(a, b)
    assert opened(pair, ref) == [("b", 1)], "and it is that site's alone when the other one is back"
    b.site.passes(70)
    b.site.say("presence_declared", "ivan", available=True, reason="", command_id="", by="ivan")
    b.site.passes(1)
    b.accepts(ref)
    ends(b, ref)
    line.gone = True
    settle(a, b)
    assert opened(pair, ref) == []
    for half in pair:
        half.is_sound()


def test_what_ended_before_they_died_and_was_heard_is_not_taken_up(pair):
    """Whatever the dead site has still open: an agent here saw all of it."""
    a, b = pair
    line = Line(b)
    ref = is_taken_over(a, b)
    writes(a, SECOND)
    is_read(a, ref, SECOND, urgency=1)
    a.sends()
    b.agrees()
    ends(b, ref)
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    line.gone = True
    b.agrees()
    assert b.state(ref) == "disposed"
