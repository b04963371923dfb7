"""Reads the whole journal again, a page a second and round after round, and says when a row is damaged.

A bit that fell over years ago is noticed before it is needed; and a site that is damaged does not take over.
Repair is a command (`muster journal repair --from-peer`): somebody should know that a disk fails.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON

from router.journal import chain, stream
from router.journal.clock import wall_ms
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.run.trouble import NoticeTrouble
from router.sites.chains import look_at_chain
from router.sites.status import VERIFIED, put_status, status_of

PAGE: Final = 1_000
"""Rows looked at in one step: some 10 ms."""

EVERY_S: Final = 1.0
BETWEEN_S: Final = 10.0
"""Between two rounds: a small journal need not be read every second."""

NAMED: Final = 20
"""Faults that are named; they are counted to the end of the round."""

JOURNAL_DAMAGED: Final = "journal_damaged"
"""Code of the alarm; its ref is the first damaged row, its detail names all of the page."""

_log = logging.getLogger("muster.journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one page showed. Shape: faults are new ones; ended says that the round has come to the end."""

    faults: tuple[chain.Fault, ...]
    ended: bool


class Scrub:
    """One round after the other. step() is called once a second inside a read transaction."""

    def __init__(self) -> None:
        self._last = chain.beginning()
        self._texts: list[str] = []
        self._count = 0
        self._first = 0
        self._whole: Mapping[str, Any] = {}

    def step(self, db: Connection) -> Step:
        """The next page. What is appended meanwhile belongs to the round."""
        page = stream.read_rows(db, after_seq=self._last.seq, limit=PAGE)
        found: list[chain.Fault] = []
        for row in page:
            found += chain.faults(row, self._last)
            chain.go_on(self._last, row)
        ended = len(page) < PAGE
        if ended:
            ending = chain.head_fault(stream.read_head(db), self._last)
            found += [ending] if ending else []
        self._note(found)
        return Step(faults=tuple(found), ended=ended)

    def said(self) -> Mapping[str, Any]:
        """For site_status, key `verified`: how far this round is, and what the worse of it and the last said.

        Shape: fault is empty while all is well; count are the faults, first the first damaged row.
        """
        if not self._texts and self._whole:
            return {**self._whole, "seq": self._last.seq}
        return {**self._this(), "seq": self._last.seq}

    def begin_again(self) -> None:
        """After a step that ended the round."""
        self._whole = {**self._this(), "through": self._last.seq}
        self._last = chain.beginning()
        self._texts, self._count, self._first = [], 0, 0

    def _this(self) -> Mapping[str, Any]:
        return {"fault": "; ".join(self._texts), "count": self._count, "first": self._first}

    def _note(self, found: list[chain.Fault]) -> None:
        if found and not self._first:
            self._first = found[0].first
        self._count += len(found)
        self._texts += [each.text for each in found][: NAMED - len(self._texts)]


class Scrubbing:
    """The scrub at work in the peer role, with its alarm."""

    def __init__(self, database: Database, committer: Committer) -> None:
        self._database = database
        self._committer = committer
        self._scrub = Scrub()

    async def run(self) -> None:
        """Until cancelled. While the database is away there is nothing to read."""
        while True:
            pause_s = EVERY_S
            try:
                if await asyncio.to_thread(self.turn):
                    pause_s = BETWEEN_S
            except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
                _log.warning("the journal is not read again now error=%s", type(problem).__name__)
            except Exception:  # noqa: BLE001 - a mistake of ours must not end the second copy with it
                _log.exception("the journal is not read again for a while")
                pause_s = BETWEEN_S
            await asyncio.sleep(pause_s)

    def turn(self) -> bool:
        """One page, and what follows from it; whether a round has ended."""
        with self._database.reading() as db:
            step = self._scrub.step(db)
        if step.faults:
            first, texts = step.faults[0].first, "; ".join(each.text for each in step.faults[:NAMED])
            _log.error("the journal is damaged row=%d faults=%d", first, len(step.faults))
            alarm = NoticeTrouble(code=JOURNAL_DAMAGED, ref=f"row {first}", detail=texts)
            self._committer.submit(alarm).result()
        if step.ended:
            self._scrub.begin_again()
        with self._database.writing() as db:
            keep_said(db, self._scrub, wall_ms())
        return step.ended


def keep_said(db: Connection, scrub: Scrub, now_ms: int) -> None:
    """Notes it where console, readiness and command line look. In a transaction of Database.writing."""
    put_status(db, VERIFIED, now_ms, scrub.said())


def chain_is_valid(db: Connection) -> bool:
    """Whether nothing is known to be wrong with this database's own stream: asked before a take-over.

    What the scrub found in the whole of it (site_status), and the newest rows once more now.
    """
    return not status_of(db, VERIFIED).text("fault") and not look_at_chain(db).fault
