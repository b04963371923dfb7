"""Answers by mail: each ends as sent, later or failed, by what the server said, and never in the clear."""

import asyncio
import email
import ssl
import time
from email import policy
from pathlib import Path

import pytest

from router.channels import smtp_out
from router.channels.mail_head import head_of
from router.channels.mail_kind import LOOP, kind_of
from router.channels.mail_token import REPLY, SENT, TokenKey
from router.channels.port import Account, Outcome, Outgoing
from router.channels.smtp_out import send
from tests.mail.certificates import certificate
from tests.mail.servers import Server, running

pytestmark = pytest.mark.system

KEY = TokenKey.of(b"secret")
ASKED = (
    b"Return-Path: <ann@example.org>\r\nFrom: Ann <ann@example.org>\r\n"
    b"Subject: =?utf-8?q?Fire=0D=0ABcc:_evil=40example.org?=\r\n hazard\r\n"
    b"Message-ID: <asked@example.org>\r\nReferences: <a@x> <b@x> junk <c d@x>\r\n\r\nwords"
)


def account(server: Server, **options: str | int | bool) -> Account:
    return Account(
        account_id="help-mail",
        channel="mail",
        provider="smtp",
        address="help@lowen.example",
        secret=b"secret",
        endpoint=f"smtp://127.0.0.1:{server.port}",
        public_url="",
        options={"from_name": "Löwen Help", **options},
    )


def outgoing(**changes: object) -> Outgoing:
    values: dict[str, object] = {
        "outbox_id": "5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e02",
        "attempt": 1,
        "to_address": "ann@example.org",
        "text": "We are coming.\n.\nStay calm — bleiben Sie ruhig.\n" + "long " * 400,
        "interaction_id": "5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e01",
        "answers": ASKED,
    }
    return Outgoing(**{**values, **changes})  # type: ignore[arg-type]


async def test_an_answer_arrives_as_it_was_written() -> None:
    """In any alphabet, also with a dot on a line of its own; as an answer to what they wrote."""
    async with running(Server()) as server:
        outcome = await send(outgoing(), account(server))
    assert outcome.kind == "sent"
    ((sender, recipient, raw),) = server.mails
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == outgoing().text.rstrip("\n")
    token = KEY.token(REPLY, outgoing().interaction_id)
    assert sender.startswith(f"MAIL FROM:<help+{token}@lowen.example>")
    assert recipient.startswith("RCPT TO:<ann@example.org>")
    assert str(mail["From"]) == "Löwen Help <help@lowen.example>"
    assert str(mail["Reply-To"]) == f"help+{token}@lowen.example"
    assert mail["In-Reply-To"] == "<asked@example.org>"
    assert mail["References"].split() == ["<a@x>", "<b@x>", "<asked@example.org>"]
    assert "Auto-Submitted" not in mail and mail["Date"]
    assert max(map(len, raw.split(b"\r\n"))) < 900


async def test_a_subject_cannot_bring_fields_of_its_own() -> None:
    """What they wrote into their subject comes back in ours, on one line."""
    async with running(Server()) as server:
        await send(outgoing(), account(server))
    mail = email.message_from_bytes(server.mails[0][2], policy=policy.default)
    assert mail["Subject"] == "Re: Fire Bcc: evil@example.org hazard" and "Bcc" not in mail


async def test_every_try_has_the_same_message_id_with_our_names_in_it() -> None:
    """So that a receiver can tell that it is the same, and an answer to it finds its conversation."""
    async with running(Server()) as server:
        first = await send(outgoing(), account(server))
        second = await send(outgoing(attempt=2), account(server))
    assert first.provider_id == second.provider_id
    ids = [email.message_from_bytes(raw)["Message-ID"] for _, _, raw in server.mails]
    assert ids == [first.provider_id] * 2
    assert KEY.first_ref(SENT, ids) == outgoing().outbox_id
    assert KEY.first_ref(REPLY, ids) == outgoing().interaction_id
    assert kind_of(head_of(server.mails[0][2]), key=KEY) == LOOP


