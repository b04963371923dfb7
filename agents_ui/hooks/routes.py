"""Routes of webhooks, before the gate. A provider's signature opens them, not a session."""

from starlette.routing import BaseRoute, Route

from agents_ui.hooks.hooks import Hooks


def hook_routes(hooks: Hooks) -> list[BaseRoute]:
    """One address for each account, and below it whatever a provider wants to have apart."""
    return [
        Route("/hooks/{account}", hooks.take, methods=["GET", "POST"], name="hook"),
        Route("/hooks/{account}/{path:path}", hooks.take, methods=["POST"], name="hook-below"),
    ]
