"""Two real sites that stand in for each other: `muster up` twice, at two hosts for whoever keeps cookies."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.journal.database import open_database
from tests.browser.real_centre import RealCentre, free_port

DEFAULT = Path(__file__).parents[2] / "config" / "default.toml"
NAMES = {"east": "127.0.0.1", "west": "localhost"}
"""A cookie knows no ports: two names of one machine are two sites to a browser."""

WITHIN_S = 60.0


@dataclass(kw_only=True)
class Site(RealCentre):
    """One of the two."""

    name: str

    @property
    def url(self) -> str:
        return f"http://{NAMES[self.name]}:{self.port}"

    def kill_all(self) -> None:
        """Every process of the site at once, as when its power fails."""
        assert self._process is not None
        children = _children_of(self._process.pid)
        for pid in (self._process.pid, *children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it went with its parent
        self._process.wait(WITHIN_S)

    def command(self, *words: str) -> Any:
        """What a command of the program says, as JSON, run beside the site."""
        done = subprocess.run(
            [sys.executable, "-m", "agents_ui.cli", *words, "--json"],
            env=os.environ | self.environment(),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the site's own tables say."""
        database = open_database(f"sqlite:///{self.folder}/muster.db", unsafe=True)
        try:
            with database.reading() as db:
                return db.rows(sql)
        finally:
            database.close()


@dataclass
class TwoCentres:
    """Sites east, which makes the people, and west, which learns them."""

    folder: Path
    east: Site = field(init=False)
    west: Site = field(init=False)

    def __post_init__(self) -> None:
        ports = {name: (free_port(), free_port()) for name in NAMES}
        peers = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in ports.items())
        urls = ",".join(f"{name}=http://{NAMES[name]}:{port}" for name, (port, _) in ports.items())
        shared = {
            "MUSTER_PLAN": str(self._plan()),
            "MUSTER_SITES": urls,
            "MUSTER_PEERS": peers,
            "MUSTER_SECRET_PEER_KEY": secrets.token_hex(32),
        }
        for name, (port, peer) in ports.items():
            own = {"MUSTER_SITE": name, "MUSTER_PEER_PORT": str(peer)}
            (self.folder / name).mkdir()
            site = Site(name=name, folder=self.folder / name, settings=shared | own, fixed_port=port)
            setattr(self, name, site)

    def start(self) -> None:
        """Both serve, and west knows everybody."""
        self.east.start()
        self.west.start()
        self.west.one_time = self.east.one_time
        until(lambda: len(self.west.rows("SELECT 1 FROM person")) >= len(self.east.one_time))

    def stop(self) -> None:
        for site in (self.east, self.west):
            site.stop()

    def _plan(self) -> Path:
        """The plan that comes with Muster, without accounts: no mail and no calls in these tests."""
        sites = "".join(
            f'[[pair.sites]]\nid = "{name}"\nname = "{name.title()}"\n'
            f'url = "https://{name}.example"\npeer = "https://{name}.example:8003"\n'
            for name in NAMES
        )
        plan = self.folder / "plan.toml"
        text = DEFAULT.read_text(encoding="utf-8").split("[[accounts]]")[0]
        plan.write_text(f'{text}\n[pair]\ntake_over = "manual"\n{sites}', encoding="utf-8")
        return plan


def until(condition: Any, within_s: float = WITHIN_S) -> None:
    """Waits for it; fails when it does not come."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def _children_of(pid: int) -> list[int]:
    """All processes below this one."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended while we looked
        parents.setdefault(parent, []).append(int(folder.name))
    found, left = [], [pid]
    while left:
        below = parents.get(left.pop(), [])
        found += below
        left += below
    return found
