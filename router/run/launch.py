"""Become another program, which the kernel kills when our parent ends. Run as a file, without imports.

    python -I -S launch.py PARENT_PID PROGRAM ARGUMENT…

Asking the kernel between fork and exec would do as well, but runs Python code in a copy of a process with
threads, where it may wait for ever for a lock that no thread will release. Where the kernel cannot be asked
(macOS), a role notices by its beats that its parent is gone.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Never returns."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # It ended before we could ask.
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
