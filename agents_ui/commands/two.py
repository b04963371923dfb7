"""`muster two` (`make run-two`): two whole sites on one machine, that stand in for each other, with the demo.

Each is a `muster up` of its own, with its own data folder, database and Redis, and all its processes are one
group: what is printed kills one of them as a power cut would. Nothing is shared but the plan, and what
`muster site keys` makes.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings import Settings, SettingsWrong, read_settings

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from config.plan import Plan

APART: Final = 100
"""From a port of the first site to the same one of the second."""

STOP_S: Final = 20.0
TURN_S: Final = 0.2

_PAIR: Final = """

[pair]

[[pair.sites]]
id = "a"
name = "Site A"
url = "{a}"
peer = "https://127.0.0.1:{peer_a}"

[[pair.sites]]
id = "b"
name = "Site B"
url = "{b}"
peer = "https://127.0.0.1:{peer_b}"
"""


def add_to(subparsers: "Subparsers") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "two",
        help="start two whole sites on this machine, and stay until Ctrl-C",
        description="Sites a and b, each with a data folder (var/a, var/b), database, Redis and roles; the "
        "demo runs at a. Says how to kill one of them, and what to type then.",
    )
    parser.add_argument("--agents", type=int, default=0, metavar="N", help="demo agents who answer at a")
    parser.add_argument("--verbose", action="store_true", help="also show here what the processes log")
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """One of the two. Shape: shown is what people type; host names differ, as cookies know no ports."""

    site: str
    data_dir: Path
    port: int
    shown: str

    @property
    def peer_port(self) -> int:
        return self.port + 3


def run(arguments: argparse.Namespace) -> int:
    """Stay until Ctrl-C or SIGTERM, also while one of the sites is dead."""
    settings = read_settings()
    if settings.site:
        raise SettingsWrong("MUSTER_SITE is set: `muster two` names both sites itself; leave it out")
    port = settings.port
    a = _Site(site="a", data_dir=settings.data_dir / "a", port=port, shown=f"http://127.0.0.1:{port}")
    b = _Site(
        site="b",
        data_dir=settings.data_dir / "b",
        port=port + APART,
        shown=f"http://localhost:{port + APART}",
    )
    plan = _prepare(settings, a, b)
    endpoints = _endpoints(plan)
    words = ["--demo", *(["--agents", str(arguments.agents)] if arguments.agents else [])]
    chatty = ["--verbose"] if arguments.verbose else []
    _share_secrets(plan, a, b)
    return _stay(
        [
            _Started(a, [*words, *chatty], _environ(settings, a, b, site=a, endpoints=endpoints)),
            _Started(b, chatty, _environ(settings, a, b, site=b, endpoints=endpoints)),
        ]
    )


class _Started:
    """One `muster up`, in a session of its own: Ctrl-C reaches us alone."""

    def __init__(self, site: _Site, words: list[str], environ: dict[str, str]) -> None:
        self.site = site
        self.said_ready = False
        self.said_dead = False
        self.process: subprocess.Popen[str] | None = None
        self._words = words
        self._environ = environ

    @property
    def ended(self) -> bool:
        """It began, and is no more."""
        return self.process is not None and self.process.poll() is not None

    def start(self) -> None:
        """Begin; it ends with us, whatever ends us."""
        from router.run import launch

        tied = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid())]
        self.process = subprocess.Popen(
            [*tied, sys.executable, "-m", "agents_ui.cli", "up", *self._words],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._hear, args=(self.process,), daemon=True).start()

    def _hear(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            if line.startswith("ready "):
                self.said_ready = True
            _say(f"{self.site.site}  {line.rstrip()}")

    def stop(self) -> None:
        """As Ctrl-C would; what does not end is killed, with all that it started."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Everything of it, at once."""
        with suppress(ProcessLookupError, PermissionError):
            if self.process is not None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self, until_s: float) -> None:
        """Until it has ended, or that time of the steady clock."""
        with suppress(subprocess.TimeoutExpired):
            if self.process is not None:
                self.process.wait(max(0.1, until_s - time.monotonic()))


def _prepare(settings: Settings, a: _Site, b: _Site) -> "Plan":
    """Folders, keys and the plan with its pair; what is there already stays. Raises SettingsWrong."""
    from config.plan_file import parse_plan
    from router.run.ground import usable_port
    from router.sites.site_keys import make_keys

    for port in (a.port, a.peer_port, b.port, b.peer_port):
        usable_port("127.0.0.1", port)
    if not all((site.data_dir / "secrets" / "peer-key").exists() for site in (a, b)):
        with tempfile.TemporaryDirectory() as folder:
            for site, made in zip((a, b), make_keys(Path(folder), ("a", "b")), strict=True):
                shutil.copytree(made, site.data_dir, dirs_exist_ok=True)
    try:
        text = settings.plan_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsWrong(f"cannot read the plan {settings.plan_file} ({problem})") from None
    plan = parse_plan(text, file_name=str(settings.plan_file))
    if plan.pair is None:
        text += _PAIR.format(a=a.shown, b=b.shown, peer_a=a.peer_port, peer_b=b.peer_port)
        plan = parse_plan(text, file_name="the plan of two sites")
    elif [site.site_id for site in plan.pair.sites] != ["a", "b"]:
        raise SettingsWrong(
            f"the pair of {settings.plan_file} has other sites than a and b: take it out here"
        )
    _plan_file(settings).write_text(text, encoding="utf-8")
    return plan


