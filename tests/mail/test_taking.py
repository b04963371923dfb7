"""Mail is on disk before it is acknowledged, and only mail for us is taken at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from router.journal.committer import CommitUnknown
from tests.mail.listening import INFO, OURS, Mailbox

pytestmark = pytest.mark.system

MAIL = (
    b"From: Citizen <citizen@example.org>\r\nTo: help@lowen.example\r\nSubject: A pothole\r\n"
    b"Message-ID: <one@example.org>\r\n\r\nOn Main Street.\r\n"
)


def test_an_acknowledged_mail_is_kept_byte_for_byte(mailbox: Mailbox) -> None:
    """250 means that a human will see it, as it was: also what no parser understands."""
    raw = MAIL + b"\x00\xff\xfe strange bytes\r\n.\r\n..two dots\r\n" + b"x" * 5_000 + b"\r\n"
    assert mailbox.send(raw).startswith("250")
    ((_, body),) = mailbox.messages()
    assert bytes(body).endswith(raw)
    assert bytes(body).startswith(
        b"Return-Path: <citizen@example.org>\r\nDelivered-To: help@lowen.example\r\n"
        b"X-Muster-Received: upstream\r\n"
    )


def test_the_same_mail_twice_is_one_message(mailbox: Mailbox) -> None:
    """A server that lost our 250 sends it again; nobody is disturbed twice."""
    assert mailbox.send(MAIL).startswith("250")
    assert mailbox.send(MAIL).startswith("250")
    assert len(mailbox.messages()) == 1


def test_another_mail_with_the_same_message_id_is_kept_too(mailbox: Mailbox) -> None:
    """Whoever sends a Message-ID in advance must not make the real mail disappear."""
    mailbox.send(MAIL)
    mailbox.send(MAIL.replace(b"Main Street", b"Elm Street: it is on fire"))
    assert len(mailbox.messages()) == 2
    assert len(mailbox.interactions()) == 2


def test_one_mail_to_two_of_our_mailboxes_reaches_both(mailbox: Mailbox) -> None:
    """Each mailbox has its own people; two spellings of one mailbox are one."""
    assert mailbox.send(MAIL, OURS, "HELP+tag@Lowen.Example", INFO).startswith("250")
    kept = mailbox.rows("SELECT account FROM interaction ORDER BY account")
    assert kept == [("help-mail",), ("info-mail",)]


@pytest.mark.parametrize(
    "address",
    ["nobody@lowen.example", "help@elsewhere.example", "help", "help@lowen.example@evil.example", '"help"@x'],
)
def test_mail_for_others_is_refused(mailbox: Mailbox, address: str) -> None:
    """We relay for nobody."""
    with mailbox.smtp() as talk:
        talk.hello()
        talk.ask("MAIL FROM:<a@example.org>")
        assert talk.ask(f"RCPT TO:<{address}>").startswith("5")
        assert talk.ask("DATA").startswith("503")
    assert mailbox.messages() == []


def test_nobody_can_sign_in(mailbox: Mailbox) -> None:
    """There is nothing to guess."""
    with mailbox.smtp() as talk:
        assert "AUTH" not in talk.hello()
        assert talk.ask("AUTH PLAIN AGEAYg==").startswith("502")


def test_what_cannot_be_kept_now_is_refused_for_now(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outcome that nobody knows is never a yes: the sender keeps the mail and comes again."""

    async def unknown(append: object) -> None:
        raise CommitUnknown("the database went away")

    with monkeypatch.context() as broken:
        broken.setattr(mailbox.committer, "append", unknown)
        assert mailbox.send(MAIL).startswith("451")
    assert mailbox.messages() == []
    assert mailbox.send(MAIL).startswith("250")
    assert len(mailbox.messages()) == 1


def test_without_its_secret_a_mailbox_still_takes_mail(data_dir: object) -> None:
    """A forgotten secret costs threads, never mail."""
    box = Mailbox(data_dir, secrets={})  # type: ignore[arg-type]
    try:
        assert box.send(MAIL).startswith("250")
        assert len(box.messages()) == 1
    finally:
        box.stop()


def test_many_senders_at_once_lose_nothing(mailbox: Mailbox) -> None:
    """What was acknowledged under load is on disk, all of it."""
    mails = [MAIL.replace(b"one@", f"n{number}@".encode()) for number in range(60)]
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(mailbox.send, mails))
    assert sum(answer.startswith("250") for answer in answers) == len(mailbox.messages())
    assert all(answer[:3] in ("250", "451", "421") for answer in answers)


def test_bounces_with_no_sender_are_taken(mailbox: Mailbox) -> None:
    """A delivery report has an empty sender (RFC 5321, 6.1)."""
    assert mailbox.send(MAIL, sender="").startswith("250")
    assert bytes(mailbox.messages()[0][1]).startswith(b"Return-Path: <>\r\n")


def test_addresses_beyond_ascii_are_taken(mailbox: Mailbox) -> None:
    """RFC 6531: names are written in more alphabets than one."""
    with mailbox.smtp() as talk:
        assert "SMTPUTF8" in talk.hello()
        assert talk.ask("MAIL FROM:<жанна@пример.example> SMTPUTF8").startswith("250")
        talk.ask(f"RCPT TO:<{OURS}>")
        raw = "From: Жанна <жанна@пример.example>\r\n\r\nдобрый день\r\n".encode()
        assert talk.data(raw).startswith("250")
    assert mailbox.identity() == [("жанна@пример.example", 0)]
