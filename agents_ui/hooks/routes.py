"""Routes of webhooks, before the gate. A provider's signature opens them, not a session."""

from typing import Any, Final  # Any: an endpoint, see below

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agents_ui.hooks.hooks import Hooks

HOOKS: Final = "/hooks/"


class HookDoor:
    """Lets what providers post straight through to the hooks; everything else goes on to `app`.

    In a disaster these are most of all requests, and finding a route and minding its exceptions took a third
    of each. What is asked otherwise (GET, another method) finds the same routes further in.
    """

    def __init__(self, hooks: Hooks, app: ASGIApp) -> None:
        self.app = app
        self._hooks = hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(HOOKS):
            account, _, path = scope["path"].removeprefix(HOOKS).partition("/")
            if account:
                scope["path_params"] = {"account": account, "path": path}
                await self._hooks(scope, receive, send)
                return
        await self.app(scope, receive, send)


def hook_routes(hooks: Hooks) -> list[BaseRoute]:
    """One address for each account, and below it whatever a provider wants to have apart."""
    app: Any = hooks  # Starlette takes an ASGI application for an endpoint, though its types do not say so
    return [
        Route("/hooks/{account}", app, methods=["GET", "POST"], name="hook"),
        Route("/hooks/{account}/{path:path}", app, methods=["POST"], name="hook-below"),
    ]
