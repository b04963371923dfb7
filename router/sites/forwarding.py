"""Asks the other site to keep what this one cannot, because its own database is gone, and what belongs to an
interaction that was moved there (forwarded.py there).

Threads of its own, few and made when they are needed: the other site may be slow as well, and whoever asks
waits a second at most. One that does not answer is not asked again for a moment: then providers hear at once
that they are to come again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from config.plan import Plan
from config.settings import Settings, SettingsWrong
from router.channels.ingest import Kept, found_before
from router.channels.port import Contact, Receipt
from router.journal.clock import wall_ms
from router.journal.connection import Connection
from router.sites.credentials import PeerAccess, peer_access
from router.sites.forwarded import JOIN_PATH, PATH, RECEIPTS_PATH, Brought, joined_by, pack, pack_receipts
from router.sites.peer_client import PeerAnswer, PeerClient, PeerUnreachable
from router.sites.wire import WireWrong

AT_ONCE: Final = 8
"""A hundred contacts a second, where one takes as long as a slow disk."""

WITHIN_S: Final = 1.0
"""With what was tried here before, less than the second and a half after which providers are promised an
answer."""

PAUSE_S: Final = 1.0

SMALL_BYTES: Final = 1 << 20
BYTES_PER_S: Final = 4 << 20
"""What is larger (mails and files of chats, whose senders wait) has a line and more time of its own."""

OK: Final = 200

_log = logging.getLogger("muster.sites")


class Forwarder(Protocol):
    """What a web process asks when it cannot keep something."""

    async def kept(self, brought: Brought) -> bool:
        """Whether the other site has kept all of it."""

    async def joined(self, contact: Contact) -> Kept | None:
        """Where the other site has it now; None where it has not, for all we know."""

    async def located(self, report: Contact) -> bool | None:
        """Whether the other site has a telephone's report now, and its person; None where it did not say."""

    async def reported(self, account_id: str, receipts: tuple[Receipt, ...]) -> bool:
        """Whether the other site knows now what a provider said of messages that may be its own."""

    def close(self) -> None:
        """Let go of every line."""


class NoForwarding:
    """One site alone."""

    async def kept(self, brought: Brought) -> bool:
        """There is nobody to ask."""
        return False

    async def joined(self, contact: Contact) -> Kept | None:
        """There is nobody to ask."""
        return None

    async def located(self, report: Contact) -> bool | None:
        """Nobody is anywhere else."""
        return False

    async def reported(self, account_id: str, receipts: tuple[Receipt, ...]) -> bool:
        """Nobody else has sent anything."""
        return False

    def close(self) -> None:
        """Nothing is held."""


class Forwarding:
    """The lines of one process to the other site.

    Shape: access() may raise SettingsWrong; known(contact), for a thread, is where the copy of the other site
           has it already: all that is known when it does not answer.
    """

    def __init__(
        self, access: Callable[[], PeerAccess], known: Callable[[Contact], Kept | None] = lambda contact: None
    ) -> None:
        self._access = access
        self._known = known
        self._clients: SimpleQueue[PeerClient] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None
        self._silent_until_s = 0.0

    async def kept(self, brought: Brought) -> bool:
        answer = await self._asked(PATH, pack(brought))
        return answer is not None and answer.status == OK

    async def joined(self, contact: Contact) -> Kept | None:
        answer = await self._asked(JOIN_PATH, pack(Brought(contacts=(contact,))))
        if answer is not None and answer.status == OK:
            try:
                return joined_by(answer.body)
            except WireWrong as wrong:
                _log.warning("the other site was not understood error=%s", wrong)
        # It may have it all the same: the answer was lost, or this is a repeat of what it had before.
        return await asyncio.to_thread(self._known, contact)

    async def located(self, report: Contact) -> bool | None:
        answer = await self._asked(JOIN_PATH, pack(Brought(contacts=(), sightings=(report,))))
        if answer is None or answer.status != OK:
            return None
        try:
            return joined_by(answer.body) is not None
        except WireWrong as wrong:
            _log.warning("the other site was not understood error=%s", wrong)
            return None

    async def reported(self, account_id: str, receipts: tuple[Receipt, ...]) -> bool:
        answer = await self._asked(RECEIPTS_PATH, pack_receipts(account_id, receipts))
        return answer is not None and answer.status == OK

    async def _asked(self, path: str, body: bytes) -> PeerAnswer | None:
        """Its answer; None where there was none in time."""
        if time.monotonic() < self._silent_until_s:
            return None
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="forward")
        within_s = WITHIN_S + (len(body) / BYTES_PER_S if len(body) > SMALL_BYTES else 0)
        asking = asyncio.get_running_loop().run_in_executor(self._threads, self._ask, path, body, within_s)
        try:
            async with asyncio.timeout(within_s):
                return await asking
        except (PeerUnreachable, SettingsWrong, TimeoutError) as problem:
            self._silent_until_s = time.monotonic() + PAUSE_S
            _log.warning("the other site was asked in vain error=%s", problem or type(problem).__name__)
            return None

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        while True:
            try:
                self._clients.get_nowait().close()
            except Empty:
                return

    def _ask(self, path: str, body: bytes, within_s: float) -> PeerAnswer:
        """In a thread. Raises PeerUnreachable, SettingsWrong."""
        if within_s > WITHIN_S:
            with closing(self._client(within_s)) as alone:
                return alone.ask("POST", path, body)
        try:
            client = self._clients.get_nowait()
        except Empty:
            client = self._client(within_s)
        try:
            return client.ask("POST", path, body)
        finally:
            self._clients.put(client)

    def _client(self, answer_s: float) -> PeerClient:
        return PeerClient(self._access(), clock_ms=wall_ms, answer_s=answer_s)


def forwarder_of(
    settings: Settings, plan: Callable[[], Plan], known: Callable[[Contact], Kept | None]
) -> Forwarder:
    """Whom a process of this site asks. Shape: known as in Forwarding; kept_there says it of a copy."""
    return Forwarding(lambda: peer_access(settings, plan()), known) if settings.site else NoForwarding()


def kept_there(copy: Connection, contact: Contact) -> Kept | None:
    """Where the other site has this contact, as far as the copy of it is; a repeat, whatever it was there."""
    message_id, found = found_before(copy, contact)
    if found is None:
        return None
    return Kept(interaction_id=found[0], message_id=message_id, began=False, repeated=True, elsewhere=True)
