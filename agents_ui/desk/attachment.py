"""An attachment for somebody who may see its interaction: a download, never shown by the browser."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agents_ui.access.person import Person
from agents_ui.access.sight import Looked, may_see
from agents_ui.access.words import refusal
from agents_ui.downloads import FILES_AT_ONCE, download
from agents_ui.services import Services
from router.channels.mail_contact import MEDIA_TYPE as MAIL
from router.journal.committer import CommitUnknown

_FIND: Final = (
    "SELECT c.file_name, c.media_type, c.body FROM message m JOIN content c ON c.content_id = m.content_id"
    " WHERE m.interaction_id = :i AND m.content_id = :c AND (m.kind = 'attachment'"
    f" OR c.media_type = '{MAIL}' OR EXISTS (SELECT 1 FROM part p WHERE p.message_id = m.message_id))"
)
"""A file of its own, or the raw form of a message that is shown by its parts."""

_FIND_PART: Final = (
    "SELECT c.file_name, c.media_type, c.body FROM message m JOIN part p ON p.message_id = m.message_id"
    " JOIN content c ON c.content_id = p.content_id"
    " WHERE m.interaction_id = :i AND p.content_id = :c AND p.kind = 'file'"
)


def attachment_endpoint(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """GET /api/attachment/{content_id}?of=interaction_id."""
    places = asyncio.Semaphore(FILES_AT_ONCE)

    async def attachment(request: Request) -> Response:
        person: Person = request.state.person
        content_id, of = request.path_params["content_id"], request.query_params.get("of", "")
        async with places:
            found = await asyncio.to_thread(_find, services, person, of, content_id)
        if found is None:
            return JSONResponse(refusal("not_found"), 404)
        try:
            await services.committer.append(Looked(person=person, refs=(of,), what="attachment"))
        except CommitUnknown:  # a look that cannot be recorded does not happen
            return JSONResponse(refusal("not_saved"), 503, {"Retry-After": "2"})
        name, media_type, body = found
        return download(body, media_type=media_type, file_name=name)

    return attachment


def _find(
    services: Services, person: Person, interaction_id: str, content_id: str
) -> tuple[str, str, bytes] | None:
    """Name, type and bytes; None alike for what is not there and for what is not this person's to see."""
    with services.database.reading() as db:
        if not may_see(db, person, interaction_id=interaction_id):
            return None
        named = {"i": interaction_id, "c": content_id}
        row = db.row(_FIND, **named) or db.row(_FIND_PART, **named)
        return (row[0], row[1], bytes(row[2])) if row else None
