"""How soon everything that a dead site had open waits at the other: 10,000 interactions.

The copy of the dead site is filled as it would be by its sender, batch by batch. At the other site its router
runs. The clock runs from `muster site take-over` being typed (a new process) until all of them wait there, in
the tables, lined up by that router.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plans import plan_text
from config.plan_file import parse_plan
from config.settings import read_settings
from router.journal.appends import put_content
from router.journal.committer import Committer, wall_ms
from router.journal.connection import Connection
from router.journal.database import Database, open_database
from router.journal.stream import last_seq
from router.records import Fact, fact
from router.run.plan_activation import ActivatePlan
from router.sites.copies import open_copy, read_batch, take_batch

OPEN = 10_000
AT_ONCE = 200
MESSAGES = 3
PATIENCE_S = 120.0
WISH = {"require": [["answers", 1]], "require_any": [], "forbid": [], "prefer": []}
PAIR = """
[pair]

[[pair.sites]]
id = "a"
name = "Alder House"
url = "http://127.0.0.1:8400"
peer = "http://127.0.0.1:8403"

[[pair.sites]]
id = "b"
name = "Birch House"
url = "http://127.0.0.1:8410"
peer = "http://127.0.0.1:8413"
"""


@dataclass(frozen=True, slots=True)
class Conversations:
    """Append: people who wrote three messages each, read and lined up, as a living site has them.

    lined_up: without it a router has to do that.
    """

    numbers: Sequence[int]
    lined_up: bool = True

    def write_content(self, db: Connection) -> None:
        for number in self.numbers:
            for message in range(MESSAGES):
                words = f"message {message} of person {number}, " * 4
                put_content(
                    db,
                    content_id=f"c-{number}-{message}",
                    media_type="text/plain",
                    body=words.encode(),
                    at_ms=wall_ms(),
                )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        facts = [each for number in self.numbers for each in _conversation(number, at_ms)]
        return facts if self.lined_up else [each for each in facts if each.kind != "queued"]


def take_over(rounds: int) -> dict[str, float]:
    """Seconds until all of them wait at the other site: the median."""
    samples = sorted(_one() for _ in range(rounds))
    return {"takeover_10k_s": samples[len(samples) // 2]}


def _one() -> float:
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    environ = {
        **os.environ,
        "MUSTER_SITE": "b",
        "MUSTER_DATA": str(folder),
        "MUSTER_PLAN": str(folder / "plan.toml"),
        "MUSTER_SECRET_PEER_KEY": "0123456789abcdef" * 4,
        "DATABASE_URL": f"sqlite:///{folder}/muster.db",
        "REDIS_URL": "",
        "MUSTER_UNSAFE": "1",
    }
    try:
        (folder / "plan.toml").write_text(plan_text(agents=20, skills=1) + PAIR, encoding="utf-8")
        own = _site(folder, environ)
        with _router(environ) as router:
            _lined_up(own, 1, router)  # it has begun, although the other site did not open its gate
            return _timed(own, environ, router)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _timed(own: Database, environ: dict[str, str], router: "subprocess.Popen[bytes]") -> float:
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "agents_ui.cli",
        "site",
        "take-over",
        "a",
        "--yes",
        "--anyway",
        "--why",
        "bench",
    ]
    said = subprocess.run(command, env=environ, capture_output=True, check=False, text=True)
    if said.returncode:
        raise RuntimeError(said.stdout + said.stderr)
    _lined_up(own, OPEN + 1, router)
    return time.monotonic() - began


def _lined_up(own: Database, wanted: int, router: "subprocess.Popen[bytes]") -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s and router.poll() is None:
        with own.reading() as db:
            found = db.row("SELECT count(*) FROM interaction WHERE closed_seq = 0 AND state = 'waiting'")
        if found is not None and found[0] >= wanted:
            return
        time.sleep(0.02)
    raise RuntimeError(f"{wanted} do not wait after {PATIENCE_S:.0f} s")


def _site(folder: Path, environ: dict[str, str]) -> Database:
    """The surviving site's own database with its copy of the dead one, and one interaction of its own."""
    plan = parse_plan((folder / "plan.toml").read_text(encoding="utf-8"), file_name="benchmark")
    own = open_database(environ["DATABASE_URL"], unsafe=True)
    own.create_tables(site="b")
    with _committer(own) as committer:
        committer.submit(ActivatePlan(plan=plan, by="benchmark")).result()
        committer.submit(Conversations((1_000_000,), lined_up=False)).result()
    dead = open_database(f"sqlite:///{folder}/dead.db", unsafe=True)
    dead.create_tables(site="a")
    with _committer(dead) as committer:
        for first in range(0, OPEN, AT_ONCE):
            committer.submit(Conversations(range(first, first + AT_ONCE))).result()
    copy = open_copy(read_settings(environ), "a")
    with dead.reading() as theirs:
        while True:
            with copy.reading() as db:
                after_seq = last_seq(db)
            batch = read_batch(theirs, after_seq=after_seq)
            if not batch.rows:
                break
            with copy.writing() as db:
                take_batch(db, batch)
    copy.close()
    dead.close()
    return own


@contextmanager
def _committer(database: Database) -> Iterator[Committer]:
    committer = Committer(database)
    try:
        yield committer
    finally:
        committer.close()


@contextmanager
def _router(environ: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "agents_ui.cli", "router"], env=environ, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _conversation(number: int, at_ms: int) -> Iterator[Fact]:
    """Somebody nobody knew, their messages, what triage made of the first, and the place in line."""
    ref = f"{number:08}-0000-4000-8000-000000000000"
    customer = f"person-{number}"
    yield fact(
        "customer_added",
        customer,
        identity_id=customer,
        channel="chat",
        account="",
        address_hash=f"hash-{number}",
        verified=True,
    )
    yield _arrived(number, ref, customer, at_ms)
    for message in range(1, MESSAGES):
        said = _said(number, message, at_ms)
        yield fact("message_added", ref, direction="in", author_id="", reading="read", **said)
    wish = {
        "queue_id": "line",
        "urgency": 1 + number % 5,
        "requirement": WISH,
        "rule_id": "everything",
    }
    read = {"language": "en", "reading": "read", "hits": []}
    yield fact("read", ref, message_id=f"m-{number}-0", **wish, **read)
    yield fact("queued", ref, at_ms=at_ms, why="read", command_id="", **wish)


def _arrived(number: int, ref: str, customer: str, at_ms: int) -> Fact:
    return fact(
        "arrived",
        ref,
        channel="chat",
        account="",
        customer_id=customer,
        identity_id=customer,
        address_hash=f"hash-{number}",
        verified=True,
        thread=f"hash-{number}",
        connection_id="",
        parked_until_ms=at_ms + 2_000,
        traffic="real",
        **_said(number, 0, at_ms),
    )


def _said(number: int, message: int, at_ms: int) -> dict[str, str | int]:
    return {
        "message_id": f"m-{number}-{message}",
        "content_id": f"c-{number}-{message}",
        "content_hash": "",
        "client_id": "",
        "message_kind": "text",
        "received_at_ms": at_ms,
        "web_id": "",
    }
