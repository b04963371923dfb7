"""Calls from the customer's page: begun, asked about and hung up by the session that makes them.

How a call stands is what the journal says, so it is known as well while the voice process is away, and after
a reload; only the place in line is asked of the voice process.
"""

import asyncio
import time
from typing import Any, Final  # Any: columns of a row

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.bodies import BadBody, read_body
from agents_ui.chat.session import session_in
from agents_ui.permits import Permits
from agents_ui.services import Services
from agents_ui.voice import words
from agents_ui.voice.door import VoiceRefused
from agents_ui.voice.ways import web_call_account
from router.journal.connection import DatabaseBusy, DatabaseGone

BODY_BYTES_MAX: Final = 65_536
"""An offer of one audio line has a few kilobytes; with many addresses of one machine some more."""

CALLS_BURST: Final = 100
CALLS_PER_S: Final = 1.0
"""Calls one network may begin: a shelter behind one address calls at once, a script has an end."""

OPEN: Final = ("waiting", "dialling", "connected", "held")
NO_CALL: Final = {"state": "none", "why": "", "position": 0, "connected_ms": 0}

_NEWEST: Final = """
    SELECT c.interaction_id, c.state, c.why, c.connected_ms FROM identity d
    JOIN interaction i ON i.identity_id = d.identity_id
    JOIN call c ON c.interaction_id = i.interaction_id
    WHERE d.address_hash = :session AND d.channel = 'voice' AND c.direction = 'in'
    ORDER BY c.begun_ms DESC, c.call_id DESC LIMIT 1
"""


class CallBody(msgspec.Struct, forbid_unknown_fields=True):
    """The page's offer, complete, and the language the page is in."""

    sdp: str
    language: str = ""


class CustomerCalls:
    """The three requests. Each looks only at calls of its own session."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._permits = Permits(burst=CALLS_BURST, per_s=CALLS_PER_S)

    async def call(self, request: Request) -> Response:
        """POST: begin a call, or come back to the open one with a new line. Kept before it is answered."""
        session = session_in(request, self._services.settings)
        if session is None:
            return _refused(words.NO_SESSION, 403)
        if request.client is not None and not self._permits.allows(request.client.host):
            return _refused(words.SLOW_DOWN, 429)
        account = web_call_account(self._services.plan())
        if not account:
            return _refused(words.NO_WEB_CALLS, 404)
        try:
            body = await read_body(request, CallBody, most=BODY_BYTES_MAX)
            asked = {"account": account, "session": session, "sdp": body.sdp, "language": body.language[:35]}
            found = await self._services.voice.ask("POST", "/calls", asked)
        except BadBody as bad:
            return bad.answer
        except VoiceRefused as no:
            return _refused(no.code, no.status)
        return JSONResponse({"ok": True, "sdp": found["sdp"], "interaction_id": found["interaction_id"]})

    async def look(self, request: Request) -> Response:
        """GET: how the newest call of this session stands."""
        try:
            found = await self._newest(request)
        except (DatabaseBusy, DatabaseGone):
            return _refused(words.AWAY, 503)
        if found is None:
            return JSONResponse({"ok": True, **NO_CALL})
        interaction_id, state, why, connected_ms = found
        position = await self._position(interaction_id) if state == "waiting" else 0
        values = {"state": state, "why": why, "position": position, "connected_ms": connected_ms}
        return JSONResponse({"ok": True, **values, "now_ms": time.time_ns() // 1_000_000})

    async def hang_up(self, request: Request) -> Response:
        """DELETE: the customer ends the call. Harmless when it is over."""
        try:
            found = await self._newest(request)
            if found is not None and found[1] in OPEN:
                asked = {"agent_id": "", "act": "hang_up"}
                await self._services.voice.ask("POST", f"/calls/{found[0]}/control", asked)
        except VoiceRefused as no:
            if no.code not in ("no_call", "wrong_state"):
                return _refused(no.code, no.status)
        except (DatabaseBusy, DatabaseGone):
            return _refused(words.AWAY, 503)
        return JSONResponse({"ok": True})

    async def _newest(self, request: Request) -> tuple[Any, ...] | None:
        session = session_in(request, self._services.settings)
        return await asyncio.to_thread(self._find, session) if session else None

    def _find(self, session: str) -> tuple[Any, ...] | None:
        with self._services.database.reading() as db:
            return db.row(_NEWEST, session=session)

    async def _position(self, interaction_id: str) -> int:
        """From 1; 0 where it is not known just now, which is no reason to tell the customer anything else."""
        try:
            found = await self._services.voice.ask("GET", f"/calls/{interaction_id}")
        except VoiceRefused:
            return 0
        position = found.get("position", 0)
        return position if isinstance(position, int) else 0


def call_routes(services: Services) -> list[BaseRoute]:
    """The routes of calls from the customer's page, before the gate."""
    calls = CustomerCalls(services)
    return [
        Route("/chat/call", calls.call, methods=["POST"], name="web-call"),
        Route("/chat/call", calls.look, methods=["GET"], name="web-call-state"),
        Route("/chat/call", calls.hang_up, methods=["DELETE"], name="web-call-end"),
    ]


def _refused(code: str, status: int) -> Response:
    headers = {"Retry-After": "2"} if status in (429, 503) else {}
    return JSONResponse({"ok": False, "code": code, "text": words.text_of(code)}, status, headers)
