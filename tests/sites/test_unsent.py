"""Replies that an agent had written and a dead site had not sent: the customer gets them, and once."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from config.settings import read_settings
from router.channels.port import Outcome
from router.journal.appends import put_content
from router.journal.clock import SteadyClock
from router.run import delivery_book as book
from router.run.delivery import Delivery
from router.run.delivery_senders import Outlets
from router.sites.acts import Taken, take_over
from router.sites.dry_run import dry_run
from router.sites.ground import Ground
from router.sites.passage import GATE, Passage, began
from router.sites.status import put_status
from router.sites.unsent import DAY_MS, LeaveOrders
from tests.journal.conftest import database_url
from tests.sites.routed_pair import Half, exchange, routed_pair
from tests.sites.site_pair import plan_of
from tests.sites.test_breaking import orders
from tests.sites.test_history_there import texts
from tests.sites.test_lending import ACCOUNT, claims, due, leaves, records, trouble, twice_alarms
from tests.sites.test_rerouting import rerouting
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]

PLAN = parse_plan(plan_of())


class Two:
    """Sites a and b; agents of a who answer, and end it at once."""

    def __init__(self, halves: tuple[Half, Half], folder: Path) -> None:
        self.a, self.b = halves
        self._folder = folder
        self._steps = {each.name: LeaveOrders(peer="b" if each.name == "a" else "a") for each in halves}

    def ground(self, half: Half) -> Ground:
        settings = read_settings({"MUSTER_DATA": str(self._folder / half.name), "MUSTER_SITE": half.name})
        return Ground(
            settings=replace(settings, secrets={}),
            plan=PLAN,
            site=half.name,
            own=half.site.database,
            copy=half.copy,
            committer=half.site.committer,
            clock=half.site.clock,
        )

    def takes_over(self, half: Half, command_id: str = "take") -> Taken:
        taken = take_over(
            self.ground(half), who="ana", why="dark", command_id=command_id, with_assigned=True, anyway=True
        )
        half.site.settles()
        return taken

    def counted(self, half: Half) -> int:
        return int(dry_run(self.ground(half), ["a"])["unsent"])

    def waits(self, half: Half, number: int, *, urgency: int = 3, address: str = "") -> tuple[str, str]:
        """Somebody writes, and is read. The interaction, and the hash of the address."""
        texts(half, number, "I fell", address=address or f"+1555010{number}")
        ((ref, address_hash, message),) = half.all(
            "SELECT i.interaction_id, i.address_hash, m.message_id FROM interaction i"
            " JOIN message m ON m.interaction_id = i.interaction_id ORDER BY i.arrived_seq DESC LIMIT 1"
        )
        said = {"require": [], "require_any": [], "forbid": [], "prefer": []}
        half.site.say(
            "read",
            str(ref),
            message_id=message,
            queue_id="public-information",
            urgency=urgency,
            requirement=said,
            rule_id="rule",
            language="en",
            reading="read",
            hits=[],
        )
        half.site.settles()
        return str(ref), str(address_hash)

    def answered(self, half: Half, number: int, *, urgency: int = 3, address: str = "") -> str:
        """Somebody writes; an agent answers and ends it. The interaction; its order is `o-<number>`."""
        ref, address_hash = self.waits(half, number, urgency=urgency, address=address)
        assert half.accepts(ref) == "hannah"
        self.replies(half, ref, number, address_hash)
        half.site.say("disposition_given", ref, agent_id="hannah", disposition="answered", command_id=ref)
        half.site.settles()
        assert half.state(ref) == "disposed"
        return ref

    def replies(self, half: Half, ref: str, number: int, address_hash: str) -> None:
        with half.site.database.writing() as db:
            put_content(
                db,
                content_id=f"reply-{number}",
                media_type="text/plain",
                body=f"help comes {number}".encode(),
                at_ms=1,
            )
        half.site.say(
            "message_added",
            ref,
            message_id=f"m-{number}",
            content_id=f"reply-{number}",
            client_id="",
            direction="out",
            author_id="hannah",
            message_kind="text",
            reading="read",
        )
        half.site.say(
            "send_ordered",
            f"o-{number}",
            message_id=f"m-{number}",
            interaction_id=ref,
            channel="sms",
            account=ACCOUNT,
            address_hash=address_hash,
            category="reply",
        )

    def hears(self, half: Half) -> None:
        """The other site's stream comes here, and what it took is left to it."""
        assert half.other is not None
        half.other.sends()
        self._steps[half.name].step(half.site.committer, half.site.database, half.copy)
        half.site.settles()

    def sound(self) -> None:
        exchange(self.a, self.b)
        self.hears(self.a)
        self.hears(self.b)
        before = self.a.last_seq(), self.b.last_seq()
        exchange(self.a, self.b)
        self.hears(self.a)
        self.hears(self.b)
        assert (self.a.last_seq(), self.b.last_seq()) == before, "all is said"
        for half in (self.a, self.b):
            half.site.settles()
            half.is_sound()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with routed_pair(tmp_path) as halves:
        halves[0].site.signs_in("hannah")
        halves[1].site.signs_in("ivan")
        yield Two(halves, tmp_path)


