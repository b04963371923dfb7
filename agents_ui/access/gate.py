"""The gate: every route behind its entry of the table. What has no entry cannot be registered.

Checks in this order: entry, cross-site, session, one-time password, role. Whether the thing asked for is this
person's is the endpoint's question (sight.may_see).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from agents_ui.access.origin import origin_allowed, same_site
from agents_ui.access.person import Person, find_person
from agents_ui.access.sessions import session_hash_of
from agents_ui.access.table import BEFORE_PASSWORD_CHANGE, ROUTES, SIGNED, SIGNED_OUT
from agents_ui.access.words import refusal
from agents_ui.services import Services
from router.journal.database import DatabaseBusy, DatabaseGone

Endpoint = Callable[[Request], Awaitable[Response]]
Socket = Callable[[WebSocket], Awaitable[None]]

READING: Final = frozenset({"GET", "HEAD"})


_log = logging.getLogger("muster.access")


class NoEntry(Exception):
    """A route is not in access/table.py, so nobody may use it and it may not exist."""


def gated(routes: Sequence[BaseRoute], services: Services) -> list[BaseRoute]:
    """The same routes behind the gate. Raises NoEntry for the first one without an entry."""
    return [_gated(route, services) for route in routes]


def _gated(route: BaseRoute, services: Services) -> BaseRoute:
    if isinstance(route, Route):
        methods = sorted((route.methods or set()) - {"HEAD"})
        for method in methods:
            _entry(method, route.path)
        behind = _http(route.endpoint, route.path, services)
        return Route(route.path, behind, methods=methods, name=route.name)
    if isinstance(route, WebSocketRoute):
        _entry("WS", route.path)
        return WebSocketRoute(route.path, _socket(route.endpoint, services), name=route.name)
    if isinstance(route, Mount):
        if SIGNED_OUT not in _entry("GET", route.path):
            raise NoEntry(f"{route.path}: a mount has no gate of its own, so it must be open to anybody")
        return route
    raise NoEntry(f"{route!r}: this kind of route is not known to the gate")


def _entry(method: str, path: str) -> frozenset[str]:
    try:
        return ROUTES[method, path]
    except KeyError:
        raise NoEntry(f"{method} {path} has no entry in agents_ui/access/table.py") from None


def _http(endpoint: Endpoint, path: str, services: Services) -> Endpoint:
    if ("POST", path) in SIGNED:
        return endpoint  # no session and no page: nothing that the gate could look at

    async def behind_gate(request: Request) -> Response:
        method = "GET" if request.method in READING else request.method
        if method != "GET" and not same_site(request.headers, services.settings):
            return JSONResponse(refusal("cross_site"), 403)
        request.state.person = None
        roles = ROUTES[method, path]
        if SIGNED_OUT not in roles:
            try:
                person = await person_of(request, services)
            except (DatabaseBusy, DatabaseGone):  # nobody is let in unseen, and nobody is called signed out
                return JSONResponse(refusal("away"), 503, {"Retry-After": "2"})
            refused = _refused(person, roles, method, path)
            if refused is not None:
                return refused
            request.state.person = person
        return await endpoint(request)

    return behind_gate


def _refused(person: Person | None, roles: frozenset[str], method: str, path: str) -> Response | None:
    """Why this person may not use this route, as the answer; None when they may."""
    code, status = "", 403
    if person is None:
        code, status = "signed_out", 401
    elif person.role not in roles:
        code = "not_allowed"
        _log.info("not allowed agent=%s role=%s route=%s %s", person.agent_id, person.role, method, path)
    elif person.must_change and (method, path) not in BEFORE_PASSWORD_CHANGE:
        code = "must_change"
    if not code:
        return None
    is_page = method == "GET" and not path.startswith("/api/")
    if is_page and code != "not_allowed":
        return RedirectResponse(f"/sign-in?next={path}", 303)  # path: as registered, never as asked
    return JSONResponse(refusal(code), status)


def _socket(endpoint: Socket, services: Services) -> Socket:
    async def behind_gate(websocket: WebSocket) -> None:
        if not origin_allowed(websocket.headers, services.settings):
            await websocket.close(1008)  # before accept: the handshake is answered with 403
            return
        await endpoint(websocket)

    return behind_gate


async def person_of(connection: HTTPConnection, services: Services) -> Person | None:
    """The person whose session the request's cookie names, or None."""
    session_hash = session_hash_of(connection, services.settings)
    if session_hash is None:
        return None
    return await asyncio.to_thread(_find, services, session_hash)


def _find(services: Services, session_hash: str) -> Person | None:
    with services.database.reading() as db:
        return find_person(db, session_hash=session_hash, now_ms=time.time_ns() // 1_000_000)
