"""The processes of one centre on one machine: Redis, two routers, web, worker, mail, voice, and so on.

Here is what they are and in which order they start and stop; keeping one of them alive is child.py.
"""

import asyncio
import json
import os
import shutil
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.redis_url import without_password
from config.settings import Settings
from router.run import redis_server
from router.run.child import STOP_S, Child, Program
from router.run.log_file import LogFile
from router.run.voice.places import listeners_of, socket_path

ROLES: Final = ("router", "web", "worker")

MAIL: Final = "mail"
"""Only where the plan has a mailbox."""

VOICE: Final = "voice"
"""Only where calls come by an account of the plan."""

PEER: Final = "peer"
"""Only where MUSTER_SITE says that this is one of two."""

STANDBY: Final = "standby"
"""A second router that waits for the lease: starting one anew takes seconds on a busy machine."""

SPARED: Final = ("web",)
"""Roles with a spare: a process that has everything loaded (140 MB) and waits for the order to begin."""

GIVE_UP: Final = 3
"""A role that ended this often before everything served will not get better by itself: say so and stop."""

REDIS_WAIT_S: Final = 3.0
PROBE_S: Final = 0.05
REWATCH_S: Final = 0.5

PATIENCE_S: Final = 20.0
"""After this long people want to know what they are waiting for."""


class StartFailed(Exception):
    """A role does not start. The message is what it printed last, and where the rest is."""


