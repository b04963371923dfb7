"""What began at the other site is joined from here: whose number was away for hours, and is home again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from router.channels.ids import interaction_id_of
from router.channels.mail_contact import thread_of_mail
from router.channels.port import Contact
from router.sites import open_there
from router.sites.open_there import OpenThere
from tests.journal.conftest import database_url
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_joining_there import (
    CLAIM,
    FIRST,
    There,
    X,
    again,
    both_are_sound,
    count,
    is_read,
    said_in,
    writes,
)
from tests.sites.test_rerouting import rerouting
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]

KEPT = "SELECT interaction_id FROM open_there ORDER BY interaction_id"


@pytest.fixture
def pair(tmp_path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as (a, b):
        a.site.signs_in("hannah")
        a.site.settles()
        yield a, b


def claims(half: Half, *, n: int, owner: str, mode: str) -> None:
    half.site.say("domain_claimed", "a", n=n, owner=owner, mode=mode, **CLAIM)
    half.site.settles()


def hears(here: Half) -> None:
    """What is open at the other one is known here."""
    assert here.other is not None
    here.other.sends()
    here.looks()


def begins_there(here: Half, contact: Contact = FIRST) -> str:
    """Their provider brought the first message to the other site; it is read there, and known here."""
    there = here.other
    assert there is not None
    ref = writes(there, contact).interaction_id
    is_read(there, ref, contact)
    hears(here)
    return ref


def kept(half: Half) -> list[str]:
    return [str(row[0]) for row in half.all(KEPT)]


def addresses(half: Half) -> int:
    return len(half.all("SELECT address FROM address"))


def is_held(half: Half, ref: str) -> str:
    """By an agent of that site."""
    half.site.signs_in("ivan")
    half.site.passes(1)
    return half.accepts(ref)


def is_done(half: Half, ref: str, agent_id: str) -> None:
    half.site.say("disposition_given", ref, agent_id=agent_id, disposition="answered", command_id="d")
    half.site.settles()
    assert half.state(ref) == "disposed"


def test_what_began_during_a_take_over_is_joined_after_the_return(tmp_path, database_url):
    """Hours of work stay with the agents who have it: their customers go on talking to them, and to nobody
    else; once it is done, the next one begins at home. On either kind of database."""
    with routed_pair(tmp_path, urls={"a": database_url}) as (a, b):
        claims(b, n=1, owner="b", mode="take_over")
        ref = begins_there(a)
        agent_id = is_held(b, ref)
        claims(b, n=2, owner="a", mode="return")
        rerouting(b).step(b.site.committer, b.site.database)
        assert b.state(ref) == "assigned"
        hears(a)
        there = There(a)
        joined = writes(a, again(), there)
        assert (joined.interaction_id, joined.elsewhere, there.asked) == (ref, True, 1)
        assert (count(a), count(b)) == (0, 1)
        assert joined.message_id in said_in(b, ref)
        is_done(b, ref, agent_id)
        hears(a)
        assert kept(a) == []
        begun = writes(a, again(3), there)
        assert (begun.began, begun.elsewhere, there.asked) == (True, False, 1)
        is_read(a, begun.interaction_id, again(3))
        both_are_sound(a, b)


def test_what_a_fallback_brought_to_the_other_site_is_joined(pair):
    """Their provider could not reach this site for a moment; both sites serve their own all the time."""
    a, b = pair
    assert begins_there(a) == X
    assert writes(a, again(), There(a)).interaction_id == X
    both_are_sound(a, b)


def test_an_address_that_this_site_calls_otherwise_joins_it(pair):
    """They wrote to each site before, so each hashes their address with salts of its own."""
    a, b = pair
    for half in pair:
        assert writes(half, replace(FIRST, provider_id=half.name, channel="social", account="page")).began
    ref = begins_there(a)
    ((thread_a,),) = a.all("SELECT thread FROM open_there WHERE interaction_id = :i", i=ref)
    ((thread_b,),) = b.all("SELECT thread FROM interaction WHERE interaction_id = :i", i=ref)
    assert thread_a != thread_b
    assert writes(a, again(), There(a)).interaction_id == ref


def test_a_mail_with_its_reply_token_joins_what_began_there(pair):
    """From whichever address it is written: the token is the same at both sites."""
    a, b = pair
    mail = replace(FIRST, channel="mail", account="mail-main", address_kind="mail", address="jo@example.org")
    mail = replace(mail, thread=thread_of_mail(interaction_id_of("mail", "mail-main", "SM1")))
    ref = begins_there(a, mail)
    answer = replace(again(contact=mail), address="jo@work.example")
    assert writes(a, answer, There(a)).interaction_id == ref
    both_are_sound(a, b)


def test_what_is_open_here_comes_first(pair):
    """Both have something of theirs since the line was cut: the site that they write to asks nobody."""
    a, _ = pair
    mine = writes(a, replace(FIRST, provider_id="SM0")).interaction_id
    assert begins_there(a) == X
    there = There(a)
    assert writes(a, again(), there).interaction_id == mine
    assert there.asked == 0


@pytest.mark.parametrize("wrong", [{"silent": True}, {"refuses": True}])
def test_where_the_other_site_does_not_keep_it_it_is_kept_here(pair, wrong):
    """Accepted is kept comes before it joins; and what is begun here is then joined here."""
    a, _ = pair
    begins_there(a)
    there = There(a, **wrong)
    begun = writes(a, again(), there)
    assert (begun.began, begun.elsewhere) == (True, False)
    assert writes(a, again(3), there).interaction_id == begun.interaction_id
    assert there.asked == 1


def test_what_ended_there_unheard_is_begun_here(pair):
    """The index is as old as the copy: only the site that has it knows whether it is open."""
    a, b = pair
    ref = begins_there(a)
    is_done(b, ref, is_held(b, ref))
    assert kept(a) == [ref]
    assert writes(a, again(), There(a)).began
    assert len(said_in(b, ref)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"address": "+442071838751"},
        {"account": "sms-other"},
        {"linked": False},
        {"joins": False},
        {"address": ""},
        {"traffic": "probe"},
        {"traffic": "rehearsal"},
    ],
)
def test_nobody_else_joins_it(pair, other):
    """Strangers ask nobody; who withholds an address, or shares one, is nobody's next message; nor are we."""
    a, b = pair
    begins_there(a)
    there = There(a)
    assert writes(a, replace(again(), **other), there).began
    assert (there.asked, count(b)) == (0, 1)


