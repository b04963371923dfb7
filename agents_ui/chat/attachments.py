"""Files of a chat: taken as raw bodies, kept like any message, given out to their own session only."""

import asyncio
import time
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agents_ui.chat import words
from agents_ui.chat.session import session_in
from agents_ui.downloads import FILES_AT_ONCE, clean_name, download, media_type_of
from agents_ui.permits import Permits
from agents_ui.services import Services
from router.channels.chat import contact_of
from router.channels.ingest import Keeper, NotKept, keep
from router.channels.joining import interactions_of

AT_ONCE_MAX: Final = 16
"""Uploads held in memory at once; more wait, and their senders wait with them."""

FILES_BURST: Final = 200
FILES_PER_S: Final = 2.0
"""Files one network may send: of 10 MB each, more would fill the disk faster than anybody could look."""

_FIND: Final = """
    SELECT c.media_type, c.file_name, c.body FROM message m JOIN content c ON c.content_id = m.content_id
    WHERE m.interaction_id = :interaction_id AND m.content_id = :content_id AND m.kind = 'attachment'
        AND m.direction <> 'note'
"""


class Attachments:
    """The two routes of files."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._permits = Permits(burst=FILES_BURST, per_s=FILES_PER_S)
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        self._giving = asyncio.Semaphore(FILES_AT_ONCE)

    async def take(self, request: Request) -> Response:
        """POST: keep the body as a message. 200 with its id; a repeat with the same client_id is harmless."""
        session = session_in(request, self._services.settings)
        if session is None:
            return _refused(words.NO_SESSION, 403)
        if request.client is not None and not self._permits.allows(request.client.host):
            return _refused(words.SLOW_DOWN, 429)
        client_id = _uuid(request.query_params.get("client_id", ""))
        if client_id is None:
            return _refused(words.BAD_MESSAGE, 400)
        async with self._places:
            body = await self._body(request)
            if isinstance(body, Response):
                return body
            return await self._keep(session, client_id, request.query_params.get("name", ""), body)

    async def give(self, request: Request) -> Response:
        """GET: the file, if it is of one of this session's own conversations."""
        session = session_in(request, self._services.settings)
        if session is None:
            return _refused(words.NOT_FOUND, 404)
        async with self._giving:
            found = await asyncio.to_thread(self._find, session, request.path_params["content_id"])
        if found is None:
            return _refused(words.NOT_FOUND, 404)
        media_type, file_name, body = found
        return download(body, media_type=media_type, file_name=file_name)

    async def _body(self, request: Request) -> bytes | Response:
        """The whole body. Its size is the front's business, see app.body_limit."""
        body = await request.body()
        return body or _refused(words.EMPTY_FILE, 400)

    async def _keep(self, session: str, client_id: str, name: str, body: bytes) -> Response:
        contact = contact_of(
            session=session,
            client_id=client_id,
            body=body,
            received_at_ms=time.time_ns() // 1_000_000,
            media_type=media_type_of(body),
            file_name=clean_name(name),
        )
        try:
            kept = await keep(self._services.committer, contact, self._keeper())
        except NotKept:
            return _refused(words.NOT_KEPT, 503)
        return JSONResponse({"ok": True, "client_id": client_id, "message_id": kept.message_id})

    def _keeper(self) -> Keeper:
        services = self._services
        within_ms = services.plan().limits.read_within_ms
        return Keeper(
            web_id=services.web_id,
            read_within_ms=within_ms,
            copied=services.second.copied,
            there=services.forward.joined,
        )

    def _find(self, session: str, content_id: str) -> tuple[str, str, bytes] | None:
        with self._services.database.reading() as db:
            for each in interactions_of(db, session):
                found = db.row(_FIND, interaction_id=each.interaction_id, content_id=content_id)
                if found is not None:
                    return found[0], found[1], bytes(found[2])
        return None


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text)) if len(text) <= 36 else None
    except ValueError:
        return None


def _refused(code: str, status: int, **values: int) -> Response:
    headers = {"Retry-After": "2"} if status in (429, 503) else {}
    answer = {"ok": False, "code": code, "text": words.text_of(code, **values)}
    return JSONResponse(answer, status, headers)