@pytest.fixture
def two_on_either(tmp_path: Path, database_url: str) -> Iterator[Two]:
    """The same; the own database of the site that takes over is of each kind in turn."""
    with routed_pair(tmp_path, urls={"b": database_url}) as halves:
        halves[0].site.signs_in("hannah")
        halves[1].site.signs_in("ivan")
        yield Two(halves, tmp_path)


def test_a_reply_of_an_ended_conversation_leaves_at_the_site_that_takes_over(two_on_either):
    """Its agent believes that the customer has it, and the customer waits: nobody else would ever know."""
    two = two_on_either
    ref = two.answered(two.a, 1)
    two.a.sends()
    assert two.counted(two.b) == 1
    said = "\n".join(dry_run(two.ground(two.b), ["a"])["lines"])
    assert (
        "1 answer of conversations that are over, or here already, had not left Alder House yet: "
        "Birch House sends it" in said
    )
    taken = two.takes_over(two.b)
    assert (taken.adopted, taken.orders, two.counted(two.b)) == (0, 1, 0)
    assert two.b.state(ref) == "disposed", "nobody is offered it again"
    (claimed,) = claims(two.b, *due(two.b))
    assert (claimed.text, claimed.to_address, claimed.refused) == ("help comes 1", "+15550101", "")
    records(two.b, claimed)
    assert orders(two.b) == [("o-1", "sent")]
    two.hears(two.a)
    assert (orders(two.a), due(two.a)) == ([("o-1", "moved")], [])
    two.sound()
    assert (twice_alarms(two.a), twice_alarms(two.b)) == (0, 0)


def test_a_take_over_that_is_typed_again_sends_nothing_again(two_on_either):
    """Before it left, after it left, and when the other site has been there and gone again."""
    two = two_on_either
    two.answered(two.a, 1)
    two.a.sends()
    assert two.takes_over(two.b).orders == 1
    assert two.takes_over(two.b, "again").orders == 0
    leaves(two.b, *due(two.b))
    assert two.takes_over(two.b, "third").orders == 0
    two.hears(two.a)
    two.a.sends()
    assert two.takes_over(two.b, "later").orders == 0
    assert orders(two.b) == [("o-1", "sent")]
    assert len(two.b.rows("orders_adopted")) == 1
    two.sound()


def test_only_what_may_have_been_tried_says_that_it_may_be_there_twice(two):
    """Its provider refused the one and it waits for its next try; of the other nobody here can know."""
    two.answered(two.a, 1)
    two.answered(two.a, 2)
    (claimed,) = claims(two.a, "o-1")
    later = Outcome(kind="later", detail="no_connection")
    two.a.site.committer.submit(
        book.RecordTry(claimed=claimed, outcome=later, retry_ms=300_000, give_up_ms=1 << 40)
    ).result()
    two.a.sends()
    assert two.takes_over(two.b).orders == 2
    assert sorted(due(two.b)) == ["o-1", "o-2"]
    assert leaves(two.b, "o-1", "o-2") == [False, True]
    assert (trouble(two.b, "m-1"), trouble(two.b, "m-2")) == ("", "maybe_twice")
    two.sound()


def test_what_left_at_both_sites_is_said_at_both(two):
    """The site that was thought to be dead had sent it: who wrote it should know."""
    two.answered(two.a, 1)
    two.a.sends()
    two.takes_over(two.b)
    leaves(two.a, "o-1")
    leaves(two.b, "o-1")
    two.hears(two.a)
    assert orders(two.a) == [("o-1", "sent")], "what has left is not left to anybody"
    exchange(two.a, two.b)
    assert (trouble(two.a, "m-1"), trouble(two.b, "m-1")) == ("maybe_twice", "maybe_twice")
    assert (twice_alarms(two.a), twice_alarms(two.b)) == (1, 0), "here it was known that it may be"
    two.sound()


def test_the_most_urgent_reply_is_the_first(two):
    """A provider that takes ten a second takes them in this order."""
    for number, urgency in ((1, 4), (2, 2), (3, 3)):
        two.answered(two.a, number, urgency=urgency)
    two.a.sends()
    assert two.takes_over(two.b).orders == 3
    assert due(two.b) == ["o-2", "o-3", "o-1"]
    two.sound()


