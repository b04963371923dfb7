"""What would lose a contact, a reply or a place between two sites, tried on purpose."""

import json
import random

import pytest

from router.journal.appends import FactsAppend
from router.records import fact
from router.sites import adoptees, adopting, bringing
from router.sites.adoptees import read_adoptees
from router.sites.copies import BYTES_MAX, read_batch
from router.sites.ownership import next_claim
from router.sites.rerouting import take_handed
from router.sites.wire import PACKED_MAX, pack_batch
from tests.sites.routed_pair import Half, exchange, routed_pair


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def says(half: Half, ref: str, message: str, *, outbox: str = "") -> None:
    """An agent's words; with outbox, on their way to a provider."""
    half.site.say(
        "message_added",
        ref,
        message_id=message,
        content_id="",
        client_id="",
        direction="out",
        author_id="hannah",
        message_kind="text",
        reading="read",
    )
    if outbox:
        half.site.say(
            "send_ordered",
            outbox,
            message_id=message,
            interaction_id=ref,
            channel="sms",
            account="sms-1",
            address_hash="h",
        )
    half.site.settles()


def orders(half: Half) -> list[tuple[object, ...]]:
    return half.all("SELECT outbox_id, status FROM outbox ORDER BY outbox_id")


def sound(pair: tuple[Half, Half]) -> None:
    for half in pair:
        half.is_sound()


def test_a_reply_that_the_other_site_never_saw_is_still_sent_by_the_site_that_yields(pair):
    """Ordered here after the other site had adopted: if neither sends it, the customer waits for nothing."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    says(a, "c-1", "m-early", outbox="o-early")
    a.sends()
    b.adopts()
    says(a, "c-1", "m-late", outbox="o-late")
    exchange(a, b)
    assert (a.state("c-1"), b.state("c-1")) == ("moved", "waiting")
    assert orders(a) == [("o-early", "moved"), ("o-late", "due")]
    assert orders(b) == [("o-early", "due")]
    sound(pair)


def test_a_reply_that_both_sites_left_to_each_other_is_sent_by_the_one_that_takes_it_up(pair):
    """Both let go of one interaction at once: its words must not be left to a site that left them as well."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    says(a, "c-1", "m-1", outbox="o-1")
    a.sends()
    b.adopts()
    for half, other in ((a, "b"), (b, "a")):
        half.site.say("yielded", "c-1", to_site=other, n=1, owner="b", why="served_there")
        half.site.settles()
    assert orders(a) == orders(b) == [("o-1", "moved")]
    exchange(a, b)
    assert sorted(status for half in pair for _, status in orders(half)) == ["due", "moved"]
    sound(pair)


def test_a_reply_that_left_at_the_other_site_is_not_said_to_wait_when_it_comes_home(pair):
    """An agent who reads that it still waits to leave says it again, and the customer has it twice."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    says(a, "c-1", "m-1", outbox="o-1")
    a.sends()
    b.adopts()
    exchange(a, b)
    b.site.say("send_tried", "o-1", message_id="m-1", attempt=1, outcome="sent")
    b.site.settles()
    b.sends()
    assert a.adopts().adopted == 1
    assert orders(a) == [("o-1", "sent")]
    assert a.all("SELECT status FROM message WHERE message_id = 'm-1'") == [("sent",)]
    exchange(a, b)
    sound(pair)


def test_what_was_refused_here_before_comes_back_as_the_tables_say(pair):
    """Offers of its first life here are gone with it: memory and a router that starts anew agree."""
    a, b = pair
    a.site.signs_in("hannah")
    a.site.signs_in("ivan")
    a.site.arrives("c-1")
    a.site.passes(20)
    a.sends()
    b.adopts()
    b.sends()
    a.agrees()
    assert a.state("c-1") == "moved"
    a.adopts()
    a.site.passes(1)
    assert a.state("c-1") in ("offered", "waiting")
    sound(pair)
    a.site.begins_anew()
    a.site.passes(20)
    sound(pair)


@pytest.mark.parametrize("apart_s", [-3_600, 3_600])
def test_an_hour_between_the_clocks_loses_nobody(tmp_path, apart_s):
    """The other site's times are taken as they are: nothing breaks, and everybody is still offered."""
    with routed_pair(tmp_path, apart_s=apart_s) as (a, b):
        for ref, urgency in (("c-1", 3), ("c-2", 1), ("c-3", 3)):
            a.site.arrives(ref, urgency=urgency)
            a.site.passes(1)
        a.site.arrives("c-unread")
        a.sends()
        b.adopts()
        b.site.arrives("c-here")
        b.site.signs_in("hannah")
        b.site.passes(2)
        assert b.site.offered()[0] == ("c-2", "hannah")
        b.accepts("c-2")
        b.site.say("disposition_given", "c-2", agent_id="hannah", disposition="answered", command_id="d")
        b.site.passes(90)
        assert {ref for ref, _ in b.site.offered()} >= {"c-2", "c-1"}
        exchange(a, b)
        assert (a.state("c-1"), a.state("c-3"), a.state("c-unread")) == ("moved", "moved", "moved")
        sound((a, b))


