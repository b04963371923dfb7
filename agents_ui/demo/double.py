"""A provider of text messages that is not there: takes what the centre sends, and tells what became of it.

It speaks as much of the provider's interface as answers need (Messages.json, signed status callbacks), and on
demand it does what providers do on bad days: refuses, is too busy, breaks, talks nonsense, hangs, hangs up.
`python -m agents_ui.demo.double` runs one; tests and `muster up --demo` run one in their own process.
"""

import argparse
import asyncio
import logging
import secrets
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from agents_ui.demo.double_answers import BUSY, OPTED_OUT, DoubleAccount, problem_of, refusal, resource, told
from agents_ui.demo.texting import signature

if TYPE_CHECKING:
    from httpx2 import AsyncClient

KEPT_MAX: Final = 100_000
CALLBACK_S: Final = 15.0
START_S: Final = 10.0
HANG_S: Final = 60.0

WELL: Final = "well"
MODES: Final = {
    WELL: "takes the message and says that it was sent and delivered",
    "slow": "the same, after `seconds`",
    "lose": "takes it, and nothing is ever heard of it again",
    "undelivered": "takes it, and says later that it could not be delivered, with `code`",
    "refuse": "refuses it with `code`",
    "busy": "429 with Retry-After of `seconds`",
    "broken": "500",
    "garbage": "200 with something that is no answer",
    "hang": "takes the request and never answers",
    "hang_up": "closes the connection in the middle of its answer, after it took the message",
}
"""What it may do with a request. Whatever it is, the request is noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What is done with the next requests: `times` of them (0: until told otherwise), to this number only."""

    mode: str = WELL
    times: int = 0
    to: str = ""
    code: int = 30003
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One request of the centre. status_url carries the centre's own id; `took`: the customer has it."""

    at: float
    sid: str
    to: str
    body: str
    status_url: str
    mode: str
    took: bool