def test_several_replies_of_one_conversation_leave_in_their_order(two):
    """They were written to be read one after the other; the ids say nothing about that."""
    ref = two.answered(two.a, 9)
    ((address_hash,),) = two.a.all("SELECT address_hash FROM outbox")
    for number in (7, 8):
        two.replies(two.a, ref, number, str(address_hash))
    two.a.sends()
    assert (two.counted(two.b), two.takes_over(two.b).orders) == (3, 3)
    for number in (9, 7, 8):
        assert due(two.b) == [f"o-{number}"]
        leaves(two.b, f"o-{number}")
    two.hears(two.a)
    assert [status for _, status in orders(two.a)] == ["moved"] * 3
    two.sound()


def test_what_its_own_site_would_not_send_any_more_is_not_sent_here(two):
    """Too old; no longer wanted; sent: none of them is anybody's to send after a take-over."""
    two.answered(two.a, 1)
    two.a.site.clock.now_ms += DAY_MS + 1
    stopped = two.answered(two.a, 2)
    ((address_hash,),) = two.a.all("SELECT address_hash FROM outbox WHERE outbox_id = 'o-2'")
    two.a.site.say(
        "consent_changed",
        stopped,
        channel="sms",
        account=ACCOUNT,
        address_hash=address_hash,
        categories=["reply"],
        state="out",
        how="agent",
    )
    two.answered(two.a, 3)
    leaves(two.a, "o-3")
    two.a.sends()
    assert two.counted(two.b) == 0
    assert (two.takes_over(two.b).orders, orders(two.b)) == (0, [])
    two.sound()


def test_who_asked_for_nothing_more_and_wrote_again_gets_the_answer(two):
    """They wrote, so they are answered, at whichever site: only what they wrote before counts for nothing."""
    texts(two.a, 9, "STOP", address="+15550101")
    ((ref, address_hash),) = two.a.all("SELECT interaction_id, address_hash FROM interaction")
    two.a.site.say(
        "consent_changed",
        str(ref),
        channel="sms",
        account=ACCOUNT,
        address_hash=address_hash,
        categories=["reply"],
        state="out",
        how="agent",
    )
    two.a.site.say("yielded", str(ref), to_site="b", n=1, owner="b", why="served_there")
    two.a.site.settles()
    two.answered(two.a, 1)
    two.a.sends()
    assert two.takes_over(two.b).orders == 1
    (claimed,) = claims(two.b, *due(two.b))
    assert claimed.refused == ""
    records(two.b, claimed)
    assert orders(two.b) == [("o-1", "sent")]


def test_what_was_taken_comes_back_when_the_site_that_took_it_dies_too(two):
    """One after the other: whoever lives sends it, and the one that returns does not send it again."""
    two.answered(two.a, 1)
    two.a.sends()
    two.takes_over(two.b)
    two.hears(two.a)
    assert orders(two.a) == [("o-1", "moved")]
    two.b.sends()
    assert two.takes_over(two.a).orders == 1
    assert (orders(two.a), due(two.a)) == ([("o-1", "due")], ["o-1"])
    two.hears(two.a)
    assert due(two.a) == ["o-1"], "what b took was before that"
    two.hears(two.b)
    assert (orders(two.b), due(two.b)) == ([("o-1", "moved")], [])
    assert leaves(two.a, "o-1") == [True]
    two.sound()


def test_a_known_customer_keeps_the_name_that_this_site_has_for_them(two):
    """Each site salts addresses for itself: the reply goes to the one address, as this site calls it."""
    texts(two.b, 1, "before", address="+15550101")
    two.answered(two.a, 1)
    two.a.sends()
    two.takes_over(two.b)
    (claimed,) = claims(two.b, "o-1")
    assert claimed.to_address == "+15550101"
    (row,) = two.b.rows("orders_adopted")
    data = json.loads(row.data)
    known = two.b.all("SELECT address_hash FROM address")
    assert known == [(data["address_hash"],)] == [(each["address_hash"],) for each in data["outbox"]]


async def test_a_site_that_is_back_sends_nothing_before_it_knows_what_was_taken(two):
    """What was due when it died would leave in its first second, and the other site has sent it."""
    ground, clock = two.ground(two.a), SteadyClock()
    began_ms = began(ground.own)
    passage = Passage(ground.own, ground.committer, role="worker", since_ms=began_ms, patience_s=60.0)
    looked = asyncio.Event()

    class Sending(Delivery):
        async def deliver_due(self):
            looked.set()

    outlets = Outlets(ground.settings)
    delivery = asyncio.create_task(
        Sending(ground.own, ground.committer, outlets, clock, passes=passage.passes).run()
    )
    await asyncio.wait({delivery}, timeout=0.5)
    assert not looked.is_set()
    with ground.own.writing() as db:
        put_status(db, GATE, began(ground.own), {"run": "of now"})
    await asyncio.wait_for(looked.wait(), 20)
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)


