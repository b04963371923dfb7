"""What this machine knows to be in the journal, kept beside the database: has it lost rows that were there?

A replica that lagged and was promoted, or an old backup that was put back, lacks rows that people were told
are kept. Were new ones put over them, two sites (or two machines) would know different rows by one number.
So a role that finds the row it knew gone ends, and none starts on such a database, until somebody has begun
a new incarnation of the journal on purpose (docs/deploy.md). The file is as old as a second: what a role that
lives knows (here, and in its committer) is exact.
"""

import fcntl
import json
import logging
import os
import signal
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from router.journal import stream
from router.journal.connection import Connection, DatabaseBusy, DatabaseUnsafe
from router.journal.database import Database, DatabaseGone

FILE: Final = "journal-mark.json"
EVERY_S: Final = 1.0
END_S: Final = 3.0
"""A role that was told to end and has not after this long is killed."""

LOST: Final = (
    "the database has lost rows of the journal: row {seq} was there, and now {now}. A replica that lagged "
    "took over, or an older backup was put back: stop every role and type muster recover --from-peer, or "
    "where there is no other site muster recover --alone (docs/deploy.md says how)"
)

_log = logging.getLogger("muster.journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row that was in the journal; seq 0: none is known."""

    site: str = ""
    incarnation: str = ""
    seq: int = 0
    hash: str = ""

    def missing_in(self, db: Connection) -> str:
        """What is there instead of this row, in words; '' where it is there, or no row is known."""
        if stream.has_row(db, self.seq, bytes.fromhex(self.hash)):
            return ""
        last = stream.last_seq(db)
        return f"the last one is {last}" if last < self.seq else "another one has its place"


def refuse_older(database: Database, data_dir: Path) -> None:
    """Raises DatabaseUnsafe where the database has lost rows that were seen from here, DatabaseGone."""
    known = read_mark(data_dir)
    with database.reading() as db:
        now = _head(db)
        if known.incarnation != now.incarnation:
            return  # Another database, or one that somebody has begun anew on purpose.
        missing = known.missing_in(db)
    if missing:
        raise DatabaseUnsafe(LOST.format(seq=known.seq, now=missing))


def read_mark(data_dir: Path) -> Mark:
    """What was noted last; a file that makes no sense says nothing."""
    try:
        found = json.loads((data_dir / FILE).read_bytes())
        mark = Mark(**found)
        bytes.fromhex(mark.hash)
    except (OSError, ValueError, TypeError):
        return Mark()
    return mark if isinstance(mark.seq, int) else Mark()


def note_mark(data_dir: Path, mark: Mark) -> None:
    """Keep it, unless a row after it is noted already. Raises OSError."""
    with (data_dir / f"{FILE}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted = read_mark(data_dir)
        if noted.incarnation == mark.incarnation and noted.seq >= mark.seq:
            return
        fresh = data_dir / f"{FILE}.new"
        fresh.write_text(json.dumps(asdict(mark)) + "\n", encoding="utf-8")
        fresh.replace(data_dir / FILE)


class HeadWatch:
    """A thread that follows the end of the journal, and ends this process when it has gone back."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._data_dir = data_dir
        self._known = Mark()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="head", daemon=True)

    def start(self) -> None:
        """Raises DatabaseUnsafe and DatabaseGone, as refuse_older; then it goes on by itself."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        refuse_older(self._database, self._data_dir)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(END_S)

    def _follow(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                missing = self._look()
            except (DatabaseGone, DatabaseBusy):
                continue
            except Exception:  # noqa: BLE001 - a full disk, a driver's own: this must not end by itself
                _log.exception("cannot look at the end of the journal, or note it")
                continue
            if missing:
                _log.critical("%s", LOST.format(seq=self._known.seq, now=missing))
                self._end()

    def _look(self) -> str:
        with self._database.reading() as db:
            missing = self._known.missing_in(db)
            now = _head(db)
        if not missing and now != self._known:
            self._known = now
            note_mark(self._data_dir, now)
        elif missing:
            note_mark(self._data_dir, self._known)
        return missing

    def _end(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        if not self._over.wait(END_S):
            os.kill(os.getpid(), signal.SIGKILL)


def _head(db: Connection) -> Mark:
    head = stream.read_head(db)
    return Mark(site=head.site, incarnation=head.incarnation, seq=head.seq, hash=head.hash.hex())
