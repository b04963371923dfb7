"""Who was moved writes again where they always wrote: it joins what was moved, at the site that has it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from config.plan import Limits
from router.channels.ids import interaction_id_of, message_id_of
from router.channels.ingest import Keeper, Kept, NotKept, keep
from router.channels.mail_contact import thread_of_mail
from router.channels.port import Contact, Receipt
from router.channels.receipts import KeepReceipts
from router.sites.forwarded import RECEIPTS_PATH, Brought, KeepForwarded, joined_by, pack, pack_receipts
from router.sites.forwarding import kept_there
from router.sites.peer_server import Answered as PeerAnswered
from router.sites.peer_server import Asked, BadRequest, answered
from tests.delivery.two_ways import Answered
from tests.sites.routed_pair import Half, routed_pair
from tests.sites.test_rerouting import rerouting

FIRST = Contact(
    channel="sms",
    account="sms-main",
    provider_id="SM1",
    address_kind="phone",
    address="+442071838750",
    verified=True,
    body=b"water in the cellar",
    received_at_ms=1_000,
)
X = interaction_id_of("sms", "sms-main", "SM1")
NEED = {"require": [], "require_any": [], "forbid": [], "prefer": []}
CLAIM = {"agent_id": "x", "why": "", "command_id": "c", "with_assigned": False, "automatic": False}
MESSAGES = "SELECT message_id FROM message WHERE interaction_id = :i ORDER BY message_id"


@pytest.fixture
def pair(tmp_path) -> Iterator[tuple[Half, Half]]:
    with routed_pair(tmp_path) as halves:
        yield halves


@dataclass
class There:
    """Keeper.there of one half, without a network. before(): what happens while it asks; lost: its answer."""

    here: Half
    lost: bool = False
    silent: bool = False
    refuses: bool = False
    before: Callable[[], None] = lambda: None
    asked: int = 0

    async def __call__(self, contact: Contact) -> Kept | None:
        self.asked += 1
        other = self.here.other
        assert other is not None
        if not self.silent:
            self.before()
            said = await self._asks(other, contact)
            if said is not None and not self.lost:
                return joined_by(said)
        with self.here.copy.reading() as copy:
            return kept_there(copy, contact)

    async def _asks(self, other: Half, contact: Contact) -> bytes | None:
        async def copied(seq: int) -> None:
            if not self.lost:
                other.sends()

        keeps = keeps_of(other, copied)
        try:
            if self.refuses:
                raise NotKept("the database is busy")
            said = await keeps.join(pack(Brought(contacts=(contact,))))
        except NotKept:
            return None
        other.site.settles()
        return answered(said).body


def keeps_of(half: Half, copied: Callable[[int], Awaitable[object]]) -> KeepForwarded:
    plan: Any = type("Plan", (), {"limits": Limits()})()
    return KeepForwarded(half.site.database, half.site.committer, lambda: plan, copied, copied)


def writes(half: Half, contact: Contact, there: There | None = None) -> Kept:
    """Their provider brings it to this half."""
    kept = asyncio.run(keep(half.site.committer, contact, Keeper(web_id="web-1", there=there)))
    half.site.settles()
    return kept


def is_read(half: Half, ref: str, contact: Contact, *, urgency: int = 3) -> None:
    half.site.say(
        "read",
        ref,
        message_id=message_id_of(contact.channel, contact.account, contact.provider_id),
        queue_id="public-information",
        urgency=urgency,
        requirement=NEED,
        rule_id="rule",
        language="en",
        reading="read",
        hits=[],
    )
    half.site.settles()


def moves(here: Half, contact: Contact = FIRST) -> str:
    """They write, it is read, and handed to the other half; which interaction."""
    ref = writes(here, contact).interaction_id
    is_read(here, ref, contact)
    here.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(here).step(here.site.committer, here.site.database)
    here.site.settles()
    assert here.state(ref) == "moved"
    return ref


def again(number: int = 2, contact: Contact = FIRST) -> Contact:
    return replace(contact, provider_id=f"SM{number}", body=b"and my father does not breathe")


def said_in(half: Half, ref: str) -> list[str]:
    return [str(row[0]) for row in half.all(MESSAGES, i=ref)]


def count(half: Half) -> int:
    ((found,),) = half.all("SELECT count(*) FROM interaction")
    return int(str(found))


def both_are_sound(a: Half, b: Half) -> None:
    for half, other in ((a, b), (b, a)):
        half.sends()
        other.agrees()
    a.is_sound()
    b.is_sound()


def test_what_they_write_next_joins_what_was_moved(pair):
    """One person, one matter, one agent: who has the first words gets the next ones, at once and unread."""
    a, b = pair
    assert moves(a) == X
    there = There(a)
    kept = writes(a, again(), there)
    assert (kept.interaction_id, kept.elsewhere, kept.repeated) == (X, True, False)
    assert (count(a), count(b)) == (1, 1)
    assert kept.message_id in said_in(b, X)
    assert b.all("SELECT reading FROM message WHERE message_id = :m", m=kept.message_id) == [("unread",)]
    is_read(b, X, again(), urgency=1)
    assert b.all("SELECT urgency FROM interaction") == [(1,)]
    both_are_sound(a, b)
    assert said_in(a, X) == said_in(b, X)


def test_nothing_is_left_here_of_what_is_kept_there(pair):
    """Its words come back with the copy: what lay here besides would belong to nothing, for ever."""
    a, _ = pair
    moves(a)
    before = a.last_seq(), a.all("SELECT count(*) FROM content")
    writes(a, again(), There(a))
    assert (a.last_seq(), a.all("SELECT count(*) FROM content")) == before


def test_an_address_that_both_sites_knew_is_one_thread_at_each(pair):
    """Each site hashes with salts of its own: they wrote to b last year, so b calls them otherwise than a."""
    a, b = pair
    old = writes(b, replace(FIRST, provider_id="SM0", channel="social", account="page"))
    assert old.began
    moves(a)
    ((hash_a, thread_a),) = a.all("SELECT address_hash, thread FROM interaction")
    ((hash_b, thread_b),) = b.all("SELECT address_hash, thread FROM interaction WHERE channel = 'sms'")
    assert hash_a != hash_b
    assert thread_a != thread_b
    assert writes(a, again(), There(a)).interaction_id == X
    both_are_sound(a, b)


def test_a_mail_with_its_reply_token_joins_what_was_moved(pair):
    """Whoever writes it, from whichever address: the token says what it answers."""
    a, b = pair
    mail = replace(FIRST, channel="mail", account="mail-main", address_kind="mail", address="jo@example.org")
    mail = replace(mail, thread=thread_of_mail(interaction_id_of("mail", "mail-main", "SM1")))
    ref = moves(a, mail)
    answer = replace(again(contact=mail), address="jo@work.example")
    assert writes(a, answer, There(a)).interaction_id == ref
    assert len(said_in(b, ref)) == 2
    both_are_sound(a, b)


def test_it_works_the_other_way_as_well(pair):
    """What b took over and handed home: a number that still points to b brings there what belongs to a."""
    a, b = pair
    moves(a)
    b.site.say("domain_claimed", "a", n=1, owner="b", mode="take_over", **CLAIM)
    b.site.say("domain_claimed", "a", n=2, owner="a", mode="return", **CLAIM)
    rerouting(b).step(b.site.committer, b.site.database)
    b.site.settles()
    assert (a.state(X), b.state(X)) == ("waiting", "moved")
    assert writes(b, again(), There(b)).interaction_id == X
    assert (count(a), count(b)) == (1, 1)
    there = There(a)
    assert writes(a, again(3), there).interaction_id == X
    assert there.asked == 0
    both_are_sound(a, b)
    assert said_in(a, X) == said_in(b, X)


@pytest.mark.parametrize("wrong", [{"silent": True}, {"refuses": True}])
def test_where_the_other_site_does_not_keep_it_it_is_kept_here(pair, wrong):
    """Accepted is kept comes before it joins: it begins one here, and follows later (rerouting.py)."""
    a, b = pair
    moves(a)
    kept = writes(a, again(), There(a, **wrong))
    assert (kept.began, kept.elsewhere) == (True, False)
    assert a.state(kept.interaction_id) == "parked"
    is_read(a, kept.interaction_id, again())
    rerouting(a).step(a.site.committer, a.site.database)
    assert b.state(kept.interaction_id) == "waiting"
    both_are_sound(a, b)


def test_a_process_without_a_line_keeps_it_here(pair):
    """The command line replays what was refused once: it must not need the other site."""
    a, _ = pair
    moves(a)
    assert writes(a, again()).began


def ends(half: Half, ref: str) -> None:
    """An agent there answers it and is done with it."""
    half.site.signs_in("ivan")
    half.site.passes(1)
    agent_id = half.accepts(ref)
    half.site.say("disposition_given", ref, agent_id=agent_id, disposition="answered", command_id="d")
    half.site.settles()
    assert half.state(ref) == "disposed"


@pytest.mark.parametrize("told", [True, False])
def test_what_ended_there_is_begun_here(pair, told):
    """Also where this site has not heard of the end: the one that has it is asked, and not the copy of it."""
    a, b = pair
    moves(a)
    ends(b, X)
    if told:
        b.sends()
    there = There(a)
    kept = writes(a, again(), there)
    assert kept.began
    assert said_in(b, X) == [message_id_of("sms", "sms-main", "SM1")]
    assert writes(a, again(3), there).interaction_id == kept.interaction_id
    assert there.asked == 1
    is_read(a, kept.interaction_id, again())
    both_are_sound(a, b)


def test_what_ends_there_while_it_is_asked_is_begun_here(pair):
    """Between two questions an agent is done: whoever writes now would be answered by nobody there."""
    a, b = pair
    moves(a)
    assert writes(a, again(), There(a, before=lambda: ends(b, X))).began


def test_a_repeat_at_either_site_is_the_same_message(pair):
    """A provider that heard nothing repeats here, or falls back to the other site."""
    a, b = pair
    moves(a)
    first = writes(a, again(), There(a))
    for kept in (writes(a, again(), There(a)), writes(b, again(), There(b))):
        assert (kept.interaction_id, kept.message_id, kept.repeated) == (X, first.message_id, True)
    assert (count(a), count(b)) == (1, 1)
    b.sends()
    a.agrees()
    there = There(a)
    assert writes(a, again(), there).repeated
    assert there.asked == 0


def test_a_repeat_of_what_ended_there_begins_nothing(pair):
    """The agent there has answered it: to ring again for the same words would send help twice."""
    a, b = pair
    moves(a)
    first = writes(a, again(), There(a))
    ends(b, X)
    kept = writes(a, again(), There(a))
    assert (kept.message_id, kept.repeated, kept.elsewhere) == (first.message_id, True, True)
    assert count(a) == 1


def test_an_answer_that_was_lost_begins_nothing_where_the_copy_has_it(pair):
    """The other site has it on disk, and its copy is here: that is all that may be acknowledged."""
    a, b = pair
    moves(a)
    there = There(a, lost=True)
    writes(b, again())
    b.sends()
    kept = writes(a, again(), there)
    assert (kept.interaction_id, kept.repeated, kept.elsewhere) == (X, True, True)
    assert (count(a), count(b)) == (1, 1)


def test_an_answer_that_was_lost_with_its_line_keeps_it_at_both(pair):
    """Nobody here can know that it is there: it is kept, and both sites come to have it once."""
    a, b = pair
    moves(a)
    kept = writes(a, again(), There(a, lost=True))
    assert kept.began
    assert kept.message_id in said_in(b, X)
    is_read(a, kept.interaction_id, again())
    both_are_sound(a, b)
    assert writes(a, again(), There(a)).repeated
    assert writes(b, again(), There(b)).repeated


def test_other_words_under_the_same_id_are_another_message(pair):
    """Two bodies under one id of a provider are two messages: words that we acknowledge are never lost."""
    a, b = pair
    moves(a)
    first = writes(a, again(), There(a))
    other = writes(a, replace(again(), body=b"he breathes"), There(a))
    assert other.message_id != first.message_id
    assert {first.message_id, other.message_id} <= set(said_in(b, X))


def answers(half: Half, number: int) -> str:
    """An agent of this half wrote to them, and a provider has taken it; the message."""
    said = Answered(number=number, interaction_id=X, text="we are coming")
    half.site.committer.submit(said).result()
    reported(half, said.message_id, "sent")
    return said.message_id


def reported(half: Half, message_id: str, status: str) -> tuple[Receipt, ...]:
    """The provider says this half what became of it; what the other half is to hear of as well."""
    append = KeepReceipts(account_id="sms-main", receipts=(Receipt(outbox_id=message_id, status=status),))
    half.site.committer.submit(append).result()
    return append.moved


def hears(half: Half, receipts: tuple[Receipt, ...]) -> PeerAnswered:
    return asks(half, pack_receipts("sms-main", receipts))


def asks(half: Half, body: bytes) -> PeerAnswered:
    (route,) = [each for each in keeps_of(half, nobody_waits).routes() if each.path == RECEIPTS_PATH]
    return asyncio.run(route.handle(Asked(query={}, body=body)))


async def nobody_waits(seq: int) -> None:
    """It is acknowledged as it is."""


def test_what_became_of_an_answer_is_known_where_they_are_served(pair):
    """Its provider tells the site that was called. An agent who thinks that it arrived waits in vain."""
    a, b = pair
    writes(a, FIRST)
    is_read(a, X, FIRST)
    before = answers(a, 1)
    assert reported(a, before, "delivered") == ()
    moves(a)
    since = answers(b, 2)
    status = "SELECT status FROM message WHERE message_id = :m"
    assert (b.all(status, m=before), b.all(status, m=since)) == ([("delivered",)], [("sent",)])
    for message_id, said in ((before, "read"), (since, "failed")):
        told = reported(a, message_id, said)
        assert len(told) == 1
        assert hears(b, told).status == 200
        assert hears(b, told).body == b'{"kept":0}'
        assert b.all(status, m=message_id) == [(said,)]
    both_are_sound(a, b)


def test_where_nobody_was_moved_no_other_site_hears_of_receipts(pair):
    """A provider says something of each message, and of some that are none of ours."""
    a, _ = pair
    writes(a, FIRST)
    assert reported(a, answers(a, 1), "delivered") == ()
    assert reported(a, "nobody's", "delivered") == ()


def test_what_is_no_receipt_is_no_receipt(pair):
    """Typed before anything looks at it."""
    a, _ = pair
    for body in (b"", pack_receipts("sms-main", ())[:-1], b"\x93\x02\xa1a\x90"):
        with pytest.raises(BadRequest):
            asks(a, body)


def test_probes_and_strangers_ask_nobody(pair):
    """A disaster is made of strangers: none of them may wait for the other site."""
    a, b = pair
    moves(a)
    there = There(a)
    assert writes(a, replace(again(), address="+442071838751"), there).began
    assert writes(a, replace(again(3), traffic="probe"), there).began
    assert writes(a, replace(again(4), traffic="rehearsal"), there).began
    assert there.asked == 0
    assert count(b) == 1


def test_the_other_site_keeps_nothing_of_somebody_it_does_not_know(pair):
    """Not even the address: nobody would ever erase it."""
    a, b = pair
    assert asyncio.run(There(a)(again())) is None
    for table in ("interaction", "message", "content", "address"):
        assert b.all(f"SELECT 1 FROM {table} WHERE 1 = 1") == [], table
