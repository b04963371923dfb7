"""The chat's session: a random token in a cookie. Whoever has it is this customer; we know only its hash."""

import re
from collections.abc import Sequence
from typing import Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.origin import is_https
from agents_ui.services import Services
from config.settings import Settings
from router.channels.chat import new_token, session_of

MAX_AGE_S: Final = 30 * 86_400
"""A month: somebody who closed the browser in a hurry finds the conversation again."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""What new_token() makes; anything else in the cookie is no session of ours."""


def cookie_name(settings: Settings) -> str:
    """`__Host-` ties it to this host, this path and https (ASVS 5.0, 3.3.3)."""
    return "__Host-muster-chat" if is_https(settings) else "muster-chat"


def session_in(connection: HTTPConnection, settings: Settings) -> str | None:
    """The session (a hash) that the cookie stands for, or None."""
    token = token_in(connection, settings)
    return session_of(token) if token is not None else None


def token_in(connection: HTTPConnection, settings: Settings) -> str | None:
    """The cookie's token, where it is one that we make."""
    token = connection.cookies.get(cookie_name(settings), "")
    return token if _TOKEN.fullmatch(token) else None


def new_cookie(settings: Settings) -> tuple[str, str]:
    """(session, the Set-Cookie value that begins it)."""
    token = new_token()
    return session_of(token), cookie_of(token, settings)


def cookie_of(token: str, settings: Settings) -> str:
    """The Set-Cookie value that gives this token to the browser, out of reach of scripts."""
    secure = "; Secure" if is_https(settings) else ""
    return f"{cookie_name(settings)}={token}; Path=/; Max-Age={MAX_AGE_S}; HttpOnly; SameSite=Lax{secure}"


def with_session(routes: Sequence[BaseRoute], services: Services) -> list[BaseRoute]:
    """The same routes; the chat's page begins a session where there is none."""
    return [
        _beginning(route, services) if isinstance(route, Route) and route.path == "/chat" else route
        for route in routes
    ]


def _beginning(route: Route, services: Services) -> Route:
    show = route.endpoint

    async def show_with_session(request: Request) -> Response:
        response: Response = await show(request)
        if session_in(request, services.settings) is None:
            response.headers.append("set-cookie", new_cookie(services.settings)[1])
        return response

    return Route(route.path, show_with_session, methods=["GET"], name=route.name)
