"""An attachment for somebody who may see its interaction: saved, or shown where nothing in it can run.

What the other site kept, and is not here, is given out of its copy: to whom may see the same person here.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agents_ui.access.person import Person
from agents_ui.access.sight import Looked, may_see
from agents_ui.access.sight_there import may_see_there
from agents_ui.access.words import refusal
from agents_ui.downloads import FILES_AT_ONCE, download
from agents_ui.services import Services
from agents_ui.shown_files import HEAD_BYTES, may_be_shown, no_such_part, piece_of, shown
from router.channels.mail_contact import MEDIA_TYPE as MAIL
from router.journal.committer import CommitUnknown
from router.journal.database import Connection, Database, DatabaseBusy, DatabaseGone

_COLUMNS: Final = "SELECT c.content_id, c.file_name, c.media_type, length(c.body) FROM message m"

_FIND: Final = (
    f"{_COLUMNS} JOIN content c ON c.content_id = m.content_id"
    " WHERE m.interaction_id = :i AND m.content_id = :c AND (m.kind = 'attachment'"
    f" OR c.media_type = '{MAIL}' OR EXISTS (SELECT 1 FROM part p WHERE p.message_id = m.message_id))"
)
"""A file of its own, or the raw form of a message that is shown by its parts."""

_FIND_PART: Final = (
    f"{_COLUMNS} JOIN part p ON p.message_id = m.message_id JOIN content c ON c.content_id = p.content_id"
    " WHERE m.interaction_id = :i AND p.content_id = :c AND p.kind = 'file'"
)

IN_PLACE: Final = frozenset({"", "audio", "empty", "image", "video"})
"""Sec-Fetch-Dest of what a page of ours shows; whoever opens the address itself saves the file."""

LOOKS_REMEMBERED_MAX: Final = 10_000
"""A player asks for a video in dozens of pieces: one look, one line in the record."""


@dataclass(frozen=True, slots=True)
class _File:
    kept: Database
    """This site's own, or its copy of the other one."""

    content_id: str
    name: str
    media_type: str
    size: int


def attachment_endpoint(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """GET /api/attachment/{content_id}?of=interaction_id: saved; with &show=1 shown, or refused (415)."""
    return _Attachments(services).give


class _Attachments:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._places = asyncio.Semaphore(FILES_AT_ONCE)
        self._looks: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def give(self, request: Request) -> Response:
        person: Person = request.state.person
        content_id, of = request.path_params["content_id"], request.query_params.get("of", "")
        in_place = request.query_params.get("show") == "1" and (
            request.headers.get("sec-fetch-dest", "") in IN_PLACE
        )
        async with self._places:
            found = await asyncio.to_thread(self._find, person, of, content_id)
            if found is None:
                return JSONResponse(refusal("not_found"), 404)
            look = (person.session_hash, content_id)
            if not in_place or look not in self._looks:
                try:
                    looked = Looked(person=person, refs=(of,), what="attachment")
                    await self._services.committer.append(looked)
                except CommitUnknown:  # a look that cannot be recorded does not happen
                    return JSONResponse(refusal("not_saved"), 503, {"Retry-After": "2"})
                self._remember(look)
            answer = self._show if in_place else self._save
            return await asyncio.to_thread(answer, found, request.headers.get("range", ""))

    def _remember(self, look: tuple[str, str]) -> None:
        self._looks[look] = None
        while len(self._looks) > LOOKS_REMEMBERED_MAX:
            self._looks.popitem(last=False)

    def _find(self, person: Person, interaction_id: str, content_id: str) -> _File | None:
        """None alike for what is not there and for what is not this person's to see."""
        with self._services.database.reading() as db:
            row = _row_of(db, interaction_id, content_id)
            if row is not None:
                seen = may_see(db, person, interaction_id=interaction_id)
                return _File(self._services.database, *row) if seen else None
        return self._find_there(person, interaction_id, content_id)

    def _find_there(self, person: Person, interaction_id: str, content_id: str) -> _File | None:
        copy = self._services.whereabouts.copy.database()
        if copy is None:
            return None
        try:
            with self._services.database.reading() as own, copy.reading() as theirs:
                if not may_see_there(own, theirs, person, interaction_id):
                    return None
                row = _row_of(theirs, interaction_id, content_id)
        except (DatabaseBusy, DatabaseGone):
            return None
        return _File(copy, *row) if row else None

    def _save(self, file: _File, asked: str) -> Response:
        """The whole file, whatever range is asked for."""
        with file.kept.reading() as db:
            body = _part(db, file, 0, file.size)
        return download(body, media_type=file.media_type, file_name=file.name)

    def _show(self, file: _File, asked: str) -> Response:
        try:
            piece = piece_of(asked, file.size)
        except ValueError:
            return no_such_part(file.size)
        with file.kept.reading() as db:
            media_type = may_be_shown(_part(db, file, 0, HEAD_BYTES))
            if not media_type:
                return JSONResponse(refusal("not_shown"), 415)
            start, length = (0, file.size) if piece is None else (piece.start, piece.length)
            body = _part(db, file, start, length)
        return shown(body, media_type=media_type, file_name=file.name, size=file.size, piece=piece)


def _row_of(db: Connection, interaction_id: str, content_id: str) -> tuple[Any, ...] | None:
    named = {"i": interaction_id, "c": content_id}
    return db.row(_FIND, **named) or db.row(_FIND_PART, **named)


def _part(db: Connection, file: _File, start: int, length: int) -> bytes:
    row = db.row(
        # The casts are for PostgreSQL, which has this function for integers and is given larger ones.
        "SELECT substr(body, CAST(:first AS INTEGER), CAST(:length AS INTEGER)) FROM content"
        " WHERE content_id = :id",
        first=start + 1,
        length=length,
        id=file.content_id,
    )
    return bytes(row[0]) if row else b""
