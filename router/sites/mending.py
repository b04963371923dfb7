"""Sends what the other site's copy lacks, or has spoiled, and is good here: a piece between two batches.

Rows are never kept waiting for more than one piece: a copy may lack gigabytes, and what is said meanwhile is
acknowledged only when the other site has it.
"""

import time
from collections import deque
from typing import Final
from urllib.parse import quote

from router.journal.database import Database
from router.journal.hashed_content import Hashed, is_sound
from router.sites.content_faults import PAGE
from router.sites.copies import read_piece
from router.sites.peer_client import PeerClient
from router.sites.wire import WireWrong, pack_piece, unpack_wanted

PIECE: Final = "/peer/piece"
WANTED: Final = "/peer/wanted"

MEND_S: Final = 30.0
"""How often the other site is asked which content its copy has not got as it should."""


class Mending:
    """One for the thread of the sender. What is not taken is tried again another time."""

    def __init__(self, own: Database, client: PeerClient) -> None:
        self._own = own
        self._client = client
        self._ask_at = 0.0
        self._after = ""
        self._wanted: deque[Hashed] = deque()
        self._offset = 0

    def step(self) -> bool:
        """One piece, if any is wanted; whether there is more. Raises PeerUnreachable, DatabaseGone."""
        if not self._wanted and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + MEND_S
            self._ask()
        if self._wanted and not self._send(self._wanted[0]):
            self._wanted.popleft()
            self._offset = 0
        return bool(self._wanted)

    def _ask(self) -> None:
        answer = self._client.ask("GET", f"{WANTED}?after={quote(self._after, safe='')}")
        if answer.status != 200:  # an older release there, or its database is away
            return
        try:
            wanted = unpack_wanted(answer.body)
        except WireWrong:
            return
        self._after = wanted[-1].content_id if len(wanted) >= PAGE else ""
        self._wanted.extend(wanted)

    def _send(self, each: Hashed) -> bool:
        """A piece of this one; whether another one follows."""
        with self._own.reading() as db:
            sound = self._offset > 0 or is_sound(db, each)
            piece = read_piece(db, each.content_id, self._offset) if sound else None
        if piece is None or piece.offset > piece.size:
            return False
        answer = self._client.ask("POST", PIECE, pack_piece(piece))
        there = answer.json().get("there")
        if answer.status != 200 or not isinstance(there, int) or there <= self._offset:
            return False
        self._offset = there
        return there < piece.size
