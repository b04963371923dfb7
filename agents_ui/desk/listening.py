"""What a page says on its socket: taken within limits, each command carried out beside the others.

Which commands there are, and what they do, is the caller's: desks and walls listen alike.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from starlette.websockets import WebSocket

from agents_ui.desk.answers import Answer, refused, wire
from agents_ui.desk.desk import TOO_MANY_BAD, Desk
from agents_ui.desk.shapes import OUTLINE, Outline
from agents_ui.desk.words import text_of
from agents_ui.permits import Pace

MESSAGE_BYTES_MAX: Final = 65_536
MESSAGES_PER_S: Final = 50
"""More than any hand can type; a page that loops is stopped before it costs others anything."""

BAD_MAX: Final = 10
BAD_FORGIVEN_S: Final = 60.0
"""Messages that are no commands, before the socket is closed (facts: B-47). One is forgiven in this time: in
a shift of twelve hours a good page comes to ten as well."""

AT_ONCE_MAX: Final = 32
"""Commands of one desk being carried out; the page reads on in their answers."""

NOT_TEXT: Final = 1003
TOO_LARGE: Final = 1009

_log = logging.getLogger("muster.desk")


class Named(Protocol):
    """A command that its page has given an id."""

    command_id: str


C = TypeVar("C", bound=Named)


class Listening(Generic[C]):
    """Takes a page's messages. Commands run beside each other; each gets its answer when it is decided."""

    __slots__ = (
        "_answer_to",
        "_bad",
        "_decoder",
        "_desk",
        "_kinds",
        "_pace",
        "_page",
        "_running",
        "_text_of",
    )

    def __init__(
        self,
        page: WebSocket,
        desk: Desk,
        *,
        decoder: "msgspec.json.Decoder[C]",
        kinds: Container[str],
        answer_to: Callable[[Desk, C], Awaitable[Answer | None]],
        text_of: Callable[[str], str] = text_of,
    ) -> None:
        self._page = page
        self._desk = desk
        self._decoder = decoder
        self._kinds = kinds
        self._answer_to = answer_to
        self._text_of = text_of
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
        command = self._command(text)
        if not self._pace.permits() or len(self._running) >= AT_ONCE_MAX:
            self._refuse(command.command_id, "too_fast")
        elif isinstance(command, Outline):
            self._refuse(
                command.command_id, "malformed" if command.kind in self._kinds else "unknown_command"
            )
        else:
            task = asyncio.create_task(self._answer(command))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, command: C) -> None:
        try:
            answer = await self._answer_to(self._desk, command)
        except Exception:  # noqa: BLE001  our own mistake must not end the desk of somebody in a conversation
            _log.exception("a command failed desk=%s kind=%s", self._desk.desk_id, type(command).__name__)
            answer = refused("refused")
        if answer is not None:
            self._desk.push(wire(command.command_id, answer, self._text_of))

    def _refuse(self, command_id: str | None, code: str) -> None:
        if self._bad.permits():
            self._desk.push(wire(command_id, refused(code), self._text_of))
        else:
            self._desk.close(TOO_MANY_BAD)

    def _command(self, text: str) -> C | Outline:
        """The command, or what can still be told of something else."""
        try:
            return self._decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass  # No command: perhaps it says which one it wanted to be.
        try:
            return OUTLINE.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Outline()
