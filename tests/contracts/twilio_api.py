"""Twilio's REST API played from its documentation: numbers, messaging services, live calls. On 127.0.0.1.

It knows what it was told and answers like it; `refuses` makes it answer something else so many times.
Source: twilio.com/docs, phone-numbers/api/incomingphonenumber-resource, messaging/api/service-resource,
        voice/api/call-resource (list, fetch; pages by next_page_uri).
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.contracts.twilio import SID, TOKEN

NUMBER_SID = "PN" + "1" * 32
SERVICE_SID = "MG" + "2" * 32
LIVE = ("queued", "ringing", "in-progress")
_SNAKE = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
    "SmsUrl": "sms_url",
    "SmsFallbackUrl": "sms_fallback_url",
    "InboundRequestUrl": "inbound_request_url",
    "FallbackUrl": "fallback_url",
}


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class TwilioApi:
    """Its state: what a number's or service's addresses are, and which calls there are."""

    number: str = "+15551230100"
    port: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, str]] = field(default_factory=list)
    redirected: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    refuses: int = 0
    refusal: int = 503
    page_size: int = 2

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> tuple[int, object]:
        """Status and JSON. Anything that is not one of its resources is 404, as there."""
        self.asked.append(asked)
        if self.refuses:
            self.refuses -= 1
            return self.refusal, {"code": 20429, "message": "busy"}
        right = "Basic " + base64.b64encode(f"{SID}:{TOKEN.decode()}".encode()).decode()
        if asked.headers.get("authorization") != right:
            return 401, {"code": 20003, "message": "Authenticate"}
        parts = urlsplit(asked.path)
        account = f"/2010-04-01/Accounts/{SID}"
        if parts.path == f"{account}/IncomingPhoneNumbers.json":
            wanted = parse_qs(parts.query).get("PhoneNumber", [""])[0]
            numbers = [{"sid": NUMBER_SID, "phone_number": self.number}] if wanted == self.number else []
            return 200, {"incoming_phone_numbers": numbers, "next_page_uri": None}
        if asked.method == "POST" and parts.path in (
            f"{account}/IncomingPhoneNumbers/{NUMBER_SID}.json",
            f"/v1/Services/{SERVICE_SID}",
        ):
            self.kept |= {
                _SNAKE[name]: value for name, value in parse_qsl(asked.body.decode()) if name in _SNAKE
            }
            return 200, {"sid": NUMBER_SID, **self.kept}
        if parts.path == f"{account}/Calls.json":
            return 200, self._listed(parts.path, parse_qs(parts.query))
        for call in self.calls:
            if parts.path == f"{account}/Calls/{call['sid']}.json":
                return self._ordered(call, asked)
        return 404, {"code": 20404, "message": "not found"}

    def _ordered(self, call: dict[str, str], asked: Asked) -> tuple[int, object]:
        """A call that is over takes no order (21220)."""
        order = dict(parse_qsl(asked.body.decode()))
        if asked.method == "POST" and call["status"] not in LIVE:
            return 400, {"code": 21220, "message": "Call is not in-progress. Cannot redirect."}
        if "Url" in order:
            self.redirected[call["sid"]] = order["Url"]
        return 200, call

    def _listed(self, path: str, query: dict[str, list[str]]) -> dict[str, object]:
        wanted = {name: query[name][0] for name in ("Status", "To") if name in query}
        found = [
            call
            for call in self.calls
            if call["status"] == wanted.get("Status", call["status"])
            and call["to"] == wanted.get("To", call["to"])
        ]
        page = int(query.get("Page", ["0"])[0])
        first = page * self.page_size
        more = first + self.page_size < len(found)
        others = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in wanted.items())
        following = f"{path}?{others}&Page={page + 1}" if more else None
        return {"calls": found[first : first + self.page_size], "next_page_uri": following}


@asynccontextmanager
async def twilio_api(**more: object) -> AsyncIterator[TwilioApi]:
    """The API on a port of its own."""
    api = TwilioApi(**more)  # type: ignore[arg-type]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _asked(reader)
                status, said = api.answer(asked)
                body = json.dumps(said).encode()
                head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        api.port = listening.sockets[0].getsockname()[1]
        yield api


async def _asked(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method=method, path=path, headers=headers, body=body)
