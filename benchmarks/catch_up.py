"""How fast a site that was away for long gets what it missed: the real sender, the real door, real disks.

A journal of whole lives of texts (lives.py) is sent over loopback, signed, to a process that takes it into
its copy: hashed, folded, on disk before each acknowledgement. On SQLite, and on PostgreSQL.
"""

import asyncio
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.lives import fill
from benchmarks.parts import Part
from router.journal import stream
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.sites.auth import Door, Ends
from router.sites.copy_keeper import CopyKeeper
from router.sites.credentials import PeerAccess
from router.sites.peer_client import PeerClient
from router.sites.peer_server import peer_app, peer_server
from router.sites.sender import Sender
from tests.system.postgres import start_postgres

LIVES: Final = 1_000
LIVES_TO_POSTGRES: Final = 400
KEY: Final = b"a key of the benchmark's own, 32."
GIVE_UP_S: Final = 60.0


def catch_up() -> dict[str, float]:
    """Rows a second until all of them are at the other site."""
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-", dir="."))
    try:
        with _journal(folder / "a.db", LIVES) as own:
            on_sqlite = _sent(own, f"sqlite:///{(folder / 'b.db').absolute()}")
        server = start_postgres()
        with _journal(folder / "a2.db", LIVES_TO_POSTGRES) as own:
            on_postgres = _sent(own, next(server).new_schema())
        server.close()  # type: ignore[attr-defined]  # it is a generator
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"catchup_rows_per_s": on_sqlite, "catchup_postgresql_rows_per_s": on_postgres}


@contextmanager
def _journal(path: Path, lives: int) -> Iterator[Database]:
    own = open_database(f"sqlite:///{path.absolute()}", unsafe=True)
    own.create_tables(site="a")
    committer = Committer(own)
    fill(committer, lives)
    committer.close()
    yield own
    own.close()


def _sent(own: Database, copy_url: str) -> float:
    with Part("benchmarks.catch_up", copy_url) as other, own.reading() as db:
        rows = stream.last_seq(db)
        access = _access(int(other.ask("listen")))
        reached = threading.Event()
        sender = Sender(
            own,
            PeerClient(access, clock_ms=wall_ms),
            acked=lambda seq: reached.set() if seq >= rows else None,
        )
        began = time.monotonic()
        thread = threading.Thread(target=sender.run)
        thread.start()
        arrived = reached.wait(GIVE_UP_S)
        took = time.monotonic() - began
        sender.stop()
        thread.join()
        if not arrived:
            raise RuntimeError(f"nothing more arrives: {sender.state}")
        return rows / took


def _access(port: int) -> PeerAccess:
    return PeerAccess(site="a", peer="b", url=f"http://127.0.0.1:{port}", key=KEY, tls=None)


@dataclass(slots=True)
class _Other:
    """The other site, as far as this needs one."""

    copy: Database

    async def serve(self) -> None:
        """Until killed; tells its port when it is asked."""
        from benchmarks.parts import take_orders

        listener = socket.create_server(("127.0.0.1", 0))
        keeper = CopyKeeper(self.copy, grew=lambda: None)
        door = Door(KEY, Ends(site="a", to="b"), clock_ms=wall_ms)
        server = peer_server(peer_app(door, keeper.routes(), clock_ms=wall_ms), None)
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def listen() -> int:
            return int(listener.getsockname()[1])

        await take_orders({"listen": listen})
        serving.cancel()


def _main(copy_url: str) -> None:
    copy = open_database(copy_url, unsafe=True)
    copy.create_tables(site="a")
    asyncio.run(_Other(copy).serve())


if __name__ == "__main__":
    import sys

    _main(sys.argv[1])
