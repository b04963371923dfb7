"""`muster mail`: listens for mail on MUSTER_SMTP_PORT. What it does with it is router/run/mail_role.py."""

import argparse
import asyncio
import logging
import signal
import socket
from typing import TYPE_CHECKING, Final

from agents_ui.elsewhere.copy_reader import CopyReader
from config.plan import Plan
from config.settings import Settings, SettingsWrong, read_settings
from router.journal.committer import Committer
from router.journal.connection import DatabaseGone
from router.journal.database import Database, open_database
from router.journal.stream import read_head
from router.run.beat import beat
from router.run.ground import check_host
from router.run.head_mark import HeadWatch
from router.run.hints import Hints
from router.run.logs import start_logging
from router.run.mail_role import MailRole
from router.run.plan_activation import plan_in_force
from router.run.role_lease import keep_role
from router.sites.boot_gate import check_start_apart
from router.sites.forwarding import Forwarder, NoForwarding, forwarder_of
from router.sites.second_copy import second_copy_of

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

RETRY_S: Final = 0.3

_log = logging.getLogger("muster.mail")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "mail",
        help="the role that takes mail",
        description="Takes mail by SMTP for the mailboxes of the plan, on MUSTER_HOST and MUSTER_SMTP_PORT.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Take mail until SIGTERM."""
    start_logging("mail")
    settings = read_settings()
    check_host(settings)
    with listen(settings) as listener:
        return asyncio.run(_serve(settings, listener))


def listen(settings: Settings) -> socket.socket:
    """The listening socket, before anything slow is begun. Raises SettingsWrong."""
    port = settings.port + 1 if settings.smtp_port < 0 else settings.smtp_port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as problem:
        raise SettingsWrong(
            f"cannot listen for mail on {settings.host} port {port} ({problem.strerror}): "
            "type MUSTER_SMTP_PORT=0 before the command for any free port"
        ) from None
    listener.setblocking(False)
    return listener


async def _serve(settings: Settings, listener: socket.socket) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    role = _Mail(settings, listener)
    tasks = {
        asyncio.create_task(beat(settings.beat_fd, lambda: role.serves)),
        asyncio.create_task(role.run()),
        asyncio.create_task(stop.wait()),
    }
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    await role.end()
    for task in done:
        task.result()
    return 0


class _Mail:
    """The objects of one mail process, made in the order in which they can be."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._database: Database | None = None
        self._committer: Committer | None = None
        self._hints: Hints | None = None
        self._watch: HeadWatch | None = None
        self._copy = CopyReader(settings)
        self._forward: Forwarder = NoForwarding()
        self.serves = False

    async def run(self) -> None:
        """Wait for the database and a plan; then take mail."""
        database, site, plan = await self._begun()
        self._watch = HeadWatch(database, self._settings.data_dir)
        await asyncio.to_thread(self._watch.start)
        await asyncio.to_thread(check_start_apart, self._settings, database, only_takes=True)
        self._hints = hints = Hints(self._settings.redis_url, site)
        self._committer = Committer(database, after_commit=hints.publish)
        second = second_copy_of(self._settings, lambda: role.plan(), database, self._committer)
        forward = self._forward = forwarder_of(self._settings, lambda: role.plan(), self._copy.kept)
        role = MailRole(self._settings, database, self._committer, plan, second=second, there=forward.joined)
        self.serves = True
        async with asyncio.TaskGroup() as several:
            several.create_task(keep_role(database, "mail"))
            several.create_task(role.serve(self._listener))
            several.create_task(second.run())

    async def end(self) -> None:
        """Let go of everything; what was not acknowledged is sent again."""
        if self._committer is not None:
            await asyncio.to_thread(self._committer.close)
        if self._hints is not None:
            await self._hints.close()
        if self._watch is not None:
            await asyncio.to_thread(self._watch.close)
        self._forward.close()
        await asyncio.to_thread(self._copy.close)
        if self._database is not None:
            self._database.close()

    async def _begun(self) -> tuple[Database, str, Plan]:
        while True:
            try:
                return await asyncio.to_thread(self._open)
            except DatabaseGone as reason:
                _log.warning("no database yet reason=%s", reason)
            except Exception as reason:  # noqa: BLE001 - without tables each driver raises an error of its own
                _log.warning("no plan yet, type muster up once reason=%s", type(reason).__name__)
            await asyncio.sleep(RETRY_S)

    def _open(self) -> tuple[Database, str, Plan]:
        if self._database is None:
            self._database = open_database(self._settings.database_url, unsafe=self._settings.unsafe)
        with self._database.reading() as db:
            in_force = plan_in_force(db)
            if in_force is None:
                raise LookupError("no plan is in force")
            return self._database, read_head(db).site, in_force[1]
