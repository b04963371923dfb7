"""A real centre for one measurement: `muster up` on its own folder, with as many agents as wanted.

People and sessions are put into the new database before it starts, because signing 500 people in by password
would measure Argon2id, which is slow on purpose.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agents_ui.access.people import AddPeople, NewPerson
from agents_ui.access.sessions import BeginSession, cookie_name, hash_of
from benchmarks.plans import plan_text
from benchmarks.processes import cpu_s, tree_of, waits_for_order
from config.plan import Plan
from config.plan_file import parse_plan
from config.settings import Settings, read_settings, site_id_of
from router.journal.committer import Committer
from router.journal.database import Connection, Database, open_database
from router.run.plan_activation import ActivatePlan

READY_S: Final = 30.0
NO_PASSWORD: Final = "benchmark"
"""In place of a password's hash: nobody can sign in with it, the session is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A centre that serves. `cookies` has the session of every agent, by id; `pid` is `muster up`."""

    url: str
    data_dir: Path
    pid: int
    cookies: Mapping[str, str]

    def pid_of(self, role: str) -> int:
        """The process of a role."""
        for pid in tree_of(self.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if command[-2:-1] == [role.encode()] and not waits_for_order(pid):
                return pid
        raise LookupError(role)

    def wait_ready(self) -> None:
        """Wait until the web answers that it can commit."""
        give_up = time.monotonic() + READY_S
        while time.monotonic() < give_up:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.url} is not ready")

    def cpu_s(self) -> float:
        """Processor seconds of all its processes so far, Redis included."""
        return sum(cpu_s(pid) for pid in tree_of(self.pid))


@contextmanager
def running_site(
    *, agents: int, at_once: int = 1, plan_more: str = "", environ: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Site]:
    """A new centre that serves, and is gone afterwards. plan_more goes to the end of its plan."""
    data_dir = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    try:
        plan_file = plan_text(agents=agents, at_once=at_once) + plan_more
        environ = {**_environ(data_dir, plan_file), **environ}
        settings = read_settings(environ)
        with _prepared(settings) as (database, committer, plan):
            cookies = add_people(committer, plan, settings)
            database.close()
        with _started(environ) as process:
            ports = json.loads((data_dir / "ports.json").read_text())
            yield Site(url=ports["web"]["url"], data_dir=data_dir, pid=process.pid, cookies=cookies)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


@contextmanager
def running_web(*, plan_more: str, environ: Mapping[str, str]) -> Iterator[Site]:
    """One web process on its own new database, and nothing else: no router, no worker, no Redis."""
    data_dir = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {**_environ(data_dir, plan_text(agents=1, at_once=1) + plan_more), **environ}
    environ["MUSTER_PORT"] = str(port)
    with _prepared(read_settings(environ)) as (database, _, _):
        database.close()
    process = subprocess.Popen([sys.executable, "-m", "agents_ui.cli", "web"], env=environ)
    try:
        site = Site(url=f"http://127.0.0.1:{port}", data_dir=data_dir, pid=process.pid, cookies={})
        site.wait_ready()
        yield site
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(data_dir, ignore_errors=True)


@contextmanager
def _prepared(settings: Settings) -> Iterator[tuple[Database, Committer, Plan]]:
    plan = parse_plan(settings.plan_file.read_text(), file_name="benchmark")
    database = open_database(settings.database_url)
    database.create_tables(site=site_id_of(settings, plan))
    committer = Committer(database)
    committer.submit(ActivatePlan(plan=plan, by="benchmark")).result()
    try:
        yield database, committer, plan
    finally:
        committer.close()


def add_people(committer: Committer, plan: Plan, settings: Settings) -> dict[str, str]:
    """The agents of the plan, signed in; the cookie of each."""
    agents = [person for person in plan.people if person.role == "agent"]
    new = [
        NewPerson(agent_id=p.agent_id, name=p.name, role=p.role, password_hash=NO_PASSWORD) for p in agents
    ]
    committer.submit(AddPeople(people=tuple(new))).result()
    cookies = {}
    for person in agents:
        token = secrets.token_urlsafe(32)
        session = BeginSession(
            agent_id=person.agent_id,
            role=person.role,
            token_hash=hash_of(token),
            expires_at_ms=1 << 52,
            password_hash=NO_PASSWORD,
        )
        committer.submit(session)
        cookies[person.agent_id] = f"{cookie_name(settings)}={token}"
    committer.submit(_Statement("UPDATE credential SET must_change = 0")).result()
    return cookies


@dataclass(frozen=True, slots=True)
class _Statement:
    """An append without facts: one statement on content, in its turn."""

    sql: str

    def write_content(self, db: Connection) -> None:
        db.run(self.sql)

    def facts(self, db: Connection, at_ms: int) -> tuple[()]:
        return ()


@contextmanager
def _started(environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "agents_ui.cli", "up"]
    process = subprocess.Popen(
        command, env=dict(environ), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _wait_ready(process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("ready"):
            return
    raise RuntimeError("muster up ended before it was ready:\n" + "".join(lines))


def _environ(data_dir: Path, plan: str) -> dict[str, str]:
    plan_file = data_dir / "plan.toml"
    plan_file.write_text(plan)
    own = {
        "MUSTER_DATA": str(data_dir),
        "MUSTER_PORT": "0",
        "MUSTER_PLAN": str(plan_file),
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }
    return {**os.environ, **own}
