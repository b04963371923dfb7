"""Routes of the customer's chat, before the gate. The page itself is agents_ui/pages.py."""

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from agents_ui.chat.attachments import Attachments
from agents_ui.chat.room import Room
from agents_ui.chat.session import with_session
from agents_ui.chat.talk import talk
from agents_ui.services import Services

__all__ = ["chat_routes", "with_session"]


def chat_routes(services: Services, room: Room) -> list[BaseRoute]:
    """The socket and the files."""
    attachments = Attachments(services)

    async def socket(websocket: WebSocket) -> None:
        await talk(websocket, services, room)

    return [
        WebSocketRoute("/chat/socket", socket, name="chat-socket"),
        Route("/chat/attachment", attachments.take, methods=["POST"], name="chat-attach"),
        Route("/chat/attachment/{content_id}", attachments.give, methods=["GET"], name="chat-file"),
    ]
