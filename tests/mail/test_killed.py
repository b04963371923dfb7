"""The role that takes mail is killed at any moment: what it acknowledged is there, the rest is sent again."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.listening import OURS, Mailbox, Talk

pytestmark = pytest.mark.system


class Killable:
    """`muster mail` as a process of its own, on the database of a mailbox."""

    def __init__(self, box: Mailbox, data_dir: Path, **secrets: str) -> None:
        self.data_dir = data_dir
        self.secrets = secrets
        self.url = box.url
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environ = {
            **os.environ,
            "MUSTER_DATA": str(self.data_dir),
            "DATABASE_URL": self.url,
            "MUSTER_SMTP_PORT": str(self.port),
            "MUSTER_SECRET_HELP_MAIL": "kept-in-a-safe",
            **self.secrets,
        }
        command = [sys.executable, "-m", "agents_ui.cli", "mail"]
        process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                with Talk(self.port) as talk:
                    assert talk.greeting.startswith("220")
                return process
            except (OSError, AssertionError):
                assert time.monotonic() < until and process.poll() is None, "does not start"
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def again(self) -> None:
        self.process = self._start()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@pytest.fixture
def killable(mailbox: Mailbox, data_dir: Path) -> Iterator[Killable]:
    made = Killable(mailbox, data_dir)
    yield made
    if made.process.poll() is None:
        made.kill()


def send(port: int, number: int) -> bool:
    """Whether this mail was acknowledged."""
    raw = f"From: ann@example.org\r\nMessage-ID: <{number}@x>\r\n\r\nmail {number}\r\n".encode()
    try:
        with Talk(port) as talk:
            talk.hello()
            talk.ask("MAIL FROM:<ann@example.org>")
            talk.ask(f"RCPT TO:<{OURS}>")
            return talk.data(raw).startswith("250")
    except OSError:
        return False


def test_what_was_acknowledged_is_there_after_kill_9(mailbox: Mailbox, killable: Killable) -> None:
    """Three times, in the middle of traffic; what was not acknowledged is sent again, and there once."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def sender(lane: int) -> None:
        number = lane
        while not stop.is_set():
            if send(killable.port, number):
                acknowledged.append(number)
                number += 4
            else:
                time.sleep(0.02)

    lanes = [threading.Thread(target=sender, args=(lane,)) for lane in range(4)]
    for lane in lanes:
        lane.start()
    try:
        for _ in range(3):
            before = len(acknowledged)
            mailbox.eventually(lambda before=before: len(acknowledged) > before + 10)
            killable.kill()
            killable.again()
    finally:
        stop.set()
        for lane in lanes:
            lane.join(20)
    kept = [bytes(body).rstrip().rpartition(b" ")[2] for _, body in mailbox.messages()]
    assert len(kept) == len(set(kept)), "a mail is there twice"
    assert {str(number).encode() for number in acknowledged} <= set(kept)


def test_it_stops_in_order(killable: Killable) -> None:
    """As `muster up` stops it."""
    assert send(killable.port, 1)
    assert killable.stop() == 0
