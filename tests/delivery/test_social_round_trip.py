"""The whole way on each social channel: in by webhook, answered at a desk, out by the API, seen to arrive."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from config.account_check import variable_of
from config.plan import Plan
from config.plan_file import parse_plan
from config.settings import read_settings
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.channels.receipts import KeepReceipts
from router.journal.clock import SteadyClock, wall_ms
from router.journal.verify import verify
from router.run.delivery import Delivery
from router.run.delivery_senders import Outlets
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.partner import Partner
from tests.contracts.plays import Plays, Said, receive
from tests.contracts.telegram import Telegram
from tests.contracts.viber import Viber
from tests.contracts.whatsapp import OUR_ID, WhatsApp
from tests.desk import plans
from tests.desk.plans import TEXT
from tests.desk.small_site import Site, connected, running_site

pytestmark = pytest.mark.system

WITHIN_S = 10.0
PLAYED: list[Plays] = [
    WhatsApp(),
    Messenger("messenger"),
    Messenger("instagram"),
    Telegram(),
    Line(),
    Partner(),
    Viber(),
]


@dataclass
class Api:
    """The provider's API: notes what it is asked, and answers as documented."""

    answer: bytes
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        self.asked.append((head.split(" ")[1], await reader.readexactly(length)))
        said = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.answer)}\r\nConnection: close\r\n\r\n"
        writer.write(said.encode() + self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(plays: Plays) -> AsyncIterator[Api]:
    api = Api(answer=plays.replies.sent[0].body)
    server = await asyncio.start_server(api.talk, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield api


def plan_of(plays: Plays, api: Api) -> Plan:
    """The small plan with this account, whose API is on this machine."""
    account = plays.account
    channel = TEXT[TEXT.index("[[channels]]") : TEXT.index("[[queues]]")]
    channel = channel.replace('"chat"', f'"{account.channel}"').replace("4_000", "900")
    options = f'options = {{ phone_number_id = "{OUR_ID}" }}\n' if plays.name == "whatsapp" else ""
    return parse_plan(
        plans.plan().text.replace("[[queues]]", channel + "[[queues]]", 1)
        + f'\n[[accounts]]\nid = "{account.account_id}"\nchannel = "{account.channel}"\n'
        f'provider = "{account.provider}"\naddress = "{account.address}"\nsecret = "s"\n'
        f'endpoint = "{api.url}"\n{options}'
    )


def said_now(plays: Plays) -> Contact:
    """What somebody writes now, by the provider's clock too."""
    body = plays.message(Said(text="Fire! 🔥")).body.replace(b"1793040000", b"%d" % (wall_ms() // 1000))
    (contact,) = receive(plays, plays.over(body)).contacts
    return replace(contact, received_at_ms=wall_ms())


def delivery(site: Site, plays: Plays, folder: Path) -> Delivery:
    secrets = {variable_of("s"): plays.account.secret.decode()}
    for what, secret in plays.account.secrets.items():
        secrets[variable_of(f"s-{what}")] = secret.decode()
    settings = read_settings({"MUSTER_DATA": str(folder), **secrets})
    return Delivery(site.database, site.committer, Outlets(settings), SteadyClock(wall_ms))


@pytest.mark.parametrize("plays", PLAYED, ids=lambda plays: plays.name)
async def test_a_cry_is_answered_and_the_answer_seen_to_arrive(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, plays: Plays
) -> None:
    """Once, to where it came from, with what the provider says of it on the desk."""
    async with listening(plays) as api:
        planned = plan_of(plays, api)
        monkeypatch.setattr(plans, "plan", lambda: planned)
        async with running_site(data_dir) as site:
            await _answered(site, api, plays, data_dir)


async def _answered(site: Site, api: Api, plays: Plays, data_dir: Path) -> None:
    contact = said_now(plays)
    keep = KeepContact(contact)
    await site.committer.append(keep)
    assert keep.kept is not None
    interaction_id = keep.kept.interaction_id
    offer_id = await site.offered(interaction_id, "ana")
    await site.decide(connected(interaction_id, offer_id, "ana"))
    page = await site.desk("ana")
    ids = {"client_id": str(uuid.uuid4()), "command_id": str(uuid.uuid4())}
    said = await page.command("reply", interaction_id=interaction_id, text="نحن قادمون 🚒", **ids)
    assert said["ok"], said
    message_id = said["value"]["message_id"]
    worker = delivery(site, plays, data_dir)
    await _until(lambda: bool(api.asked), worker)
    await worker.settle(WITHIN_S)
    await page.until(lambda: page.entities["message"][message_id]["status"] == "sent")
    ((_, body),) = api.asked
    assert "نحن قادمون 🚒" in json.dumps(json.loads(body), ensure_ascii=False)
    assert contact.address.removeprefix("+") in body.decode()
    provider_id = plays.provider.outcome_of(plays.replies.sent[0]).provider_id
    words = [word for word, ours in plays.statuses if ours in ("delivered", "read")]
    for word in words:
        receipts = receive(plays, plays.status(word, provider_id=provider_id, outbox_id=message_id)).receipts
        append = KeepReceipts(account_id=plays.account.account_id, receipts=receipts)
        await site.committer.append(append)
    furthest = "read" if words else "sent"
    await page.until(lambda: page.entities["message"][message_id]["status"] == furthest)
    with site.database.reading() as db:
        assert verify(db).problems == []


async def _until(done: Callable[[], bool], worker: Delivery) -> None:
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while not done():
        assert asyncio.get_running_loop().time() < deadline, "no answer left"
        await worker.deliver_due()
        await asyncio.sleep(0.01)
