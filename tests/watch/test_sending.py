"""One probe at a time, and why it was not taken: against servers that behave badly. And on PostgreSQL."""

import asyncio
import socket
from pathlib import Path

import pytest

from agents_ui.hooks.quarantine import Quarantine, Refused, quarantined, refused_since
from agents_ui.watch import sending
from agents_ui.watch.judgement import NOT_OFFERED, SILENCE, Known, Trouble, Way
from agents_ui.watch.looking import SITE, Looker, watched_now
from agents_ui.watch.sending import Doors, Sender
from agents_ui.watch.watch import ways_of
from config.plan_file import parse_plan
from router.channels.port import Account
from router.channels.probes import CHAT_PAGE, is_expected
from router.journal.database import Database, open_database
from router.run.mailboxes import _NOTE
from tests.contracts.twilio import Twilio
from tests.desk.small_site import running_site
from tests.system.postgres import postgres_server, postgres_url
from tests.web.fronts import settings_for

__all__ = ["postgres_server", "postgres_url"]

pytestmark = pytest.mark.system

TEXTS = Way(watched="line", channel="sms", provider="twilio")
MAIL = Way(watched="box", channel="mail", provider="smtp")
CALLS = Way(watched="trunk", channel="voice", provider="sip")
PAGE = Way(watched=CHAT_PAGE, channel="chat", provider="")


def sender(database: Database, port: int, account: Account | None = None) -> Sender:
    doors = Doors(
        web=f"http://127.0.0.1:{port}", checked=False, smtp=("127.0.0.1", port), sip=("127.0.0.1", port)
    )
    return Sender(database, lambda: doors, lambda _: account, lambda _: "help@lowen.example")


@pytest.fixture
def database(data_dir: Path) -> Database:
    made = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    made.create_tables(site="here")
    return made


@pytest.mark.parametrize("way", [TEXTS, MAIL, PAGE], ids=lambda way: way.watched)
async def test_nobody_there_is_said(database: Database, way: Way) -> None:
    """A port where nobody listens: no connection, at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert await sender(database, port, Twilio("line").account).send(way) == sending.NO_CONNECTION


@pytest.mark.parametrize("way", [TEXTS, MAIL, PAGE], ids=lambda way: way.watched)
async def test_a_server_that_never_answers_holds_nothing_up(
    database: Database, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a closed way, not a watch that stands still."""
    monkeypatch.setattr(sending, "STEP_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        told = await sender(database, port, Twilio("line").account).send(way)
    assert told in (sending.TIMEOUT, sending.NO_CONNECTION)


async def test_without_its_secret_a_text_cannot_be_signed(database: Database) -> None:
    """Said as what it is; it has an alarm of its own."""
    assert await sender(database, 1).send(TEXTS) == "no_secret"


@pytest.mark.parametrize(("answer", "told"), [("200 OK", ""), ("503 Not now", "sip_503"), ("", "timeout")])
async def test_calls_are_asked_for_by_options(
    database: Database, monkeypatch: pytest.MonkeyPatch, answer: str, told: str
) -> None:
    """The first question is lost on purpose: over UDP that happens."""
    monkeypatch.setattr(sending, "SIP_AGAIN_S", 0.02)
    monkeypatch.setattr(sending, "STEP_S", 1.0)
    loop = asyncio.get_running_loop()
    asked: list[bytes] = []

    class Listens(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
            asked.append(data)
            if answer and len(asked) > 1:
                self.transport.sendto(f"SIP/2.0 {answer}\r\n\r\n".encode(), peer)  # type: ignore[attr-defined]

    transport, _ = await loop.create_datagram_endpoint(Listens, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        assert await sender(database, port).send(CALLS) == told
    finally:
        transport.close()
    assert asked[0].startswith(b"OPTIONS sip:127.0.0.1:") and asked[0] == asked[1]


def test_only_what_the_watch_sends_is_expected(database: Database) -> None:
    """The name, this way, for five minutes: nothing else makes a probe of somebody's words."""
    one = sender(database, 1)
    name = sending.new_name()
    one.expect(name, "line")
    now_ms = sending._now_ms()
    with database.reading() as db:
        assert is_expected(db, name, "line", now_ms)
        assert not is_expected(db, name, "another", now_ms)
        assert not is_expected(db, sending.new_name(), "line", now_ms)
        assert not is_expected(db, "", "line", now_ms)
        assert not is_expected(db, name, "line", now_ms + sending.LIVES_MS + 1)


def test_a_trunk_is_asked_only_where_it_would_answer_us() -> None:
    """Its port answers nobody but the trunk: silence of that port would be a false alarm every day."""
    default = Path(__file__).parents[2] / "config" / "default.toml"
    head = default.read_text(encoding="utf-8").split("[[accounts]]")[0]
    trunk = '\n[[accounts]]\nid = "trunk"\nchannel = "voice"\nprovider = "sip"\naddress = "+15550100900"\n'
    for upstream, watched in (("127.0.0.0/8", True), ("192.0.2.0/24", False)):
        plan = parse_plan(head + trunk + f'options = {{ upstream = "{upstream}" }}\n')
        assert ("trunk" in ways_of(plan, settings_for())) == watched


async def test_every_statement_means_the_same_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """A centre moves to PostgreSQL when it grows: its watch must not stay behind."""
    async with running_site(data_dir, postgres_url) as site:
        looker = Looker(site.database, "web/1")
        assert looker.leads() and not Looker(site.database, "web/2").leads()
        looked = looker.look(site.plan, 1_000)
        assert (looked.unrouted[0], looked.unread[0], looked.unoffered) == (0, 0, [])
        ways, known = {"line": TEXTS}, {"line": Known(through_ms=50_000, probe_ms=60_000, problem="timeout")}
        looker.save(ways, known, [Trouble(SILENCE, "line"), Trouble(NOT_OFFERED, "c-1")], behind_ms=1_000)
        assert looker.load(100_000)["line"] == (49_000, -1, 39_000, "timeout")
        with site.database.reading() as db:
            told = watched_now(db)
        assert [each["code"] for each in told["line"]["troubles"]] == [SILENCE]
        assert [each["code"] for each in told[SITE]["troubles"]] == [NOT_OFFERED]
        looker.save({}, {}, [], behind_ms=1_000)
        with site.database.reading() as db:
            assert set(watched_now(db)) == {SITE}
        quarantine = Quarantine(site.database)
        webhook = Twilio("line").message()
        for _ in range(2):
            assert await quarantine.put(Refused(account="line", peer="::1", reason="no", webhook=webhook))
        with site.database.reading() as db:
            (held,) = quarantined(db)
            assert (held["count"], held["bytes"]) == (1, len(webhook.body))
            assert refused_since(db, -1) == {"line": 2}
        with site.database.writing() as db:
            for validity, last_uid in ((1, 5), (1, 3), (2, 1)):
                db.run(_NOTE, mailbox="box", validity=validity, last_uid=last_uid, at_ms=1, caught_up_ms=0)
            assert db.row("SELECT validity, last_uid FROM mailbox") == (2, 1)
