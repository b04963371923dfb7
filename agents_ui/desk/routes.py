"""The desk's routes, still without their gate. The page itself is in agents_ui/pages.py."""

from starlette.routing import BaseRoute, Route, WebSocketRoute

from agents_ui.desk.attachment import attachment_endpoint
from agents_ui.desk.fan import Fan
from agents_ui.desk.page_socket import DeskSockets
from agents_ui.desk.sending_files import file_endpoint
from agents_ui.services import Services


def desk_routes(services: Services) -> list[BaseRoute]:
    """The socket and the attachments. One fan-out for all desks of the process begins here."""
    sockets = DeskSockets(services, Fan(services))
    return [
        WebSocketRoute("/desk/socket", sockets.serve),
        Route("/api/attachment", file_endpoint(services), methods=["POST"]),
        Route("/api/attachment/{content_id}", attachment_endpoint(services), methods=["GET"]),
    ]
