"""What stands in front of several web processes: each connection goes to one that takes it, in turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
BYTES = 65_536


@dataclass(slots=True)
class Balancer:
    """Passes bytes on and looks at none of them. `ports` are those of the webs."""

    ports: Sequence[int]
    port: int
    _turn: int = 0
    _connections: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            with suppress(OSError):
                await self._pass_on(reader, writer)
        finally:
            del self._connections[task]
            writer.close()

    async def stop(self) -> None:
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await self._next_web()
        if there is None:
            return
        try:
            ways = {
                asyncio.create_task(_copy(reader, there[1])),
                asyncio.create_task(_copy(there[0], writer)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            there[1].close()

    async def _next_web(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.ports:
            self._turn += 1
            with suppress(OSError):
                return await asyncio.open_connection(HOST, self.ports[self._turn % len(self.ports)])
        return None


@asynccontextmanager
async def balancer(ports: Sequence[int], port: int) -> AsyncIterator[Balancer]:
    """One on this port, until the end of the block."""
    found = Balancer(ports, port)
    server = await asyncio.start_server(found.serve, HOST, port)
    try:
        yield found
    finally:
        server.close()
        await found.stop()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(BYTES):
        writer.write(data)
        await writer.drain()