async def test_what_a_program_says_is_marked() -> None:
    """RFC 3834: then no other program answers it."""
    async with running(Server()) as server:
        await send(outgoing(automatic=True), account(server))
    assert email.message_from_bytes(server.mails[0][2])["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    ("step", "said", "kind", "certain"),
    [
        ("connect", "554 no", "later", True),
        ("connect", "drop", "later", True),
        ("connect", "nonsense", "later", True),
        ("EHLO", "drop", "later", True),
        ("MAIL", "451 later", "later", True),
        ("MAIL", "530 sign in", "account_failed", True),
        ("RCPT", "450 greylisted", "later", True),
        ("RCPT", "550 5.1.1 nobody", "failed", True),
        ("RCPT", "drop", "later", True),
        ("DATA", "451 later", "later", True),
        ("DATA", "554 no", "failed", True),
        ("end", "451 later", "later", True),
        ("end", "552 too large", "failed", True),
        ("end", "drop", "later", False),
        ("end", "garbage", "later", False),
        ("QUIT", "drop", "sent", True),
        ("QUIT", "silence", "sent", True),
    ],
)
async def test_each_step_can_go_wrong_in_its_own_way(step: str, said: str, kind: str, certain: bool) -> None:
    """What was said decides whether it is tried again, and whether it may have arrived all the same."""
    async with running(Server(says={step: said})) as server:
        outcome = await send(outgoing(), account(server))
    assert (outcome.kind, outcome.certain) == (kind, certain)
    assert outcome.detail or outcome.kind == "sent"


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "end"])
async def test_a_server_that_stops_talking_is_not_waited_for(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tarpit costs its time limit; after the words were sent nobody knows what became of them."""
    monkeypatch.setattr(smtp_out, "STEP_S", 0.3)
    async with running(Server(says={step: "silence"})) as server:
        began = time.monotonic()
        outcome = await send(outgoing(), account(server))
    assert time.monotonic() - began < 5
    assert outcome.kind == "later"
    assert outcome.certain == (step not in ("DATA", "end"))


async def test_without_encryption_nothing_leaves_where_it_is_required() -> None:
    """A server between us and theirs may hide the offer; then the account rests."""
    async with running(Server()) as server:
        outcome = await send(outgoing(), account(server, starttls="required"))
    assert (outcome.kind, outcome.detail) == ("account_failed", "tls_not_offered")
    assert not server.mails and not any(line.startswith("MAIL") for line in server.commands)


async def test_a_certificate_that_nobody_signed_is_refused_where_encryption_is_required(
    tmp_path: Path,
) -> None:
    """Or whoever is in between would read everything."""
    async with running(Server(tls=_tls(tmp_path))) as server:
        outcome = await send(outgoing(), account(server, starttls="required"))
    assert (outcome.kind, outcome.detail) == ("account_failed", "tls_refused")
    assert not server.mails


async def test_encryption_with_a_known_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ordinary way to a mail server."""
    context = _tls(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.crt"))
    async with running(Server(tls=context)) as server:
        outcome = await send(outgoing(), account(server, starttls="required"))
    assert outcome.kind == "sent" and server.encrypted == [True]


@pytest.mark.parametrize(("offered", "encrypted"), [(True, True), (False, False)])
async def test_opportunistic_encrypts_when_it_can(tmp_path: Path, offered: bool, encrypted: bool) -> None:
    """The plan said that it is content with that."""
    async with running(Server(tls=_tls(tmp_path) if offered else None)) as server:
        outcome = await send(outgoing(), account(server, starttls="opportunistic"))
    assert outcome.kind == "sent" and server.encrypted == [encrypted]


async def test_none_sends_in_the_clear_and_asks_nobody(tmp_path: Path) -> None:
    """For a relay on the same machine or wire, by the plan's own word."""
    async with running(Server(tls=_tls(tmp_path))) as server:
        await send(outgoing(), account(server, starttls="none"))
    assert server.encrypted == [False]


async def test_signing_in(tmp_path: Path) -> None:
    """With the account's secret; a wrong one stops the account, not the mail."""
    wanted = ("AUTH PLAIN LOGIN",)
    async with running(Server(extensions=wanted)) as server:
        assert (await send(outgoing(), account(server, user="us"))).kind == "sent"
        server.says["AUTH"] = "535 no"
        assert (await send(outgoing(), account(server, user="us"))).kind == "account_failed"
        server.says["AUTH"] = "454 later"
        assert (await send(outgoing(), account(server, user="us"))).kind == "later"
    async with running(Server(extensions=())) as server:
        assert (await send(outgoing(), account(server, user="us"))).kind == "account_failed"


async def test_addresses_in_other_alphabets() -> None:
    """A domain has a form in ASCII; a name before the @ needs a server that knows."""
    async with running(Server()) as server:
        assert (await send(outgoing(to_address="ann@münchen.example"), account(server))).kind == "sent"
        assert server.mails[-1][1].startswith("RCPT TO:<ann@xn--mnchen-3ya.example>")
        assert (await send(outgoing(to_address="жанна@example.org"), account(server))).kind == "sent"
        assert "SMTPUTF8" in server.mails[-1][0]
    async with running(Server(extensions=())) as server:
        outcome = await send(outgoing(to_address="жанна@example.org"), account(server))
        assert (outcome.kind, outcome.detail) == ("failed", "smtputf8_not_offered")


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a b@x", "a@x\r\nRCPT TO:<b@y>", "<a@x>", "a@", "@x", "a@b@c,d@e", "a@" + "x" * 300],
)
async def test_an_address_that_is_none_fails_at_once(address: str) -> None:
    """And never becomes a command."""
    async with running(Server()) as server:
        outcome = await send(outgoing(to_address=address), account(server))
    assert outcome.kind == "failed"
    assert not any("RCPT" in line for line in server.commands)


async def test_no_server_to_send_by() -> None:
    """The plan forgot it: the account rests, the mail waits."""
    nowhere = account(Server())
    for endpoint in ("", "https://example.org"):
        outcome = await send(outgoing(), _with(nowhere, endpoint))
        assert outcome.kind == "account_failed"
    refused = await send(outgoing(), _with(nowhere, "smtp://127.0.0.1:1"))
    assert (refused.kind, refused.certain) == ("later", True)


async def test_a_send_that_is_cancelled_lets_go() -> None:
    """Delivery bounds every try."""
    async with running(Server(says={"end": "silence"})) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await send(outgoing(), account(server))


async def test_ids_that_are_no_uuids_send_all_the_same() -> None:
    """Then answers join nothing, which is no reason not to send."""
    async with running(Server()) as server:
        outcome = await send(outgoing(outbox_id="x/1", interaction_id="y"), account(server))
        assert outcome.kind == "sent"
        again: Outcome = await send(outgoing(outbox_id="x/1", interaction_id="y"), account(server))
    assert outcome.provider_id == again.provider_id


def _with(base: Account, endpoint: str) -> Account:
    from dataclasses import replace

    return replace(base, endpoint=endpoint)


@pytest.mark.parametrize("starttls", ["none", "opportunistic"])
def test_a_password_leaves_this_machine_encrypted_or_not_at_all(starttls: str) -> None:
    """Whatever a plan or a setting says: it is also the key of every reply token."""
    mailbox = Account(
        account_id="help-mail",
        channel="mail",
        provider="smtp",
        address="help@lowen.example",
        secret=b"secret",
        endpoint="smtp://mx.lowen.example",
        public_url="",
        options={"user": "help", "starttls": starttls},
    )
    server = smtp_out.server_of(mailbox)
    assert server is not None and server.tls == "required"


def _tls(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder))
    return context
