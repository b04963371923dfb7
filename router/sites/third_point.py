"""The third point: an address that both sites can ask. Who cannot reach it is cut off itself.

Any answer over HTTP counts, also a refusal: what is asked is the line, not the page.
"""

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from httpx2 import AsyncClient

ASK_S: Final = 1.5
CALM_MS: Final = 30_000
"""How often it is asked while the other site answers: often enough to be right when it stops."""

KEPT_MS: Final = 6_000
"""How long an answer counts while the other site is silent: it is asked every second then."""


class ThirdPoint:
    """Asked in the watcher's turn; answers() is asked by the thread of the beats."""

    def __init__(self) -> None:
        self._named = False
        self._answered: tuple[int, bool] = (0, False)
        self._client: AsyncClient | None = None

    def answers(self, mono_ms: int) -> bool | None:
        """Whether it answered lately; None where none is named."""
        if not self._named:
            return None
        at_ms, answered = self._answered
        return answered and mono_ms - at_ms <= KEPT_MS

    async def ask(self, address: str, mono_ms: int, *, urgent: bool) -> None:
        """Ask it, if it is time to. Never raises for what others do."""
        self._named = bool(address)
        at_ms, _ = self._answered
        if not address or (at_ms and not urgent and mono_ms - at_ms < CALM_MS):
            return
        self._answered = mono_ms, await self._asked(address)

    async def close(self) -> None:
        """Close the connection that was kept."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _asked(self, address: str) -> bool:
        from httpx2 import InvalidURL, RequestError

        if self._client is None:
            self._client = _new_client(address)
        try:
            async with asyncio.timeout(ASK_S), self._client.stream("GET", address):
                return True
        except (RequestError, InvalidURL, TimeoutError):
            return False


def _new_client(address: str) -> "AsyncClient":
    """Straight there, never by a proxy, which would answer for it; and nowhere else."""
    from httpx2 import AsyncClient, Limits

    from router.run.public_only import PublicOnly, PublicOnlyTransport

    parts = urlsplit(address)
    named = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    limits = Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=60)
    transport = PublicOnlyTransport(limits=limits, backend=PublicOnly(frozenset({named})))
    return AsyncClient(timeout=None, transport=transport, follow_redirects=False)
