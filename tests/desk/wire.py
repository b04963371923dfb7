"""Requests and sockets straight into the ASGI application: no network, no threads, nothing to wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import msgspec

Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Reply:
    """What came back for a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def cookie(self) -> SimpleCookie:
        return SimpleCookie(self.headers.get("set-cookie", ""))


async def ask(
    app: App,
    method: str,
    path: str,
    body: object = None,
    *,
    host: str,
    token: str = "",
    cookie_name: str = "muster",
    headers: Mapping[str, str] | None = None,
    client: str = "198.51.100.1",
) -> Reply:
    """One request as our pages make it. `headers` replaces what they set; an empty value leaves one out."""
    sent = {"host": host, "x-muster": "1", "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    if token:
        sent["cookie"] = f"{cookie_name}={token}"
    sent |= headers or {}
    raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    path_only, _, query = path.partition("?")
    scope: Message = {
        "type": "http",
        "method": method,
        "path": path_only,
        "raw_path": path_only.encode(),
        "query_string": query.encode(),
        "scheme": "http",
        "headers": _raw(sent),
        "client": (client, 1234),
        "server": (host, 80),
        "state": {},
    }
    out: list[Message] = []
    incoming = [{"type": "http.request", "body": raw, "more_body": False}]

    async def receive() -> Message:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        out.append(message)

    async with asyncio.timeout(PATIENCE_S):
        await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in out[0].get("headers", ())}
    return Reply(out[0]["status"], found, b"".join(each.get("body", b"") for each in out[1:]))


@dataclass
class Page:
    """A desk page: a socket into the application, and what it was told, applied as the page does."""

    app: App
    path: str
    host: str
    headers: Mapping[str, str] = field(default_factory=dict)
    entities: dict[str, dict[str, Any]] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    answers: dict[str | None, Any] = field(default_factory=dict)
    heard: list[Any] = field(default_factory=list)
    snapshots: int = 0
    n: int = 0
    accepted: bool = False
    code: int | None = None
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: the page reads nothing, so what is sent to it piles up."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _incoming: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    _task: "asyncio.Task[None] | None" = None

    async def open(self) -> None:
        """Connect; returns when the handshake is answered."""
        sent = {"host": self.host, "origin": f"http://{self.host}", **self.headers}
        scope: Message = {
            "type": "websocket",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "scheme": "ws",
            "headers": _raw(sent),
            "client": ("198.51.100.1", 1234),
            "server": (self.host, 80),
            "subprotocols": [],
            "state": {},
        }
        self.reading.set()
        self._incoming.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self.app(scope, self._incoming.get, self._take))
        await self.until(lambda: self.accepted or self.code is not None)

    async def say(self, message: object) -> None:
        """Send one message; str and bytes go as they are."""
        if isinstance(message, bytes):
            self._incoming.put_nowait({"type": "websocket.receive", "bytes": message})
        else:
            text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
            self._incoming.put_nowait({"type": "websocket.receive", "text": text})
        await asyncio.sleep(0)

    async def command(self, kind: str, *, command_id: str, **values: object) -> Any:
        """Give a command and wait for its answer."""
        await self.say({"kind": kind, "command_id": command_id, **values})
        await self.until(lambda: command_id in self.answers)
        return self.answers[command_id]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for this to become true by something the page hears."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(true)

    async def leave(self) -> None:
        """Close the page; returns when the server has noticed."""
        if self._task is not None:
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
            self.reading.set()
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _take(self, message: Message) -> None:
        if message["type"] != "websocket.close":
            await self.reading.wait()
        async with self._news:
            if message["type"] == "websocket.accept":
                self.accepted = True
            elif message["type"] == "websocket.close":
                self.code = message.get("code", 1000)
                self._incoming.put_nowait({"type": "websocket.disconnect", "code": self.code})
            else:
                self._hear(msgspec.json.decode(message["text"]))
            self._news.notify_all()

    def _hear(self, message: Any) -> None:
        kind = message["kind"]
        if kind == "answer":
            self.answers[message["command_id"]] = message
        elif kind in ("snapshot", "change"):
            assert message["n"] == self.n + 1, f"gap: {message['n']} after {self.n}"
            self.n = message["n"]
            if kind == "snapshot":
                self.snapshots += 1
                self.entities, self.words = message["entities"], message["words"]
            else:
                for change in message["changes"]:
                    self._apply(change)
        self.heard.append(message)

    def _apply(self, change: Any) -> None:
        if "put" in change:
            self.entities[change["put"]][change["id"]] = change["value"]
            return
        self.entities[change["drop"]].pop(change["id"], None)
        if change["drop"] == "conversation":
            self.entities["call"].pop(change["id"], None)
            messages = self.entities["message"]
            for message_id in [m for m, v in messages.items() if v["interaction_id"] == change["id"]]:
                del messages[message_id]


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value]
