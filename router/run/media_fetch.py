"""Fetches one attachment from the provider that keeps it: bounded in size and time, and from nowhere else.

The address came with a message, so it is anybody's to write. Our credentials go where the provider's module
says and nowhere else; of redirects only those to its own store are followed, and those without credentials.
Where a name really leads is checked as well (public_only.py), but not of what the plan names.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies

from router.channels.port import Account, HttpRequest, Provider

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

FETCH_S: Final = 20.0
"""For the whole of it: a few megabytes; whoever sends a byte a second is given up for now."""

HOPS_MAX: Final = 3
"""Redirects, and answers that only say where the attachment is."""

POINTER_BYTES_MAX: Final = 65_536
"""Such an answer is a few lines of JSON."""

AGAIN: Final = frozenset({202, 401, 403, 404, 408, 425, 429})
"""Answers that may pass: credentials are being changed, a medium is announced before it is there."""

NOT_THERE: Final = "not_there"
TOO_LARGE: Final = "too_large"
NOT_THE_PROVIDERS: Final = "not_the_providers"

_log = logging.getLogger("muster.media")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The attachment; or why it will never be had (lost); or neither: later."""

    body: bytes | None = None
    media_type: str = ""
    lost: str = ""


LATER: Final = Fetched()


class MediaClient:
    """Fetches for every account. Close it at the end."""

    def __init__(self) -> None:
        self._clients: dict[str, AsyncClient] = {}
        """By the endpoint that they may go to besides the public internet."""

    async def fetch(self, address: str, *, provider: Provider, account: Account, bytes_max: int) -> Fetched:
        """One try; never raises for what the other side does."""
        from httpx2 import InvalidURL, RequestError, UnsupportedProtocol

        request = provider.media_request(address, account)
        if request is None:
            return Fetched(lost=NOT_THE_PROVIDERS)
        try:
            async with asyncio.timeout(FETCH_S):
                return await self._follow(request, provider, account, bytes_max)
        except (InvalidURL, UnsupportedProtocol, ValueError):  # ValueError: urljoin's, of `http://[`
            return Fetched(lost=NOT_THE_PROVIDERS)
        except (RequestError, TimeoutError) as problem:
            _log.info("no attachment now account=%s error=%s", account.account_id, type(problem).__name__)
            return LATER

    async def close(self) -> None:
        """Close the connections that were kept."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _follow(
        self, request: HttpRequest, provider: Provider, account: Account, bytes_max: int
    ) -> Fetched:
        for _ in range(HOPS_MAX + 1):
            client = self._clients.get(account.endpoint)
            if client is None:
                client = self._clients[account.endpoint] = _new_client(account.endpoint)
            headers = {**request.headers, "accept-encoding": "identity"}
            async with client.stream(request.method, request.url, headers=headers) as response:
                if response.has_redirect_location:
                    target = urljoin(request.url, response.headers.get("location", ""))
                elif request.leads_to is not None:
                    pointer = await _read(response, POINTER_BYTES_MAX)
                    target = "" if pointer.body is None else request.leads_to(pointer.body)
                    if not target:
                        return pointer if pointer.body is None else LATER
                else:
                    return await _read(response, bytes_max)
            following = request_after(target, provider=provider, account=account)
            if following is None:
                _log.warning("attachment elsewhere, not followed account=%s", account.account_id)
                return Fetched(lost=NOT_THE_PROVIDERS)
            request = following
        return Fetched(lost=NOT_THERE)


def request_after(target: str, *, provider: Provider, account: Account) -> HttpRequest | None:
    """How to follow a redirect to this address; None where it leads away from the provider."""
    again = provider.media_request(target, account)
    if again is not None:
        return again
    plain = target.isascii() and target.isprintable() and not any(sign in target for sign in "\\@")
    dots = "/." in target or "%2e" in target.lower()
    if plain and not dots and target.startswith(provider.media_from):
        return HttpRequest(method="GET", url=target, headers={}, body=b"")
    return None


async def _read(response: "Response", bytes_max: int) -> Fetched:
    status = response.status_code
    if status >= 500 or status in AGAIN:
        return LATER
    if status != 200 or response.headers.get("content-encoding", "identity") != "identity":
        return Fetched(lost=NOT_THERE)
    if _length(response.headers) > bytes_max:
        return Fetched(lost=TOO_LARGE)
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > bytes_max:
            return Fetched(lost=TOO_LARGE)
    if len(body) < _length(response.headers):
        return LATER  # cut short on the way
    return Fetched(body=bytes(body), media_type=response.headers.get("content-type", ""))


def _length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _new_client(endpoint: str) -> "AsyncClient":
    """Where a proxy is set for this machine, it resolves names, and what it lets through is its business."""
    from httpx2 import AsyncClient, Limits, Timeout

    from router.run.public_only import PublicOnly, PublicOnlyTransport

    limits = Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=20)
    timeout = Timeout(FETCH_S, connect=5.0)
    if getproxies().get("https"):
        return AsyncClient(timeout=timeout, limits=limits, follow_redirects=False)
    transport = PublicOnlyTransport(limits=limits, backend=PublicOnly(_named(endpoint)))
    return AsyncClient(timeout=timeout, transport=transport, follow_redirects=False)


def _named(endpoint: str) -> frozenset[tuple[str, int]]:
    """Host and port of the account's own endpoint, where the plan has one."""
    parts = urlsplit(endpoint)
    if not parts.hostname:
        return frozenset()
    return frozenset({(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))})
