"""A centre to be hurt: a real `muster up` in a folder of its own, its sign-ins, and what is done to it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, TypeVar

import psycopg

from router.journal.connection import Connection
from router.journal.database import open_database
from router.journal.postgres import OUR_NAME
from router.journal.stream import read_rows
from router.records import Row
from tests.roles.centre import READY_S, Centre, running
from tests.roles.redis_process import RedisProcess, wait_until
from tests.system.far_side import ACCOUNTS, FarSide, far_side

Answer = TypeVar("Answer")

SITE: Final = """\
[site]
id = "here"
name = "Here"
time_zone = "Europe/Amsterdam"
languages = ["en"]

[[skills]]
id = "care"
name = "Care"

[[queues]]
id = "first"
name = "First"
requirement = { require = { care = 1 } }

[[rules]]
id = "fire"
urgency = 1
when = { field = "words", operator = "has_any", value = ["fire"] }

[[rules]]
id = "hurt"
urgency = 2
when = { field = "words", operator = "has_any", value = ["hurt"] }

[[rules]]
id = "question"
urgency = 4
when = { field = "words", operator = "has_any", value = ["when"] }

[[people]]
id = "sam"
name = "Sam"
role = "supervisor"

[[reasons]]
id = "break"
name = "Break"

[[dispositions]]
id = "done"
name = "Done"
"""

CHANNEL: Final = """
[[channels]]
id = "{id}"
name = "{id}"
queue_id = "first"
urgency = 3
load = 30
max_at_once = 3
offer_ms_urgent = 15_000
offer_ms = 30_000
body_bytes_max = 65_536
message_characters_max = 1_600
attachment_bytes_max = 0
abandoned_after_ms = 120_000
"""

CHANNELS: Final = "".join(CHANNEL.format(id=each) for each in ("chat", "sms", "mail"))
"""Equal channels and one queue that everybody may serve: service is by urgency and arrival alone."""

PERSON: Final = """
[[people]]
id = "{id}"
name = "Agent {id}"
role = "agent"
skills = {{ care = 3 }}
"""

HOLD_S: Final = 60.0
"""How long a process is stopped at moments, and let go again, until it is found to hold the counter."""

HOLD_WAIT_S: Final = 2.0

_WRITES: Final = """
    SELECT 1 FROM pg_stat_activity
    WHERE application_name = %s AND backend_xid IS NOT NULL
