"""Files to customers: each provider's own form, the same at every attempt, and none where it takes none."""

import json
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.channels import line, messenger, telegram, twilio_sms, webhook_json, whatsapp
from router.channels.mail_writing import write_mail
from router.channels.multipart import form_of
from router.channels.port import Account, HttpReply, OutFile, Outgoing
from tests.contracts.messenger import Messenger
from tests.contracts.telegram import Telegram
from tests.contracts.whatsapp import OUR_ID, WhatsApp

PNG = OutFile(name="plan.png", media_type="image/png", body=b"\x89PNG\r\n\x1a\n\r\n--x\0\xff")
PDF = OutFile(name="what to do.pdf", media_type="application/pdf", body=b"%PDF-1.7")
OUTGOING = Outgoing(outbox_id="out-1", attempt=1, to_address="77", text="", file=PNG)


def read(content_type: str, body: bytes) -> dict[str, EmailMessage]:
    """The parts of a form, by name, as a library that others use reads them."""
    whole = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    parts = {}
    for part in whole.iter_parts():
        assert isinstance(part, EmailMessage)
        parts[str(part.get_param("name", header="content-disposition"))] = part
    return parts


def payload(part: EmailMessage) -> bytes:
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


def test_a_form_is_read_as_it_was_meant():
    """By whatever reads it at the other side; the bytes of the file untouched."""
    parts = read(*form_of({"chat_id": "77"}, file_field="photo", file=PNG))
    assert payload(parts["chat_id"]) == b"77"
    assert parts["photo"].get_filename() == "plan.png"
    assert parts["photo"].get_content_type() == "image/png"
    content_type, body = form_of({"a": "1"}, file_field="f", file=PNG)
    assert (content_type, body) == form_of({"a": "1"}, file_field="f", file=PNG)
    assert PNG.body in body


@given(name=st.text(max_size=60), media_type=st.text(max_size=30))
def test_no_name_breaks_out_of_its_line(name: str, media_type: str):
    """A file's name is the customer's or an agent's, and could bring lines of its own."""
    content_type, body = form_of(
        {"a": "1"}, file_field="f", file=replace(PNG, name=name, media_type=media_type)
    )
    boundary = content_type.partition("boundary=")[2].encode()
    head = body.split(b"--" + boundary)[2].split(b"\r\n\r\n")[0]
    assert head.count(b"\r\n") == 2
    assert head.replace(b"\r\n", b"").count(b"\n") == 0
    assert head.count(b'"') == 4


@pytest.mark.parametrize(
    ("file", "method", "field"),
    [
        (PNG, "sendPhoto", "photo"),
        (PDF, "sendDocument", "document"),
        (replace(PNG, media_type="audio/ogg"), "sendVoice", "voice"),
        (replace(PNG, media_type="image/gif"), "sendDocument", "document"),
    ],
)
def test_telegram_takes_a_file_in_one_request(file: OutFile, method: str, field: str):
    """A picture as a picture, everything else as a document."""
    request = telegram.request_of(replace(OUTGOING, file=file), Telegram().account)
    assert request.url.endswith(f"/{method}")
    parts = read(request.headers["content-type"], request.body)
    assert payload(parts["chat_id"]) == b"77"
    assert parts[field].get_filename() == file.name


def test_messenger_takes_a_file_in_one_request():
    """What it is, is said in JSON beside it."""
    plays = Messenger("messenger")
    request = messenger.MESSENGER.request_of(OUTGOING, plays.account)
    parts = read(request.headers["content-type"], request.body)
    assert json.loads(payload(parts["recipient"])) == {"id": "77"}
    assert json.loads(payload(parts["message"])) == {"attachment": {"type": "image", "payload": {}}}
    assert payload(parts["messaging_type"]) == b"RESPONSE"
    assert parts["filedata"].get_content_type() == "image/png"


@pytest.mark.parametrize(("file", "kind"), [(PNG, "image"), (PDF, "document")])
def test_whatsapp_takes_a_file_in_two(file: OutFile, kind: str):
    """It goes up, and a message names it by the id that it got; without one nothing was sent."""
    account = WhatsApp().account
    request = whatsapp.request_of(replace(OUTGOING, to_address="+15557654321", file=file), account)
    assert request.url.endswith(f"/{OUR_ID}/media")
    parts = read(request.headers["content-type"], request.body)
    assert (payload(parts["messaging_product"]), payload(parts["type"])) == (
        b"whatsapp",
        file.media_type.encode(),
    )
    assert request.then is not None
    following = request.then(HttpReply(status=200, headers={}, body=b'{"id": "4711"}'))
    assert following is not None and following.url.endswith(f"/{OUR_ID}/messages")
    told = json.loads(following.body)
    assert (told["type"], told[kind]["id"]) == (kind, "4711")
    assert told[kind].get("filename") == (file.name if kind == "document" else None)
    for refused in (HttpReply(status=400, headers={}, body=b'{"error":{"code":131053}}'), _html()):
        assert request.then(refused) is None


def test_a_mail_carries_its_file():
    """With its name, whatever signs are in it."""
    account = Account(
        account_id="mail",
        channel="mail",
        provider="smtp",
        address="help@example.org",
        secret=b"x" * 32,
        endpoint="",
        public_url="",
        options={},
    )
    file = replace(PDF, name="Wegbeschreibung für Ärzte.pdf")
    written = write_mail(replace(OUTGOING, to_address="ann@example.org", text="look", file=file), account)
    assert written is not None
    mail = message_from_bytes(written.body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (file.name, "application/pdf")
    assert attached.get_content() == PDF.body


def test_where_no_file_can_be_sent_the_capabilities_say_so():
    """The desk asks them before it offers a button, and delivery before it sends words without their file."""
    for provider in (line, twilio_sms, webhook_json, messenger.INSTAGRAM):
        assert not provider.can.files
    for provider in (telegram, whatsapp, messenger.MESSENGER):
        assert provider.can.files


def _html() -> HttpReply:
    return HttpReply(status=200, headers={}, body=b"<html>")
