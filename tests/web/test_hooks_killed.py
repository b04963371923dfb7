"""A web process that is killed while texts come in: what was acknowledged is there, once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from config.plan_file import parse_plan
from router.journal.committer import Committer
from router.journal.database import open_database
from router.journal.verify import verify
from router.run.plan_activation import ActivatePlan
from tests.contracts.plays import Said
from tests.contracts.twilio import TOKEN, Twilio, fields_of
from tests.web.texts import ACCOUNTS

pytestmark = pytest.mark.system

SENDERS = 8
TEXTS = 40
KILLS = 3
WITHIN_S = 60.0


class KilledWeb:
    """`muster web` on a database of its own, killed and started again on the same port."""

    def __init__(self, data_dir: Path, *, secret: str = TOKEN.decode()) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        plan = parse_plan(Path("config/default.toml").read_text(encoding="utf-8") + ACCOUNTS)
        self.database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
        self.database.create_tables(site="centre")
        committer = Committer(self.database)
        committer.submit(ActivatePlan(plan=plan, by="test")).result(10)
        committer.close()
        self.environ = {
            **os.environ,
            "MUSTER_DATA": str(data_dir),
            "MUSTER_PORT": str(self.port),
            "MUSTER_UNSAFE": "1",
            "MUSTER_SECRET_LINE_TOKEN": secret,
            "REDIS_URL": "",
            "DATABASE_URL": "",
        }
        self._start()

    def kill(self) -> None:
        """In the middle of whatever it does; then another one in its place."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        self._start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self.database.close()

    def _start(self) -> None:
        command = [sys.executable, "-m", "agents_ui.cli", "web"]
        self._process = subprocess.Popen(command, env=self.environ, stdout=subprocess.DEVNULL)


@pytest.fixture
def web(data_dir: Path) -> Iterator[KilledWeb]:
    running = KilledWeb(data_dir)
    yield running
    running.stop()


def _deliver(web: KilledWeb, sender: int, kept: list[str]) -> None:
    """A provider with a queue of texts of one person: each again until it is acknowledged."""
    plays = Twilio("line", f"http://127.0.0.1:{web.port}/hooks/line")
    give_up = time.monotonic() + WITHIN_S
    for number in range(TEXTS):
        name = f"SM{sender}-{number}"
        said = Said(provider_id=name, sender=f"+1555300{sender:04}", text=name)
        webhook = plays.over(urlencode(fields_of(said)).encode())
        while time.monotonic() < give_up:
            request = urllib.request.Request(
                plays.account.public_url, data=webhook.body, headers=dict(webhook.headers), method="POST"
            )
            try:
                with urllib.request.urlopen(request, timeout=5):
                    kept.append(name)
                    break
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.02)


def test_texts_around_a_killed_process_are_there_once(web: KilledWeb) -> None:
    """Killed before the commit, between commit and answer, or after: the provider's next try is harmless."""
    kept: list[list[str]] = [[] for _ in range(SENDERS)]
    senders = [
        threading.Thread(target=_deliver, args=(web, number, kept[number])) for number in range(SENDERS)
    ]
    for each in senders:
        each.start()
    for kill in range(KILLS):
        wanted = (kill + 1) * SENDERS * TEXTS // (KILLS + 1)
        until = time.monotonic() + WITHIN_S
        while sum(map(len, kept)) < wanted and time.monotonic() < until:
            time.sleep(0.005)
        web.kill()
    for each in senders:
        each.join(WITHIN_S)
    assert [len(each) for each in kept] == [TEXTS] * SENDERS, "everything was acknowledged in the end"
    with web.database.reading() as db:
        assert db.rows("SELECT count(*) FROM message") == [(SENDERS * TEXTS,)]
        assert db.rows("SELECT count(*) FROM interaction") == [(SENDERS,)], "one person, one conversation"
        assert verify(db).problems == []
