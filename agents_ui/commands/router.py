"""`muster router`: the role that decides. Any number may run; one is active, the others stand by."""

import argparse
import asyncio
import logging
import os
import signal
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from config.settings import Settings, read_settings
from router.journal.appends import Fenced
from router.journal.clock import SteadyClock
from router.journal.committer import Committer
from router.journal.connection import DatabaseGone
from router.journal.database import Database, open_database
from router.journal.stream import read_head
from router.run.beat import beat
from router.run.head_mark import HeadWatch
from router.run.hints import Hints
from router.run.lease import Tenure, lease_of
from router.run.logs import start_logging
from router.run.role_lease import keep_role
from router.run.router_loop import RouterLoop
from router.run.router_step import RouterStep
from router.sites.boot_gate import check_start_apart
from router.sites.passage import GATE_S, Passage, began

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

EXIT_LOST: Final = 3
"""The lease went to another router, or could not be renewed: whoever watches starts us again, to stand by."""

ROUTER: Final = "router"
STANDBY: Final = "standby"
"""What a router is to those who look after the centre: a row while it lives (router/run/role_lease.py)."""

RETRY_S: Final = 0.5
"""Between two attempts to reach a database that is not there, or has no tables yet."""

_log = logging.getLogger("muster.router")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "router",
        help="the role that decides; one is active, others stand by",
        description="Takes every routing decision of a site, or stands by until the active router is gone.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Route until SIGTERM (0), or until the lease is lost (3)."""
    start_logging("router")
    return asyncio.run(_serve(read_settings()))


async def _serve(settings: Settings) -> int:
    """Run until something ends it; whatever that is, the lease is given back."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    role = _Router(settings)
    working = asyncio.create_task(role.run())
    others = {
        asyncio.create_task(beat(settings.beat_fd, role.ready, role.well)),
        asyncio.create_task(stop.wait()),
    }
    try:
        await asyncio.wait({working, *others}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, *others):
            task.cancel()
        (outcome, *_) = await asyncio.gather(working, *others, return_exceptions=True)
        await role.end()
    if isinstance(outcome, Exception):
        raise outcome
    return 0 if stop.is_set() else EXIT_LOST


class _Router:
    """The objects of one router process, made in the order in which they can be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database: Database | None = None
        self._committer: Committer | None = None
        self._hints: Hints | None = None
        self._tenure: Tenure | None = None
        self._watch: HeadWatch | None = None
        self._loop: RouterLoop | None = None

    def ready(self) -> bool:
        """Whether somebody routes: this process, or the one it stands by for."""
        if self._loop is not None:
            return self._loop.routing
        return self._tenure is not None and self._tenure.standing_by

    def well(self) -> bool:
        """Whether turns end."""
        return self._loop is None or self._loop.well()

    async def run(self) -> None:
        """Wait for the database, then for the lease; then route until the lease is lost."""
        self._database = database = await _opened(self._settings)
        site = await _site(database)
        self._watch = HeadWatch(database, self._settings.data_dir)
        await asyncio.to_thread(self._watch.start)
        asked_s = await asyncio.to_thread(check_start_apart, self._settings, database)
        since_ms = await asyncio.to_thread(began, database)
        living = asyncio.create_task(keep_role(database, STANDBY))
        self._tenure = tenure = Tenure(lease_of(database, owner=f"{socket.gethostname()}/{os.getpid()}"))
        try:
            await tenure.begin()
        finally:
            living.cancel()
        _log.info("active epoch=%d", tenure.epoch)
        keeping = asyncio.create_task(tenure.keep())
        clock = await asyncio.to_thread(_clock_now, database)
        self._hints = hints = Hints(self._settings.redis_url, site)
        self._committer = committer = Committer(database, after_commit=hints.publish, clock=clock)
        step = RouterStep(
            database=database,
            commit=lambda append: committer.submit(append).result(),
            clock_ms=clock,
            epoch=tenure.epoch,
            release=version("muster"),
        )
        passage = Passage(database, committer, role=ROUTER, since_ms=since_ms, patience_s=GATE_S - asked_s)
        lives = [keeping]
        try:
            if self._settings.site and await passage.passes(tenure.held):
                lives.append(asyncio.create_task(passage.keep()))
            passes = passage.passes if self._settings.site else None
            self._loop = RouterLoop(step, tenure, hints, passes=passes)
            lives.append(asyncio.create_task(keep_role(database, ROUTER)))
            await self._loop.run()
        except Fenced as fenced:
            _log.error("fenced reason=%s", fenced)
        finally:
            for each in lives:
                each.cancel()
            await asyncio.gather(*lives, return_exceptions=True)

    async def end(self) -> None:
        """Give the lease back first: a successor may start while we close the rest."""
        if self._tenure is not None:
            await self._tenure.end()
        if self._committer is not None:
            await asyncio.to_thread(self._committer.close)
        if self._hints is not None:
            await self._hints.close()
        if self._watch is not None:
            await asyncio.to_thread(self._watch.close)
        if self._database is not None:
            self._database.close()


async def _opened(settings: Settings) -> Database:
    """The database, as soon as it can be used: a router may be started before its database."""
    while True:
        try:
            return await asyncio.to_thread(open_database, settings.database_url, unsafe=settings.unsafe)
        except DatabaseGone as reason:
            _log.warning("no database yet reason=%s", reason)
            await asyncio.sleep(RETRY_S)


async def _site(database: Database) -> str:
    """Whose journal this is, as soon as there is one."""
    while True:
        try:
            return await asyncio.to_thread(_site_now, database)
        except Exception as reason:  # noqa: BLE001 - without tables each driver raises an error of its own
            _log.warning("no journal yet, type muster up once reason=%s", type(reason).__name__)
            await asyncio.sleep(RETRY_S)


def _site_now(database: Database) -> str:
    with database.reading() as db:
        return read_head(db).site


def _clock_now(database: Database) -> SteadyClock:
    with database.reading() as db:
        return SteadyClock.of(db)
