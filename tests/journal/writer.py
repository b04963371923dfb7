"""A process that appends to a journal until it is told to stop, or killed: `python -m tests.journal.writer URL …`.

Arguments: first number, how many (0: for ever), and `freeze` to stop itself (SIGSTOP) while it holds the lock.
Each contact that was acknowledged is printed on a line of its own.
"""

import os
import signal
import sys

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import open_database
from tests.journal.writing import PATIENCE_S, Arrival


def main() -> None:
    """Append as the arguments say."""
    url, first, count, *rest = sys.argv[1:]
    committer = Committer(open_database(url, unsafe=True))
    last = int(first) + int(count) if int(count) else sys.maxsize
    for number in range(int(first), last):
        freeze = _freeze if rest and number == int(first) else lambda db: None
        append = Arrival(number, while_locked=freeze)
        committer.submit(append).result(PATIENCE_S)
        print(append.name, flush=True)
    committer.close()


def _freeze(db: Connection) -> None:
    print("frozen", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main()
