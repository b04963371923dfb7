"""Asks the other site to keep what this one cannot, because its own database is gone (forwarded.py there).

Threads of its own, few and made when they are needed: the other site may be slow as well, and whoever asks
waits a second at most. One that does not answer is not asked again for a moment: then providers hear at once
that they are to come again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from config.plan import Plan
from config.settings import Settings, SettingsWrong
from router.journal.clock import wall_ms
from router.sites.credentials import PeerAccess, peer_access
from router.sites.forwarded import PATH, Brought, pack
from router.sites.peer_client import PeerClient, PeerUnreachable

AT_ONCE: Final = 8
"""A hundred contacts a second, where one takes as long as a slow disk."""

WITHIN_S: Final = 1.0
"""With what was tried here before, less than the second and a half after which providers are promised an
answer."""

PAUSE_S: Final = 1.0

_log = logging.getLogger("muster.sites")


class Forwarder(Protocol):
    """What a web process asks when it cannot keep something."""

    async def kept(self, brought: Brought) -> bool:
        """Whether the other site has kept all of it."""

    def close(self) -> None:
        """Let go of every line."""


class NoForwarding:
    """One site alone."""

    async def kept(self, brought: Brought) -> bool:
        """There is nobody to ask."""
        return False

    def close(self) -> None:
        """Nothing is held."""


class Forwarding:
    """The lines of one process to the other site. Shape: access() may raise SettingsWrong."""

    def __init__(self, access: Callable[[], PeerAccess]) -> None:
        self._access = access
        self._clients: SimpleQueue[PeerClient] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None
        self._silent_until_s = 0.0

    async def kept(self, brought: Brought) -> bool:
        if time.monotonic() < self._silent_until_s:
            return False
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="forward")
        asking = asyncio.get_running_loop().run_in_executor(self._threads, self._ask, pack(brought))
        try:
            async with asyncio.timeout(WITHIN_S):
                return await asking
        except (PeerUnreachable, SettingsWrong, TimeoutError) as problem:
            self._silent_until_s = time.monotonic() + PAUSE_S
            _log.warning("the other site was asked in vain error=%s", problem or type(problem).__name__)
            return False

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        while True:
            try:
                self._clients.get_nowait().close()
            except Empty:
                return

    def _ask(self, body: bytes) -> bool:
        """In a thread. Raises PeerUnreachable, SettingsWrong."""
        try:
            client = self._clients.get_nowait()
        except Empty:
            client = PeerClient(self._access(), clock_ms=wall_ms, answer_s=WITHIN_S)
        try:
            return client.ask("POST", PATH, body).status == 200
        finally:
            self._clients.put(client)


def forwarder_of(settings: Settings, plan: Callable[[], Plan]) -> Forwarder:
    """Whom a process of this site asks."""
    return Forwarding(lambda: peer_access(settings, plan())) if settings.site else NoForwarding()
