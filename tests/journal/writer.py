"""A process that appends to a journal until it is done, or killed: `python -m tests.journal.writer URL …`.

Arguments: first number, how many (0: for ever); then `freeze` to stop itself (SIGSTOP) while it holds the
lock, or `flood` to append from 64 threads at once. Each acknowledged contact is printed on its own line.
"""

import os
import signal
import sys
import threading
import time
from itertools import count

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import open_database
from tests.journal.writing import PATIENCE_S, Arrival

STOPS_WITHIN_S = 0.5


def main() -> None:
    """Append as the arguments say."""
    url, first, many, *rest = sys.argv[1:]
    committer = Committer(open_database(url, unsafe=True))
    if rest == ["flood"]:
        for thread in range(64):
            threading.Thread(target=_flood, args=(committer, int(first) + thread), daemon=True).start()
        print("flooding", flush=True)
        signal.pause()
    last = int(first) + int(many) if int(many) else sys.maxsize
    for number in range(int(first), last):
        freeze = _freeze if rest and number == int(first) else lambda db: None
        append = Arrival(number, while_locked=freeze)
        committer.submit(append).result(PATIENCE_S)
        print(append.name, flush=True)
    committer.close()


def _freeze(db: Connection) -> None:
    print("frozen", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(STOPS_WITHIN_S)  # another thread may be the one that the kernel stops first


def _flood(committer: Committer, first: int) -> None:
    for number in count(first, 64):
        committer.submit(Arrival(number)).result(PATIENCE_S)


if __name__ == "__main__":
    main()
