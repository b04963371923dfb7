"""A wall's socket: hello with a ticket, then acts in and messages out, within the limits of a desk's."""

import asyncio
import logging
import uuid

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.access.table import WALL_COMMANDS
from agents_ui.desk.desk import RESTARTING, TICKET_REFUSED, Desk
from agents_ui.desk.listening import Listening
from agents_ui.desk.page_socket import HELLO_WITHIN_S, NO_HELLO
from agents_ui.desk.shapes import HELLO
from agents_ui.services import Services
from agents_ui.wall.commands import WallCommands
from agents_ui.wall.fan import WallFan
from agents_ui.wall.joining import JoinWall
from agents_ui.wall.shapes import COMMAND
from agents_ui.wall.words import text_of
from router.journal.committer import CommitUnknown

_log = logging.getLogger("muster.wall")


class WallSockets:
    """The route of the wall's socket, with what all walls of the process share."""

    def __init__(self, services: Services, fan: WallFan) -> None:
        self._services = services
        self._fan = fan
        self._commands = WallCommands(services, fan)

    async def serve(self, page: WebSocket) -> None:
        """One wall, from the handshake to its end."""
        await page.accept()
        try:
            wall = await self._admit(page)
        except WebSocketDisconnect:
            return
        if wall is None:
            return
        try:
            await self._fan.join(wall)
            await Listening(
                page,
                wall,
                decoder=COMMAND,
                kinds=WALL_COMMANDS,
                answer_to=self._commands.answer,
                text_of=text_of,
            ).run()
        except WebSocketDisconnect:
            pass  # The page is gone: what is left to do is below.
        except asyncio.CancelledError:
            # A page that does not read is cut off by its own wall; anything else that cancels us means it.
            if not wall.closing:
                raise
        finally:
            self._fan.leave(wall)

    async def _admit(self, page: WebSocket) -> Desk | None:
        """The wall that the first message opens; None when the socket was closed instead."""
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                hello = HELLO.decode(await page.receive_text())
        except (TimeoutError, KeyError, msgspec.MsgspecError, RecursionError):
            await page.close(NO_HELLO)
            return None
        join = JoinWall(ticket=hello.ticket)
        try:
            await self._services.committer.append(join)
        except CommitUnknown:
            await page.close(RESTARTING)
            return None
        if join.person is None:
            await page.close(TICKET_REFUSED)
            return None
        return Desk(page, desk_id=str(uuid.uuid4()), person=join.person, now_ms=self._fan.clock)
