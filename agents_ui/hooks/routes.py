"""Routes of webhooks, before the gate. A provider's signature opens them, not a session."""

from typing import Any  # an endpoint, see below

from starlette.routing import BaseRoute, Route

from agents_ui.hooks.hooks import Hooks


def hook_routes(hooks: Hooks) -> list[BaseRoute]:
    """One address for each account, and below it whatever a provider wants to have apart."""
    app: Any = hooks  # Starlette takes an ASGI application for an endpoint, though its types do not say so
    return [
        Route("/hooks/{account}", app, methods=["GET", "POST"], name="hook"),
        Route("/hooks/{account}/{path:path}", app, methods=["POST"], name="hook-below"),
    ]
