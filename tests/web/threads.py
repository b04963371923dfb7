"""An event loop in a thread of its own, so that tests can be hostile with plain blocking sockets."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class LoopThread:
    """Runs one main coroutine until it ends; other coroutines can be run in its loop meanwhile."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._main = main
        self._started = threading.Event()
        self.problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of this coroutine, run in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def soon(self, callback: Callable[[], object]) -> None:
        """Call this in the loop."""
        self.loop.call_soon_threadsafe(callback)

    def join(self) -> None:
        """Wait for the end; what went wrong in the main coroutine is raised here."""
        self._thread.join(20)
        assert not self._thread.is_alive(), "the loop did not end"
        if self.problem is not None:
            raise self.problem

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            self.loop = runner.get_loop()
            self.loop.call_soon(self._started.set)
            try:
                runner.run(self._main())
            except BaseException as problem:  # noqa: BLE001 - told to whoever joins
                self.problem = problem
