"""One address for ICE, on a port that we choose, and when something was last heard on it.

aioice would name the addresses of every interface but 127.0.0.1, each with a port of its own choice.
"""

import asyncio
from collections.abc import Callable
from typing import Any  # Any: an address as asyncio gives it

from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aiortc.rtcicetransport import RTCIceGatherer

from router.run.media.ports import Ports, udp_socket


class OneAddress:
    """Takes the place of the search for addresses of one connection."""

    def __init__(self, address: str, ports: Ports, now: Callable[[], float]) -> None:
        self.heard_at = now()
        self._address, self._ports, self._now = address, ports, now
        self._transport: asyncio.DatagramTransport | None = None

    def replaces_gathering_of(self, gatherer: RTCIceGatherer) -> None:
        """From now on that connection has this address only."""
        connection = gatherer._connection

        async def candidates(component: int, addresses: list[str]) -> list[Candidate]:
            return await self._candidates(connection, component)

        # A method of the object, not of the class: other connections are not touched.
        connection.get_component_candidates = candidates  # type: ignore[method-assign, assignment]

    async def close(self) -> None:
        """The connection closes its socket when it is closed; this is for one that never got so far."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()

    async def _candidates(self, connection: Connection, component: int) -> list[Candidate]:
        bound = udp_socket(self._address, self._ports)
        port: int = bound.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._transport, protocol = await loop.create_datagram_endpoint(
            lambda: _Noted(connection, self._note), sock=bound
        )
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", self._address),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=self._address,
            port=port,
            type="host",
        )
        connection._protocols.append(protocol)
        return [protocol.local_candidate]

    def _note(self) -> None:
        self.heard_at = self._now()


class _Noted(StunProtocol):
    """Tells of every datagram, whatever is in it."""

    def __init__(self, receiver: Connection, note: Callable[[], None]) -> None:
        super().__init__(receiver)
        self._note = note

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """One came."""
        self._note()
        super().datagram_received(data, addr)
