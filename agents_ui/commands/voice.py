"""`muster voice`: owns every call, its signalling and its sound. What that is made of is router/run/voice."""

import argparse
import asyncio
import logging
import signal
import uuid
from typing import TYPE_CHECKING, Final

from agents_ui.feed import Feed
from agents_ui.plan_holder import PlanHolder
from agents_ui.supervision import EssentialTaskEnded, run_essential
from config.settings import Settings, read_settings
from router.journal.committer import Committer
from router.journal.database import Database
from router.run.beat import beat
from router.run.ground import check_host
from router.run.hints import Hints
from router.run.logs import start_logging

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.run.sip_agent import SipAgent

RETRY_S: Final = 0.3
END_S: Final = 4.0
"""Every caller is told that we end; then the process ends, before it is killed."""

_log = logging.getLogger("muster.voice")


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        "voice",
        help="the role that has the calls",
        description="Takes calls from the trunks of the plan (MUSTER_SIP_PORT) and from the customers' page, "
        "and joins them with agents.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Take calls until SIGTERM; 1 when something essential ended."""
    start_logging("voice")
    settings = read_settings()
    check_host(settings)
    try:
        return asyncio.run(_Voice(settings).run())
    except EssentialTaskEnded as ended:
        _log.critical("ended task=%s", ended, exc_info=ended)
        return 1


class _Voice:
    """The objects of one voice process, made in the order in which they can be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self.serves = False

    async def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        beats = beat(self._settings.beat_fd, lambda: self.serves)
        over = asyncio.Event()
        await run_essential({"beat": beats, "serve": self._serve(over)}, over)
        return 0

    async def _serve(self, over: asyncio.Event) -> None:
        found = await self._open()
        if found is not None:
            await self._with(*found)
        over.set()

    async def _with(self, database: Database, plan: PlanHolder) -> None:
        from router.run.voice.role import Accounts, DoorServer, VoiceRole, has_trunk, socket_path
        from router.run.voice.sound import Sound
        from router.run.voice.telephones import Trunks

        settings = self._settings
        hints = Hints(settings.redis_url, plan().site.site_id)
        committer = Committer(database, after_commit=hints.publish)
        feed = Feed(database, hints)
        feed.subscribe(plan.hear)  # first: all other listeners already see the plan that rows are about
        accounts = Accounts(plan, settings)
        trunks = Trunks(accounts)
        role = VoiceRole(
            settings,
            database,
            committer,
            plan,
            feed,
            accounts=accounts,
            media=Sound(settings),
            telephones=trunks,
            voice_id=uuid.uuid4().hex[:12],
        )
        agent: SipAgent | None = None
        try:
            await self._patiently(role)
            await feed.start()
            door = DoorServer(role.board, socket_path(settings.voice_folder()))
            if has_trunk(plan()):
                agent = trunks.agent = await self._listen(role, trunks.may_call)
            watch = trunks.watch(role.board.alarm)
            await self._until_stopped(database, feed, role, door.run(), watch, lambda: door.listening)
        finally:
            self.serves = False
            await self._end(role, agent)
            await asyncio.to_thread(committer.close)
            await hints.close()
            feed.close()
            database.close()
