"""How long a webhook waits for the database: as long as that goes on, however long the queue before it is.

Overload and a database that hangs look alike to one request, and must not end alike: nothing is refused for
load, while a provider that hears nothing for seconds neither repeats nor falls back.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

STANDS_S: Final = 1.0
"""With the second that the other site gets, about what providers are promised (forwarding.py)."""

LOOK_S: Final = 0.1


class Patience:
    """Those who wait. Shape: standing_s() is how long the database has kept everybody waiting."""

    def __init__(self, standing_s: Callable[[], float]) -> None:
        self._standing_s = standing_s
        self._waiting: set[asyncio.Timeout] = set()
        self._watching: asyncio.AbstractEventLoop | None = None

    def within(self, limit_s: float | None = None) -> "_Wait":
        """For `async with`: raises TimeoutError when the database stands still, or after limit_s if given."""
        return _Wait(self, limit_s)

    def begin(self, limit: asyncio.Timeout) -> None:
        """It is ended with the others, if need be."""
        self._waiting.add(limit)
        loop = asyncio.get_running_loop()
        if self._watching is not loop:
            self._watching = loop
            loop.call_later(LOOK_S, self._look, loop)

    def end(self, limit: asyncio.Timeout) -> None:
        """It waits no more."""
        self._waiting.discard(limit)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._standing_s() >= STANDS_S:
            for limit in self._waiting:
                if not limit.expired():  # One whose own limit is over is on its way out already.
                    limit.reschedule(loop.time())
            self._waiting.clear()
        if self._waiting:
            loop.call_later(LOOK_S, self._look, loop)
        else:
            self._watching = None


class _Wait:
    """asyncio.timeout that the database can end."""

    def __init__(self, patience: Patience, limit_s: float | None) -> None:
        self._patience = patience
        self._limit = asyncio.timeout(limit_s)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._patience.begin(self._limit)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patience.end(self._limit)
        await self._limit.__aexit__(kind, error, trace)
