"""The role `voice` as objects, in the order in which they can be made. What they do is switchboard.py's."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.port import Account
from router.channels.web_call import VOICE_PROVIDERS
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.run.voice.figures import VoiceFigures
from router.run.voice.gear import Media, Telephones
from router.run.voice.held_caller import Orders
from router.run.voice.held_calls import HeldCalls
from router.run.voice.lost_calls import EndLost, lost
from router.run.voice.recordings import FOLDER, Recordings
from router.run.voice.sending_on import SendingOn
from router.run.voice.switchboard import Switchboard
from router.run.web_lease import RENEW_S, end_web, renew_web

LOST_S: Final = 1.0

_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone)

_log = logging.getLogger("muster.voice")


class Feed(Protocol):
    """The journal's tail (agents_ui/feed.py)."""

    def subscribe(self, listener: Callable[..., None]) -> None:
        """Call this with each batch of rows."""
        ...


class Accounts:
    """The voice accounts of the plan in force, made ready when the plan changes."""

    def __init__(self, plan: Callable[[], Plan], settings: Settings) -> None:
        self._plan = plan
        self._settings = settings
        self._digest = ""
        self._ready: Mapping[str, Account] = {}

    def __call__(self) -> Mapping[str, Account]:
        """By id."""
        plan = self._plan()
        if plan.digest != self._digest:
            found = load_accounts(plan, self._settings)
            self._ready = {key: each for key, each in found.items() if each.provider in VOICE_PROVIDERS}
            self._digest = plan.digest
        return self._ready


class VoiceRole:
    """One voice process on an open database. `board` has its calls."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        committer: Committer,
        plan: Callable[[], Plan],
        feed: Feed,
        *,
        accounts: Callable[[], Mapping[str, Account]],
        media: Media,
        telephones: Telephones,
        voice_id: str,
        orders: Orders,
        here: Callable[[], str] = lambda: "",
    ) -> None:
        self.recordings = Recordings(settings.data_dir / FOLDER, database, committer)
        self.board = Switchboard(
            database,
            committer,
            plan,
            accounts,
            media=media,
            telephones=telephones,
            recordings=self.recordings.folder,
            voice_id=voice_id,
            figures=VoiceFigures(),
            adopt=self.recordings.adopt,
        )
        self.held = HeldCalls(self.board, database, accounts, orders, here=here)
        self.sending_on = SendingOn(self.board, database, plan, accounts, site=settings.site)
        self.plan = plan
        self._database = database
        self._committer = committer
        self._voice_id = voice_id
        feed.subscribe(self.board.hear)
        feed.subscribe(self.held.hear)

    async def begin(self) -> None:
        """Say that this process lives, before its first call. Raises DatabaseBusy, DatabaseGone."""
        await asyncio.to_thread(self._renew)
        await asyncio.to_thread(self.recordings.open)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in (
                self.board.run,
                self.held.run,
                self.recordings.run,
                self.sending_on.run,
                self._keep_lease,
                self._end_lost,
            ):
                tasks.create_task(work())

    async def end(self) -> None:
        """Close every call, and say that nothing of ours lives any more."""
        await self.board.close()
        try:
            await asyncio.to_thread(self._end)
        except (DatabaseBusy, DatabaseGone):
            _log.warning("stopped before everything was written; the router notices")

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await asyncio.to_thread(self._renew)
                self.board.well = True
            except (DatabaseBusy, DatabaseGone) as problem:
                self.board.well = False
                _log.warning("lease not renewed error=%s", type(problem).__name__)

    async def _end_lost(self) -> None:
        while True:
            try:
                if await asyncio.to_thread(self._any_lost):
                    append = EndLost(self._voice_id)
                    await self._committer.append(append)
                    for call_id in append.ended:
                        self.recordings.adopt(call_id)
            except _AWAY as problem:
                _log.info("lost calls not looked for error=%s", type(problem).__name__)
            await asyncio.sleep(LOST_S)

    def _any_lost(self) -> bool:
        with self._database.reading() as db:
            return bool(lost(db, self._voice_id))

    def _renew(self) -> None:
        with self._database.writing() as db:
            renew_web(db, web_id=self._voice_id, owner="voice")

    def _end(self) -> None:
        with self._database.writing() as db:
            end_web(db, web_id=self._voice_id)
