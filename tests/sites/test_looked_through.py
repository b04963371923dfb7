"""What one site says while the peer role of the other is not there is known to the next role, all of it."""

import json

import pytest

from router.sites import looked_through
from router.sites.reconciling import PAGE, Reconciler
from tests.sites.routed_pair import Half, routed_pair


@pytest.fixture
def pair(tmp_path, monkeypatch):
    monkeypatch.setattr(looked_through, "SAVE_EVERY", 1)
    with routed_pair(tmp_path) as halves:
        yield halves


def begins_anew(half: Half) -> None:
    """The peer role of this site dies, and another begins, which knows only the tables."""
    assert half.other is not None
    half.reconciler = Reconciler(site=half.name, peer=half.other.name)


def both_hold(a: Half, b: Half) -> None:
    """A split: an agent of each site has c-1, and both know it."""
    for half in (a, b):
        half.site.arrives("c-1")
        half.site.signs_in("hannah" if half is a else "ivan")
        half.site.passes(1)
        half.accepts("c-1")
    settle(a, b)


def settle(a: Half, b: Half) -> None:
    for _ in range(2):
        for half in (a, b):
            half.sends()
        for half in (a, b):
            half.agrees()


def talks(half: Half, rows: int) -> None:
    """Much else goes on, of which the two sites have nothing to agree on."""
    for number in range(rows):
        half.site.say("viewed", f"somebody-{number}", agent_id="hannah", what="history")
    half.site.settles()


def raised(half: Half, urgency: int, *, may_lower: bool = False) -> None:
    said = {"agent_id": "boss", "urgency": urgency, "may_lower": may_lower, "command_id": f"u-{urgency}"}
    half.site.say("urgency_declared", "c-1", **said)
    half.site.settles()


def urgency(half: Half) -> int:
    ((found,),) = half.all("SELECT urgency FROM interaction WHERE interaction_id = 'c-1'")
    assert isinstance(found, int)
    return found


def says_more(half: Half, message_id: str) -> None:
    said = {"direction": "in", "author_id": "", "message_kind": "text", "reading": "read"}
    half.site.say("message_added", "c-1", message_id=message_id, content_id="", client_id="", **said)
    half.site.settles()


def test_an_urgency_is_learned_by_a_role_that_begins_long_after_it(pair, monkeypatch):
    """More rows came while no role was there than a new one looks back over: life is at risk all the same."""
    monkeypatch.setattr(looked_through, "LOOK_BACK", 10)
    a, b = pair
    both_hold(a, b)
    raised(a, 1)
    talks(a, PAGE // 50)
    talks(b, PAGE // 50)
    a.sends()
    begins_anew(b)
    b.agrees()
    assert urgency(b) == 1
    b.is_sound()


def test_what_was_lowered_here_stays_so_for_a_new_role(pair, monkeypatch):
    """It looks at the raise once more: the named person who has decided since is not overruled by that."""
    a, b = pair
    both_hold(a, b)
    monkeypatch.setattr(looked_through, "SAVE_EVERY", 1 << 30)
    raised(a, 1)
    settle(a, b)
    assert urgency(b) == 1
    raised(b, 4, may_lower=True)
    begins_anew(b)
    b.agrees()
    assert urgency(b) == 4
    raised(a, 2, may_lower=True)
    raised(a, 1)
    a.sends()
    b.agrees()
    assert urgency(b) == 1


def test_what_was_raised_before_the_contact_came_here_is_learned(pair):
    """The provider goes to the other address: what the first site has found out meanwhile is not lost."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    raised(a, 1)
    a.sends()
    b.agrees()
    b.site.arrives("c-1")
    b.site.settles()
    b.agrees()
    assert (urgency(b), b.state("c-1")) == (1, "waiting")
    (told,) = b.rows("urgency_declared")
    assert json.loads(told.data)["learned"].startswith("a/")


def test_what_was_said_there_is_copied_by_a_role_that_begins_long_after_it(pair, monkeypatch):
    """Also where both have finished it: what was written at one site is in the history of the other."""
    monkeypatch.setattr(looked_through, "LOOK_BACK", 10)
    a, b = pair
    both_hold(a, b)
    for half, agent in ((a, "hannah"), (b, "ivan")):
        done = {"agent_id": agent, "disposition": "answered", "command_id": f"d-{agent}"}
        half.site.say("disposition_given", "c-1", **done)
        half.site.settles()
    settle(a, b)
    says_more(a, "late")
    talks(a, 20)
    talks(b, 20)
    a.sends()
    begins_anew(b)
    b.agrees()
    assert b.all("SELECT interaction_id FROM message WHERE message_id = 'late'") == [("c-1",)]


def test_a_role_goes_on_where_the_last_one_was(pair):
    """Nothing is said twice, and a restart does not look at all that ever went from site to site."""
    a, b = pair
    both_hold(a, b)
    before = b.last_seq()
    with b.site.database.reading() as ours, b.copy.reading() as theirs:
        through = looked_through.saved_through(ours, theirs)
    assert through.known
    assert through.own_seq > 0
    assert through.copy_seq > 0
    begins_anew(b)
    b.agrees()
    assert b.last_seq() == before


def test_a_copy_of_another_life_is_not_taken_for_the_one_before(pair):
    """The other site began again without its newest rows: the new copy is looked at from where it begins."""
    a, b = pair
    both_hold(a, b)
    with b.copy.writing() as db:
        db.run("UPDATE stream SET incarnation = 'another' WHERE own = 1")
    with b.site.database.reading() as ours, b.copy.reading() as theirs:
        through = looked_through.saved_through(ours, theirs)
    assert not through.known
