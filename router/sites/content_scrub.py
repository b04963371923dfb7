"""Reads all content again, of this site and of its copy of the other one, and says what is not as written.

Row by row as the journal names it, a few megabytes a second, round after round. What is damaged or gone in
the copy is noted there: the other site's sender brings it again by itself. What is damaged here is mended by
a command (`muster journal repair`): somebody should know that a disk fails.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: JSON

from router.journal import stream
from router.journal.clock import wall_ms
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.journal.hashed_content import DAMAGED, Finding, Hashed, findings, named_in
from router.journal.many_rows import readable_in, rows_in
from router.records import Row
from router.run.trouble import NoticeTrouble
from router.sites import content_faults
from router.sites.copies import Refused
from router.sites.status import CONTENT, put_status

PAGE: Final = 500
"""Rows looked at in one step."""

STEP_BYTES: Final = 8 << 20
"""Content read in one step: some 20 ms. One row may name more, and is a step of its own."""

EVERY_S: Final = 1.0
BETWEEN_S: Final = 30.0
"""Between two rounds."""

NAMED: Final = 5
"""Contents that an alarm and the console name; the others are counted."""

ALARMS: Final = {"own": "content_damaged", "copy": "copy_content_damaged"}
"""Codes of the alarms; their detail names the first ones."""

CONTENT_REFUSED: Final = "content_refused"
"""Code of the alarm that content came wrong over the line."""

_SIZES: Final = "SELECT content_id, length(body) FROM content WHERE content_id IN {wanted}"
_NOTED: Final = "SELECT content_id FROM content_fault WHERE content_id IN {wanted}"

_log = logging.getLogger("muster.content")


@dataclass(slots=True, kw_only=True)
class Round:
    """What one time through all of it showed. absent: erased, or lost; unhashed: named without a hash."""

    seq: int = 0
    checked: int = 0
    damaged: int = 0
    absent: int = 0
    unhashed: int = 0
    texts: list[str] = field(default_factory=list)

    def said(self) -> dict[str, Any]:
        """For site_status, key `content`."""
        texts = self.texts[:NAMED]
        counts = {"checked": self.checked, "damaged": self.damaged, "absent": self.absent}
        return {**counts, "unhashed": self.unhashed, "fault": "; ".join(texts), "seq": self.seq}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One step. Shape: faults are what is damaged or gone; sound are ids that were noted, and are well."""

    faults: tuple[Finding, ...]
    sound: tuple[str, ...]
    ended: bool


class ContentScrub:
    """One database, one round after the other. step() is called once a second in a read transaction."""

    def __init__(self) -> None:
        self._round = Round()
        self._whole: Round | None = None

    def step(self, db: Connection) -> Looked:
        """The next rows. What is appended meanwhile belongs to the round."""
        page = stream.read_rows(db, after_seq=self._round.seq, limit=PAGE)
        rows = _fitting(db, page)
        named, unhashed = named_in(rows)
        found = [each for each in findings(db, named) if not each.hashed.passing]
        self._count(named, found, unhashed)
        wrong = {each.hashed.content_id for each in found}
        noted = rows_in(db, _NOTED, list(named))
        ended = len(page) < PAGE and len(rows) == len(page)
        self._round.seq = rows[-1].seq if rows else self._round.seq
        sound = tuple(str(each) for (each,) in noted if str(each) not in wrong)
        return Looked(faults=tuple(found), sound=sound, ended=ended)

    def said(self) -> Mapping[str, Any]:
        """The worse of this round and the last whole one, and how far this one is."""
        if self._whole is not None and not self._round.damaged:
            return {**self._whole.said(), "through": self._whole.seq, "seq": self._round.seq}
        return {**self._round.said(), "through": 0}

    def begin_again(self) -> None:
        """After a step that ended the round."""
        self._whole, self._round = self._round, Round()

    def _count(self, named: Mapping[str, Hashed], found: Sequence[Finding], unhashed: int) -> None:
        damaged = [each for each in found if each.what == DAMAGED]
        self._round.checked += len(named) - len(found) + len(damaged)
        self._round.damaged += len(damaged)
        self._round.absent += len(found) - len(damaged)
        self._round.unhashed += unhashed
        self._round.texts += [each.text for each in damaged][: NAMED - len(self._round.texts)]


class ContentScrubbing:
    """The scrub at work in the peer role: own database and copy, and the alarm for both."""

    def __init__(self, own: Database, copy: Database, committer: Committer) -> None:
        self._own = own
        self._databases = {"own": own, "copy": copy}
        self._scrubs = {"own": ContentScrub(), "copy": ContentScrub()}
        self._committer = committer

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pause_s = EVERY_S
            try:
                if await asyncio.to_thread(self.turn):
                    pause_s = BETWEEN_S
            except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
                _log.warning("content is not read again now error=%s", type(problem).__name__)
            except Exception:  # noqa: BLE001 - a mistake of ours must not end the second copy with it
                _log.exception("content is not read again for a while")
                pause_s = BETWEEN_S
            await asyncio.sleep(pause_s)

    def turn(self) -> bool:
        """A step of each; whether both have ended a round."""
        ended = [self._turn(of) for of in self._databases]
        said = {of: scrub.said() for of, scrub in self._scrubs.items()}
        with self._own.writing() as db:
            put_status(db, CONTENT, wall_ms(), said)
        return all(ended)

    def _turn(self, of: str) -> bool:
        database, scrub = self._databases[of], self._scrubs[of]
        with database.reading() as db:
            step = scrub.step(db)
        if step.faults or step.sound:
            with database.writing() as db:
                content_faults.note(db, step.faults)
                for each in step.sound:
                    content_faults.mended(db, each)
        self.noticed(of, step.faults)
        if step.ended:
            scrub.begin_again()
        return step.ended

    def noticed(self, of: str, found: Sequence[Finding]) -> None:
        """Raise the alarm for what is damaged, once. Also called by who found it elsewhere."""
        texts = [each.text for each in found if each.what == DAMAGED]
        if not texts:
            return
        _log.error("content is damaged of=%s count=%d first=%s", of, len(texts), texts[0])
        detail = "; ".join(texts[:NAMED])
        self._committer.submit(NoticeTrouble(code=ALARMS[of], ref="content", detail=detail)).result()

    def came_unfit(self, refused: Refused) -> None:
        """What came from the other site is not what its row says: a line, or a memory, that flips bits."""
        text = f"content {refused.detail} of row {refused.at_seq} came, and is not what was written"
        self._committer.submit(NoticeTrouble(code=CONTENT_REFUSED, ref="content", detail=text))


def _fitting(db: Connection, page: Sequence[Row]) -> Sequence[Row]:
    """As many rows as name STEP_BYTES of content: one in any case."""
    named, _ = named_in(page)
    sizes = {str(row[0]): int(row[1]) for row in readable_in(db, _SIZES, list(named))[0]}
    total = 0
    by_row: dict[int, int] = {}
    for each in named.values():
        by_row[each.seq] = by_row.get(each.seq, 0) + sizes.get(each.content_id, 0)
    for n, row in enumerate(page):
        total += by_row.get(row.seq, 0)
        if total > STEP_BYTES and n:
            return page[:n]
    return page
