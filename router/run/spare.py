"""A process that has everything loaded and waits for the order to begin: the spare of a role.

Starting Python and everything it needs takes seconds on a busy machine; from here on it takes a moment. A
spare has no connection, no lock and no beat before its order. Who gives it is child.py.
"""

import ctypes
import os
import sys
from contextlib import suppress
from typing import Final

NAME: Final = "muster-spare"
"""What `ps` and /proc call a process that still waits: it has the command of the one that serves."""

_PR_SET_NAME: Final = 15
_NAME_BYTES: Final = 15


def ordered(order_fd: int, *, role: str) -> bool:
    """Wait for the order. False when whoever would give it is gone; at once true for who is no spare (-1)."""
    if order_fd < 0:
        return True
    _call_ourselves(NAME)
    told = os.read(order_fd, 1)
    os.close(order_fd)
    _call_ourselves(f"muster-{role}")
    return told != b""


def tell(order_fd: int) -> bool:
    """Give the order. False when the spare is not there any more."""
    with suppress(OSError):
        return os.write(order_fd, b"1") == 1
    return False


def _call_ourselves(name: str) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_NAME_BYTES], 0, 0, 0)
