"""Beats: a role shows `muster up` that its event loop turns. What a missing beat leads to is in up.

The beat is one byte on an inherited pipe: `READY` once the role serves, `STARTING` before. The pipe works
both ways: when nobody reads it any more, the parent is gone and the role stops by itself.
"""

import asyncio
import os
import signal
from collections.abc import Callable
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
    if fd < 0:
        await asyncio.Event().wait()
    os.set_blocking(fd, False)
    while True:
        if well():
            try:
                os.write(fd, READY if ready() else STARTING)
            except BlockingIOError:
                pass  # The parent is too busy to read; the pipe still holds earlier beats.
            except OSError:
                await _stop_orphan()
        await asyncio.sleep(INTERVAL_S)


async def _stop_orphan() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(ORPHAN_S)
    os.kill(os.getpid(), signal.SIGKILL)
