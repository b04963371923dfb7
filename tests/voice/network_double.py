"""A telephone network with an API that is not there: keeps the calls, obeys orders, posts signed webhooks."""

import base64
import json
import re
import threading
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

from router.channels.port import Webhook
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_voice import TwilioVoice

WITHIN_S: Final = 30
_PATH: Final = re.compile(rf"/2010-04-01/Accounts/{SID}/Calls/(\w+)\.json")
_RIGHT: Final = "Basic " + base64.b64encode(SID.encode() + b":" + TOKEN).decode()


@dataclass
class NetworkDouble:
    """Shape: calls has the status of each; dialled the SIP addresses that orders named; statuses of the API's
    next answers, if they are not what they should be."""

    plays: TwilioVoice
    calls: dict[str, str] = field(default_factory=dict)
    dialled: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    """What was asked of the API, in order: twiml, completed, look."""
    port: int = 0
    """Where the centre's webhooks are."""

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def brings(self, webhook: Webhook) -> tuple[int, list[str]]:
        """Post it to the centre, again while nobody listens; the status, and the verbs of the answer."""
        give_up = time.monotonic() + WITHIN_S
        while True:
            try:
                return self._brings(webhook)
            except (urllib.error.URLError, ConnectionError):  # its web was killed a moment ago
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def _brings(self, webhook: Webhook) -> tuple[int, list[str]]:
        path = f"/hooks/calls/{webhook.path}".rstrip("/") + (f"?{webhook.query}" if webhook.query else "")
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=webhook.body, headers=dict(webhook.headers)
        )
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
                body = answer.read()
                return answer.status, [each.tag for each in ElementTree.fromstring(body)] if body else []
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, []

    def answer(self, sid: str, form: dict[str, list[str]] | None) -> tuple[int, dict[str, Any]]:
        """What its API says to an order (form), or to a look."""
        self.orders.append("look" if form is None else "twiml" if "Twiml" in form else form["Status"][0])
        if form is not None and self.refusals:
            return self.refusals.pop(0), {"code": 20500}
        if self.calls.get(sid) != "in-progress":
            return (400, {"code": 21220}) if form is not None else (200, {"sid": sid, "status": "completed"})
        if form is not None and "Twiml" in form:
            uri = ElementTree.fromstring(form["Twiml"][0]).findtext(".//Sip")
            assert uri
            self.dialled.append(uri)
        elif form is not None:
            self.calls[sid] = form["Status"][0]
        return 200, {"sid": sid, "status": self.calls[sid]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                self._answer(parse_qs(body.decode()))

            def _answer(self, form: dict[str, list[str]] | None) -> None:
                found = _PATH.fullmatch(self.path)
                status, told = 401, {"code": 20003}
                if found is not None and self.headers.get("authorization") == _RIGHT:
                    status, told = double.answer(found[1], form)
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler
