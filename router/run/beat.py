"""Beats: a role shows `muster up` that its event loop turns. What a missing beat leads to is in up.

The beat is one byte on an inherited pipe: `READY` once the role serves, `STARTING` before. The pipe works
both ways: when nobody reads it any more, the parent is gone and the role stops by itself.

Where systemd started the role (Type=notify), it hears the same from NOTIFY_SOCKET: READY=1 once the role
serves, so that an upgrade waits for it, and WATCHDOG=1 with every beat, so that a frozen role is killed.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

INTERVAL_S: Final = 0.5
STARTING: Final = b"0"
READY: Final = b"1"

ORPHAN_S: Final = 3.0
"""An orphan that has not stopped by itself after this long is killed: its data folder may be wanted again."""


def _always() -> bool:
    return True


async def beat(fd: int, ready: Callable[[], bool] = _always, well: Callable[[], bool] = _always) -> None:
    """Beat on fd until cancelled; with fd -1 nobody watches, and nothing happens.

    Shape: `ready` says whether the role serves yet; while `well` is false no beat is sent, which asks to be
           killed and restarted. Ends this process (SIGTERM, then SIGKILL) when the reader is gone.
    """
    systemd = Systemd(os.environ)
    if fd < 0 and not systemd.listens:
        await asyncio.Event().wait()
    if fd >= 0:
        os.set_blocking(fd, False)
    try:
        while True:
            if well():
                systemd.tell(serves=ready())
                if fd >= 0:
                    await _beat_once(fd, READY if ready() else STARTING)
            await asyncio.sleep(INTERVAL_S)
    finally:
        systemd.close()


class Systemd:
    """systemd, where it started this process and wants to know. Says nothing where it does not listen."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)

    @property
    def listens(self) -> bool:
        """Whether anybody wants to know."""
        return self._socket is not None

    def close(self) -> None:
        """Nobody beats any more."""
        if self._socket is not None:
            self._socket.close()

    def tell(self, *, serves: bool) -> None:
        """That the loop turns, and whether the role serves. Never raises, never waits."""
        if self._socket is None:
            return
        words = b"READY=1\nSTATUS=serves\nWATCHDOG=1" if serves else b"STATUS=starting\nWATCHDOG=1"
        with suppress(OSError):  # Too busy to read: it has earlier ones.
            self._socket.sendto(words, self._address)


async def _beat_once(fd: int, what: bytes) -> None:
    try:
        os.write(fd, what)
    except BlockingIOError:
        pass  # The parent is too busy to read; the pipe still holds earlier beats.
    except OSError:
        await _stop_orphan()


async def _stop_orphan() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(ORPHAN_S)
    os.kill(os.getpid(), signal.SIGKILL)
