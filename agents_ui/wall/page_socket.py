"""A wall's socket: hello with a ticket, then acts in and messages out, within the limits of a desk's."""

import uuid

from starlette.websockets import WebSocket

from agents_ui.access.table import WALL_COMMANDS
from agents_ui.desk.desk import RESTARTING, TICKET_REFUSED, Desk
from agents_ui.desk.listening import Listening
from agents_ui.desk.opening import serve_page
from agents_ui.services import Services
from agents_ui.silence import is_out
from agents_ui.wall.commands import WallCommands
from agents_ui.wall.fan import WallFan
from agents_ui.wall.joining import JoinWall
from agents_ui.wall.shapes import COMMAND
from agents_ui.wall.words import text_of
from router.journal.committer import CommitUnknown


class WallSockets:
    """The route of the wall's socket, with what all walls of the process share."""

    def __init__(self, services: Services, fan: WallFan) -> None:
        self._services = services
        self._fan = fan
        self._commands = WallCommands(services, fan)

    async def serve(self, page: WebSocket) -> None:
        """One wall, from the handshake to its end."""
        await serve_page(page, admit=self._admit, use=self._use, end=self._end)

    async def _use(self, page: WebSocket, wall: Desk) -> None:
        await self._fan.join(wall)
        answer_to, kinds = self._commands.answer, WALL_COMMANDS
        await Listening(page, wall, decoder=COMMAND, kinds=kinds, answer_to=answer_to, text_of=text_of).run()

    async def _end(self, wall: Desk) -> None:
        self._fan.leave(wall)

    async def _admit(self, page: WebSocket, ticket: str) -> Desk | None:
        """The wall that the ticket opens; None when the socket was closed instead."""
        if is_out(self._services.committer):
            await page.close(RESTARTING)
            return None
        join = JoinWall(ticket=ticket)
        try:
            await self._services.committer.append(join)
        except CommitUnknown:
            await page.close(RESTARTING)
            return None
        if join.person is None:
            await page.close(TICKET_REFUSED)
            return None
        return Desk(page, desk_id=str(uuid.uuid4()), person=join.person, now_ms=self._fan.clock)