class Family:
    """Starts, watches and stops the processes of one centre.

    Shape: settings are those the roles get; say() takes one line for people. With verbose every line that a
           process prints is said too.
    """

    def __init__(self, settings: Settings, *, say: Callable[[str], None], verbose: bool = False) -> None:
        self.settings = settings
        self._say = say
        self._verbose = verbose
        self._roles: tuple[str, ...] = ROLES
        self._trunk = False
        self._children: dict[str, Child] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._redis_folder: Path | None = None
        self._changed = asyncio.Event()

    async def start_redis(self) -> None:
        """Start the bundled Redis, unless another was named; without any the centre works too, by polling."""
        if self.settings.redis_url:
            return
        binary = redis_server.find_server()
        if binary is None:
            self._say("no Redis server here: readers poll four times a second instead of being told")
            return
        folder = self._redis_folder = redis_server.run_folder(self.settings.data_dir)
        socket = redis_server.socket_in(folder)
        socket.unlink(missing_ok=True)
        program = Program(
            name="redis",
            command=redis_server.server_command(binary, folder),
            environ={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            beats=False,
            answers=lambda: redis_server.answers(socket),
        )
        self.settings = replace(self.settings, redis_url=redis_server.url_of(folder))
        self._start(program)
        await self._until(lambda: self._children["redis"].ready, REDIS_WAIT_S)

    def start_roles(self, *, mail: bool = False, voice: bool = False, trunk: bool = False) -> None:
        """Start router, web and worker; and the roles that take mail and calls (trunk: from telephones), and
        the one that talks with the other site."""
        peer = bool(self.settings.site)
        self._roles = (
            *ROLES,
            *([MAIL] if mail else []),
            *([VOICE] if voice else []),
            *([PEER] if peer else []),
        )
        self._trunk = trunk
        for role in self._roles:
            self.start_command(role, role)

    def start_standby(self) -> None:
        """Start who takes over at once: a router, the spare of the web. After the others, whom that slows."""
        self.start_command(STANDBY, "router")
        self._children["web"].wants_spare.set()

    def start_command(self, name: str, *words: str, beats: bool = True) -> None:
        """Start one more command of this program, as a child called name."""
        command = (sys.executable, "-m", "agents_ui.cli", *words)
        environ, spared = self._environ(), name in SPARED
        self._start(Program(name=name, command=command, environ=environ, beats=beats, spared=spared))

    async def all_serve(self) -> None:
        """Wait until every role serves. Raises StartFailed."""
        patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._say_who_is_late)
        try:
            await self._until(lambda: all(self._children[role].ready for role in self._roles), None)
            while not await _answers_ready(self.settings):
                self._give_up_on_the_hopeless()
                await asyncio.sleep(PROBE_S)
        finally:
            patience.cancel()

    async def stop(self) -> None:
        """Stop everything: the roles first, which may still need Redis, then Redis."""
        redis = self._children.pop("redis", None)
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        if redis is not None:
            await redis.stop()
            self._children["redis"] = redis
        await asyncio.wait(self._keepers.values(), timeout=STOP_S) if self._keepers else None
        for child in self._children.values():
            child.log.close()
        if self._redis_folder is not None and self._redis_folder.parent != self.settings.data_dir:
            shutil.rmtree(self._redis_folder, ignore_errors=True)

    def kill(self) -> None:
        """End everything at once."""
        for child in self._children.values():
            child.kill()

    @property
    def takes_mail(self) -> bool:
        """Whether the role that takes mail is among them."""
        return MAIL in self._roles

    @property
    def has_peer(self) -> bool:
        """Whether the role that talks with the other site is among them."""
        return PEER in self._roles

    @property
    def takes_telephone_calls(self) -> bool:
        """Whether a trunk may send calls."""
        return VOICE in self._roles and self._trunk

    def write_ports(self) -> None:
        """Say in ports.json where everything listens."""
        listeners: dict[str, Mapping[str, object]] = {
            "web": {"host": self.settings.host, "port": self.settings.port, "url": address(self.settings)}
        }
        if self.takes_mail:
            listeners["smtp"] = {"host": self.settings.host, "port": self.settings.smtp_port}
        if self.has_peer:
            listeners["peer"] = {"host": self.settings.host, "port": self.settings.peer_port}
        if VOICE in self._roles:
            sip_port = self.settings.sip_port if self._trunk else 0
            path = socket_path(self.settings.data_dir)
            listeners |= listeners_of(voice=path, host=self.settings.host, sip_port=sip_port)
        if self.settings.redis_url:
            listeners["redis"] = {"url": without_password(self.settings.redis_url)}
        path = self.settings.data_dir / "ports.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(listeners, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)

    def _start(self, program: Program) -> None:
        program = replace(program, apart=not self.settings.one_group)
        log = LogFile(self.settings.data_dir / "logs", program.name)
        name = program.name

        def hear(line: str) -> None:
            if self._verbose or name not in (*self._roles, STANDBY, "redis"):
                self._say(f"{name:8}{line}")

        child = Child(program=program, log=log, say=self._say, hear=hear, changed=self._changed)
        self._children[name] = child
        self._keepers[name] = asyncio.create_task(self._keep(child))

    def _say_who_is_late(self) -> None:
        late = [role for role in self._roles if not self._children[role].ready] or ["web"]
        self._say(f"still waiting for {', '.join(late)}; its log is in {self.settings.data_dir / 'logs'}")

    async def _keep(self, child: Child) -> None:
        """Whatever goes wrong in here, no child is left without somebody who watches it."""
        while True:
            try:
                await child.keep()
                return
            except Exception as mistake:  # noqa: BLE001 - our own mistake must not cost a role
                self._say(f"{child.program.name} was not watched for a moment: {mistake!r}")
                child.end_process()
                await asyncio.sleep(REWATCH_S)

    def _environ(self) -> dict[str, str]:
        settings = self.settings
        return {
            **os.environ,
            "MUSTER_DATA": str(settings.data_dir),
            "MUSTER_HOST": settings.host,
            "MUSTER_PORT": str(settings.port),
            "MUSTER_SMTP_PORT": str(settings.smtp_port),
            "MUSTER_SIP_PORT": str(settings.sip_port),
            "MUSTER_PEER_PORT": str(settings.peer_port),
            "MUSTER_PLAN": str(settings.plan_file.absolute()),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "MUSTER_ENDPOINTS": ",".join(f"{name}={url}" for name, url in settings.endpoints.items()),
            "PYTHONUNBUFFERED": "1",
        }

    async def _until(self, true: Callable[[], bool], wait_s: float | None) -> None:
        """Wait until it is true; with a time limit go on regardless after that."""
        try:
            async with asyncio.timeout(wait_s):
                while not true():
                    self._give_up_on_the_hopeless()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    def _give_up_on_the_hopeless(self) -> None:
        for name in self._roles:
            child = self._children.get(name)
            if child is not None and child.failures >= GIVE_UP:
                path = self.settings.data_dir / "logs" / f"{name}.log"
                raise StartFailed(
                    f"{name} does not start: {child.log.last_line or 'it says nothing'} (see {path})"
                )


def address(settings: Settings) -> str:
    """Where people reach this centre."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls_certificate else 'http'}://{host}:{settings.port}"


async def _answers_ready(settings: Settings) -> bool:
    """Whether the web answers /readyz by 200."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    context = None
    if settings.tls_certificate:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # We ask ourselves; the certificate names the public host.
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(host, settings.port, ssl=context)
            try:
                name = urlsplit(address(settings)).netloc  # The front answers to its own names only.
                writer.write(f"GET /readyz HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
