"""The web application: every route behind the gate, everything behind the guard."""

from collections.abc import Callable
from typing import Final

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Router

from agents_ui.access.gate import gated
from agents_ui.access.routes import access_routes
from agents_ui.admin.routes import PLAN_BODY_BYTES_MAX, PLAN_PATHS, admin_routes
from agents_ui.admin.watching import quarantine_routes
from agents_ui.chat.room import Room
from agents_ui.chat.routes import chat_routes, with_session
from agents_ui.chat.view import channel_of
from agents_ui.desk.routes import desk_routes
from agents_ui.desk.sending_files import largest_file
from agents_ui.elsewhere.routes import elsewhere_routes
from agents_ui.guard import Guard
from agents_ui.health import Health
from agents_ui.hooks.hooks import Hooks
from agents_ui.hooks.routes import HOOKS, HookDoor, hook_routes
from agents_ui.pages import page_routes
from agents_ui.server import limits_here
from agents_ui.services import Services
from agents_ui.voice.customer import call_routes
from agents_ui.wall.routes import wall_routes

BODY_BYTES_MAX: Final = 65_536
"""Requests of our own pages are below 10 KB; only attachments are larger."""


def create_app(services: Services, *, room: Room, health: Health, hooks: Hooks, port: int) -> Guard:
    """The ASGI application of one web process that listens on this port."""
    routes: list[BaseRoute] = [
        *hook_routes(hooks),  # first: the router looks from the top, and these are asked most
        *with_session(page_routes(services), services),
        *chat_routes(services, room),
        *call_routes(services),
        *access_routes(services),
        *elsewhere_routes(services),
        *desk_routes(services),
        *wall_routes(services),
        *admin_routes(services),
        *quarantine_routes(services),
        *health.routes(),
    ]
    router = Router(routes=gated(routes, services), redirect_slashes=False)
    limits = limits_here()
    return Guard(
        HookDoor(hooks, ExceptionMiddleware(router)),
        services.settings,
        port=port,
        chats_max=limits.connections // 2,
        chats_in_all=limits.chats,
    )


def body_limit(services: Services, hooks: Hooks) -> Callable[[str], int]:
    """The most bytes a request body may have, by its path."""

    def limit(path: str) -> int:
        if path == "/chat/attachment":
            return channel_of(services.plan()).attachment_bytes_max
        if path == "/api/attachment":
            return largest_file(services.plan())
        if path in PLAN_PATHS:
            return PLAN_BODY_BYTES_MAX
        if path.startswith(HOOKS):
            return hooks.body_limit(path.removeprefix(HOOKS)) or BODY_BYTES_MAX
        return BODY_BYTES_MAX

    return limit
