"""A real IMAP server (pymap) on a free port, and what somebody's mail server puts into its mailbox."""

import imaplib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

WITHIN_S: Final = 30.0
USER: Final = "demouser"
PASSWORD: Final = "demopass"
OURS: Final = "desk@lowen.example"


class ImapServer:
    """One server with one empty mailbox, its own process. Everything in it is gone when it stops."""

    def __init__(self, certificate: tuple[str, str] | None = None) -> None:
        self._certificate = certificate
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._start()

    def empty(self) -> None:
        """As it was at the beginning, but for its numbers, which only grow."""
        with self.signed_in() as client:
            for folder in ("INBOX", "Kept"):
                if client.select(folder)[0] == "OK":
                    client.store("1:*", "+FLAGS", r"(\Deleted)")
                    client.expunge()

    def _start(self) -> None:
        program = Path(sys.executable).with_name("pymap")
        tls = ["--cert", self._certificate[0], "--key", self._certificate[1]] if self._certificate else []
        where = ["--host", "127.0.0.1", "--port", str(self.port), *(tls or ["--no-tls"])]
        command = [program, *where, "dict", "--demo-data"]
        self._process = subprocess.Popen(
            [str(each) for each in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + WITHIN_S
        while True:
            try:
                with self.signed_in() as client:
                    client.select("INBOX")
                    client.store("1:*", "+FLAGS", r"(\Deleted)")  # The demo's own mails.
                    client.expunge()
                return
            except OSError:
                assert time.monotonic() < until and self._process.poll() is None, "pymap does not start"
                time.sleep(0.05)

    @contextmanager
    def signed_in(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        try:
            if self._certificate:
                client.starttls(ssl._create_unverified_context())
            client.login(USER, PASSWORD)
            yield client
        finally:
            client.logout()

    def put(self, *mails: bytes) -> None:
        """As the mail server does that delivers into it."""
        with self.signed_in() as client:
            for mail in mails:
                typ, _ = client.append("INBOX", None, None, mail.replace(b"\n", b"\r\n"))  # type: ignore[arg-type]
                assert typ == "OK"

    def make_folder(self, name: str) -> None:
        with self.signed_in() as client:
            client.create(name)

    def count(self, folder: str = "INBOX", criterion: str = "ALL") -> int:
        with self.signed_in() as client:
            client.select(folder, readonly=True)
            _, found = client.search(None, criterion)
            return len(found[0].split())

    def last_uid(self) -> int:
        """The highest number that was ever given to a mail there."""
        with self.signed_in() as client:
            _, found = client.status("INBOX", "(UIDNEXT)")
            return int(re.search(rb"UIDNEXT (\d+)", found[0])[1]) - 1  # type: ignore[index]

    def take_away(self, text: str) -> None:
        """Its owner deletes what has this subject."""
        with self.signed_in() as client:
            client.select("INBOX")
            _, found = client.search(None, "SUBJECT", text)
            for number in found[0].split():
                client.store(number.decode(), "+FLAGS", r"(\Deleted)")
            client.expunge()

    def cut_connections(self) -> None:
        """Killed, and started anew: with other UIDVALIDITY and nothing in it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        self._start()

    def stop(self) -> None:
        """At once: nothing in it is worth an orderly end."""
        self._process.kill()
        self._process.wait(10)


def account(server: ImapServer, *, name: str = "desk-mail", address: str = OURS, **options: str) -> str:
    """The account of such a mailbox, as it stands in a plan."""
    told = {"user": USER, "trusted_authserv": "mx.lowen.example", **options}
    lines = "\n".join(f'{key} = "{value}"' for key, value in told.items())
    return f"""
[[accounts]]
id = "{name}"
channel = "mail"
provider = "imap"
address = "{address}"
secret = "{name}"
endpoint = "imap://127.0.0.1:{server.port}"
[accounts.options]
{lines}
"""


def mail(number: int, *, head: str = "", body: str = "a pothole", sender: str = "ann@example.org") -> bytes:
    """One ordinary mail."""
    return (
        f"{head}From: Ann <{sender}>\nTo: {OURS}\n"
        f"Subject: mail {number}\nMessage-ID: <{number}@x>\n\n{body}\n"
    ).encode()


def number_of(body: bytes) -> int:
    """Which of those mails this is."""
    found = re.search(rb"Subject: mail (\d+)", body)
    assert found is not None, body[:200]
    return int(found[1])
