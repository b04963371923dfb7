"""A file leaves like an answer: as what it is, in two steps where a provider wants that, or not at all."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from router.channels import telegram, twilio_sms, whatsapp
from router.channels.port import Account, Outcome, OutFile, Outgoing, Provider
from router.journal.appends import put_content
from router.journal.connection import Connection
from router.records import Fact, canonical
from router.run.delivery_senders import HttpSender
from tests.contracts.telegram import Telegram
from tests.contracts.twilio import Twilio
from tests.contracts.whatsapp import OUR_ID, WhatsApp
from tests.delivery.office import Office, Said
from tests.delivery.test_http_sender import server

pytestmark = pytest.mark.system

PNG = OutFile(name="plan.png", media_type="image/png", body=b"\x89PNG\r\n\x1a\n\0\xff")
OUTGOING = Outgoing(outbox_id="m-1", attempt=1, to_address="+15557654321", text="", file=PNG)


class SaidFile(Said):
    """Append: an agent's file and the order to send it."""

    def write_content(self, db: Connection) -> None:
        super().write_content(db)
        db.run("DELETE FROM content WHERE content_id = :id", id=self.message_id)
        named = {"media_type": PNG.media_type, "file_name": PNG.name}
        put_content(db, content_id=self.message_id, body=PNG.body, at_ms=1, **named)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        added, *others = super().facts(db, at_ms)
        data = {**json.loads(added.data), "message_kind": "attachment"}
        return [replace(added, data=canonical(data)), *others]


class Api:
    """A provider's API: notes what it was asked, and answers in turn."""

    def __init__(self, *answers: tuple[str, object]) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self._answers = list(answers)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length")
            )
            self.asked.append((head.split(" ")[1], await reader.readexactly(length)))
            status, told = self._answers.pop(0)
            body = json.dumps(told).encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()


async def tried(provider: Provider, account: Account, api: Api) -> Outcome:
    """One try at this API."""
    async with server(api.talk) as port:
        sender = HttpSender(provider)
        try:
            return await sender.send(OUTGOING, replace(account, endpoint=f"http://127.0.0.1:{port}"))
        finally:
            await sender.close()


async def test_a_file_leaves_with_its_name_and_as_what_it_is(office: Office) -> None:
    """Out of the outbox like every answer, bytes untouched."""
    said = SaidFile(number=1, text="", to="+15550000001", account="line")
    await office.committer.append(said)
    await office.delivers(lambda: office.status(said.message_id) == "sent")
    [outgoing] = office.provider.sent
    assert (outgoing.text, outgoing.file) == ("", PNG)
    assert office.agrees()


async def test_an_erased_file_is_not_sent(office: Office) -> None:
    """Nor an empty message in its place."""
    said = SaidFile(number=1, text="", to="+15550000001", account="line")
    await office.committer.append(said)
    with office.database.writing() as db:
        db.run("DELETE FROM content WHERE content_id = :id", id=said.message_id)
    await office.delivers(lambda: office.status(said.message_id) == "failed")
    assert office.provider.sent == []


async def test_whatsapp_gets_the_file_and_then_the_message_that_names_it() -> None:
    """Two requests, one try; the id of the message is what receipts come by."""
    api = Api(("200 OK", {"id": "4711"}), ("200 OK", {"messages": [{"id": "wamid.1"}]}))
    outcome = await tried(whatsapp, WhatsApp().account, api)
    assert (outcome.kind, outcome.provider_id) == ("sent", "wamid.1")
    (up, form), (path, told) = api.asked
    assert up.endswith(f"/{OUR_ID}/media") and PNG.body in form
    assert path.endswith(f"/{OUR_ID}/messages")
    assert json.loads(told)["image"] == {"id": "4711"}


async def test_a_file_that_is_not_taken_was_certainly_not_sent() -> None:
    """The message that names it never left: to try again doubles nothing."""
    busy = ("500 Internal Server Error", {"error": {"code": 131000, "message": "Something went wrong"}})
    outcome = await tried(whatsapp, WhatsApp().account, Api(busy))
    assert (outcome.kind, outcome.certain) == ("later", True)
    wrong = ("400 Bad Request", {"error": {"code": 131053, "message": "Media upload error"}})
    assert (await tried(whatsapp, WhatsApp().account, Api(wrong))).kind == "failed"


async def test_telegram_gets_it_at_once() -> None:
    """One request, as a picture."""
    api = Api(("200 OK", {"ok": True, "result": {"message_id": 5, "chat": {"id": 77}}}))
    outcome = await tried(telegram, Telegram().account, api)
    assert (outcome.kind, outcome.provider_id) == ("sent", "77/5")
    ((path, form),) = api.asked
    assert path.endswith("/sendPhoto") and PNG.body in form


async def test_where_none_can_be_sent_nothing_is_sent_instead() -> None:
    """A fall-back to a channel without files must not send an empty text, and says why."""
    api = Api()
    outcome = await tried(twilio_sms, Twilio().account, api)
    assert (outcome.kind, outcome.detail) == ("failed", "no_files")
    assert api.asked == []
