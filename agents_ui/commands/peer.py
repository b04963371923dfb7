"""`muster peer`: the role that talks with the other site. What it does is router/sites/peer_role.py."""

import argparse
import asyncio
import logging
import signal
import socket
from typing import TYPE_CHECKING, Final

from config.plan import Plan
from config.settings import Settings, SettingsWrong, read_settings
from router.journal.clock import SteadyClock
from router.journal.connection import DatabaseGone
from router.journal.database import Database, open_database
from router.run.beat import beat
from router.run.garbage import stop_rarely
from router.run.logs import start_logging
from router.run.plan_activation import plan_in_force
from router.run.switching import switch_often
from router.run.trouble import NoticeTrouble
from router.sites.boot_gate import check_start_apart
from router.sites.copies import open_copy
from router.sites.credentials import PeerAccess, check_listener, peer_access, tls_files
from router.sites.peer_role import KeptApart, PeerRole
from router.sites.setting_aside import DIVERGENCE, set_aside_if_asked

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

RETRY_S: Final = 0.3
PORTS_AFTER: Final = 3
"""The third port after that of the pages, where nothing else is said."""

_log = logging.getLogger("muster.peer")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "peer",
        help="the role that talks with the other site",
        description="Keeps a copy of the other site, sends it this one's, and does what follows from both. "
        "Listens on MUSTER_HOST and MUSTER_PEER_PORT; needs MUSTER_SITE and what `muster site keys` makes.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Talk with the other site until SIGTERM."""
    start_logging("peer")
    settings = read_settings()
    check_listener(settings.host, tls_files(settings))
    with listen(settings) as listener:
        return asyncio.run(_serve(settings, listener))


def listen(settings: Settings) -> socket.socket:
    """The listening socket, before anything slow is begun. Raises SettingsWrong."""
    port = settings.port + PORTS_AFTER if settings.peer_port < 0 else settings.peer_port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as problem:
        raise SettingsWrong(
            f"cannot listen for the other site on {settings.host} port {port} ({problem.strerror}): "
            "type MUSTER_PEER_PORT=8113 before the command, and tell the other site (MUSTER_PEERS)"
        ) from None
    listener.setblocking(False)
    return listener


async def _serve(settings: Settings, listener: socket.socket) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    peer = _Peer(settings, listener)
    tasks = {
        asyncio.create_task(beat(settings.beat_fd, peer.serves)),
        asyncio.create_task(peer.run()),
        asyncio.create_task(stop.wait()),
    }
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    await peer.end()
    for task in done:
        task.result()
    return 0


class _Peer:
    """The objects of one peer process, made in the order in which they can be."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._databases: list[Database] = []
        self._role: PeerRole | None = None

    def serves(self) -> bool:
        """Whether the other site could be heard."""
        return self._role is not None and self._role.serves

    async def run(self) -> None:
        """Wait for the database and a plan; then talk."""
        own, plan, access, clock = await self._begun()
        await asyncio.to_thread(check_start_apart, self._settings, own)
        apart = await asyncio.to_thread(set_aside_if_asked, self._settings)
        copy = await asyncio.to_thread(open_copy, self._settings, access.peer)
        self._databases.append(copy)
        self._role = PeerRole(self._settings, access, own, copy, plan=plan, clock=clock)
        if apart:
            await self._role.committer.append(NoticeTrouble(code=DIVERGENCE, ref=access.peer, detail=apart))
        stop_rarely()
        switch_often()  # sender, door and follower share this process, and answers wait for the first two
        try:
            await self._role.run(self._listener)
        except* KeptApart as reason:
            _log.error("the role ends and begins a new copy reason=%s", reason.exceptions[0])

    async def end(self) -> None:
        """Let go of everything."""
        if self._role is not None:
            await self._role.end()
        for database in self._databases:
            database.close()

    async def _begun(self) -> tuple[Database, Plan, PeerAccess, SteadyClock]:
        while True:
            try:
                return await asyncio.to_thread(self._open)
            except (DatabaseGone, LookupError) as reason:
                _log.warning("no plan yet, type muster up once reason=%s", reason)
            await asyncio.sleep(RETRY_S)

    def _open(self) -> tuple[Database, Plan, PeerAccess, SteadyClock]:
        if not self._databases:
            self._databases.append(open_database(self._settings.database_url, unsafe=self._settings.unsafe))
        own = self._databases[0]
        with own.reading() as db:
            in_force = plan_in_force(db)
            if in_force is None:
                raise LookupError("no plan is in force")
            clock = SteadyClock.of(db)
        return own, in_force[1], peer_access(self._settings, in_force[1]), clock
