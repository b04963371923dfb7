"""What the other site's sender finds here: takes its batches into the copy, gives it its own rows back.

Batches are taken in one thread over one connection of its own: the copy has one writer. Nothing here waits
for the network, and nothing waits for this but the other site.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from router.journal import stream
from router.journal.clock import wall_ms
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.sites.content_faults import noted
from router.sites.copies import (
    BYTES_MAX,
    Batch,
    Refused,
    Taken,
    forget_unfit,
    read_batch,
    read_piece,
    take_batch,
    take_piece,
)
from router.sites.mending import PIECE, WANTED
from router.sites.peer_server import Answered, Asked, BadRequest, PeerRoute, answered
from router.sites.sender import AGAIN, ROWS
from router.sites.setting_aside import ask_for, is_another_life
from router.sites.wire import (
    PACKED_MAX,
    WireWrong,
    pack_batch,
    pack_piece,
    pack_wanted,
    unpack_batch,
    unpack_piece,
)

TRIES: Final = 2
"""A connection that died while it was idle is found out by the first of them."""

UNFIT_TRIES: Final = 3
"""So often content may come that is not what its row says; then its row is taken without it: one file that is
rotten over there must not hold back everything behind it."""

_Result = TypeVar("_Result")

_log = logging.getLogger("muster.copy")


class CopyKeeper:
    """The copy of the other site's journal.

    Shape: grew is called, in its thread, when rows were taken; apart when the copy is to be kept apart, and
           the process has to end: the next one begins a new copy; unfit, also there, with the refusal of
           content that is not what its row says, each time. own is this site's: the other one may ask for
           content that it took over from here.
    """

    def __init__(
        self,
        copy: Database,
        *,
        grew: Callable[[], None],
        apart: Callable[[], None] = lambda: None,
        unfit: Callable[[Refused], None] = lambda refused: None,
        own: Database | None = None,
    ) -> None:
        self._copy = copy
        self._own = own
        self._grew = grew
        self._apart = apart
        self._unfit = unfit
        self._came_wrong: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copy")
        self._db: Connection | None = None
        self._refused = ""

    def routes(self) -> list[PeerRoute]:
        """What the other site may ask of it."""
        return [
            PeerRoute(method="POST", path=ROWS, handle=self._take_rows, body_max=PACKED_MAX),
            PeerRoute(method="POST", path=PIECE, handle=self._take_piece, body_max=PACKED_MAX),
            PeerRoute(method="GET", path=ROWS, handle=self._give_rows),
            PeerRoute(method="GET", path=PIECE, handle=self._give_piece),
            PeerRoute(method="GET", path=WANTED, handle=self._give_wanted),
        ]

    def close(self) -> None:
        """Ends the thread; what it was taking is whole or undone."""
        self._thread.submit(self._drop).result()
        self._thread.shutdown()

    async def _take_rows(self, asked: Asked) -> Answered:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._taken, asked.body)

    def _taken(self, body: bytes) -> Answered:
        try:
            batch = unpack_batch(body)
            taken = self._take(batch)
        except WireWrong as wrong:
            raise BadRequest(str(wrong)) from None
        except Refused as refused:
            self._say(refused)
            self._keep_apart(batch, refused)
            values = {"code": refused.code, "at_seq": refused.at_seq, "text": str(refused)}
            return answered({**values, "expected": refused.expected}, 409)
        except (DatabaseGone, DatabaseBusy) as problem:
            return answered({"code": "database", "text": str(problem)}, 503)
        self._refused = ""
        self._came_wrong.clear()
        if taken.rows:
            self._grew()
        return answered({"acked_through": taken.acked_through, "head_hash": taken.head_hash.hex()})

    def _take(self, batch: Batch) -> Taken:
        """Raises Refused. What came wrong can come again; what does so for ever is left out."""
        without = {each for each, times in self._came_wrong.items() if times >= UNFIT_TRIES}
        try:
            return self._writing(lambda db: take_batch(db, batch, without=without))
        except Refused as refused:
            if refused.code == AGAIN:
                content_id = refused.detail
                self._came_wrong[content_id] += 1
                self._writing(lambda db: forget_unfit(db, batch, content_id))
                self._unfit(refused)
            raise

    async def _take_piece(self, asked: Asked) -> Answered:
        def take() -> Answered:
            try:
                piece = unpack_piece(asked.body)
                there = self._writing(lambda db: take_piece(db, piece))
            except WireWrong as wrong:
                raise BadRequest(str(wrong)) from None
            except (DatabaseGone, DatabaseBusy) as problem:
                return answered({"code": "database", "text": str(problem)}, 503)
            return answered({"there": there})

        return await asyncio.get_running_loop().run_in_executor(self._thread, take)

    async def _give_rows(self, asked: Asked) -> Answered:
        """The asking site's own stream, as it is here: what it has lost."""
        after_seq = _number(asked, "after")
        return await asyncio.to_thread(self._read_rows, after_seq, asked.query.get("site", ""))

    def _read_rows(self, after_seq: int, site: str) -> Answered:
        with self._copy.reading() as db:
            if stream.read_head(db).site != site:
                return answered({"code": "site"}, 409)
            return Answered(body=pack_batch(read_batch(db, after_seq=after_seq, bytes_max=BYTES_MAX)))

    async def _give_piece(self, asked: Asked) -> Answered:
        of = self._own if asked.query.get("of") == "own" else self._copy
        content_id, offset = asked.query.get("id", ""), _number(asked, "offset")
        return await asyncio.to_thread(_read_piece, of, content_id, offset)

    async def _give_wanted(self, asked: Asked) -> Answered:
        return await asyncio.to_thread(self._read_wanted, asked.query.get("after", ""))

    def _read_wanted(self, after: str) -> Answered:
        with self._copy.reading() as db:
            return Answered(body=pack_wanted(noted(db, after=after)))

    def _writing(self, work: Callable[[Connection], _Result]) -> _Result:
        """In one transaction, which is durable when this returns."""
        for attempt in range(TRIES):
            if self._db is None or not self._db.usable:
                self._db = self._copy.connect()
            try:
                self._db.begin()
                result = work(self._db)
                self._db.commit()
            except DatabaseGone:
                self._drop()
                if attempt == TRIES - 1:
                    raise
            except BaseException:
                self._db.rollback()
                raise
            else:
                return result
        raise DatabaseGone("the copy cannot be used now")  # not reachable: the last try returns or raises

    def _keep_apart(self, batch: Batch, refused: Refused) -> None:
        """Where the other site began another life without what is here: see setting_aside.py."""
        with suppress(DatabaseGone, DatabaseBusy):
            if self._writing(lambda db: is_another_life(db, batch, refused)):
                self._writing(lambda db: ask_for(db, wall_ms()))
                self._apart()

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _say(self, refused: Refused) -> None:
        """Once in the log for each kind of trouble: it comes again every few seconds."""
        if refused.code != self._refused:
            _log.error("rows of the other site are refused reason=%s", refused)
        self._refused = refused.code


def _number(asked: Asked, name: str) -> int:
    text = asked.query.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest(f"{name} is no number")
    return int(text)


def _read_piece(of: Database | None, content_id: str, offset: int) -> Answered:
    if of is None:
        return answered({"code": "no_content"}, 404)
    with of.reading() as db:
        piece = read_piece(db, content_id, offset)
    return answered({"code": "no_content"}, 404) if piece is None else Answered(body=pack_piece(piece))
