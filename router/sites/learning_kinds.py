"""The follower's step for facts of one kind that the other site decided, and that hold at both.

It remembers how far it has looked; a new one looks at everything once more, because what is compared are the
tables: what was learned is equal, hence not later, and is not learned back.
"""

from collections.abc import Callable, Sequence
from typing import Final

from router.journal.committer import Append, Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.stream import OWN_ROWS, last_seq, read_head

PAGE: Final = 500

_NEWS: Final = f"""
    SELECT seq, ref FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind = :kind ORDER BY seq LIMIT {PAGE}
"""

Learnt = Callable[[Connection, Sequence[str], str], Append | None]
"""What the copy says now of these refs, as an append; said is `<site>/<seq>`. None: nothing to learn."""


class KindLearning:
    """See the module. Shape: `step` raises CommitUnknown, DatabaseGone, DatabaseBusy."""

    def __init__(self, kind: str, learnt: Learnt) -> None:
        self._kind = kind
        self._learnt = learnt
        self._seen = 0

    def step(self, committer: Committer, own: Database, copy: Database) -> None:
        """Learn what is new in the copy."""
        while True:
            with copy.reading() as db:
                news = db.rows(_NEWS, after=self._seen, kind=self._kind)
                through = int(news[-1][0]) if len(news) == PAGE else last_seq(db)
                refs = sorted({str(row[1]) for row in news})
                append = self._learnt(db, refs, f"{read_head(db).site}/{through}") if refs else None
            if append is not None:
                committer.submit(append).result()
            self._seen = through
            if len(news) < PAGE:
                return