def test_what_was_being_handed_over_when_its_site_died_waits_for_everybody(pair):
    """Held for this site by the one that died: nobody is left to release it there."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    a.site.say("handover_began", "c-1", to_site="b", until_ms=a.site.clock.now_ms + 15_000)
    a.site.settles()
    a.sends()
    b.adopts()
    b.site.signs_in("hannah")
    b.site.passes(1)
    assert b.site.offered() == [("c-1", "hannah")]
    a.site.begins_anew()  # its router, when it comes back alone: the hold is over in time
    a.site.signs_in("ivan")
    a.site.passes(10)
    assert a.site.offered() == []
    a.site.passes(10)
    assert a.site.offered() == [("c-1", "ivan")]
    sound(pair)


def test_a_number_beyond_all_numbers_takes_no_take_over_away(pair):
    """A mistake of the other site's release: its claims are as if it had never made them."""
    a, b = pair
    a.site.arrives("c-1")
    said = {"agent_id": "", "why": "x", "command_id": "", "with_assigned": False}
    claimed = {"n": (1 << 63) - 1, "owner": "a", "mode": "take_over", **said}
    a.site.say("domain_claimed", "a", **claimed)
    a.site.settles()
    a.sends()
    b.agrees()
    with b.site.database.reading() as own, b.copy.reading() as copy:
        claim = next_claim(own, copy, "a", owner="b", mode="take_over", agent_id="x", why="", command_id="")
    assert json.loads(claim.data)["n"] == 1
    assert b.adopts().adopted == 1
    sound(pair)


def handed(b: Half, ids: list[str]) -> list[str]:
    """What b says that it took, asked by a."""
    with b.site.database.reading() as _:
        pass
    said = take_handed(
        b.site.committer,
        b.site.database,
        b.copy,
        ids,
        through_seq=0,
        site="b",
        peer="a",
        refusal=lambda: "",
        pause=lambda s: None,
    )
    b.site.settles()
    return list(said["adopted"])


def test_what_was_answered_or_ended_meanwhile_is_not_taken(pair):
    """The line was slow, the hold was over: whom an agent there has, or is done with, stays there."""
    a, b = pair
    a.site.signs_in("hannah")
    for ref in ("c-1", "c-2"):
        a.site.arrives(ref)
        a.site.settles()
        a.accepts(ref)
    a.site.say("disposition_given", "c-1", agent_id="hannah", disposition="answered", command_id="d")
    a.site.settles()
    a.sends()
    assert (a.state("c-1"), a.state("c-2")) == ("disposed", "assigned")
    assert handed(b, ["c-1", "c-2", "c-never"]) == []
    assert (b.state("c-1"), b.state("c-2")) == ("", "")


def test_one_that_cannot_be_adopted_holds_up_nobody(pair):
    """A row of the copy that this release cannot read: named in an alarm; everybody else comes."""
    a, b = pair
    for number in range(5):
        a.site.arrives(f"c-{number}")
    a.site.settles()
    a.sends()
    with b.copy.writing() as db:
        db.run("UPDATE interaction SET requirement = 'x' WHERE interaction_id = 'c-2'")
    assert b.adopts().adopted == 4
    assert [row.ref for row in b.rows("trouble_noticed")] == ["c-2"]
    with b.copy.writing() as db:
        db.run("UPDATE interaction SET requirement = (SELECT requirement FROM interaction LIMIT 1)")
    assert b.adopts().adopted == 1
    sound(pair)


def test_a_message_that_joined_two_conversations_is_copied_once_and_never_again(pair):
    """A provider told both sites, which had different conversations open: they still come to rest."""
    a, b = pair
    for ref in ("c-1", "c-2"):
        a.site.arrives(ref)
    a.site.settles()
    a.sends()
    b.adopts()
    for half, ref in ((a, "c-1"), (b, "c-2")):
        half.site.say(
            "message_added",
            ref,
            message_id="m-both",
            content_id="",
            client_id="",
            direction="in",
            author_id="",
            message_kind="text",
            reading="read",
        )
        half.site.settles()
    exchange(a, b)
    before = a.last_seq(), b.last_seq()
    exchange(a, b)
    assert (a.last_seq(), b.last_seq()) == before
    assert a.rows("message_copied") == b.rows("message_copied") == []
    sound(pair)


def test_what_was_read_where_no_router_lived_comes_as_it_was_read(pair):
    """The router of the other site died first: who wrote of a heart attack since is not put last here."""
    a, b = pair
    a.site.settles()
    a.site.arrives("c-1", urgency=4)
    a.site.arrives("c-2", urgency=1)
    a.sends()
    assert b.adopts().adopted == 2
    assert b.all("SELECT interaction_id, state, urgency, queue_id, rule_id FROM interaction ORDER BY 1") == [
        ("c-1", "waiting", 4, "public-information", "rule"),
        ("c-2", "waiting", 1, "public-information", "rule"),
    ]
    b.is_sound()


