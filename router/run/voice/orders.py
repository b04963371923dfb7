"""Asks the API of a provider that holds calls: connect, end, look. One try each; when again is others'.

Only what the provider's module has written is asked, at the account's own address; no redirects are followed.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from router.channels.port import CallProvider, HttpReply, HttpRequest

if TYPE_CHECKING:
    from httpx2 import AsyncClient

CONNECT_S: Final = 3.0
ASK_S: Final = 6.0
"""For the whole of it: a caller and an agent wait."""

BYTES_MAX: Final = 65_536
UNSURE: Final = "unsure"
REFUSED: Final = "refused"

_log = logging.getLogger("muster.voice")


class HttpOrders:
    """Over HTTP. Close it at the end."""

    def __init__(self) -> None:
        self._client: AsyncClient | None = None

    async def ask(self, provider: CallProvider, request: HttpRequest) -> str:
        """done, gone, refused or unsure; never raises for what the other side does."""
        from httpx2 import ConnectError, ConnectTimeout, InvalidURL, RequestError, UnsupportedProtocol

        try:
            async with asyncio.timeout(ASK_S):
                return provider.order_outcome(await self._asked(request))
        except (ConnectError, ConnectTimeout, InvalidURL, UnsupportedProtocol) as problem:
            _log.warning("provider not reached error=%s", type(problem).__name__)
            return REFUSED  # it never heard of it
        except (RequestError, TimeoutError) as problem:
            _log.warning("provider did not answer error=%s", type(problem).__name__)
            return UNSURE
        except Exception as mistake:  # noqa: BLE001 - ours, or a library's: a caller must not pay for it
            _log.error("order not given error=%s", type(mistake).__name__)
            return UNSURE

    async def close(self) -> None:
        """Close the connections that were kept."""
        if self._client is not None:
            await self._client.aclose()

    async def _asked(self, request: HttpRequest) -> HttpReply:
        from httpx2 import AsyncClient, Timeout

        if self._client is None:
            self._client = AsyncClient(timeout=Timeout(ASK_S, connect=CONNECT_S), follow_redirects=False)
        headers = {**request.headers, "accept-encoding": "identity"}
        body = b""
        async with self._client.stream(
            request.method, request.url, headers=headers, content=request.body
        ) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > BYTES_MAX:
                    body = b""
                    break
            return HttpReply(status=response.status_code, headers={}, body=body)
