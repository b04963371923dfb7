"""An agent's answer, from the outbox to a mail server of others: to who wrote, about what they wrote."""

import email
from email import policy
from pathlib import Path

import pytest

from router.channels.accounts import load_accounts
from router.channels.mail_token import REPLY
from router.channels.port import Outgoing
from router.channels.smtp_out import send
from router.decisions import OpenCallBack
from router.journal.appends import put_content
from router.journal.database import Connection
from router.records import Fact, fact, fact_of
from router.run import delivery_book
from skills.requirement import Requirement
from tests.mail.listening import OURS, Mailbox, settings_of
from tests.mail.servers import Server, running

pytestmark = pytest.mark.system

OUTBOX_ID = "5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e02"
ASKED = (
    b"From: Citizen <citizen@example.org>\r\nSubject: A pothole\r\nMessage-ID: <asked@example.org>\r\n\r\n"
    b"On Main Street.\r\n"
)


def answered(box: Mailbox, interaction_id: str) -> None:
    """What the desk writes when an agent answers."""
    with box.database.writing() as db:
        put_content(db, content_id="c1", media_type="text/plain; charset=utf-8", body=b"We know.", at_ms=1)
    ((address_hash,),) = box.rows("SELECT DISTINCT address_hash FROM interaction")
    box.append(
        fact(
            "message_added",
            interaction_id,
            message_id="m1",
            content_id="c1",
            client_id="",
            direction="out",
            author_id="hannah",
            message_kind="text",
            reading="read",
        ),
        fact(
            "send_ordered",
            OUTBOX_ID,
            message_id="m1",
            interaction_id=interaction_id,
            channel="mail",
            account="help-mail",
            address_hash=address_hash,
            due_at_ms=0,
        ),
    )


def claimed(db: Connection) -> delivery_book.Claimed:
    (found,) = delivery_book.claim(db, [OUTBOX_ID], owner="test")
    return found


async def test_an_answer_goes_to_who_wrote_about_what_they_wrote(data_dir: Path) -> None:
    """And what they answer to it comes back to the same conversation."""
    box = Mailbox(data_dir)
    try:
        box.send(ASKED)
        (interaction_id,) = box.interactions()
        answered(box, interaction_id)
        with box.database.writing() as db:
            found = claimed(db)
        assert found.text is not None and found.to_address is not None
        async with running(Server()) as server:
            endpoints = {"help-mail": f"smtp://127.0.0.1:{server.port}"}
            account = load_accounts(box.plan, settings_of(data_dir, endpoints=endpoints))["help-mail"]
            outgoing = Outgoing(
                outbox_id=found.outbox_id,
                attempt=found.attempt,
                to_address=found.to_address,
                text=found.text,
                interaction_id=found.interaction_id,
                answers=found.answers,
            )
            assert (await send(outgoing, account)).kind == "sent"
        mail = email.message_from_bytes(server.mails[0][2], policy=policy.default)
        assert mail["To"] == "citizen@example.org"
        assert mail["Subject"] == "Re: A pothole"
        assert mail["In-Reply-To"] == "<asked@example.org>"
        assert mail.get_content().strip() == "We know."
        reply_to = str(mail["Reply-To"])
        assert reply_to == f"help+{box.key.token(REPLY, interaction_id)}@{OURS.partition('@')[2]}"
        box.send(b"From: citizen@example.org\r\nSubject: thanks\r\n\r\nThank you\r\n", reply_to)
        assert [row[0] for row in box.messages()] == [interaction_id] * 2
    finally:
        box.stop()


def test_an_answer_to_something_else_than_mail_carries_no_head(mailbox: Mailbox) -> None:
    """The outbox is everybody's."""
    mailbox.send(ASKED)
    (interaction_id,) = mailbox.interactions()
    answered(mailbox, interaction_id)
    with mailbox.database.writing() as db:
        db.run("UPDATE content SET media_type = 'application/x-www-form-urlencoded' WHERE content_id <> 'c1'")
        assert claimed(db).answers == b""


async def test_a_call_back_of_a_mail_answers_that_mail(data_dir: Path) -> None:
    """Who wrote it sees the answer under their own subject, also when it is promised for later."""
    box = Mailbox(data_dir)
    try:
        box.send(ASKED)
        (interaction_id,) = box.interactions()
        box.append(call_back_of(interaction_id, "later"), call_back_of("later", "even later"))
        answered(box, "even later")
        with box.database.writing() as db:
            found = claimed(db)
        assert b"Subject: A pothole" in found.answers
        assert found.to_address == "citizen@example.org"
    finally:
        box.stop()


def call_back_of(interaction_id: str, call_back_id: str) -> Fact:
    """The decision that opens a call-back, parked for later."""
    opened = OpenCallBack(
        at_ms=1,
        interaction_id=call_back_id,
        follows=interaction_id,
        channel="mail",
        queue_id="general",
        urgency=4,
        requirement=Requirement(),
        rule_id="call_back",
        accepted_at_ms=2,
        identity_id="",
        linked_to="",
        traffic="real",
        parked_until_ms=2,
    )
    return fact_of(opened)