def test_one_row_that_names_thousands_of_small_things_still_fits_a_body(pair):
    """A conversation of years is adopted: its row must not stop the second copy for ever."""
    a, _ = pair
    before = a.last_seq()
    with a.site.database.writing() as db:
        for number in range(700):
            db.run(
                "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
                " VALUES (:id, 'image/png', '', :salt, :body, 1)",
                id=f"p-{number}",
                salt=b"s",
                body=random.Random(number).randbytes(15_000),
            )
    parts = [
        {"number": number, "kind": "file", "content_id": f"p-{number}", "content_hash": ""}
        for number in range(700)
    ]
    said = {"kind": "mail", "direction": "in", "author_id": "", "trouble": ""}
    said |= {"content_id": "", "client_id": "", "status": "", "reading": "read", "at_ms": 1}
    copied = fact("message_copied", "c-1", message_id="m-1", parts=parts, **said)
    a.site.committer.submit(FactsAppend(facts_to_append=(copied,))).result()
    with a.site.database.reading() as db:
        batch = read_batch(db, after_seq=before)
    assert len(batch.rows) == 1
    assert len(pack_batch(batch)) <= PACKED_MAX
    assert len(batch.large) + len(batch.content) == 700
    assert sum(len(bytes(each["body"])) for each in batch.content) > BYTES_MAX // 2


def test_what_was_found_more_urgent_at_the_site_that_yields_is_so_at_the_other(pair):
    """A split: somebody at a heard that she does not breathe any more; b, which serves her, never did."""
    a, b = pair
    for ref in ("c-1", "c-2"):
        a.site.arrives(ref, urgency=3)
    a.site.settles()
    a.sends()
    b.adopts()
    a.site.passes(1)
    declared = {"agent_id": "boss", "may_lower": True}
    a.site.say("urgency_declared", "c-1", urgency=1, command_id="u-1", **declared)
    b.site.say("urgency_declared", "c-2", urgency=4, command_id="u-2", **declared)
    for half in pair:
        half.site.settles()
    exchange(a, b)
    urgency = "SELECT interaction_id, urgency FROM interaction WHERE closed_seq = 0 ORDER BY 1"
    assert b.all(urgency) == [("c-1", 1), ("c-2", 4)]
    b.site.say("urgency_declared", "c-1", urgency=2, command_id="u-3", **declared)
    b.site.settles()
    exchange(a, b)
    assert b.all(urgency) == [("c-1", 2), ("c-2", 4)]
    sound(pair)


class Recorded:
    """A connection that remembers what it was asked."""

    def __init__(self, db) -> None:
        self.asked: list[tuple[str, tuple[object, ...]]] = []
        self._db, self.dialect = db, db.dialect

    def rows_listed(self, sql, values):
        self.asked.append((sql, tuple(values)))
        return self._db.rows_listed(sql, values)


def test_no_table_is_read_through_to_find_what_belongs_to_an_interaction(pair):
    """Years of messages lie in the copy of a centre: a take-over of ten thousand must not read them all."""
    a, b = pair
    a.site.arrives("c-1")
    a.site.settles()
    says(a, "c-1", "m-1", outbox="o-1")
    a.sends()
    with b.copy.reading() as db:
        recorded = Recorded(db)
        (found,) = read_adoptees(recorded, ["c-1"], from_site="a").each
        plans = [
            str(step[-1])
            for sql, values in recorded.asked
            for step in db.rows_listed(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert [order["outbox_id"] for order in found.outbox] == ["o-1"]
    assert len(plans) >= 10
    read_through = {each for each in plans if each.startswith("SCAN")}
    assert read_through <= {"SCAN stream"}, "a table of two rows"


def test_a_conversation_of_more_than_one_go_comes_whole(pair, monkeypatch):
    """Files go ahead of what names them, and many messages are not all of one append."""
    monkeypatch.setattr(bringing, "AT_ONCE_BYTES", 1_000)
    monkeypatch.setattr(adopting, "MESSAGES_AT_ONCE", 3)
    monkeypatch.setitem(adoptees.read_adoptees.__kwdefaults__, "content_max", 1_000)
    a, b = pair
    with a.site.database.writing() as db:
        for number in range(6):
            db.run(
                "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
                " VALUES (:id, 'text/plain', '', :salt, :body, 1)",
                id=f"c-{number}-m-c",
                salt=b"s",
                body=bytes([65 + number]) * 700,
            )
    for number in range(6):
        a.site.arrives(f"c-{number}")
    a.site.settles()
    for number in range(5):
        says(a, "c-3", f"m-{number}")
    a.sends()
    assert b.adopts().adopted == 6
    assert b.all("SELECT content_id, length(body) FROM content ORDER BY 1") == [
        (f"c-{number}-m-c", 700) for number in range(6)
    ]
    assert b.all("SELECT count(*) FROM message WHERE interaction_id = 'c-3'") == [(6,)]
    sound(pair)
