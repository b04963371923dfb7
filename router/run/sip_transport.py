"""SIP over UDP and TCP, on one port: sockets in, bytes with their `Flow` out, and back.

What the bytes mean is router/channels/sip_user_agent.py. No TLS: a trunk is a private line or a VPN.
"""

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Final

from router.channels.sip_stream import SipStream, StreamBroken
from router.channels.sip_transaction import Flow

CONNECTIONS_MAX: Final = 1_000
CONNECT_S: Final = 5.0
UNSENT_BYTES_MAX: Final = 1_048_576
"""A peer that reads nothing for so long is gone."""

BUFFER_BYTES: Final = 4_194_304
"""What the kernel keeps of datagrams while this process is busy: some thousand INVITEs."""

KNOWN_S: Final = 60.0
"""How long the address of a name counts."""

BIND_TRIES: Final = 20

_log = logging.getLogger("muster.sip")


class SipTransport:
    """One port, open for both protocols."""

    def __init__(
        self,
        *,
        on_message: Callable[[bytes, Flow], None],
        on_lost: Callable[[Flow], None],
        may_connect: Callable[[str], bool],
    ) -> None:
        """on_lost is told where something could not be sent to. may_connect: whose connections are taken."""
        self.port = 0
        self.refused = 0
        self.on_message, self._on_lost, self.may_connect = on_message, on_lost, may_connect
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._family = socket.AF_INET
        self._connections: dict[int, _Connection] = {}
        self._by_peer: dict[tuple[str, int], int] = {}
        self._opening: dict[tuple[str, int], list[bytes]] = {}
        self._addresses: dict[str, tuple[float, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    def bind(self, host: str, port: int) -> None:
        """Take the port; 0: any that is free for both protocols. Raises OSError."""
        self._sockets = _bound(host, port)
        self._family = self._sockets[0].family
        self.port = int(self._sockets[0].getsockname()[1])

    async def listen(self) -> None:
        """Begin, on the port that was taken."""
        loop = asyncio.get_running_loop()
        datagrams, listener = self._sockets
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=datagrams)
        self._server = await loop.create_server(lambda: _Connection(self), sock=listener, backlog=200)

    def send(self, data: bytes, flow: Flow) -> None:
        """Send it, sooner or later; who cannot be reached is told by on_lost."""
        if flow.transport == "udp":
            if _is_address(flow.host):
                self._send_datagram(data, flow, flow.host)
            else:
                self._later(self._resolve_and_send(data, flow))
            return
        connection = self._connections.get(flow.connection)
        if connection is None or connection.host != flow.host:
            connection = self._connections.get(self._by_peer.get((flow.host, flow.port), 0))
        if connection is not None:
            connection.write(data)
        elif (waiting := self._opening.get((flow.host, flow.port))) is not None:
            waiting.append(data)
        else:
            self._opening[flow.host, flow.port] = [data]
            self._later(self._connect(flow))

    async def close(self) -> None:
        """Close everything."""
        for task in list(self._tasks):
            task.cancel()
        if self._udp is not None:
            self._udp.close()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections.values()):
            connection.abort()
        await asyncio.sleep(0)  # The loop closes the sockets in its next turn.

    # -- what connections tell ----------------------------------------------------------------------

    def add(self, connection: "_Connection") -> int:
        """The number of a new connection; 0: no more are taken."""
        if len(self._connections) >= CONNECTIONS_MAX:
            return 0
        self._count += 1
        self._connections[self._count] = connection
        return self._count

    def drop(self, number: int) -> None:
        """This connection is no more."""
        self._connections.pop(number, None)
        for peer in [peer for peer, each in self._by_peer.items() if each == number]:
            del self._by_peer[peer]

    # -- smaller things -----------------------------------------------------------------------------

    def _send_datagram(self, data: bytes, flow: Flow, address: str) -> None:
        if self._udp is None or self._udp.is_closing():
            return
        try:
            self._udp.sendto(data, (address, flow.port))
        except (OSError, ValueError) as problem:
            _log.info("not sent bytes=%d error=%s", len(data), type(problem).__name__)
            self._on_lost(flow)

    async def _resolve_and_send(self, data: bytes, flow: Flow) -> None:
        try:
            address = await self._address(flow.host)
        except (OSError, ValueError):  # ValueError: a name that cannot be one
            self._on_lost(flow)
            return
        self._send_datagram(data, flow, address)

    async def _address(self, name: str) -> str:
        loop = asyncio.get_running_loop()
        until, known = self._addresses.get(name, (0.0, ""))
        if known and until > loop.time():
            return known
        found = await loop.getaddrinfo(name, None, family=self._family, type=socket.SOCK_DGRAM)
        address = str(found[0][4][0])
        if len(self._addresses) > CONNECTIONS_MAX:
            self._addresses.clear()
        self._addresses[name] = (loop.time() + KNOWN_S, address)
        return address

    async def _connect(self, flow: Flow) -> None:
        peer = flow.host, flow.port
        connection = _Connection(self, ours=True)
        try:
            async with asyncio.timeout(CONNECT_S):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: connection, flow.host, flow.port)
        except (OSError, TimeoutError, ValueError):  # ValueError: a name that cannot be one
            waiting, back = self._opening.pop(peer, []), self._connections.get(flow.connection)
            if back is None:
                self._on_lost(flow)
                return
            # Who lets nobody connect is still reached by the connection that came from there.
            for data in waiting:
                back.write(data)
            return
        self._by_peer[peer] = connection.number
        for data in self._opening.pop(peer, []):
            connection.write(data)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP socket."""

    def __init__(self, owner: SipTransport) -> None:
        self._owner = owner

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._owner.on_message(data, Flow("udp", _plain(addr[0]), addr[1]))

    def error_received(self, exc: Exception) -> None:
        _log.debug("datagram error=%s", type(exc).__name__)


class _Connection(asyncio.Protocol):
    """One TCP connection, of theirs or ours."""

    def __init__(self, owner: SipTransport, *, ours: bool = False) -> None:
        self._owner, self._ours = owner, ours
        self._stream = SipStream()
        self._transport: asyncio.Transport | None = None
        self._flow = Flow("tcp", "", 0)
        self.number = 0

    @property
    def host(self) -> str:
        """Whose it is."""
        return self._flow.host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername") or ("", 0)
        host = _plain(str(peer[0]))
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        if not self._ours and not self._owner.may_connect(host):
            self._owner.refused += 1
            self.abort()
            return
        self.number = self._owner.add(self)
        self._flow = replace(self._flow, host=host, port=int(peer[1]), connection=self.number)
        if not self.number:
            self.abort()

    def data_received(self, data: bytes) -> None:
        if not self.number:
            return
        try:
            messages = self._stream.feed(data)
        except StreamBroken as reason:
            _log.info("connection given up reason=%s", reason)
            self.abort()
            return
        while self._stream.pings:
            self._stream.pings -= 1
            self.write(b"\r\n")
        for message in messages:
            self._owner.on_message(message, self._flow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.drop(self.number)

    def write(self, data: bytes) -> None:
        """Send it on this connection."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.abort()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()


def _bound(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one port."""
    for attempt in range(BIND_TRIES):
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            datagrams.bind(address)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, datagrams.getsockname()[1]))
        except OSError as problem:
            datagrams.close()
            listener.close()
            if port or problem.errno != errno.EADDRINUSE or attempt == BIND_TRIES - 1:
                raise
            continue
        datagrams.setblocking(False)
        listener.setblocking(False)
        return datagrams, listener
    raise OSError(errno.EADDRINUSE, "no port is free for both UDP and TCP")


def _plain(host: str) -> str:
    """An IPv4 address that came by a socket for both kinds, as everybody writes it."""
    return host.removeprefix("::ffff:") if host.startswith("::ffff:") and "." in host else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
