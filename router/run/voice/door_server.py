"""Serves the door of the voice process on its Unix socket. What is answered there is door.py's."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn

from router.run.voice.door import Door
from router.run.voice.switchboard import Switchboard

STOPPING_S: Final = 1


class DoorServer:
    """`listening` is set once somebody may knock."""

    def __init__(self, board: Switchboard, path: Path) -> None:
        self.listening = asyncio.Event()
        path.unlink(missing_ok=True)
        config = uvicorn.Config(
            Door(board).app(),
            uds=str(path),
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=STOPPING_S,
        )
        self._server = _Server(config, self.listening)

    async def run(self) -> None:
        """Serve until cancelled. Who may knock is the folder's business: uvicorn opens the socket to all."""
        await self._server.serve()


class _Server(uvicorn.Server):
    """Leaves signals to the role, and says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: asyncio.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does."""
        await super().startup(sockets)
        self._listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield
