"""Connections to the public internet and nowhere else, whatever a name leads to.

An attachment's address is checked against its provider's before anything is asked. This is the second wall: a
name that leads to this machine, this network or a cloud's own addresses, by mistake or because somebody
answers DNS questions for others, is not connected to. It is resolved once, and what was checked is what is
connected to. Python's own `is_global` is not enough: it calls 64:ff9b:1::1 and 2002:7f00:1:: global.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final  # Any: socket options, passed on as they are

from httpcore2 import AnyIOBackend, AsyncConnectionPool, AsyncNetworkBackend, AsyncNetworkStream, ConnectError
from httpx2 import AsyncHTTPTransport, Limits, create_ssl_context

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, in the order in which to try them. Raises OSError."""

HTTPS: Final = 443

NOT_PUBLIC_4: Final = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
"""IANA's special-purpose addresses, multicast, and what is reserved."""

PUBLIC_6: Final = IPv6Network("2000::/3")
NOT_PUBLIC_6: Final = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
"""Of the public part: protocols' own (Teredo too), documentation, 6to4, which leads to any IPv4 address."""

NAT64: Final = IPv6Network("64:ff9b::/96")
"""An IPv4 address behind a translator: as public as that one (RFC 6052, 3.1). 64:ff9b:1::/48 is local."""


class NotPublic(ConnectError):
    """The name leads to an address that nobody outside can have. The message names no address."""


def is_public(text: str) -> bool:
    """Whether this address can be somebody's on the internet."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None)
        if inner is None:
            return address in PUBLIC_6 and not any(address in each for each in NOT_PUBLIC_6)
        address = inner
    return not any(address in each for each in NOT_PUBLIC_4)


class PublicOnly(AsyncNetworkBackend):
    """Connects to public addresses at the port of https; and to `named`, which the plan itself names."""

    def __init__(
        self,
        named: frozenset[tuple[str, int]] = frozenset(),
        *,
        resolve: Resolve | None = None,
        backend: AsyncNetworkBackend | None = None,
    ) -> None:
        self._named = named
        self._resolve = resolve or _resolve
        self._backend = backend or AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's own name
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Raises NotPublic, ConnectError."""
        address = host if (host, port) in self._named else await self._address(host, port)
        return await self._backend.connect_tcp(
            address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's own name
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Nothing of a provider's is there. Raises NotPublic."""
        raise NotPublic("a socket on this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait between tries."""
        await asyncio.sleep(seconds)

    async def _address(self, host: str, port: int) -> str:
        """The one to connect to. One that is not public among several makes all of them suspect."""
        if port != HTTPS:
            raise NotPublic(f"port {port}")
        try:
            found = await self._resolve(host, port)
        except OSError as problem:
            raise ConnectError(type(problem).__name__) from problem
        if not found or not all(map(is_public, found)):
            raise NotPublic("an address that is not public")
        return found[0]


class PublicOnlyTransport(AsyncHTTPTransport):
    """What a client of httpx2 goes out by: the same as its own, over PublicOnly."""

    def __init__(self, *, limits: Limits, backend: AsyncNetworkBackend) -> None:
        super().__init__(limits=limits)
        # The library has no argument for it; a test makes sure that this is the pool that is used.
        self._pool = AsyncConnectionPool(
            ssl_context=create_ssl_context(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )


async def _resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
