"""The second copy by hand: what sender and receiver of two sites do, without the line between them."""

from router.journal import stream
from router.journal.database import Database
from router.sites.copies import read_batch, read_piece, take_batch, take_piece


def copy_all(own: Database, copy: Database, *, through: int = 0) -> int:
    """Everything of the site into its copy, or up to a row; how far the copy goes now."""
    while True:
        with copy.reading() as db:
            after_seq = stream.last_seq(db)
        with own.reading() as db:
            limit = through - after_seq if through else 2_000
            batch = read_batch(db, after_seq=after_seq, rows_max=limit) if limit > 0 else None
        if batch is None or not batch.rows:
            return after_seq
        for content_id in batch.large:
            _copy_large(own, copy, content_id)
        with copy.writing() as db:
            take_batch(db, batch)


def _copy_large(own: Database, copy: Database, content_id: str) -> None:
    offset = 0
    while True:
        with own.reading() as db:
            piece = read_piece(db, content_id, offset)
        if piece is None:
            return
        with copy.writing() as db:
            offset = take_piece(db, piece)
        if offset >= piece.size:
            return
