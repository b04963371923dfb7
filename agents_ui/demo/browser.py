"""What a browser does for a demo person: cookies, requests and WebSockets with the headers a site expects."""

import asyncio
import http.client
import ssl
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Final  # Any: JSON values at the edge of the type system
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect

PATIENCE_S: Final = 10
"""A page that takes longer is treated as down; the demo tries again."""

MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""A snapshot of a busy desk; changes are far smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and JSON body of a request; body is empty where the answer was no JSON."""

    status: int
    body: dict[str, Any]


@dataclass(slots=True)
class Browser:
    """One person's browser. Cookies live as long as it does."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> Answer:
        """Fetch a page, for its cookies."""
        return await asyncio.to_thread(self._request, "GET", path, b"")

    async def post(self, path: str, **values: object) -> Answer:
        """Send JSON the way our pages do."""
        return await asyncio.to_thread(self._request, "POST", path, msgspec.json.encode(values))

    def socket(self, path: str) -> connect:
        """A WebSocket of this session, to be used as `async with`; compression would cost 40 KB a socket."""
        return connect(
            "ws" + self.url.removeprefix("http") + path,
            origin=self.url,  # type: ignore[arg-type]  # websockets wants its NewType of str
            additional_headers={"Cookie": self._cookie_header()},
            compression=None,
            max_size=MESSAGE_BYTES_MAX,
            open_timeout=PATIENCE_S,
            proxy=None,
        )

    def _request(self, method: str, path: str, body: bytes) -> Answer:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            secure = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.netloc, timeout=PATIENCE_S, context=secure
            )
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
        headers = {"Cookie": self._cookie_header()} if self.cookies else {}
        if method == "POST":
            headers |= {"Content-Type": "application/json", "X-Muster": "1", "Origin": self.url}
        try:
            connection.request(method, path, body=body or None, headers=headers)
            response = connection.getresponse()
            return self._read(response)
        finally:
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        for line in response.headers.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        text = response.read()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(status=response.status, body=msgspec.json.decode(text) if is_json and text else {})

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


async def send(socket: ClientConnection, **values: object) -> None:
    """One JSON object as one message."""
    await socket.send(msgspec.json.encode(values).decode())