@dataclass(slots=True)
class ProviderDouble:
    """The provider. `heard` is told of every message that reaches its customer: (number, words)."""

    account: DoubleAccount
    heard: Callable[[str, str], Awaitable[None]] | None = None
    opted_out: set[str] = field(default_factory=set)
    requests: deque[Taken] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    callback_pause_s: float = 0.05
    _behaviours: list[Behaviour] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _client: "AsyncClient | None" = None

    def behave(self, mode: str, **more: int | float | str) -> None:
        """From now on. The newest that fits a request counts; `well` with nothing more forgets all others."""
        if mode not in MODES:
            raise ValueError(f"{mode!r} is none of {', '.join(MODES)}")
        if mode == WELL and not more:
            self._behaviours = []
        else:
            self._behaviours = [*self._behaviours, Behaviour(mode=mode, **more)]  # type: ignore[arg-type]

    def taken(self) -> list[Taken]:
        """Every message that reached its customer, in order."""
        return [each for each in self.requests if each.took]

    def app(self) -> Starlette:
        """What it serves: the provider's own address, and two of the double's own."""
        return Starlette(
            routes=[
                Route("/2010-04-01/Accounts/{sid}/Messages.json", self._message, methods=["POST"]),
                Route("/double/behave", self._told_to_behave, methods=["POST"]),
                Route("/double/taken", self._show, methods=["GET"]),
            ]
        )

    async def close(self) -> None:
        """Tell nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _message(self, request: Request) -> Response:
        fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        sid = request.path_params["sid"]
        wrong = problem_of(
            self.account, sid=sid, authorization=request.headers.get("authorization", ""), fields=fields
        )
        to = fields.get("To", "")
        if wrong is None and to in self.opted_out:
            wrong = OPTED_OUT
        behaviour = self._next(to) if wrong is None else Behaviour(mode="refuse", code=wrong)
        return await self._do(behaviour, fields)

    def _next(self, to: str) -> Behaviour:
        for index in range(len(self._behaviours) - 1, -1, -1):
            found = self._behaviours[index]
            if found.to in ("", to):
                if found.times == 1:
                    del self._behaviours[index]
                elif found.times:
                    self._behaviours[index] = Behaviour(
                        mode=found.mode,
                        times=found.times - 1,
                        to=found.to,
                        code=found.code,
                        seconds=found.seconds,
                    )
                return found
        return Behaviour()

    async def _do(self, behaviour: Behaviour, fields: Mapping[str, str]) -> Response:
        mode = behaviour.mode
        if mode == "slow":
            await asyncio.sleep(behaviour.seconds)
        taken = self._note(mode, fields)
        if mode == "hang":
            await asyncio.sleep(HANG_S)
        if mode in ("refuse", "busy", "broken", "hang"):
            code = {"refuse": behaviour.code, "busy": BUSY}.get(mode, 20500)
            status, body = refusal(code)
            headers = {"Retry-After": str(max(int(behaviour.seconds), 1))} if mode == "busy" else None
            return JSONResponse(body, status, headers)
        if mode == "garbage":
            return Response(
                b"<html>Please sign in to the wireless network</html>", 200, media_type="text/html"
            )
        if mode != "lose":
            task = asyncio.create_task(self._tell(taken, behaviour))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if mode == "hang_up":
            return _HangUp()
        return JSONResponse(resource(self.account, sid=taken.sid, fields=fields), 201)

    def _note(self, mode: str, fields: Mapping[str, str]) -> Taken:
        taken = Taken(
            at=time.monotonic(),
            sid=f"SM{secrets.token_hex(16)}",
            to=fields.get("To", ""),
            body=fields.get("Body", ""),
            status_url=fields.get("StatusCallback", ""),
            mode=mode,
            took=mode in (WELL, "slow", "hang_up"),
        )
        self.requests.append(taken)
        return taken

    async def _tell(self, taken: Taken, behaviour: Behaviour) -> None:
        """What became of it, to the customer and to the centre: each step as a callback."""
        if taken.took and self.heard is not None:
            await self.heard(taken.to, taken.body)
        steps = ["sent", "undelivered" if behaviour.mode == "undelivered" else "delivered"]
        for status in steps if taken.status_url else ():
            await asyncio.sleep(self.callback_pause_s)
            code = behaviour.code if status == "undelivered" else None
            fields = told(self.account, sid=taken.sid, to=taken.to, status=status, error_code=code)
            await self._call_back(taken.status_url, fields)

    async def _call_back(self, url: str, fields: dict[str, str]) -> None:
        """Tried once more, as the provider does by default; then forgotten."""
        from httpx2 import AsyncClient, HTTPError

        client = self._client = self._client or AsyncClient(timeout=CALLBACK_S, trust_env=False)
        headers = {"X-Twilio-Signature": signature(self.account.token.encode(), url, fields)}
        for _ in range(2):
            with suppress(HTTPError):
                if (await client.post(url, data=fields, headers=headers)).status_code < 500:
                    return

    async def _told_to_behave(self, request: Request) -> Response:
        try:
            self.behave(**(await request.json()))
        except (TypeError, ValueError) as problem:
            return JSONResponse({"ok": False, "text": str(problem), "modes": MODES}, 400)
        return JSONResponse({"ok": True})

    async def _show(self, request: Request) -> Response:
        fields = ("sid", "to", "body", "status_url", "mode", "took")
        return JSONResponse([{name: getattr(each, name) for name in fields} for each in self.requests])


class _HangUp(Response):
    """The beginning of an answer, and then nothing: the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"900")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"sid": "SM', "more_body": True})


class DoubleServer:
    """A double that serves on a port of its own, in a thread of its own, until stop()."""

    def __init__(self, double: ProviderDouble, *, port: int = 0) -> None:
        self.double = double
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(double.app(), log_level="critical", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="double", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not self._server.started:
            if time.monotonic() > deadline:
                raise TimeoutError("the provider double does not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Cut every connection and end."""
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(START_S)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            await self.double.close()


def main() -> None:
    """Run one until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m agents_ui.demo.double", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--account-sid", required=True)
    parser.add_argument("--token", required=True, help="the account's secret")
    parser.add_argument("--number", required=True, help="the centre's number, e.g. +15550100100")
    given = parser.parse_args()
    account = DoubleAccount(account_sid=given.account_sid, token=given.token, number=given.number)
    logging.basicConfig(level=logging.WARNING)
    server = DoubleServer(ProviderDouble(account), port=given.port)
    server.start()
    sys.stdout.write(f"provider double at {server.url}; /double/taken shows what it took\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    server.stop()


if __name__ == "__main__":
    main()
