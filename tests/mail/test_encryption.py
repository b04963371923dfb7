"""STARTTLS on the way in: with the certificate of the site, and nothing said before it counts after it."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.channels.smtp_in import Limits
from tests.mail.certificates import certificate
from tests.mail.listening import OURS, Mailbox, Talk

pytestmark = pytest.mark.system

MAIL = b"From: a@example.org\r\nSubject: s\r\n\r\nwords\r\n"


@pytest.fixture
def secure(data_dir: Path) -> Iterator[Mailbox]:
    crt, key = certificate(data_dir)
    box = Mailbox(data_dir, tls_certificate=crt, tls_key=key)
    yield box
    box.stop()


def encrypt(talk: Talk, *, ahead: bytes = b"") -> str:
    """STARTTLS, with bytes sent ahead of the handshake."""
    talk.put(b"STARTTLS\r\n" + ahead)
    answer = talk.answer()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    talk.socket = context.wrap_socket(talk.socket)
    return answer


def test_a_mail_arrives_encrypted(secure: Mailbox) -> None:
    """And there is still nothing to sign in to."""
    with secure.smtp() as talk:
        assert "STARTTLS" in talk.hello()
        assert encrypt(talk).startswith("220")
        again = talk.hello()
        assert "STARTTLS" not in again and "AUTH" not in again
        talk.ask("MAIL FROM:<a@example.org>")
        talk.ask(f"RCPT TO:<{OURS}>")
        assert talk.data(MAIL).startswith("250")
        assert talk.ask("QUIT").startswith("221")
    assert len(secure.messages()) == 1


def test_what_was_said_before_the_handshake_does_not_count_after_it(secure: Mailbox) -> None:
    """Somebody in between could have put it there (RFC 3207, 4.2)."""
    with secure.smtp() as talk:
        talk.hello()
        talk.ask("MAIL FROM:<evil@example.org>")
        encrypt(talk)
        assert talk.ask(f"RCPT TO:<{OURS}>").startswith("503")


def test_a_handshake_that_never_ends_is_not_waited_for(data_dir: Path) -> None:
    """Half a handshake holds a connection like silence does."""
    crt, key = certificate(data_dir)
    box = Mailbox(data_dir, limits=Limits(mail_bytes=50_000, silent_s=0.5), tls_certificate=crt, tls_key=key)
    try:
        with box.smtp() as talk:
            talk.hello()
            assert talk.ask("STARTTLS").startswith("220")
            assert talk.closed()
        box.eventually(lambda: box.role.taker.connections.total() == 0)
        with box.smtp() as talk:
            talk.hello()
            talk.put(b"STARTTLS\r\nnot a handshake at all, but words\r\n")
            talk.closed()
        box.eventually(lambda: box.role.taker.connections.total() == 0)
    finally:
        box.stop()


def test_without_a_certificate_nothing_is_offered(mailbox: Mailbox) -> None:
    """And mail is taken all the same, as everywhere."""
    with mailbox.smtp() as talk:
        assert "STARTTLS" not in talk.hello()
        assert talk.ask("STARTTLS").startswith("454")
    assert mailbox.send(MAIL).startswith("250")