@pytest.mark.parametrize(
    "never",
    [
        {"channel": "voice", "joins": False},
        {"channel": "chat", "thread": "a-session"},
        {"joins": False},
        {"linked": False},
        {"traffic": "probe"},
        {"traffic": "rehearsal"},
    ],
)
def test_what_nobody_can_join_from_here_is_not_kept(pair, never):
    """A call joins nothing, and the page of a chat goes there itself."""
    a, b = pair
    begins = replace(FIRST, **never)
    assert writes(b, begins).began
    hears(a)
    assert (kept(a), addresses(a)) == ([], 0)


def test_what_is_taken_over_is_asked_for_no_more(pair):
    """Their site burnt down: what was theirs is served here, and a second's wait for nobody helps nobody."""
    a, _ = pair
    ref = begins_there(a)
    a.adopts()
    there = There(a)
    assert writes(a, again(), there).interaction_id == ref
    is_done(a, ref, is_held(a, ref))
    assert writes(a, again(3), there).began
    assert there.asked == 0


def test_a_new_role_keeps_what_is_open_there_and_nothing_else(pair, monkeypatch):
    """A restart, a table that was lost, a backup of last week: page by page it is as the copy says."""
    a, b = pair
    monkeypatch.setattr(open_there, "PAGE", 3)
    monkeypatch.setattr(open_there, "PAGES_MAX", 1)
    people = [replace(FIRST, provider_id=f"P{n}", address=f"+44207183900{n}") for n in range(8)]
    refs = [writes(b, each).interaction_id for each in people]
    b.sends()
    with a.site.database.writing() as db:
        for stale in ("0", "5", "z"):
            db.run("INSERT INTO open_there (interaction_id, thread) VALUES (:i, 'gone')", i=stale)
    a.open_there = OpenThere()
    for _ in range(5):
        a.looks()
    assert kept(a) == sorted(refs)
    a.open_there = OpenThere()
    a.looks()
    assert kept(a) == sorted(refs), "again changes nothing"
    for n, each in enumerate(people):
        assert writes(a, replace(each, provider_id=f"Q{n}"), There(a)).interaction_id == refs[n]


def test_what_ended_while_no_role_looked_is_not_kept(pair):
    """The role was dead for an hour: the next one does not follow the rows, it looks at what is there."""
    a, b = pair
    ref = begins_there(a)
    is_done(b, ref, is_held(b, ref))
    b.sends()
    a.open_there = OpenThere()
    a.looks()
    assert kept(a) == []


def test_one_that_cannot_be_kept_holds_up_no_other(pair, monkeypatch):
    """Whatever a row of theirs holds that nobody foresaw."""
    a, b = pair
    writes(b, FIRST)
    other = writes(b, replace(FIRST, provider_id="P2", address="+442071839002")).interaction_id
    b.sends()
    as_it_is = open_there.Joinable.thread_here

    def odd(each: open_there.Joinable, known_as: Mapping[tuple[str, str], str]) -> str:
        return "\ud800" if each.interaction_id == X else as_it_is(each, known_as)

    monkeypatch.setattr(open_there.Joinable, "thread_here", odd)
    a.looks()
    assert kept(a) == [other]
