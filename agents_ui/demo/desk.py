"""What a demo agent sees: the entities of a desk, kept from one snapshot and the changes after it."""

import asyncio
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec
from websockets.asyncio.client import ClientConnection

from agents_ui.demo.browser import send

ANSWER_S: Final = 10
"""A command unanswered for so long is lost with its connection; the agent looks again and decides anew."""


@dataclass(slots=True)
class Desk:
    """One connection's view. `news` is notified after every message from the server."""

    socket: ClientConnection
    entities: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    words: dict[str, Any] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _answers: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def listen(self) -> None:
        """Keep the view until the connection ends."""
        async for text in self.socket:
            message = msgspec.json.decode(text)
            async with self.news:
                self._take(message)
                self.news.notify_all()

    async def ask(self, kind: str, **values: object) -> dict[str, Any]:
        """Send a command and wait for its answer. Raises TimeoutError."""
        command_id = str(uuid.uuid4())
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[command_id] = answer
        try:
            await send(self.socket, kind=kind, command_id=command_id, **values)
            async with asyncio.timeout(ANSWER_S):
                return await answer
        finally:
            del self._answers[command_id]

    async def typing(self, interaction_id: str) -> None:
        """Tell the customer that somebody writes."""
        await send(self.socket, kind="typing", interaction_id=interaction_id, command_id=str(uuid.uuid4()))

    def messages(self, interaction_id: str) -> list[dict[str, Any]]:
        """The messages of a conversation, oldest first."""
        found = [m for m in self.entities["message"].values() if m["interaction_id"] == interaction_id]
        return sorted(found, key=lambda message: int(message["seq"]))

    def _take(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "snapshot":
                self.words = message["words"]
                for name, values in message["entities"].items():
                    self.entities[name] = dict(values)
            case "change":
                for change in message["changes"]:
                    self._change(change)
            case "answer":
                waiting = self._answers.get(message["command_id"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)

    def _change(self, change: dict[str, Any]) -> None:
        if "put" in change:
            self.entities[change["put"]][change["id"]] = change["value"]
            return
        self.entities[change["drop"]].pop(change["id"], None)
        if change["drop"] == "conversation":
            gone = [m["message_id"] for m in self.messages(change["id"])]
            for message_id in gone:
                self.entities["message"].pop(message_id)
