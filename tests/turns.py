"""Whose turn it is where several processes run tests: beside one that holds promises about time is one other.

Most tests wait, for a browser, a process or a deadline, so that three at a time need two cores. Those marked
`timed` put a whole centre under load and measure it. They are one group of pytest-xdist, thus never beside
each other; and while one of them runs, the process after its own stands still.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

BESIDE: Final = 2
"""With as many processes as this nobody has to stand still."""


@contextmanager
def turn_of(item: pytest.Item) -> Iterator[None]:
    """Until this test may begin, and while it runs. Alone, it may at once."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count <= BESIDE:
        yield
        return
    wanted = 1 + count - BESIDE if item.get_closest_marker("timed") else 1
    with ExitStack() as held:
        turns = {(_number() + further) % count for further in range(wanted)}
        for number in sorted(turns):  # all in one order, so that no three ever wait for each other
            held.enter_context(_turn(number))
        yield


def forget_turn() -> None:
    """At the end of this process, which wants none any more."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        _file(_number()).unlink(missing_ok=True)


@contextmanager
def _turn(number: int) -> Iterator[None]:
    """One of the processes runs a test, or stands still. The kernel ends the turn of one that dies."""
    with _file(number).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _file(number: int) -> Path:
    return Path(tempfile.gettempdir()) / f"muster-turn-{os.environ['PYTEST_XDIST_TESTRUNUID']}-{number}"


def _number() -> int:
    """Which of the processes this is; one that replaces a dead one has a number of its own."""
    return int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
