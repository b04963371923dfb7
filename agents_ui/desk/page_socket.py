"""A desk's socket: hello, then commands in and messages out, within limits."""

import asyncio
import logging
import uuid
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.access.table import COMMANDS
from agents_ui.desk.answers import refused, wire
from agents_ui.desk.commands import Commands
from agents_ui.desk.desk import RESTARTING, TICKET_REFUSED, TOO_MANY_BAD, Desk
from agents_ui.desk.fan import Fan
from agents_ui.desk.joining import JoinDesk, left
from agents_ui.desk.shapes import COMMAND, HELLO, OUTLINE, Command, Outline
from agents_ui.permits import Pace
from agents_ui.services import Services
from router.journal.committer import Closed, CommitUnknown

HELLO_WITHIN_S: Final = 5.0
MESSAGE_BYTES_MAX: Final = 65_536
MESSAGES_PER_S: Final = 50
"""More than any hand can type; a page that loops is stopped before it costs others anything."""

BAD_MAX: Final = 10
BAD_FORGIVEN_S: Final = 60.0
"""Messages that are no commands, before the socket is closed (facts: B-47). One is forgiven in this time: in
a shift of twelve hours a good page comes to ten as well."""

AT_ONCE_MAX: Final = 32
"""Commands of one desk being carried out; the page reads on in their answers."""

RETRY_S: Final = 1.0
"""Pause before a database that could not take the end of a desk is asked again."""

NOT_TEXT: Final = 1003
TOO_LARGE: Final = 1009
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
            await _Listening(page, desk, self._commands).run()
        except WebSocketDisconnect:
            pass  # The page is gone: what is left to do is below.
        except asyncio.CancelledError:
            # A page that does not read is cut off by its own desk; anything else that cancels us means it.
            if not desk.closing:
                raise
        finally:
            self._fan.leave(desk)
            await self._say_left(desk.person.agent_id, desk.desk_id)

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


class _Listening:
    """Takes a page's messages. Commands run beside each other; each gets its answer when it is decided."""

    __slots__ = ("_bad", "_commands", "_desk", "_pace", "_page", "_running")

    def __init__(self, page: WebSocket, desk: Desk, commands: Commands) -> None:
        self._page = page
        self._desk = desk
        self._commands = commands
        self._running: set[asyncio.Task[None]] = set()
        self._bad = Pace(BAD_MAX - 1, 1 / BAD_FORGIVEN_S)
        self._pace = Pace(MESSAGES_PER_S, MESSAGES_PER_S)

    async def run(self) -> None:
        """Until the page or the desk ends. Commands under way are finished: the journal has them."""
        while True:
            message = await self._page.receive()
            if message["type"] == "websocket.disconnect" or self._desk.closing:
                return
            text = message.get("text")
            if text is None:
                self._desk.close(NOT_TEXT)
            elif len(text) > MESSAGE_BYTES_MAX:
                self._desk.close(TOO_LARGE)
            else:
                self._take(text)

    def _take(self, text: str) -> None:
        command = _command(text)
        if not self._pace.permits() or len(self._running) >= AT_ONCE_MAX:
            self._refuse(command.command_id, "too_fast")
        elif isinstance(command, Outline):
            self._refuse(command.command_id, "malformed" if command.kind in COMMANDS else "unknown_command")
        else:
            task = asyncio.create_task(self._answer(command))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, command: Command) -> None:
        try:
            answer = await self._commands.answer(self._desk, command)
        except Exception:  # noqa: BLE001  our own mistake must not end the desk of somebody in a conversation
            _log.exception("a command failed desk=%s kind=%s", self._desk.desk_id, type(command).__name__)
            answer = refused("refused")
        if answer is not None:
            self._desk.push(wire(command.command_id, answer))

    def _refuse(self, command_id: str | None, code: str) -> None:
        if self._bad.permits():
            self._desk.push(wire(command_id, refused(code)))
        else:
            self._desk.close(TOO_MANY_BAD)


def _command(text: str) -> Command | Outline:
    """The command, or what can still be told of something else."""
    try:
        return COMMAND.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass  # No command: perhaps it says which one it wanted to be.
    try:
        return OUTLINE.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Outline()
