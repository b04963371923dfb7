"""One demo customer: opens the chat page, writes, waits, answers the agent, leaves or gives up.

A lost connection is part of life: the customer comes back with the same cookie and sends again what was not
confirmed as kept, as the page does. So a demo also shows that a killed process loses nothing.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from agents_ui.demo.browser import Browser, send
from agents_ui.demo.stories import Story

CHARACTERS_PER_S: Final = 14
"""Quick thumbs; a demo that types at the average speed of 5 is tiring to watch."""

REPLY_WITHIN_S: Final = 180
"""An agent who writes nothing for so long has forgotten the demo customer, who then says goodbye."""

RECONNECT_S: Final = 1


@dataclass(slots=True)
class Customer:
    """A customer with a story. `patience_s` is how long this one waits for somebody before giving up.

    Units: seconds, multiplied by `pace` (tests hurry).
    """

    browser: Browser
    story: Story
    random: Random
    patience_s: float
    pace: float = 1.0
    answered: Callable[[], None] = lambda: None
    """Called once, when an agent has taken the chat."""

    reconnects: int = 0
    state: str = "new"
    heard: int = 0
    """Messages of agents so far."""
    _seen: set[str] = field(default_factory=set)
    _unkept: dict[str, str] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def chat(self) -> str:
        """The whole visit; how it ended: `helped` or `gave up`."""
        line = asyncio.create_task(self._stay_connected())
        try:
            return await self._talk()
        finally:
            line.cancel()
            await asyncio.gather(line, return_exceptions=True)

    async def _talk(self) -> str:
        for text in self.story.opening:
            await self._write(text)
        if not await self._until(lambda: self.state == "with_agent", self.patience_s):
            return "gave up"
        self.answered()
        for count, text in enumerate((*self.story.then, self.story.bye)):
            if not await self._until(partial(self._may_answer, count), REPLY_WITHIN_S):
                break
            if self.state != "with_agent":
                return "helped"
            await self._pause(1, 4)
            await self._write(text)
        await self._until(lambda: self.state == "ended", REPLY_WITHIN_S)
        await self._tell(kind="leave")
        return "helped"

    def _may_answer(self, heard: int) -> bool:
        return self.heard > heard or self.state != "with_agent"

    async def _write(self, text: str) -> None:
        await self._tell(kind="typing")
        await self._pause(0.5, 1 + len(text) / CHARACTERS_PER_S)
        client_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self._unkept[client_id] = text
        await self._tell(kind="say", client_id=client_id, text=text)
        await self._until(lambda: client_id not in self._unkept, REPLY_WITHIN_S)

    async def _tell(self, **values: str) -> None:
        if self._socket is not None:
            try:
                await send(self._socket, **values)
            except WebSocketException:
                self._socket = None  # _stay_connected notices as well, and says it again after the reconnect

    async def _stay_connected(self) -> None:
        while True:
            try:
                if not self.browser.cookies:
                    await self.browser.get("/chat")
                async with self.browser.socket("/chat/socket") as socket:
                    await self._listen(socket)
            except (OSError, WebSocketException):
                self.reconnects += 1
            self._socket = None
            await asyncio.sleep(RECONNECT_S * self.pace)

    async def _listen(self, socket: ClientConnection) -> None:
        self._socket = socket
        for client_id, text in list(self._unkept.items()):
            await send(socket, kind="say", client_id=client_id, text=text)
        async for message in socket:
            async with self._news:
                self._hear(msgspec.json.decode(message))
                self._news.notify_all()

    def _hear(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "snapshot":
                self._put("conversation", message["conversation"])
                for each in message["messages"]:
                    self._put("message", each)
            case "change":
                for put in message["puts"]:
                    self._put(put["what"], put["value"])
            case "kept" | "refused":
                self._unkept.pop(message["client_id"], None)

    def _put(self, what: str, value: dict[str, Any]) -> None:
        if what == "conversation":
            self.state = value["state"]
        elif value["message_id"] not in self._seen:
            self._seen.add(value["message_id"])
            self.heard += value["from"] == "agent"

    async def _pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self.random.uniform(least_s, max(least_s, most_s)) * self.pace)

    async def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds * self.pace), self._news:
                await self._news.wait_for(true)
        except TimeoutError:
            return False
        return True
