"""How soon a thread that has something to do gets its turn to run Python.

The threads of a role hand work to each other: event loop, committer, feed, desks, hints. A thread that wants
to run waits until the running one pauses by itself, at most the switch interval, and each time anew: also
after every statement of SQL. With the interpreter's 5 ms the next offer reached a freed agent's desk a third
later (100 agents, medians of seven runs in turn on a busy machine: 51 and 38 ms).
"""

import sys
from typing import Final

SWITCH_S: Final = 0.0005
"""Longer than nearly everything a thread does at one go, so that switching itself costs next to nothing."""


def switch_often() -> None:
    """To be called by every process that serves people."""
    sys.setswitchinterval(SWITCH_S)
