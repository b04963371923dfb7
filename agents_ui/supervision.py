"""What a process may not live without: all its essential tasks, and a loop that turns."""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final  # Any: what a coroutine sends and receives does not matter here

TICK_S: Final = 0.5
STANDS_STILL_S: Final = 10.0
"""A loop that has not turned for this long serves nobody and cannot mend itself."""

EXIT_STANDSTILL: Final = 70
"""EX_SOFTWARE of sysexits.h."""

_log = logging.getLogger("muster.supervision")


class EssentialTaskEnded(Exception):
    """A task that must run for ever has ended; the message names it."""


async def run_essential(tasks: dict[str, Coroutine[Any, Any, None]], until: asyncio.Event) -> None:
    """Run all of them until `until` is set. Raises EssentialTaskEnded when one ends before."""
    running = {asyncio.create_task(work, name=name) for name, work in tasks.items()}
    stop = asyncio.create_task(until.wait(), name="stop")
    try:
        done, _ = await asyncio.wait({*running, stop}, return_when=asyncio.FIRST_COMPLETED)
        ended = sorted(done - {stop}, key=lambda task: task.get_name())
        if ended and not until.is_set():
            problem = None if ended[0].cancelled() else ended[0].exception()
            raise EssentialTaskEnded(ended[0].get_name()) from problem
    finally:
        for task in {*running, stop}:
            task.cancel()
        await asyncio.gather(*running, stop, return_exceptions=True)


class Watchdog:
    """A thread that ends the process when the event loop has not turned for STANDS_STILL_S."""

    def __init__(self, *, limit_s: float = STANDS_STILL_S, give_up: Callable[[], None] | None = None) -> None:
        self.lag_s = 0.0
        """How late the last tick of the loop came."""
        self._limit_s = limit_s
        self._give_up = give_up or _end_process
        self._turned_at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    async def run(self) -> None:
        """Tick until cancelled."""
        self._thread.start()
        try:
            while True:
                began = time.monotonic()
                await asyncio.sleep(TICK_S)
                self._turned_at = time.monotonic()
                self.lag_s = max(0.0, self._turned_at - began - TICK_S)
        finally:
            self._ended.set()

    def _watch(self) -> None:
        looked_at = time.monotonic()
        while not self._ended.wait(TICK_S):
            now = time.monotonic()
            if now - looked_at > 2 * TICK_S + 1:
                self._turned_at = (
                    now  # We were stopped as a whole (SIGSTOP, a sleeping laptop): start counting anew.
                )
            elif now - self._turned_at > self._limit_s:
                self._give_up()
                return
            looked_at = now


def _end_process() -> None:
    _log.critical("event loop stands still limit_s=%s", STANDS_STILL_S)
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(EXIT_STANDSTILL)
