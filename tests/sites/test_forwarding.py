"""A site whose database is gone gives what people say to the other one: over real HTTP, signed both ways."""

import asyncio
import socket
import threading
from dataclasses import replace

import pytest

from config.plan import Limits
from router.channels.ids import interaction_id_of
from router.channels.ingest import KeepContact, Kept
from router.channels.port import Contact, Receipt
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.database import open_database
from router.sites.auth import Door
from router.sites.copy_gaps import single_copies
from router.sites.credentials import PeerAccess
from router.sites.forwarded import Brought, KeepForwarded, joined_by, pack, unpack
from router.sites.forwarding import AT_ONCE, Forwarding
from router.sites.peer_server import peer_app, peer_server
from router.sites.second_copy import SecondCopy
from router.sites.wire import WireWrong
from tests.system.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

GUARD_S = 20
KEY = b"k" * 32
SAID = Contact(
    channel="sms",
    account="sms-main",
    provider_id="SM1",
    address_kind="phone",
    address="+442071838750",
    verified=True,
    media_type="application/x-www-form-urlencoded",
    body=b"Body=Help%00\xff",
    received_at_ms=1_000,
)


class Peer:
    """The other site: its database, and its door."""

    def __init__(self, database):
        self.database, self.committer = database, Committer(database)
        second = SecondCopy(database, self.committer.append, site="b", redis_url="", wait_ms=lambda: 60_000)
        plan = type("Plan", (), {"limits": Limits()})()
        self.copied: list[int] = []
        self.keeps = KeepForwarded(
            database, self.committer, lambda: plan, second.kept_for_the_other, self.has_a_copy
        )
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        incoming = self.access(site="b", peer="a", url="").incoming
        door = Door(KEY, incoming, clock_ms=wall_ms)
        door._begun_ms -= 1_000
        self.server = peer_server(peer_app(door, self.keeps.routes(), clock_ms=wall_ms), None)
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],), daemon=True)
        self.thread.start()

    async def has_a_copy(self, seq):
        self.copied.append(seq)

    def access(self, *, site="a", peer="b", url=None, key=KEY):
        return PeerAccess(site=site, peer=peer, url=self.url if url is None else url, key=key, tls=None)

    def rows(self, sql):
        with self.database.reading() as db:
            return db.rows(sql)

    def single(self):
        with self.database.reading() as db:
            return len(single_copies(db))

    def close(self):
        self.server.should_exit = True
        self.thread.join(GUARD_S)
        self.committer.close()
        self.database.close()


