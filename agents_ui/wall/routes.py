"""The wall's socket, still without its gate. The page itself is in agents_ui/pages.py."""

from starlette.routing import BaseRoute, WebSocketRoute

from agents_ui.services import Services
from agents_ui.wall.fan import WallFan
from agents_ui.wall.page_socket import WallSockets


def wall_routes(services: Services) -> list[BaseRoute]:
    """One fan-out for all walls of the process begins here."""
    return [WebSocketRoute("/wall/socket", WallSockets(services, WallFan(services)).serve)]
