"""`make run-two`: what it prints is enough to kill one site, go on at the other, and stop."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from router.journal.database import Database, open_database
from router.sites.copy_gaps import acked_through
from router.sites.ownership import owner_of

pytestmark = [pytest.mark.long, pytest.mark.system, pytest.mark.timed, pytest.mark.timeout(900)]
GUARD_S = 300
"""Also of a start: where others use the processors, roles that are silent for 3 s are begun anew."""
ROOT = Path(__file__).parents[2]


class Two:
    """The command, and what it prints."""

    def __init__(self, folder: Path, port: int) -> None:
        self.lines: list[str] = []
        self.environ = {
            **os.environ,
            "MUSTER_DATA": str(folder),
            "MUSTER_PORT": str(port),
            "MUSTER_UNSAFE": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agents_ui.cli", "two"],
            env=self.environ,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._hear, daemon=True)
        self._listener.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.strip())

    def said(self, words: str) -> str:
        """The first line with these words; empty as long as there is none."""
        return next((line for line in self.lines if words in line), "")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(GUARD_S)
        self._listener.join(GUARD_S)
        return status


def until(true: Callable[[], object]) -> None:
    """Wait until it is so; the time is only a guard."""
    deadline = time.monotonic() + GUARD_S
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.3)


def free_port() -> int:
    """A port of which the third after it, and both a hundred later, are free as well."""
    for port in range(12_000 + os.getpid() % 5_000, 31_000, 7):
        with suppress(OSError):
            for each in (port, port + 3, port + 100, port + 103):
                with socket.create_server(("127.0.0.1", each)):
                    pass
            return port
    raise OSError("no ports are free")


def processes_of(group: int) -> list[int]:
    """Everything that lives in this process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            state, _, pgid = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if state != "Z" and int(pgid) == group:
                found.append(int(folder.name))
    return found


def test_one_of_two_sites_is_killed_as_it_says_and_the_other_one_goes_on(data_dir: Path) -> None:
    """Somebody who has never done it tries it out on a laptop, with nothing but what they read there."""
    two = Two(data_dir, free_port())
    try:
        until(lambda: two.said("both sites are ready") or two.process.poll() is not None)
        assert two.process.poll() is None, "\n".join(two.lines)
        database = open_database(f"sqlite:///{data_dir}/a/muster.db", unsafe=True)
        with database.reading() as db:
            began = acked_through(db)
        until(lambda: _acked(database) > began)  # the demo's contacts are at both
        database.close()
        kill = two.said("kill a").removeprefix("kill a").strip()
        group = -int(kill.rpartition(" ")[2])
        assert len(processes_of(group)) > 4
        subprocess.run(["sh", "-c", kill], check=True)  # as typed: the kill of a shell is its own
        until(lambda: not processes_of(group))
        until(lambda: two.said("site a has ended"))
        assert two.process.poll() is None
        words = shlex.split(two.said("take it over").removeprefix("take it over"))
        settings = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        command = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        done = subprocess.run(
            [sys.executable, "-m", "agents_ui.cli", *command[1:], "--yes"],
            env={**two.environ, **settings},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=GUARD_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        database = open_database(f"sqlite:///{data_dir}/b/muster.db", unsafe=True)
        with database.reading() as db:
            assert owner_of(db, "a").site == "b"
        database.close()
        assert two.stop() == 0
    finally:
        with suppress(subprocess.TimeoutExpired):
            two.stop()
        two.process.kill()


def _acked(database: Database) -> int:
    with database.reading() as db:
        return acked_through(db)
