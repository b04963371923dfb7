"""`muster web`: serves customers, desks and the API on one port. What it is made of is web_role.py."""

import argparse
import asyncio
import contextlib
import logging
import resource
import socket
from typing import TYPE_CHECKING, Final

from config.settings import Settings, SettingsWrong, read_settings

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

FILES_WANTED: Final = 65_536
"""Every socket is a file, and systems start processes with 1,024."""


def add_to(subparsers: "Subparsers") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "web",
        help="the role that serves desks, customers and the API",
        description="Serves HTTP and WebSockets on MUSTER_HOST and MUSTER_PORT. "
        "On PostgreSQL any number may run.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; 0 after an orderly stop, 1 when something essential ended."""
    import uvloop

    from agents_ui.supervision import EssentialTaskEnded
    from agents_ui.web_role import WebRole
    from router.run.ground import check_host
    from router.run.spare import ordered

    settings = read_settings()
    check_host(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(
        logging.CRITICAL
    )  # what hostile bytes do is no news; see front.py
    _allow_many_files()
    if settings.order_fd >= 0:
        _load_ahead(settings)
    if not ordered(settings.order_fd, role="web"):
        return 0
    with listen(settings) as listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(WebRole(settings, listener).run())
        except EssentialTaskEnded as ended:
            logging.getLogger("muster.web").critical("ended task=%s", ended, exc_info=ended)
            return 1
    return 0


def listen(settings: Settings) -> socket.socket:
    """The listening socket, before anything slow is begun. Raises SettingsWrong."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as problem:
        raise SettingsWrong(
            f"cannot listen on {settings.host} port {settings.port} ({problem.strerror}): "
            "type MUSTER_PORT=8010 before the command, or stop what uses it"
        ) from None
    listener.setblocking(False)
    return listener


def _load_ahead(settings: Settings) -> None:
    """What is loaded at first use otherwise: the driver of the database, the model of languages, Redis."""
    import redis.asyncio  # noqa: F401

    from router.journal.connection import DatabaseGone
    from router.journal.database import open_database
    from skills.language import detect

    with contextlib.suppress(DatabaseGone):
        open_database(settings.database_url, unsafe=settings.unsafe).close()
    detect("a word", ("en",))


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
