"""`muster up` as a process of its own, and what a test does to it: facts in, decisions out, signals."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import waits_for_order
from router.journal.appends import FactsAppend
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.stream import read_rows
from router.records import Row, fact
from tests.roles.redis_process import wait_until

READY_S = 60
"""Two cores shared with other tests; alone it takes about three seconds."""


@dataclass
class Centre:
    """A running `muster up`."""

    data_dir: Path
    environ: dict[str, str]
    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return any(line.startswith("ready ") for line in self.lines)

    def children(self) -> dict[str, int]:
        """Process ids by role; of two routers the active one, or any while none is."""
        found = {}
        active = self.active_router()
        for pid in _children(self.process.pid):
            words = _command(pid)
            if "agents_ui.cli" in words and not waits_for_order(pid):
                role = words[words.index("agents_ui.cli") + 1]
                if role != "router" or active in (pid, 0) or role not in found:
                    found[role] = pid
            elif words and "-server" in words[0]:
                found["redis"] = pid
        return found

    def active_router(self) -> int:
        """Process id of the router that has the lease; 0 where none has."""
        database = open_database(self.environ["DATABASE_URL"], unsafe=True)
        try:
            with database.reading() as db:
                found = db.row("SELECT owner FROM lease WHERE name = 'router'")
        finally:
            database.close()
        pid = int(found[0].rpartition("/")[2]) if found else 0
        return pid if pid in _children(self.process.pid) else 0

    def pids(self) -> list[int]:
        """Of all its children."""
        return _children(self.process.pid)

    def pid(self, role: str) -> int:
        """Of this role; waits until it runs."""
        found: dict[str, int] = {}

        def runs() -> bool:
            found.update(self.children())
            return role in found

        wait_until(runs, f"{role} runs", within_s=READY_S)
        return found[role]

    def send(self, role: str, number: signal.Signals) -> int:
        """Send a signal to a role; its process id."""
        pid = self.pid(role)
        os.kill(pid, number)
        return pid

    def says(self, text: str) -> bool:
        """Whether some line it printed holds this text."""
        return any(text in line for line in self.lines)

    def ports(self) -> dict[str, dict[str, Any]]:
        """ports.json."""
        found: dict[str, dict[str, Any]] = json.loads((self.data_dir / "ports.json").read_text())
        return found

    @contextmanager
    def journal(self) -> Iterator["Journal"]:
        """The centre's journal, from outside."""
        database = open_database(self.environ["DATABASE_URL"], unsafe=True)
        committer = Committer(database)
        try:
            yield Journal(database, committer)
        finally:
            committer.close()
            database.close()

    def stop(self, *, within_s: float = 10) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def kill_all(self) -> None:
        """kill -9 of every process of it at once, as when the machine dies."""
        for pid in (*self.pids(), self.process.pid):
            with suppress(ProcessLookupError):  # without the first, others end by themselves
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        for pid in _children(self.process.pid):
            os.kill(pid, signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@dataclass
class Journal:
    """Reads and appends what a web would."""

    database: Database
    committer: Committer

    def say(self, kind: str, ref: str, **data: object) -> None:
        self.committer.submit(FactsAppend(facts_to_append=(fact(kind, ref, **data),))).result()

    def signs_in(self, agent_id: str, *, web_id: str) -> None:
        """An agent opens a desk at a web and is available."""
        self.say("desk_joined", agent_id, desk_id=f"desk-{agent_id}", web_id=web_id)
        self.say("presence_declared", agent_id, available=True, reason="", command_id="", by=agent_id)

    def arrives(self, interaction_id: str, *, urgency: int = 3, queue: str = "public-information") -> None:
        """A contact arrives and is read."""
        for said in arrival(interaction_id, urgency=urgency, queue=queue):
            self.committer.submit(FactsAppend(facts_to_append=(said,))).result()

    def rows(self, *kinds: str) -> list[Row]:
        """Rows of these kinds; of every kind when none is named."""
        with self.database.reading() as db:
            return [
                row for row in read_rows(db, after_seq=0, limit=1_000_000) if not kinds or row.kind in kinds
            ]

    def refs(self, kind: str) -> list[str]:
        """The refs of all rows of this kind, in order."""
        return [row.ref for row in self.rows(kind)]

    def web_ids(self) -> list[str]:
        """Webs that renewed lately."""
        with self.database.reading() as db:
            rows = db.rows("SELECT name FROM lease WHERE name LIKE 'web/%' ORDER BY until_ms DESC")
        return [name.removeprefix("web/") for (name,) in rows]


def arrival(interaction_id: str, *, urgency: int, queue: str) -> tuple[Any, Any]:
    """The facts of a contact that arrived and was read."""
    message = f"{interaction_id}-m"
    arrived = fact(
        "arrived",
        interaction_id,
        channel="chat",
        account="",
        customer_id="",
        thread=f"t-{interaction_id}",
        connection_id="",
        traffic="real",
        message_id=message,
        content_id=f"{message}-c",
        client_id=message,
        message_kind="text",
    )
    read = fact(
        "read",
        interaction_id,
        message_id=message,
        queue_id=queue,
        urgency=urgency,
        requirement={"require": [], "require_any": [], "forbid": [], "prefer": []},
        rule_id="rule",
        language="en",
        reading="read",
        hits=[],
    )
    return arrived, read


@contextmanager
def running(data_dir: Path, *words: str, wait: bool = True, **environ: str) -> Iterator[Centre]:
    """`muster up` on this folder; with wait, once everything serves."""
    full = {
        **os.environ,
        "MUSTER_DATA": str(data_dir),
        "MUSTER_PORT": "0",
        "MUSTER_UNSAFE": "1",
        "DATABASE_URL": f"sqlite:///{data_dir}/muster.db",
        "REDIS_URL": "",
        "PYTHONWARNINGS": "",
        **environ,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "agents_ui.cli", "up", *words],
        env=full,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    centre = Centre(data_dir=data_dir, environ=full, process=process)
    reader = threading.Thread(target=_copy_lines, args=(process, centre.lines), daemon=True)
    reader.start()
    try:
        if wait:
            wait_until(lambda: centre.ready or process.poll() is not None, "ready", within_s=READY_S)
            assert centre.ready, "\n".join(centre.lines)
        yield centre
    finally:
        centre.close()
        reader.join(5)
        assert process.stdout is not None
        process.stdout.close()


def _copy_lines(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip("\n"))


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(each) for each in task.read_text().split()]
        except OSError:
            continue
    return found


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    except OSError:
        return []
