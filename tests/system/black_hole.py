"""A line to a PostgreSQL server that can swallow what goes over it, as a firewall does that drops packets."""

import asyncio
import tempfile
import threading
from contextlib import suppress
from pathlib import Path


class BlackHole:
    """Carries bytes between a Unix socket of its own and the server's, as long as `carries` is set.

    What is swallowed is gone, as it would be when its sender gave up: a line that carried nothing for a while
    carries nothing any more. Nobody is told: connections stay open, and new ones are taken.
    """

    def __init__(self, socket_dir: Path) -> None:
        self._to = socket_dir / ".s.PGSQL.5432"
        self._folder = tempfile.TemporaryDirectory(prefix="muster-line-", dir="/tmp")
        self.carries = threading.Event()
        self.carries.set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listens = threading.Event()
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(self._run()), daemon=True
        )
        self._thread.start()
        assert self._listens.wait(20)

    def url(self, database: str) -> str:
        """DATABASE_URL over this line."""
        return f"postgresql://postgres@/{database}?host={self._folder.name}"

    def close(self) -> None:
        """Ends what is open."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()
        self._folder.cleanup()

    async def _run(self) -> None:
        path = Path(self._folder.name) / ".s.PGSQL.5432"
        server = await asyncio.start_unix_server(self._serve, path)
        self._listens.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._to)
        with suppress(asyncio.CancelledError):  # the end of the test; asyncio would tell it as a mistake
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        for each in (writer, back):
            each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        swallowed = False
        with suppress(OSError):
            while piece := await reader.read(1 << 16):
                swallowed = swallowed or not self.carries.is_set()
                if not swallowed:
                    writer.write(piece)
            writer.close()