def _plan_file(settings: Settings) -> Path:
    return settings.data_dir / "two-sites.toml"


def _endpoints(plan: "Plan") -> str:
    """Where the demo of site a plays the providers: both sites answer by them."""
    from agents_ui.demo.stage import played_endpoints

    return ",".join(f"{account}={url}" for account, url in played_endpoints(plan).items())


def _share_secrets(plan: "Plan", a: _Site, b: _Site) -> None:
    """Both sites of a real pair have the same secrets of their providers."""
    from config.account_check import secrets_of

    for name in {name for account in plan.accounts for name in secrets_of(account).values()}:
        ours, theirs = a.data_dir / "secrets" / name, b.data_dir / "secrets" / name
        if not ours.exists():
            _write_secret(ours, secrets.token_hex(16))
        if not theirs.exists():
            _write_secret(theirs, ours.read_text(encoding="utf-8").strip())


def _write_secret(path: Path, secret: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")


def _environ(settings: Settings, a: _Site, b: _Site, *, site: _Site, endpoints: str) -> dict[str, str]:
    left_out = ("DATABASE_URL", "REDIS_URL", "MUSTER_BEAT_FD", "MUSTER_ORDER_FD", "MUSTER_SMTP_PORT")
    return {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "MUSTER_SITE": site.site,
        "MUSTER_DATA": str(site.data_dir),
        "MUSTER_HOST": "127.0.0.1",
        "MUSTER_PORT": str(site.port),
        "MUSTER_SIP_PORT": str(site.port + 2),
        "MUSTER_PEER_PORT": str(site.peer_port),
        "MUSTER_PUBLIC_URL": site.shown,
        "MUSTER_PROBE_URL": f"http://127.0.0.1:{site.port}",
        "MUSTER_SITES": f"a={a.shown},b={b.shown}",
        "MUSTER_PEERS": f"a=https://127.0.0.1:{a.peer_port},b=https://127.0.0.1:{b.peer_port}",
        "MUSTER_PLAN": str(_plan_file(settings)),
        "MUSTER_ENDPOINTS": endpoints,
        "MUSTER_ONE_GROUP": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _stay(sites: list[_Started]) -> int:
    """Until Ctrl-C, or until both have ended; 1 where one did not even start.

    The second starts once the first is ready: two at once fight for the processors, and take longer.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    told = False
    sites[0].start()
    while not stopping.wait(TURN_S):
        for each in sites:
            if each.ended and not each.said_dead:
                each.said_dead = True
                _say_dead(each, sites)
        if any(each.ended and not each.said_ready for each in sites) or all(each.ended for each in sites):
            break
        if sites[0].said_ready and sites[1].process is None:
            sites[1].start()
        if not told and all(each.said_ready for each in sites):
            told = True
            _say_ready(sites)
    failed = not stopping.is_set() and not all(each.said_ready for each in sites)
    _stop(sites)
    return int(failed)


def _stop(sites: list[_Started]) -> None:
    for each in sites:
        each.stop()
    until_s = time.monotonic() + STOP_S
    for each in sites:
        each.wait(until_s)
        each.kill()


def _say_ready(started: list[_Started]) -> None:
    b = started[1]
    _say("")
    _say("both sites are ready. Ctrl-C stops both.")
    for each in started:
        _say(f"  site {each.site.site}      {each.site.shown}/desk   {each.site.shown}/chat")
    for each in started:
        _say(f"  kill {each.site.site}      kill -9 -{each.process.pid if each.process else 0}")
    _say(f"  then        {_take_over(b.site)}")
    _say("")


def _say_dead(dead: _Started, started: list[_Started]) -> None:
    (other,) = [each for each in started if each is not dead]
    _say(f"site {dead.site.site} has ended")
    if dead.said_ready and other.process is not None and not other.ended:
        _say(f"  take it over    {_take_over(other.site)}")
        _say(f"  start it again  Ctrl-C here, then make run-two: nothing of {dead.site.site} is lost")


def _take_over(site: _Site) -> str:
    folder = os.path.relpath(site.data_dir)
    return f"MUSTER_SITE={site.site} MUSTER_DATA={folder} .venv/bin/muster site take-over"


def _say(line: str) -> None:
    with suppress(OSError):
        print(line, flush=True)
