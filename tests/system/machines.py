"""A site on several machines: each role started by itself, as systemd would, on one PostgreSQL and one Redis.

Every machine has a data folder of its own. That a role serves is heard the way systemd hears it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from router.journal.connection import Connection
from router.journal.database import Database, open_database
from router.journal.stream import read_rows
from router.records import Row
from router.run.ground import usable_port
from tests.roles.redis_process import RedisProcess, wait_until
from tests.system.centre import CHANNELS, PERSON, SITE
from tests.system.far_side import ACCOUNTS, FarSide, far_side

Answer = TypeVar("Answer")

HOST: Final = "127.0.0.1"
READY_S: Final = 90.0
STOP_S: Final = 60.0
RESTARTS_MAX: Final = 5

OLD_START_S: Final = 10.0
"""A role of a release that tells systemd nothing has started after this long; a web listens."""

_OLD_PREPARE: Final = """
from pathlib import Path
from agents_ui.commands.up import _prepare
from config.settings import read_settings
for each in _prepare(read_settings(), demo=False)[1]:
    print(each.agent_id, each.password)
"""
"""What `muster up` of a release without `muster prepare` does before it starts roles."""

OURS: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True, kw_only=True)
class Role:
    """One process of a role. Shape: `checkout` is the release it is started from."""

    name: str
    words: tuple[str, ...]
    environ: dict[str, str]
    folder: Path
    checkout: Path = OURS
    process: "subprocess.Popen[bytes] | None" = None
    serves: bool = False
    exits: list[int] = field(default_factory=list)
    wanted: bool = False
    restarts: int = 0
    _heard: socket.socket | None = None
    _began: float = 0.0

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Begin; it is heard to serve by has_served()."""
        self._listen()
        self.wanted = True
        self.serves, self._began = False, time.monotonic()
        log = (self.folder / f"{self.name}.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agents_ui.cli", *self.words],
                env={**self.environ, "NOTIFY_SOCKET": str(self._path), "PYTHONPATH": str(self.checkout)},
                cwd=self.checkout,
                stdout=log,
                stderr=log,
            )

    def has_served(self) -> bool:
        """Whether it has said that it serves. Fails when it ended instead."""
        assert self._heard is not None and self.process is not None
        with suppress(BlockingIOError):
            while not self.serves:
                self.serves = b"READY=1" in self._heard.recv(4096)
        if "NOTIFY_SOCKET" not in (self.checkout / "router/run/beat.py").read_text():
            self.serves = self._old_serves()
        assert self.restarts < RESTARTS_MAX, f"{self.name} ends again and again:\n{self.said()[-3000:]}"
        self.keep()
        return self.serves

    def _old_serves(self) -> bool:
        if self.words != ("web",):
            return time.monotonic() - self._began > OLD_START_S
        with suppress(OSError), socket.create_connection((HOST, int(self.environ["MUSTER_PORT"])), 1):
            return True
        return False

    def keep(self) -> None:
        """What systemd does with Restart=always: a router whose lease was lost on a busy machine ends."""
        if self.wanted and self.process is not None and self.process.poll() is not None:
            self.restarts += 1
            self.start()

    def wait(self) -> None:
        """Until it serves."""
        wait_until(self.has_served, f"{self.name} serves", within_s=READY_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; how it ended."""
        assert self.process is not None
        self.wanted = False
        self.process.send_signal(number)
        self.exits.append(self.process.wait(STOP_S))
        return self.exits[-1]

    def roll(self, checkout: Path | None = None) -> None:
        """In order, as an upgrade does: stop, start (of another release), wait until it serves."""
        status = self.stop()
        assert status == 0, f"{self.name} ended by {status}:\n{self.said()[-3000:]}"
        self.checkout = checkout or self.checkout
        self.start()
        self.wait()

    def said(self) -> str:
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        if self._heard is not None:
            self._heard.close()

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.name}.notify"

    def _listen(self) -> None:
        if self._heard is not None:
            self._heard.close()
        self._path.unlink(missing_ok=True)
        self._heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._heard.bind(str(self._path))
        self._heard.setblocking(False)


@dataclass(slots=True, kw_only=True)
class Machines:
    """All roles of a site. Shape: what trial.Trial and verdict.py ask of a centre is here as well."""

    folder: Path
    environ: dict[str, str]
    far: FarSide
    port: int
    """Of the balancer that whoever runs it puts in front."""
    sign_ins: dict[str, str] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    _database: Database | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def web_ports(self) -> list[int]:
        return [int(role.environ["MUSTER_PORT"]) for role in self.roles.values() if role.words == ("web",)]

    @property
    def smtp_port(self) -> int:
        return int(self.roles["mail-1"].environ["MUSTER_SMTP_PORT"])

    def of(self, kind: str) -> list[Role]:
        return [role for role in self.roles.values() if role.words == (kind,)]

    def add(self, name: str, checkout: Path = OURS) -> Role:
        """A role called kind-number; the number is that of its machine."""
        kind, _, number = name.partition("-")
        home = self.folder / f"machine-{number}"
        home.mkdir(exist_ok=True)
        own = {"MUSTER_DATA": str(home)}
        if kind == "web":
            own["MUSTER_PORT"] = str(usable_port(HOST, 0))
        if kind == "mail":
            own["MUSTER_SMTP_PORT"] = str(usable_port(HOST, 0))
        role = self.roles[name] = Role(
            name=name, words=(kind,), environ=self.environ | own, folder=self.folder, checkout=checkout
        )
        role.start()
        return role

    def prepare(self, checkout: Path = OURS) -> None:
        """`muster prepare`; of a release that has none: what its `muster up` does before roles start."""
        has_it = (checkout / "agents_ui/commands/prepare.py").exists()
        done = subprocess.run(
            [sys.executable, *(("-m", "agents_ui.cli", "prepare") if has_it else ("-c", _OLD_PREPARE))],
            env={**self.environ, "MUSTER_DATA": str(self.folder), "PYTHONPATH": str(checkout)},
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.note_sign_ins(done.stdout)

    def note_sign_ins(self, printed: str) -> None:
        words = [line.split() for line in printed.splitlines()]
        self.sign_ins |= {each[0]: each[1] for each in words if each and each[0].startswith("agent-")}

    def wait(self) -> None:
        """Until every role serves."""
        for role in self.roles.values():
            role.wait()

    def active_router(self) -> Role:
        """The router that decides."""
        wait_until(lambda: self._router() is not None, "a router decides", within_s=READY_S)
        found = self._router()
        assert found is not None
        return found

    def _router(self) -> Role | None:
        found = self.ask(lambda db: db.row("SELECT owner FROM lease WHERE name = 'router'"))
        pid = int(found[0].rpartition("/")[2]) if found else 0
        living = [role for role in self.of("router") if role.process and role.process.poll() is None]
        return next((role for role in living if role.pid == pid), None)

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """What the tables say, in one consistent look."""
        if self._database is None:
            self._database = open_database(self.environ["DATABASE_URL"], unsafe=True)
        with self._database.reading() as db:
            return question(db)

    def rows(self, after_seq: int = 0) -> list[Row]:
        return self.ask(lambda db: read_rows(db, after_seq=after_seq, limit=1_000_000))

    def desks_of_webs(self) -> list[int]:
        """How many desks each web has that has any."""
        counts = "SELECT count(*) FROM connection WHERE kind = 'desk' GROUP BY web_id ORDER BY web_id"
        return [count for (count,) in self.ask(lambda db: db.rows(counts))]

    def left_over(self) -> int:
        """Interactions that are open and answers that have not left."""
        question = (
            "SELECT (SELECT count(*) FROM interaction WHERE closed_seq = 0)"
            " + (SELECT count(*) FROM outbox WHERE status = 'due')"
        )
        found = self.ask(lambda db: db.row(question))
        assert found is not None
        return int(found[0])

    def asks_journal(self, question: str) -> None:
        """`muster journal verify` or `replay` is content."""
        done = subprocess.run(
            [sys.executable, "-m", "agents_ui.cli", "journal", question],
            env={**self.environ, "MUSTER_DATA": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )
        assert done.returncode == 0, f"journal {question}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    def close(self) -> None:
        for role in self.roles.values():
            role.close()
        if self._database is not None:
            self._database.close()


@contextmanager
def machines(
    data_dir: Path, url: str, *, agents: int, environ: Mapping[str, str] | None = None
) -> Iterator[Machines]:
    """A site without roles: whoever wants some prepares it and adds them. Redis runs already."""
    names = [f"agent-{number:02}" for number in range(1, agents + 1)]
    plan = data_dir / "plan.toml"
    plan.write_text(SITE + CHANNELS + "".join(PERSON.format(id=name) for name in names) + ACCOUNTS)
    redis = RedisProcess(folder=data_dir)
    redis.start()
    port = usable_port(HOST, 0)
    with far_side() as far:
        own = {
            "MUSTER_PLAN": str(plan),
            "MUSTER_PUBLIC_URL": f"http://{HOST}:{port}",
            "MUSTER_UNSAFE": "1",
            "DATABASE_URL": url,
            "REDIS_URL": redis.url,
        }
        found = Machines(
            folder=data_dir,
            environ={**os.environ, **far.environ, **own, **(environ or {})},
            far=far,
            port=port,
        )
        try:
            yield found
        finally:
            found.close()
            redis.kill()
