"""A part of a measurement that runs in a process of its own, and takes orders one at a time.

Orders and answers are JSON, one a line, over stdin and stdout. Times are those of the machine's monotonic
clock, which all its processes share.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any  # Any: JSON values at the edge of the type system

Order = Callable[..., Awaitable[Any]]


class Part:
    """The other end: starts the process and gives it orders."""

    def __init__(self, module: str, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self, order: str, **values: Any) -> None:
        """Give an order without waiting for its end."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, **values}) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        """The answer to the order begun last."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended: see its message above")
        return json.loads(line)

    def ask(self, order: str, **values: Any) -> Any:
        """Give an order and wait for its answer."""
        self.begin(order, **values)
        return self.end()

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()


async def take_orders(orders: dict[str, Order]) -> None:
    """Carry out orders from stdin until it ends, beside whatever else the loop does."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        values = json.loads(line)
        answer = await orders[values.pop("order")](**values)
        print(json.dumps(answer), flush=True)
