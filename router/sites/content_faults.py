"""Content that is not as its row says, noted in the database it belongs to until it is mended.

In the copy: the other site's sender asks for the list and sends what is good there (sender.py). In a site's
own database: `muster journal repair` mends it from the other site's copy.
"""

from collections.abc import Iterable
from typing import Final

from router.journal.connection import Connection
from router.journal.hashed_content import Finding, Hashed

PAGE: Final = 200
"""Named in one answer; who asks goes on after the last of them."""

_NOTE: Final = """
    INSERT INTO content_fault (content_id, content_hash, seq, what)
    VALUES (:content_id, :content_hash, :seq, :what)
    ON CONFLICT (content_id) DO UPDATE SET what = excluded.what
"""
_AFTER: Final = """
    SELECT content_id, content_hash, seq FROM content_fault WHERE content_id > :after
    ORDER BY content_id LIMIT :n
"""


def note(db: Connection, found: Iterable[Finding]) -> None:
    """What is only passing is no fault when it is gone."""
    for each in found:
        hashed = each.hashed
        if not hashed.passing:
            db.run(
                _NOTE,
                content_id=hashed.content_id,
                content_hash=hashed.content_hash,
                seq=hashed.seq,
                what=each.what,
            )


def noted(db: Connection, *, after: str = "", limit: int = PAGE) -> list[Hashed]:
    """What is noted, in the order of ids, after this one."""
    rows = db.rows(_AFTER, after=after, n=limit)
    return [Hashed(content_id=row[0], content_hash=row[1], seq=row[2]) for row in rows]


def noted_of(db: Connection, content_id: str) -> Hashed | None:
    """This one, if it is noted."""
    row = db.row("SELECT content_hash, seq FROM content_fault WHERE content_id = :id", id=content_id)
    return None if row is None else Hashed(content_id=content_id, content_hash=row[0], seq=row[1])


def mended(db: Connection, content_id: str) -> None:
    """It is as its row says."""
    db.run("DELETE FROM content_fault WHERE content_id = :id", id=content_id)
