"""What went to a site that died before its copy could show it: all of that comes back, and nothing else."""

from collections.abc import Sequence
from typing import Any  # Any: rows as a database has them

import pytest

from router.journal.connection import Connection
from router.sites import acts, handed_unseen
from router.sites.acts import take_over
from router.sites.adoptees import Adoptees, read_adoptees
from router.sites.adopting import NOT_ADOPTED
from router.sites.status import PEER, put_status
from router.sites.unsent import DAY_MS
from tests.sites.routed_pair import exchange
from tests.sites.test_breaking import orders
from tests.sites.test_copy_rotten import alarmed
from tests.sites.test_lending import due, leaves, trouble
from tests.sites.test_rerouting import rerouting
from tests.sites.test_unsent import Two, two
from tests.sites.test_watcher import Pair, pair, plan

__all__ = ["pair", "two"]


def handed(two: Two, *refs: str) -> None:
    """They went from a to b, which took them; nothing of that comes back to a's copy."""
    two.b.sends()
    two.a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(two.a).step(two.a.site.committer, two.a.site.database)
    two.a.site.settles()
    two.b.site.settles()
    assert [two.a.state(each) for each in refs] == ["moved"] * len(refs)


def cannot_read(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """A row that nobody foresaw."""

    def read(db: Connection, ids: Sequence[str], **values: Any) -> Adoptees:
        if wrong in ids:
            raise KeyError(wrong)
        return read_adoptees(db, ids, **values)

    monkeypatch.setattr(handed_unseen, "read_adoptees", read)


def test_one_that_cannot_be_taken_up_holds_up_no_other_and_no_reply(two, monkeypatch):
    """What is only guessed comes last: the replies of whoever was answered there leave all the same."""
    refs = [two.waits(two.a, number)[0] for number in (1, 2, 3)]
    over, address_hash = two.waits(two.b, 4)
    assert two.b.accepts(over) == "ivan"
    two.replies(two.b, over, 4, address_hash)
    two.b.site.say("disposition_given", over, agent_id="ivan", disposition="answered", command_id=over)
    two.b.site.settles()
    handed(two, *refs)
    cannot_read(monkeypatch, refs[1])
    taken = two.takes_over(two.a)
    assert (taken.adopted, taken.orders) == (2, 1)
    assert alarmed(two.a, NOT_ADOPTED) == {refs[1]}
    assert due(two.a) == ["o-4"]
    two.sound()


def test_a_take_over_that_was_broken_off_before_it_is_finished(pair, monkeypatch):
    """The terminal was closed in the middle: what nobody else has must not wait for somebody to notice."""
    pair.plan = plan("manual")
    pair.b.site.arrives("c-1")
    pair.b.site.settles()
    goes_to_a(pair)
    with monkeypatch.context() as patch:
        patch.setattr(acts, "take_up", dies)
        with pytest.raises(KeyboardInterrupt):
            take_over(pair.ground(), who="ana", why="", command_id="c", anyway=True)
    assert pair.b.state("c-1") == "moved"
    pair.passes(30, answered=False)
    pair.b.site.settles()
    assert pair.b.state("c-1") in ("waiting", "offered")


def goes_to_a(pair: Pair) -> None:
    pair.a.sends()
    pair.b.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(pair.b).step(pair.b.site.committer, pair.b.site.database)
    pair.b.site.settles()
    assert pair.b.state("c-1") == "moved"


def dies(*given: object, **named: object) -> int:
    raise KeyboardInterrupt


def test_what_went_there_long_before_the_copy_began_anew_stays_where_it_went(two):
    """The copy stands at rows of months ago: everybody who was ever answered there would wait here again."""
    (long_ago, _), (lately, _) = two.waits(two.a, 1), two.waits(two.a, 2)
    two.b.sends()
    went(two, long_ago)
    two.a.site.clock.now_ms += 90 * DAY_MS
    went(two, lately)
    with two.a.site.database.writing() as db:
        put_status(db, PEER, two.a.site.clock(), {"at_ms": two.a.site.clock() - 60_000})
    assert two.takes_over(two.a).adopted == 1
    assert [two.a.state(each) for each in (long_ago, lately)] == ["moved", "offered"]
    two.sound()


def went(two: Two, ref: str) -> None:
    """b took it, and its rows never came."""
    said = {"to_site": "b", "n": 1, "owner": "b", "why": "handed_over", "orders": []}
    two.a.site.say("yielded", ref, **said)
    two.a.site.settles()
    assert two.a.state(ref) == "moved"


def test_a_reply_that_may_have_left_there_says_so(two):
    """b had it for a second and sent it, and its rows never came: nobody may believe that it left once."""
    ref, address_hash = two.waits(two.a, 1)
    two.replies(two.a, ref, 1, address_hash)
    handed(two, ref)
    assert leaves(two.b, *due(two.b)) == [False]
    assert two.takes_over(two.a).adopted == 1
    assert (orders(two.a), trouble(two.a)) == ([("o-1", "due")], "maybe_twice")
    assert leaves(two.a, *due(two.a)) == [True]
    exchange(two.a, two.b)
    assert (trouble(two.a), trouble(two.b)) == ("maybe_twice", "maybe_twice")
    two.sound()


def test_a_reply_that_never_went_there_is_not_said_to_be_twice(two):
    """It was written after b had taken the rest: it is this site's, and leaves once."""
    ref, address_hash = two.waits(two.a, 1)
    two.b.sends()
    two.replies(two.a, ref, 1, address_hash)
    went(two, ref)
    assert two.takes_over(two.a).adopted == 1
    assert (due(two.a), trouble(two.a)) == (["o-1"], "")
    two.sound()
