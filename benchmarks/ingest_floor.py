"""The floor under ingest: a bare Starlette route and one durable insert, committed in groups. Nothing else.

Durable as the product's: SQLite with a write-ahead log and synchronous FULL; the answer waits for the commit,
and whatever was queued since the last commit goes into the next. The row has a key of its own, without which
nobody could ever find it. No signature, no repeats, no people, no journal, no reading, no limits.
"""

import asyncio
import socket
import sqlite3
import sys
import threading
import uuid
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TABLE = "CREATE TABLE kept (id TEXT UNIQUE, body BLOB NOT NULL)"


class GroupCommit:
    """One thread that inserts what has been handed over, and commits it together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handed: list[tuple[str, bytes, asyncio.Future[None]]] = []
        self._wake = threading.Condition()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._work, daemon=True).start()

    async def keep(self, body: bytes) -> None:
        """On disk when this returns."""
        done = self._loop.create_future()
        with self._wake:
            self._handed.append((uuid.uuid4().hex, body, done))
            self._wake.notify()
        await done

    def _work(self) -> None:
        database = sqlite3.connect(self._path, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(TABLE)
        while True:
            with self._wake:
                while not self._handed:
                    self._wake.wait()
                group, self._handed = self._handed, []
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO kept (id, body) VALUES (?, ?)", [row for *row, _ in group])
            database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_tell, [done for *_, done in group])


def _tell(waiting: list["asyncio.Future[None]"]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


async def main(path: Path) -> None:
    """Serve until killed; the port is the first line of output."""
    committer = GroupCommit(path)

    async def take(request: Request) -> Response:
        await committer.keep(await request.body())
        return Response(b"ok")

    app = Starlette(routes=[Route("/hooks/line", take, methods=["POST"])])
    config = uvicorn.Config(app, http="httptools", access_log=False, log_config=None, lifespan="off")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(Path(sys.argv[1])))
