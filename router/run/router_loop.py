"""The active router's life: turn after turn while the lease is held, woken by hints, polling without them.

What one turn does is router_step.py. Turns run in a thread of their own, so that beats and the lease go on
while a large state is rebuilt.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.restore import NoPlan
from router.run.garbage import stop_rarely
from router.run.hints import Hints
from router.run.lease import Tenure
from router.run.router_step import RouterStep
from router.run.switching import switch_often

POLL_MS: Final = 250
"""Without a hint the journal is looked at this often."""

PAUSE_MS_MIN: Final = 5
"""Between two looks that found nothing to do at once: a deadline in the past must not make us spin."""

RETRY_S: Final = 0.25
"""After the database could not be read, or while it takes nothing, or there is no plan."""

STUCK_S: Final = 30.0
"""A turn that takes longer will not end: then no beat is sent. Rebuilding 100,000 interactions takes 5 s."""

_log = logging.getLogger("muster.router")


class RouterLoop:
    """Runs a router's turns until the lease is lost or it is cancelled.

    passes() is awaited before each turn, where there is another site: it may have taken over. It is given
    what says whether this is still the active router, and says whether the turn may be taken.
    """

    def __init__(
        self,
        step: RouterStep,
        tenure: Tenure,
        hints: Hints,
        *,
        poll_ms: int = POLL_MS,
        passes: Callable[[Callable[[], bool]], Awaitable[bool]] | None = None,
    ) -> None:
        self._step = step
        self._tenure = tenure
        self._hints = hints
        self._poll_ms = poll_ms
        self._passes = passes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="router")
        self._turn_began = 0.0
        self._routing = False

    @property
    def routing(self) -> bool:
        """True once the state was rebuilt: decisions are being taken."""
        return self._routing

    def well(self) -> bool:
        """False while a turn does not end."""
        return not self._turn_began or time.monotonic() - self._turn_began < STUCK_S

    async def run(self) -> None:
        """Returns when the lease is lost. Raises Fenced when another router has taken over."""
        try:
            while self._tenure.held():
                if not await self._turn():
                    pause_ms = max(self._step.wake_in_ms(self._poll_ms), PAUSE_MS_MIN)
                    await self._hints.wait(pause_ms)
            _log.error("the lease was lost epoch=%d", self._tenure.epoch)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _turn(self) -> bool:
        if self._passes is not None and not await self._passes(self._tenure.held):
            return True  # The lease was lost meanwhile.
        loop = asyncio.get_running_loop()
        self._turn_began = time.monotonic()
        try:
            more = await loop.run_in_executor(self._thread, self._step.step)
            if not self._routing and self._step.core is not None:
                stop_rarely()
                switch_often()
                self._routing = True
            if self._step.in_vain:
                await asyncio.sleep(RETRY_S)
            return more
        except (DatabaseGone, DatabaseBusy, NoPlan) as reason:
            _log.warning("cannot route now reason=%s", reason)
            await asyncio.sleep(RETRY_S)
            return False
        finally:
            self._turn_began = 0.0
