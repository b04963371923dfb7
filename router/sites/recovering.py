"""Pulls this site's own stream back from the other site's copy of it, row by row as it was written.

For a database that is empty, was restored from an old backup, or failed over to a standby that lagged. What
is here already is never changed: only what follows it is added, if it follows. Afterwards another incarnation
begins, because customers and desks may have seen numbers that nobody kept (restoring.finish).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from router.journal import stream
from router.journal.database import Database
from router.journal.many_rows import rows_in
from router.journal.unfinished import BACKUP, PEER, mark, take_back_begin, unfinished
from router.sites.copies import Batch, Piece, Refused, read_batch, read_piece, take_batch, take_piece

_THERE: Final = "SELECT content_id FROM content WHERE content_id IN {wanted}"


class PeerRows(Protocol):
    """What the other site has of this site's stream. Raises PeerGone."""

    def rows(self, after_seq: int) -> Batch:
        """The rows after this seq, as many as fit, with their content."""

    def piece(self, content_id: str, offset: int) -> Piece | None:
        """A part of a large content."""

    def original(self, content_id: str, offset: int) -> Piece | None:
        """The same of what that site has itself, and this one took over from it."""


class CopyAtHand:
    """The other site's copy itself, as a database that is here: its file, brought on a disk."""

    def __init__(self, copy: Database) -> None:
        self._copy = copy

    def rows(self, after_seq: int) -> Batch:
        with self._copy.reading() as db:
            return read_batch(db, after_seq=after_seq)

    def piece(self, content_id: str, offset: int) -> Piece | None:
        with self._copy.reading() as db:
            return read_piece(db, content_id, offset)

    def original(self, content_id: str, offset: int) -> Piece | None:
        return None


class PeerGone(Exception):
    """The other site does not answer, or not as ours would; the message is one line."""


class CannotRecover(Exception):
    """What is here and what the other site has do not belong together; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came. Shape: rows were new, the last of them has seq; of is where the other site's copy ends."""

    rows: int
    seq: int
    of: int


def recover(
    database: Database, peer: PeerRows, *, site: str, now_ms: int, say: Callable[[int, int], None]
) -> Pulled:
    """Adds everything that follows; restoring.finish ends it. Again after it was stopped: it goes on.

    Shape:  site is this site's id, for a database that is empty. say is told the seq and where it ends.
    Raises: PeerGone, CannotRecover, DatabaseGone.
    """
    database.create_tables(site=site)
    with database.writing(patient=True) as db:
        if unfinished(db) == BACKUP:
            raise CannotRecover("a restore into this database did not end: repeat muster restore FILE first")
        mark(db, PEER, now_ms)
    _take_back_empty_lives(database, peer)
    return pull(database, peer, say)


def pull(database: Database, peer: PeerRows, say: Callable[[int, int], None]) -> Pulled:
    """The same for a database that somebody is making again already."""
    began = seq = _last_seq(database)
    after_seq = max(seq - 1, 0)  # the last row comes once more: it must be the same there
    while True:
        batch = peer.rows(after_seq)
        if batch.head_seq <= seq and not batch.rows:
            _refuse_fork(database, peer, batch.head_seq)
            return Pulled(rows=seq - began, seq=seq, of=batch.head_seq)
        if not batch.rows:
            raise PeerGone(
                f"the other site says that it has {batch.head_seq} rows, and gives none after {seq}"
            )
        for content_id in _missing(database, batch.large):
            _fetch(database, peer, content_id)
        _take(database, batch)
        after_seq = seq = _last_seq(database)
        say(seq, batch.head_seq)


def _refuse_fork(database: Database, peer: PeerRows, seq: int) -> None:
    """The other site's last row must be here as well, also where this site has more. Raises CannotRecover."""
    found = peer.rows(seq - 1).rows if seq else []
    with database.reading() as db:
        if found and not stream.has_row(db, found[0].seq, found[0].hash):
            raise CannotRecover(_said(Refused("divergence", expected=seq, at_seq=seq)))


def _take_back_empty_lives(database: Database, peer: PeerRows) -> None:
    """A life that was begun here without what the other site has, and in which nobody wrote anything yet."""
    while (seq := _last_seq(database)) > 0:
        found = peer.rows(seq - 1).rows
        with database.writing(patient=True) as db:
            if not found or stream.has_row(db, seq, found[0].hash) or not take_back_begin(db):
                return


def _take(database: Database, batch: Batch) -> None:
    """One rotten file of the other site must not keep all the rest there: its row comes without it."""
    without: set[str] = set()
    while True:
        try:
            with database.writing(patient=True) as db:
                take_batch(db, batch, without=without)
            return
        except Refused as refused:
            if refused.code != "content_hash" or refused.detail in without:
                raise CannotRecover(_said(refused)) from refused
            without.add(refused.detail)


def _said(refused: Refused) -> str:
    if refused.code in ("divergence", "hash"):
        return (
            f"what is here and what the other site has are not the same at row {refused.at_seq}: "
            "recover into an empty database (with another MUSTER_DATA or DATABASE_URL), and keep this one"
        )
    if refused.code == "site":
        return f"the other site has the rows of another site ({refused.detail}): look at MUSTER_SITE"
    return f"the rows of the other site cannot be taken: {refused}"


def _fetch(database: Database, peer: PeerRows, content_id: str) -> None:
    offset = 0
    while True:
        piece = peer.piece(content_id, offset)
        if piece is None:
            return  # erased meanwhile: its row says that it was there, and goes without it
        with database.writing(patient=True) as db:
            offset = take_piece(db, piece)
        if offset >= piece.size:
            return


def _missing(database: Database, wanted: list[str]) -> list[str]:
    if not wanted:
        return []
    with database.reading() as db:
        there = {each for (each,) in rows_in(db, _THERE, wanted)}
    return [each for each in wanted if each not in there]


def _last_seq(database: Database) -> int:
    with database.reading() as db:
        return stream.last_seq(db)
