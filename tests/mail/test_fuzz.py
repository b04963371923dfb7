"""Generated hostile mails: none crashes, none takes long, none grows, each can be shown to a human."""

import asyncio
import resource
import time

import msgspec
import pytest

from agents_ui.desk.mail_shown import mail_of as shown_mail
from router.channels.mail_contact import Envelope, contact_of, kept_body
from router.channels.mail_head import head_of
from router.channels.mail_kind import KINDS
from router.channels.mail_reading import read_mail
from router.channels.port import Account
from router.channels.showing import shown_of
from router.run.limited_child import LimitedChildren
from router.run.mail_intake import about_mail, parts_of
from tests.mail.hostile import mail_of

pytestmark = pytest.mark.system

DEADLINE_S = 1.0
GROWTH_BYTES_MAX = 100 * 1024 * 1024
ACCOUNT = Account(
    account_id="help-mail",
    channel="mail",
    provider="smtp",
    address="help@lowen.example",
    secret=b"secret",
    endpoint="",
    public_url="",
    options={"trusted_authserv": "mx.lowen.example"},
)


def go_through(number: int) -> float:
    """Everything that happens to a mail, from the envelope to the page; the time it took."""
    raw = mail_of(number)
    began = time.process_time()
    envelope = Envelope(
        sender="a@b",
        recipients=("help@lowen.example",),
        upstream=bool(number % 2),
        body=raw,
        received_at_ms=0,
    )
    contact = contact_of(envelope, ACCOUNT, interaction_id="i")
    assert contact.body.endswith(raw) and (contact.linked is False or contact.address)
    head = head_of(contact.body)
    read = read_mail(contact.body)
    about = about_mail(head, ACCOUNT, read)
    assert about.kind in KINDS
    parts = parts_of(about, read)
    shown = shown_mail("message/rfc822", contact.body[:32_768], parts[0].body)
    words = [read.text, *(each.name for each in read.files), shown_of("message/rfc822", contact.body).text]
    encoded = msgspec.json.encode([shown, words])
    assert b"\\u0000" not in encoded
    assert all("\0" not in word and word == word.encode().decode() for word in words)
    assert all(each.name and "/" not in each.name for each in read.files)
    return time.process_time() - began


def hold_out(numbers: range) -> None:
    """Every mail of these numbers; says which one was the trouble."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for number in numbers:
        try:
            took_s = go_through(number)
        except Exception as trouble:
            raise AssertionError(f"mail {number}") from trouble
        assert took_s < DEADLINE_S, f"mail {number} took {took_s:.1f} s"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert grown < GROWTH_BYTES_MAX


def test_two_thousand_hostile_mails() -> None:
    """What make test has time for."""
    hold_out(range(2_000))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_hundred_thousand_hostile_mails() -> None:
    """The gate of a release."""
    hold_out(range(2_000, 102_000))


async def test_hostile_mails_in_their_children() -> None:
    """As they are read in a centre: each answered, by a process that is gone afterwards."""
    children = LimitedChildren(2)
    try:
        for start in range(0, 200, 20):
            mails = [kept(number) for number in range(start, start + 20)]
            found = await asyncio.gather(*map(children.read, mails))
            assert all(each is not None for each in found)
    finally:
        await children.close()


def kept(number: int) -> bytes:
    """The mail as it is kept."""
    envelope = Envelope(
        sender="a@b",
        recipients=("help@lowen.example",),
        upstream=True,
        body=mail_of(number),
        received_at_ms=0,
    )
    return kept_body(envelope)
