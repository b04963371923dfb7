"""A desk's socket: hello, then commands in and messages out, within limits."""

import asyncio
import logging
import uuid
from typing import Final

from starlette.websockets import WebSocket

from agents_ui.access.table import COMMANDS
from agents_ui.desk.commands import Commands
from agents_ui.desk.desk import RESTARTING, TICKET_REFUSED, Desk
from agents_ui.desk.fan import Fan
from agents_ui.desk.joining import JoinDesk, left
from agents_ui.desk.listening import Listening
from agents_ui.desk.opening import serve_page
from agents_ui.desk.shapes import COMMAND
from agents_ui.services import Services
from agents_ui.silence import is_out
from router.journal.committer import Closed, CommitUnknown

RETRY_S: Final = 1.0
"""Pause before a database that could not take the end of a desk is asked again."""

_log = logging.getLogger("muster.desk")


class DeskSockets:
    """The route of the desk's socket, with what it shares among all desks of the process."""

    def __init__(self, services: Services, fan: Fan) -> None:
        self._services = services
        self._fan = fan
        self._commands = Commands(services, fan)

    async def serve(self, page: WebSocket) -> None:
        """One desk, from the handshake to its end."""
        await serve_page(page, admit=self._admit, use=self._use, end=self._end)

    async def _use(self, page: WebSocket, desk: Desk) -> None:
        await self._fan.join(desk)
        answer_to = self._commands.answer
        listening = Listening(page, desk, decoder=COMMAND, kinds=COMMANDS, answer_to=answer_to)
        await listening.run()

    async def _end(self, desk: Desk) -> None:
        self._fan.leave(desk)
        await self._say_left(desk.person.agent_id, desk.desk_id)

    async def _admit(self, page: WebSocket, ticket: str) -> Desk | None:
        """The desk that the ticket opens; None when the socket was closed instead."""
        if is_out(self._services.committer):
            await page.close(RESTARTING)
            return None
        join = JoinDesk(ticket=ticket, desk_id=str(uuid.uuid4()), web_id=self._services.web_id)
        try:
            await self._services.committer.append(join)
        except CommitUnknown:
            try:
                await page.close(RESTARTING)
            finally:
                if join.person is not None:  # perhaps it was written
                    await self._say_left(join.person.agent_id, join.desk_id)
            return None
        if join.person is None:
            await page.close(TICKET_REFUSED)
            return None
        return Desk(page, desk_id=join.desk_id, person=join.person, now_ms=self._fan.clock)

    async def _say_left(self, agent_id: str, desk_id: str) -> None:
        """Until it is written: what an agent holds at a desk that counts as open is with nobody."""
        gone = left(agent_id, desk_id, self._services.web_id)
        while True:
            try:
                await self._services.committer.append_facts(gone)
                return
            except Closed:
                return  # This process ends, and the router notices.
            except CommitUnknown:
                _log.warning("desk_left is not written yet desk=%s", desk_id)
                await asyncio.sleep(RETRY_S)
