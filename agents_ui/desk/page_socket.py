"""A desk's socket: hello, then commands in and messages out, within limits."""

import asyncio
import logging
import uuid
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.access.table import COMMANDS
from agents_ui.desk.commands import Commands
from agents_ui.desk.desk import RESTARTING, TICKET_REFUSED, Desk
from agents_ui.desk.fan import Fan
from agents_ui.desk.joining import JoinDesk, left
from agents_ui.desk.listening import Listening
from agents_ui.desk.shapes import COMMAND, HELLO
from agents_ui.services import Services
from router.journal.committer import Closed, CommitUnknown

HELLO_WITHIN_S: Final = 5.0
RETRY_S: Final = 1.0
"""Pause before a database that could not take the end of a desk is asked again."""

NO_HELLO: Final = 1008

_log = logging.getLogger("muster.desk")


class DeskSockets:
    """The route of the desk's socket, with what it shares among all desks of the process."""

    def __init__(self, services: Services, fan: Fan) -> None:
        self._services = services
        self._fan = fan
        self._commands = Commands(services, fan)

    async def serve(self, page: WebSocket) -> None:
        """One desk, from the handshake to its end."""
        await page.accept()
        try:
            desk = await self._admit(page)
        except WebSocketDisconnect:
            return
        if desk is None:
            return
        try:
            await self._fan.join(desk)
            await self._listen(page, desk)
        except WebSocketDisconnect:
            pass  # The page is gone: what is left to do is below.
        except asyncio.CancelledError:
            # A page that does not read is cut off by its own desk; anything else that cancels us means it.
            if not desk.closing:
                raise
        finally:
            self._fan.leave(desk)
            await self._say_left(desk.person.agent_id, desk.desk_id)

    async def _listen(self, page: WebSocket, desk: Desk) -> None:
        answer_to = self._commands.answer
        listening = Listening(page, desk, decoder=COMMAND, kinds=COMMANDS, answer_to=answer_to)
        await listening.run()

    async def _admit(self, page: WebSocket) -> Desk | None:
        """The desk that the first message opens; None when the socket was closed instead."""
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                hello = HELLO.decode(await page.receive_text())
        except (TimeoutError, KeyError, msgspec.MsgspecError, RecursionError):
            await page.close(NO_HELLO)
            return None
        join = JoinDesk(ticket=hello.ticket, desk_id=str(uuid.uuid4()), web_id=self._services.web_id)
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