"""

LOOKS: Final = 15
LOOK_S: Final = 0.01
"""Found locked at every one of so many looks: others hold the counter for a few milliseconds each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A centre with its sign-ins and what it takes to hurt it."""

    centre: Centre
    sign_ins: dict[str, str]
    far: FarSide

    @property
    def url(self) -> str:
        return str(self.centre.ports()["web"]["url"])

    @property
    def smtp_port(self) -> int:
        return int(self.centre.ports()["smtp"]["port"])

    @property
    def database_url(self) -> str:
        return self.centre.environ["DATABASE_URL"]

    @property
    def environ(self) -> dict[str, str]:
        """What it was started with besides its folder, to start it again."""
        mine = {"DATABASE_URL": self.database_url, "MUSTER_PLAN": self.centre.environ["MUSTER_PLAN"]}
        return self.far.environ | mine

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """What the tables say, in one consistent look."""
        database = open_database(self.database_url, unsafe=True)
        try:
            with database.reading() as db:
                return question(db)
        finally:
            database.close()

    def redis_answers(self) -> bool:
        """Whether there is a Redis that answers."""
        return self._redis_says("PING").startswith("+PONG")

    def empty_redis(self) -> None:
        """FLUSHALL."""
        assert self._redis_says("FLUSHALL").startswith("+OK")

    def _redis_says(self, command: str) -> str:
        return RedisProcess(folder=self.centre.data_dir / "run").say(command)

    def rows(self, after_seq: int = 0) -> list[Row]:
        """The journal after this row."""
        return self.ask(lambda db: read_rows(db, after_seq=after_seq, limit=1_000_000))

    def kill(self, role: str) -> int:
        """kill -9 at a random moment; the process id."""
        return self.centre.send(role, signal.SIGKILL)

    def empty_redis_and_kill(self, role: str) -> int:
        """FLUSHALL, and kill -9 of who could have said it again."""
        self.empty_redis()
        return self.kill(role)

    def freeze(self, role: str) -> int:
        """SIGSTOP; the process id."""
        return self.centre.send(role, signal.SIGSTOP)

    def at_once(self, hurt: Callable[[str], int], *roles: str) -> list[int]:
        """The same to several of them."""
        return [hurt(role) for role in roles]

    def freeze_holding_the_counter(self, role: str, random: Random) -> int:
        """SIGSTOP in the middle of a transaction that holds the counter; the process id.

        Nothing in the product helps: the process is stopped at random moments, and let go again until the
        counter is found locked and stays so. Where the server says who writes, such a moment is awaited.
        """
        pid = self.centre.pid(role)
        give_up = time.monotonic() + HOLD_S
        with _counter(self.database_url) as is_free, _moments(self.database_url, pid, random) as moment:
            while time.monotonic() < give_up:
                moment()
                os.kill(pid, signal.SIGSTOP)
                if _stays_locked(is_free):
                    return pid
                os.kill(pid, signal.SIGCONT)
        raise AssertionError(f"{role} never held the counter when it was stopped")

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        """Redis is killed, and none can be started: something is in the way of its socket."""
        path = self.centre.data_dir / "run" / "redis.sock"
        self.kill("redis")
        path.unlink(missing_ok=True)
        while True:
            try:
                path.mkdir()
                break
            except FileExistsError:  # the next one was quicker
                self.kill("redis")
                path.unlink(missing_ok=True)
        (path / "in-the-way").touch()
        try:
            yield
        finally:
            (path / "in-the-way").unlink()
            path.rmdir()

    def asks_journal(self, question: str) -> None:
        """`muster journal verify` or `replay`. Raises AssertionError with what it found."""
        done = subprocess.run(
            [sys.executable, "-m", "agents_ui.cli", "journal", question],
            env=self.centre.environ,
            capture_output=True,
            text=True,
            timeout=READY_S,
        )
        assert done.returncode == 0, f"journal {question}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@contextmanager
def patient(data_dir: Path, *, agents: int, **environ: str) -> Iterator[Patient]:
    """`muster up` with a plan of so many equal agents and all three channels, once everything serves."""
    names = [f"agent-{number:02}" for number in range(1, agents + 1)]
    plan = data_dir / "plan.toml"
    people = "".join(PERSON.format(id=name) for name in names)
    plan.write_text(SITE + CHANNELS + people + ACCOUNTS, encoding="utf-8")
    environ = {"DATABASE_URL": f"sqlite:///{data_dir}/muster.db", **environ}
    with far_side() as far, running(data_dir, MUSTER_PLAN=str(plan), **far.environ, **environ) as centre:
        words = [line.split() for line in centre.lines]
        sign_ins = {each[0]: each[1] for each in words if len(each) > 2 and each[0] in names}
        assert sorted(sign_ins) == names
        wait_until(lambda: centre.active_router() > 0, "a router is active", within_s=READY_S)
        yield Patient(centre=centre, sign_ins=sign_ins, far=far)


@contextmanager
def _counter(url: str) -> Iterator[Callable[[], bool]]:
    """Whether nobody holds the counter just now, asked from outside."""
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
        try:
            yield lambda: _sqlite_is_free(file)
        finally:
            file.close()
    else:
        with psycopg.connect(url, autocommit=True) as server:
            yield lambda: _postgres_is_free(server)


@contextmanager
def _moments(url: str, pid: int, random: Random) -> Iterator[Callable[[], None]]:
    """Waits for a moment at which this process may be writing: any, where the server does not say."""
    if url.startswith("sqlite"):
        yield lambda: time.sleep(random.uniform(0, 0.02))
        return
    with psycopg.connect(url, autocommit=True) as server:
        yield lambda: _until_it_writes(server, pid, random)


def _until_it_writes(server: "psycopg.Connection[tuple[object, ...]]", pid: int, random: Random) -> None:
    give_up = time.monotonic() + HOLD_WAIT_S
    while time.monotonic() < give_up:
        if server.execute(_WRITES, (f"{OUR_NAME} {pid}",)).fetchone():
            break
    time.sleep(random.uniform(0, 0.002))


def _stays_locked(is_free: Callable[[], bool]) -> bool:
    for _ in range(LOOKS):
        if is_free():
            return False
        time.sleep(LOOK_S)
    return True


def _sqlite_is_free(file: sqlite3.Connection) -> bool:
    try:
        file.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    file.execute("ROLLBACK")
    return True


def _postgres_is_free(server: "psycopg.Connection[tuple[object, ...]]") -> bool:
    try:
        server.execute("SELECT 1 FROM stream WHERE own = 1 FOR UPDATE NOWAIT")
    except psycopg.errors.LockNotAvailable:
        return False
    return True


async def answers(url: str) -> bool:
    """Whether /readyz says that the web can keep something."""
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(
                    f"GET /readyz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
                )
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