def test_a_reply_of_what_is_open_at_both_leaves_at_the_site_that_takes_over(two):
    """It is here already, so it does not come with it; and it is not over there, so nobody would look."""
    ref, address_hash = two.waits(two.a, 1)
    two.a.sends()
    assert two.b.adopts().adopted == 1
    assert (two.a.accepts(ref), two.b.accepts(ref)) == ("hannah", "ivan")
    exchange(two.a, two.b)
    assert (two.a.state(ref), two.b.state(ref)) == ("assigned", "assigned")
    two.replies(two.a, ref, 1, address_hash)
    two.a.sends()
    assert two.counted(two.b) == 1
    assert two.takes_over(two.b).orders == 1
    assert two.takes_over(two.b, "again").orders == two.counted(two.b) == 0
    assert two.b.state(ref) == "assigned", "its agent here goes on with it"
    assert leaves(two.b, *due(two.b)) == [True]
    two.hears(two.a)
    assert (orders(two.a), due(two.a)) == ([("o-1", "moved")], [])
    two.sound()


def test_a_reply_whose_row_came_late_leaves_at_the_site_that_has_its_conversation(two):
    """It was written in the last second before the site died, and arrived after everything had been taken."""
    ref, address_hash = two.waits(two.a, 1)
    two.a.accepts(ref)
    two.a.sends()
    taken = two.takes_over(two.b)
    assert (taken.adopted, taken.orders) == (1, 0)
    two.replies(two.a, ref, 1, address_hash)
    two.a.sends()
    assert two.counted(two.b) == 1
    assert two.takes_over(two.b, "again").orders == 1
    assert due(two.b) == ["o-1"]
    two.hears(two.a)
    assert orders(two.a) == [("o-1", "moved")]
    two.sound()


def test_what_comes_with_its_conversation_does_not_come_without_it(two):
    """Its agent may still be talking there: who sends what she wrote is decided with all the rest of it."""
    ref, address_hash = two.waits(two.a, 1)
    two.a.accepts(ref)
    two.replies(two.a, ref, 1, address_hash)
    two.a.sends()
    assert two.counted(two.b) == 0
    taken = two.takes_over(two.b)
    assert (taken.adopted, taken.orders, due(two.b)) == (1, 0, ["o-1"])
    two.sound()


def test_what_was_handed_to_a_site_that_died_before_it_could_show_that_is_taken_up_again(two):
    """The line was behind: here it is over, and in the copy it never was. Nobody else will ever have it."""
    ref, _ = two.waits(two.a, 1)
    place = "SELECT accepted_at_ms FROM interaction WHERE closed_seq = 0"
    since = two.a.all(place)
    two.b.sends()
    two.a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(two.a).step(two.a.site.committer, two.a.site.database)
    two.a.site.settles()
    assert (two.a.state(ref), two.b.accepts(ref)) == ("moved", "ivan")
    assert dry_run(two.ground(two.a), ["b"])["adopted_now"] == 1
    assert two.takes_over(two.a).adopted == 1
    assert (two.takes_over(two.a, "again").adopted, two.a.all(place)) == (0, since)
    assert two.a.state(ref) == "offered"
    exchange(two.a, two.b)
    assert (two.a.state(ref), two.b.state(ref)) == ("moved", "assigned"), "back, its agent has it still"
    assert two.takes_over(two.a, "third").adopted == 1, "by its copy, for that shows it now"
    two.sound()


def test_what_the_copy_shows_to_have_ended_there_is_not_taken_up_again(two):
    """It was handed over and is answered: its customer has been heard."""
    ref, _ = two.waits(two.a, 1)
    two.a.site.say("reroute_set", "all", share_pct=100, agent_id="admin", why="x", command_id="r")
    rerouting(two.a).step(two.a.site.committer, two.a.site.database)
    two.a.site.settles()
    two.b.accepts(ref)
    two.b.site.say("disposition_given", ref, agent_id="ivan", disposition="answered", command_id=ref)
    two.b.site.settles()
    two.b.sends()
    assert dry_run(two.ground(two.a), ["b"])["adopted_now"] == 0
    assert two.takes_over(two.a).adopted == 0
    assert (two.a.state(ref), two.b.state(ref)) == ("moved", "disposed")
    two.sound()
