"""Twilio's log played from its documentation: lists of messages and calls, in pages, newest first."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contracts.twilio import NUMBER, PERSON, SID

BASE = f"/2010-04-01/Accounts/{SID}"


@dataclass
class TwilioLog:
    """What the account has. Shape: entries as the API gives them; pages are smaller than anybody asks."""

    url: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuses: int = 0
    page_size: int = 2

    def message(self, sid: str, at_ms: int, *, inbound: bool = True, **others: object) -> None:
        """One more, newest last."""
        at = format_datetime(datetime.fromtimestamp(at_ms / 1_000, UTC))
        ends = {"from": PERSON, "to": NUMBER} if inbound else {"from": NUMBER, "to": PERSON}
        self.messages.append(
            {
                "sid": sid,
                "account_sid": SID,
                "api_version": "2010-04-01",
                "body": "help",
                "date_created": at,
                "date_sent": at,
                "date_updated": at,
                "direction": "inbound" if inbound else "outbound-api",
                "error_code": None,
                "error_message": None,
                "num_media": "0",
                "num_segments": "1",
                "price": None,
                "status": "received" if inbound else "delivered",
                "subresource_uris": {"media": f"{BASE}/Messages/{sid}/Media.json"},
                "uri": f"{BASE}/Messages/{sid}.json",
                **ends,
                **others,
            }
        )

    def call(self, sid: str, at_ms: int, status: str = "completed", **others: object) -> None:
        """One more, newest last."""
        at = format_datetime(datetime.fromtimestamp(at_ms / 1_000, UTC))
        self.calls.append(
            {
                "sid": sid,
                "account_sid": SID,
                "from": PERSON,
                "to": NUMBER,
                "status": status,
                "direction": "inbound",
                "date_created": at,
                "start_time": at,
                "end_time": at,
                "duration": "12",
                "uri": f"{BASE}/Calls/{sid}.json",
                **others,
            }
        )

    def answer(self, target: str) -> tuple[int, Any]:
        """Status and JSON of one request."""
        self.asked.append(target)
        if self.refuses:
            return self.refuses, {"code": 20003, "message": "Authenticate", "status": self.refuses}
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/Media.json"):
            return 200, {"media_list": self.media.get(parts.path.split("/")[-2], []), "next_page_uri": None}
        name = parts.path.rsplit("/", 1)[-1].removesuffix(".json").lower()
        since = query.get("DateSent>" if name == "messages" else "StartTime>", "")
        assert len(since) == 10, "a day in GMT"
        wanted = [
            each
            for each in reversed(self.messages if name == "messages" else self.calls)
            if each["to"] == query.get("To", each["to"]) and each["from"] == query.get("From", each["from"])
        ]
        page = int(query.get("Page", "0"))
        shown = wanted[page * self.page_size :][: self.page_size]
        more = len(wanted) > (page + 1) * self.page_size
        rest = parts.query.partition("&Page=")[0]
        following = f"{parts.path}?{rest}&Page={page + 1}&PageToken=PA{shown[-1]['sid']}" if more else None
        return 200, {name: shown, "page": page, "page_size": self.page_size, "next_page_uri": following}


@contextmanager
def twilio_log() -> Iterator[TwilioLog]:
    """It, listening on this machine."""
    log = TwilioLog()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, said = log.answer(self.path)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    log.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield log
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
