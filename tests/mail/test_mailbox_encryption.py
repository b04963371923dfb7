"""The password of a mailbox leaves encrypted, to a server whose certificate is right, or not at all."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from router.channels.imap_in import ImapGone, ImapRefused, ImapSession, Place, place_of
from router.channels.port import Account
from router.run.mailbox_follower import DAY_MS
from tests.mail.certificates import certificate
from tests.mail.imap_server import PASSWORD, USER, ImapServer, mail

pytestmark = pytest.mark.system


def place(port: int, tls: str) -> Place:
    return Place(host="localhost", port=port, tls=tls, user=USER, folder="INBOX", after="keep")


@contextmanager
def behind_tls(port: int, paths: tuple[str, str]) -> Iterator[int]:
    """A port that speaks TLS from the first byte, as 993 does, before the server at this one."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*paths)
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(raw: socket.socket) -> None:
        there = socket.create_connection(("127.0.0.1", port))
        with suppress(OSError), raw, there, context.wrap_socket(raw, server_side=True) as ours:
            back = threading.Thread(target=copy, args=(there, ours))
            back.start()
            copy(ours, there)
            back.join(20)

    def accept() -> None:
        with suppress(OSError):
            while True:
                raw, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(raw,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(20)


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By STARTTLS and from the first byte; the same server with a certificate that is right is read."""
    paths = certificate(data_dir)
    server = ImapServer(paths)
    plain = ImapServer()
    try:
        with behind_tls(plain.port, paths) as tls_port:
            for where in (place(server.port, "starttls"), place(tls_port, "imaps")):
                monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
                with pytest.raises(ImapGone, match="SSLCertVerificationError"):
                    ImapSession(where, PASSWORD)
                monkeypatch.setenv("SSL_CERT_FILE", paths[0])
                session = ImapSession(where, PASSWORD)
                assert session.uids_after(0) == []
                session.close()
            with pytest.raises(ImapRefused, match="login refused"):
                ImapSession(place(tls_port, "imaps"), "another")
        with pytest.raises(ImapGone):
            ImapSession(place(plain.port, "starttls"), PASSWORD)  # It offers none: nothing is sent.
    finally:
        server.stop()
        plain.stop()


@pytest.mark.parametrize(
    ("endpoint", "tls", "port"),
    [
        ("imaps://mx.example.org", "imaps", 993),
        ("imaps://127.0.0.1:9930", "imaps", 9930),
        ("imap://mx.example.org", "starttls", 143),
        ("imap://127.0.0.1", "none", 143),
    ],
)
def test_only_to_this_machine_nothing_is_encrypted(endpoint: str, tls: str, port: int) -> None:
    """Whatever the plan says: there is no way in between that somebody could listen on."""
    account = Account(
        account_id="box",
        channel="mail",
        provider="imap",
        address="desk@lowen.example",
        secret=b"s",
        endpoint=endpoint,
        public_url="",
        options={"user": "desk"},
    )
    found = place_of(account)
    assert found is not None and (found.tls, found.port) == (tls, port)
    assert found.name.startswith("desk@")


def test_a_server_tells_what_came_since_a_day() -> None:
    """Where a site that was made again goes on: with the days as servers count them, in English."""
    server = ImapServer()
    try:
        server.put(mail(1), mail(2))
        session = ImapSession(place(server.port, "none"), PASSWORD)
        now_ms = time.time_ns() // 1_000_000
        every = session.uids_after(0)
        assert len(every) == 2
        assert session.uids_since(now_ms - DAY_MS) == every
        assert session.uids_since(now_ms + 2 * DAY_MS) == []
        session.close()
    finally:
        server.stop()
