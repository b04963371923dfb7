"""One message that both sites keep, each in another interaction: one is let go, and one agent has it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from router.channels.port import Contact
from router.sites.unsent import LEFT_THERE, adopt_orders
from tests.journal.conftest import database_url
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_joining_there import (
    CLAIM,
    There,
    X,
    again,
    both_are_sound,
    is_read,
    moves,
    said_in,
    writes,
)
from tests.sites.test_rerouting import rerouting
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]

DUE = """
    SELECT o.outbox_id, i.interaction_id FROM outbox o
    JOIN interaction i ON i.interaction_id = o.interaction_id WHERE o.status = 'due'
"""
OPEN = "SELECT interaction_id FROM interaction WHERE closed_seq = 0 ORDER BY interaction_id"


@pytest.fixture
def pair(tmp_path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as halves:
        for half in halves:
            half.site.signs_in("nobody")
            half.site.say(
                "presence_declared", "nobody", available=False, reason="", command_id="n", by="nobody"
            )
            half.site.settles()
        yield halves


def opened(half: Half) -> list[str]:
    return [str(row[0]) for row in half.all(OPEN)]


def stays(half: Half) -> None:
    """What is rerouted is rerouted no more."""
    half.site.say("reroute_set", "all", share_pct=0, agent_id="admin", why="x", command_id="off")


def is_lost(a: Half) -> str:
    """The other site kept it in X, and the line was cut before it could say so: what was begun here."""
    moves(a)
    stays(a)
    kept = writes(a, again(), There(a, lost=True))
    assert kept.began
    return kept.interaction_id


def nobody_reads_it(*halves: Half) -> None:
    """So it waits unread: what is only kept is not decided yet, and would not be compared."""
    for half in halves:
        half.site.passes(3)


def agree(*halves: Half) -> None:
    for half in halves:
        half.sends()
    for half in halves:
        half.agrees()


def test_an_answer_that_was_lost_with_its_line_leaves_one_interaction(tmp_path, database_url):
    """Never two agents for one message, and never none. On either kind of database."""
    with routed_pair(tmp_path, urls={"a": database_url}) as (a, b):
        ref = is_lost(a)
        is_read(a, ref, again())
        agree(a, b)
        assert a.state(ref) == "moved"
        assert (opened(a), opened(b)) == ([], [X])
        assert len(said_in(b, X)) == 2
        assert writes(a, again(3), There(a)).interaction_id == X
        both_are_sound(a, b)
        assert (opened(a), opened(b)) == ([], [X])


def test_also_before_anybody_has_read_it_and_while_it_rings(pair):
    """Whatever it was about to become here: the agent there has it already."""
    a, b = pair
    ref = is_lost(a)
    a.site.signs_in("hannah")
    is_read(a, ref, again())
    a.site.passes(1)
    assert a.state(ref) == "offered"
    agree(a, b)
    assert a.state(ref) == "moved"
    both_are_sound(a, b)


def test_what_an_agent_here_accepted_stays_here(pair):
    """She has answered it already: to take it away from her helps nobody."""
    a, b = pair
    ref = is_lost(a)
    a.site.signs_in("hannah")
    is_read(a, ref, again())
    a.site.passes(1)
    a.accepts(ref)
    agree(a, b)
    assert a.state(ref) == "assigned"
    both_are_sound(a, b)


def test_what_says_more_is_not_let_go(pair):
    """The next message came while the line was cut: it stands nowhere else."""
    a, b = pair
    ref = is_lost(a)
    more = writes(a, again(3), There(a, silent=True))
    assert more.interaction_id == ref
    agree(a, b)
    assert a.state(ref) == "parked"
    assert more.message_id in said_in(a, ref)
    nobody_reads_it(a, b)
    both_are_sound(a, b)


def test_other_words_under_the_same_id_are_not_let_go(pair):
    """A provider used one id for two messages, one at each site: words that we acknowledge are never lost."""
    a, b = pair
    moves(a)
    stays(a)
    writes(b, again())
    kept = writes(a, replace(again(), body=b"the house burns"), There(a, silent=True))
    agree(a, b)
    assert a.state(kept.interaction_id) == "parked"


def test_what_came_while_it_was_being_let_go_is_not_lost(pair):
    """Said, and not yet decided: whoever writes at that moment joins what stays."""
    a, b = pair
    ref = is_lost(a)
    b.sends()
    a.reconciler.step(a.site.committer, a.site.database, a.copy)
    a.reconciler.step(a.site.committer, a.site.database, a.copy)
    assert a.state(ref) == "parked", "the router has not heard of it"
    assert a.all("SELECT interaction_id FROM yielding WHERE interaction_id = :i", i=ref)
    kept = writes(a, again(3), There(a))
    assert (kept.interaction_id, kept.elsewhere) == (X, True)
    both_are_sound(a, b)
    assert a.state(ref) == "moved"


@pytest.mark.parametrize("ended", [True, False])
def test_what_an_agent_there_ended_or_holds_is_not_rung_again(pair, ended):
    """The message was in it: to ring for the same words once more would send help twice."""
    a, b = pair
    ref = is_lost(a)
    b.site.signs_in("ivan")
    b.site.passes(1)
    agent_id = b.accepts(X)
    if ended:
        b.site.say("disposition_given", X, agent_id=agent_id, disposition="answered", command_id="d")
        b.site.settles()
    agree(a, b)
    assert a.state(ref) == "moved"
    both_are_sound(a, b)


def claimed(b: Half) -> None:
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    b.site.settles()


@pytest.mark.parametrize("how", ["take_over", "hand_over"])
def test_it_does_not_go_there_as_a_second_interaction(pair, how):
    """The other site takes over, or is asked to take it, before this one has looked."""
    a, b = pair
    ref = is_lost(a)
    is_read(a, ref, again())
    a.sends()
    if how == "take_over":
        claimed(b)
        assert b.adopts().adopted == 0
    else:
        a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r2")
        rerouting(a).step(a.site.committer, a.site.database)
        a.site.settles()
    assert opened(b) == [X]
    agree(a, b)
    assert (a.state(ref), opened(b)) == ("moved", [X])
    both_are_sound(a, b)


def answers_by_itself(half: Half, ref: str) -> None:
    """Muster says that it is heard; no worker has sent that yet."""
    half.site.say(
        "message_added",
        ref,
        message_id="m-heard",
        content_id="",
        client_id="",
        direction="out",
        author_id="",
        message_kind="text",
        reading="read",
    )
    order = {"message_id": "m-heard", "interaction_id": ref, "channel": "sms", "account": "sms-main"}
    half.site.say("send_ordered", "o-heard", **order, address_hash="h", automatic=1)
    half.site.settles()


def test_a_reply_of_what_was_let_go_stands_in_something_where_it_is_sent(pair):
    """Its site dies before it leaves. Else it is sent, and nobody sees that it was, or that it failed."""
    a, b = pair
    ref = is_lost(a)
    is_read(a, ref, again())
    answers_by_itself(a, ref)
    agree(a, b)
    assert (a.state(ref), b.state(ref)) == ("moved", "")
    a.sends()
    claimed(b)
    copied = {"site": "b", "peer": "a", "now_ms": b.site.clock(), "give_up_ms": 0}
    assert adopt_orders(b.site.committer, b.site.database, b.copy, **copied) == 1
    b.site.settles()
    assert b.all(DUE) == [("o-heard", ref)]
    assert b.state(ref) == LEFT_THERE
    assert "m-heard" in said_in(b, ref)
    for _ in range(2):
        agree(a, b)
    assert (a.state(ref), b.state(ref)) == ("moved", LEFT_THERE), "nobody takes it up again"
    assert (opened(a), opened(b)) == ([], [X])
    both_are_sound(a, b)


def test_what_comes_home_brings_its_words_with_it(pair):
    """It is handed back: an agent here reads all of it, also the message that had begun another one here."""
    a, b = pair
    ref = is_lost(a)
    agree(a, b)
    assert a.state(ref) == "moved"
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    b.site.say("domain_claimed", "a", n=2, owner="a", mode="return", **CLAIM)
    rerouting(b).step(b.site.committer, b.site.database)
    b.site.settles()
    assert (a.state(X), b.state(X)) == ("waiting", "moved")
    assert said_in(a, X) == said_in(b, X)
    both_are_sound(a, b)


def begin(half: Half, *contacts: Contact) -> str:
    refs = {writes(half, each).interaction_id for each in contacts}
    (ref,) = refs
    return ref


ORDERS = ("ab", "ba", "aabb", "bbaa")
"""Who hears, and then looks, in which order: small steps one after the other, or each site both at once."""


@pytest.mark.parametrize("order", ORDERS)
def test_both_sites_with_the_same_words_do_not_both_let_go(pair, order):
    """Each message reached each site, in another order, while the line was cut: exactly one stays."""
    a, b = pair
    one, two = again(7), again(8)
    first, second = begin(a, one, two), begin(b, two, one)
    assert first != second
    for name in order if len(order) == 2 else order[::2]:
        half, other = (a, b) if name == "a" else (b, a)
        other.sends()
        half.agrees()
    agree(a, b)
    left = [*opened(a), *opened(b)]
    assert left == [min(first, second)]
    nobody_reads_it(a, b)
    both_are_sound(a, b)
