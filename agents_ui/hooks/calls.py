"""Webhooks about calls that a provider's network holds: kept first, answered by how the call stands.

What is answered decides whether a caller stays on the line, so where the database is away whoever waits is
told to wait, and only what would be lost is refused: then the provider's fallback begins to speak.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from agents_ui.services import Services
from router.channels.ingest import NotKept
from router.channels.port import Account, Answer, CallNews, CallProvider, HeldCall
from router.channels.spoken import spoken_to
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.run.voice.held import EndHeld, Held, held, held_id, new_record
from router.run.voice.keeping import Reader, keep_call
from router.run.voice.record import WAITING
from router.run.voice.standing import line_of, positions

PLACES_S: Final = 1.0
"""Places in line are counted for everybody at once, and no more often than this."""

FIRST: Final = "arrived"

_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone, TimeoutError)
READ_S: Final = 3.0
"""For one look at a call: providers of calls wait five seconds and more."""

_log = logging.getLogger("muster.hooks")


class HeldCalls:
    """Answers about calls. Shape: count(account, result) counts."""

    def __init__(self, services: Services, count: Callable[[str, str], None]) -> None:
        self._services = services
        self._count = count
        self._reader = Reader(services.plan)
        self._places: Mapping[str, int] = {}
        self._placed_at = -PLACES_S
        self._placing = asyncio.Lock()

    async def answer(self, account: Account, provider: CallProvider, news: CallNews) -> Answer:
        """On disk what has to be, then what the provider is to do. Raises NotKept."""
        call_id = held_id(news.contact)
        try:
            found = None if news.kind == FIRST else await self._looked(call_id)
            if found is None and _is_worth_keeping(news):
                await self._keep(account, news)
            if not news.live:
                rows = await self._services.committer.append(EndHeld(call_id=call_id))
                self._count(account.account_id, "call_ended" if rows else "repeated")
            if found is None or not news.live:
                found = await self._looked(call_id)
            stands = await self._stands(account, found)
        except (*_AWAY, NotKept) as problem:
            if news.kind in (FIRST, "status") or not news.live:
                raise NotKept(str(problem)) from problem
            _log.warning("a caller waits without a look account=%s", account.account_id)
            stands = HeldCall(languages=self._languages(account, ""))
        return provider.told(news, stands, account)

    async def _keep(self, account: Account, news: CallNews) -> None:
        record = new_record(news.contact)
        place = await keep_call(
            self._services.committer,
            news.contact,
            record,
            self._reader,
            read_within_ms=self._services.plan().limits.read_within_ms,
            resumes=False,
            beside=self._services.second.beside,
        )
        self._count(account.account_id, "kept" if place.interaction_id else "repeated")

    async def _looked(self, call_id: str) -> Held | None:
        """A database that hangs is away: the caller is told what can be told without it."""
        return await asyncio.wait_for(asyncio.to_thread(self._look, call_id), READ_S)

    def _look(self, call_id: str) -> Held | None:
        with self._services.database.reading() as db:
            return held(db, call_id)

    async def _stands(self, account: Account, found: Held | None) -> HeldCall:
        if found is None:
            return HeldCall(languages=self._languages(account, ""))
        record = found.record
        waits = record.state == WAITING and not record.agent_id
        return HeldCall(
            state=record.state,
            position=await self._position(found.channel, record.interaction_id) if waits else 0,
            languages=self._languages(account, found.language),
            recorded=account.options.get("recording", "announced") == "announced",
        )

    async def _position(self, channel: str, interaction_id: str) -> int:
        async with self._placing:
            if time.monotonic() - self._placed_at >= PLACES_S:
                self._places = await asyncio.to_thread(self._count_places, channel)
                self._placed_at = time.monotonic()
        return self._places.get(interaction_id, 0)

    def _count_places(self, channel: str) -> Mapping[str, int]:
        with self._services.database.reading() as db:
            waiting = line_of(db, channel)
        return positions(waiting, self._services.plan(), time.time_ns() // 1_000_000)

    def _languages(self, account: Account, language: str) -> tuple[str, ...]:
        """The account's, else the site's own: callers of whom nobody knows anything hear all of them."""
        named = str(account.options.get("languages", ""))
        own = [each.strip() for each in named.split(",") if each.strip()]
        return spoken_to(language, own or self._services.plan().site.languages[:1])


def _is_worth_keeping(news: CallNews) -> bool:
    """Whether a call that nobody has kept is to be kept now: somebody called, even if they have hung up.

    Of one that rings, or was answered, its own webhook comes, or has come.
    """
    return not (news.kind == "status" and news.live)