@pytest.fixture
def peer(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/muster.db", unsafe=True)
    database.create_tables(site="b")
    peer = Peer(database)
    yield peer
    peer.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_peer(request, tmp_path):
    """The same on either database."""
    url = f"sqlite:///{tmp_path}/muster.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    database = open_database(url, unsafe=True)
    database.create_tables(site="b")
    peer = Peer(database)
    yield peer
    peer.close()


def kept(forwarding, *brought):
    async def all_of_them():
        return await asyncio.gather(*(forwarding.kept(each) for each in brought))

    try:
        return asyncio.run(asyncio.wait_for(all_of_them(), GUARD_S))
    finally:
        forwarding.close()


def test_the_other_site_keeps_it_as_that_contact_and_says_that_it_is_there_only(peer):
    """Acknowledged is kept: byte for byte, under the ids it would have had, openly without a second copy."""
    assert kept(Forwarding(peer.access), Brought(contacts=(SAID,))) == [True]
    interaction_id = interaction_id_of("sms", "sms-main", "SM1")
    assert peer.rows("SELECT interaction_id, state FROM interaction") == [(interaction_id, "parked")]
    assert [bytes(body) for (body,) in peer.rows("SELECT body FROM content")] == [SAID.body]
    assert peer.single() == 1
    assert peer.rows("SELECT detail FROM alarm") == [("copy_gone",)]


def test_whoever_comes_again_is_one_contact(peer):
    """A provider that heard nothing repeats; and the site that forwards may try twice."""
    said = Brought(contacts=(SAID, replace(SAID, provider_id="SM2")))
    assert kept(Forwarding(peer.access), *[said] * (3 * AT_ONCE)) == [True] * 3 * AT_ONCE
    assert peer.rows("SELECT count(*) FROM message") == [(2,)]


def test_a_site_that_cannot_keep_it_either_says_so(peer):
    """Then the provider is told at once to come again, or to fall back."""
    peer.committer.close()
    assert kept(Forwarding(peer.access), Brought(contacts=(SAID,))) == [False]


def test_a_site_that_is_gone_is_not_asked_by_everybody(peer):
    """A thousand providers that wait a second each for nothing would be a second outage."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        asked = []

        def access():
            asked.append(url)
            return peer.access(url=url)

        async def several():
            forwarding = Forwarding(access)
            first = await forwarding.kept(Brought(contacts=(SAID,)))
            rest = [await forwarding.kept(Brought(contacts=(SAID,))) for _ in range(50)]
            forwarding.close()
            return [first, *rest]

        assert asyncio.run(asyncio.wait_for(several(), GUARD_S)) == [False] * 51
        assert len(asked) == 1


def test_nobody_else_can_bring_contacts(peer):
    """This door writes into the journal what it is given: only the pair's key opens it."""
    stranger = Forwarding(lambda: peer.access(key=b"x" * 32))
    assert kept(stranger, Brought(contacts=(SAID,))) == [False]
    assert peer.rows("SELECT count(*) FROM message") == [(0,)]


@pytest.mark.parametrize(
    "body", [b"", b"\x93\x01\x90", pack(Brought(contacts=(SAID,)))[:-3], b"\x93\x02\x90\x90"]
)
def test_what_is_no_contact_is_no_contact(body):
    """Typed before anything looks at it."""
    with pytest.raises(WireWrong):
        unpack(body)


def joined(forwarding, contact):
    async def one():
        return await forwarding.joined(contact)

    try:
        return asyncio.run(asyncio.wait_for(one(), GUARD_S))
    finally:
        forwarding.close()


def has_open(peer):
    """The other site serves a matter of this person. The message that began it."""
    peer.committer.submit(KeepContact(SAID)).result(GUARD_S)
    return peer.rows("SELECT interaction_id, message_id FROM message")[0]


def test_what_belongs_to_a_matter_that_is_served_there_joins_it(any_peer):
    """Kept there, with its copy here before the answer, and single nowhere: that site lives."""
    peer = any_peer
    interaction_id, _ = has_open(peer)
    said = replace(SAID, provider_id="SM2", body=b"it rises")
    kept = joined(Forwarding(peer.access), said)
    assert (kept.interaction_id, kept.repeated, kept.elsewhere) == (interaction_id, False, True)
    assert peer.rows("SELECT count(*) FROM interaction") == [(1,)]
    assert peer.rows("SELECT message_id FROM message ORDER BY seq DESC LIMIT 1") == [(kept.message_id,)]
    assert peer.copied == [peer.rows("SELECT max(seq) FROM message")[0][0]]
    assert peer.single() == 0
    assert joined(Forwarding(peer.access), said) == replace(kept, repeated=True)


def test_what_belongs_to_nothing_there_leaves_nothing_there(peer):
    """The site that was called begins it: to keep it at both would ring at both."""
    asked = []
    assert joined(Forwarding(peer.access, asked.append), SAID) is None
    assert peer.rows("SELECT 1 FROM content UNION ALL SELECT 1 FROM address") == []
    assert asked == []


def located(forwarding, report):
    async def one():
        return await forwarding.located(report)

    try:
        return asyncio.run(asyncio.wait_for(one(), GUARD_S))
    finally:
        forwarding.close()


def test_where_a_telephone_is_is_told_where_its_person_is_served(any_peer):
    """It reports to the number that was called. The site that serves them looks whose it is, by itself."""
    peer = any_peer
    report = replace(SAID, provider_id="R1", body=b"where it is", joins=False)
    assert located(Forwarding(peer.access), report) is False
    assert (
        peer.rows("SELECT 1 FROM sighting UNION ALL SELECT 1 FROM content UNION ALL SELECT 1 FROM address")
        == []
    )
    has_open(peer)
    for _ in range(2):
        assert located(Forwarding(peer.access), report) is True
    assert peer.rows("SELECT s.became FROM sighting s JOIN address a ON a.address_hash = s.address_hash") == [
        ("",)
    ]
    assert len(peer.copied) == 1
    assert located(Forwarding(lambda: peer.access(key=b"x" * 32)), report) is None
    peer.committer.close()
    assert located(Forwarding(peer.access), replace(report, provider_id="R2")) is None


def test_what_a_provider_said_of_messages_is_told_where_they_may_be_from(any_peer):
    """By whichever way it names them: what is none of that site's changes nothing there."""
    peer = any_peer

    async def one(forwarding):
        said = Receipt(status="read", address_kind="phone", to_address=SAID.address, until_ms=1 << 50)
        return await forwarding.reported("sms-main", (said, Receipt(status="failed", provider_id="SM9")))

    for forwarding, told in (
        (Forwarding(peer.access), True),
        (Forwarding(lambda: peer.access(key=b"x" * 32)), False),
    ):
        assert asyncio.run(asyncio.wait_for(one(forwarding), GUARD_S)) is told
        forwarding.close()
    assert peer.rows("SELECT 1 FROM journal WHERE kind = 'delivered'") == []


def test_a_site_that_does_not_answer_is_looked_up_in_its_copy(peer):
    """It may have kept it: the answer was lost, or it is a repeat. What it cannot keep it says."""
    before = Kept(interaction_id="i", message_id="m", began=False, repeated=True, elsewhere=True)
    stranger = Forwarding(lambda: peer.access(key=b"x" * 32), lambda contact: before)
    assert joined(stranger, SAID) == before
    peer.committer.close()
    assert joined(Forwarding(peer.access, lambda contact: before), SAID) == before
    assert joined(Forwarding(peer.access, lambda contact: None), SAID) is None


def test_a_large_file_joins_as_well(peer):
    """A mail with pictures of the fire takes longer than a text, and its sender waits longer."""
    has_open(peer)
    said = replace(SAID, provider_id="SM2", body=bytes(range(256)) * (6 << 12))
    assert joined(Forwarding(peer.access), said).elsewhere
    assert [len(body) for (body,) in peer.rows("SELECT body FROM content ORDER BY length(body)")][
        -1
    ] == 6 << 20


@pytest.mark.parametrize("body", [b"", b"{}", b'{"joined":{"interaction_id":"x"}}', b'{"joined":7}', b"\xff"])
def test_what_is_no_answer_is_no_answer(body):
    """Typed before anybody is told that something is kept."""
    with pytest.raises(WireWrong):
        joined_by(body)


def test_several_at_a_time_join_nothing(peer):
    """Each is decided by itself: an answer about two could only be half true."""
    for brought in (
        Brought(contacts=(SAID, SAID)),
        Brought(contacts=()),
        Brought(contacts=(), sightings=(SAID, SAID)),
    ):
        with pytest.raises(WireWrong):
            asyncio.run(peer.keeps.join(pack(brought)))


def test_a_contact_travels_whole():
    """All of its fields: what a provider said of it decides whom it joins."""
    said = Brought(
        contacts=(replace(SAID, traffic="drill", linked=False, client_id="é\u2028"),),
        sightings=(replace(SAID, follows=True, body=bytes(range(256))),),
    )
    assert unpack(pack(said)) == said
