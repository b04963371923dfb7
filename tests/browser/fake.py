"""A fake of the wire (docs/architecture.md section 6): what a page sends is noted, what it gets is told.

It keeps no promise and decides nothing; it lets tests show a page every situation in milliseconds. The real
servers are behind test_one_line.py.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any  # JSON on the wire

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.elsewhere.whereabouts import Whereabouts
from agents_ui.pages import routes_for
from agents_ui.shown_files import HEAD_BYTES, may_be_shown, piece_of, shown
from config.plan import Plan

if TYPE_CHECKING:
    from tests.browser.far_side import FarSide

Json = dict[str, Any]

START_WITHIN_S = 10


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Line:
    """One open connection and its numbers."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.n = 0

    async def send(self, **message: Any) -> None:
        if message["kind"] in ("snapshot", "change"):
            self.n += 1
            message["n"] = self.n
        await self.websocket.send_text(json.dumps(message))


class FakeCentre:
    """Both sockets and the few routes of a web process, served from a thread of its own."""

    def __init__(self, plan: Plan) -> None:
        self.chat_lines: list[Line] = []
        self.desk_lines: list[Line] = []
        self.wall_lines: list[Line] = []
        self.chat_messages: list[Json] = []
        self.files: dict[str, bytes] = {}
        """What the desk may show in place, by name."""
        self.ranges: list[str] = []
        self.sent_files: list[tuple[dict[str, str], bytes]] = []
        self.refuses_files = ""
        self.conversation: Json = {}
        self.entities: dict[str, dict[str, Json]] = {}
        self.words: Json = {}
        self.wall_entities: dict[str, dict[str, Json]] = {}
        self.wall_words: Json = {}
        self.said: list[Json] = []
        self.commands: list[Json] = []
        self.snapshots = 0
        self.acknowledges = True
        self.beats = True
        self.refuses = False
        self.signed_in = True
        self.must_change = False
        self.answers: dict[str, Json] = {}
        self.web_call: Json = {"state": "none", "why": "", "position": 0, "connected_ms": 0}
        self.call_refused = ""
        self.calls_asked: list[tuple[str, Json]] = []
        self._plan = plan
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start()

    @cached_property
    def voice(self) -> "FarSide":
        """Who is on the other end of lines of sound. Loaded by those who need it: it is large."""
        from tests.browser.far_side import FarSide

        return FarSide()

    def _start(self) -> None:
        routes = [
            *routes_for(lambda: self._plan, self.where()),
            *self.more_routes(),
            Route("/api/sign-in", self._sign_in, methods=["POST"]),
            Route("/api/sign-out", self._ok, methods=["POST"]),
            Route("/api/password", self._password, methods=["POST"]),
            Route("/api/ticket", self._ticket, methods=["POST"]),
            Route("/chat/attachment", self._attachment, methods=["POST"]),
            Route("/api/attachment", self._sent_file, methods=["POST"]),
            Route("/api/attachment/{name}", self._file, methods=["GET"]),
            Route("/chat/call", self._call, methods=["POST", "GET", "DELETE"]),
            WebSocketRoute("/chat/socket", self._chat),
            WebSocketRoute("/desk/socket", self._desk),
            WebSocketRoute("/wall/socket", self._wall),
        ]
        settings = uvicorn.Config(
            Starlette(routes=routes),
            log_level="warning",
            ws="websockets-sansio",
            lifespan="off",
            loop="asyncio",
        )
        self._server = uvicorn.Server(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_WITHIN_S
        while not self._server.started:
            if time.monotonic() > deadline:
                raise TimeoutError("the fake does not start")
            time.sleep(0.01)

    def where(self) -> Whereabouts | None:
        """What its pages know of another site: there is none."""
        return None

    def more_routes(self) -> list[Route]:
        """Those of a fake that can do more."""
        return []

    def _serve(self) -> None:
        self._loop.run_until_complete(self._server.serve(sockets=[self._socket]))

    def stop(self) -> None:
        if "voice" in vars(self):
            self._do(self.voice.close())
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(START_WITHIN_S)
        self._loop.close()
        self._socket.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_WITHIN_S)

    # --- what tests order ---------------------------------------------------------------------------------

    def put(self, kind: str, entity_id: str, value: Json) -> None:
        """A change for every desk."""
        self.entities.setdefault(kind, {})[entity_id] = value
        self._desk_change({"put": kind, "id": entity_id, "value": value})

    def drop(self, kind: str, entity_id: str) -> None:
        self.entities[kind].pop(entity_id)
        self._desk_change({"drop": kind, "id": entity_id})

    def wall_put(self, kind: str, entity_id: str, value: Json) -> None:
        """A change for every wall."""
        self.wall_entities.setdefault(kind, {})[entity_id] = value
        self._wall_change({"put": kind, "id": entity_id, "value": value})

    def wall_drop(self, kind: str, entity_id: str) -> None:
        self.wall_entities[kind].pop(entity_id)
        self._wall_change({"drop": kind, "id": entity_id})

    def cut_the_line(self) -> None:
        """The sound is gone, from one moment to the next."""
        self._do(self.voice.cut())

    def lose_a_change(self) -> None:
        """A number passes without its message: what a page must notice."""
        for line in self.desk_lines:
            line.n += 1

    def desk_typing(self, interaction_id: str) -> None:
        for line in list(self.desk_lines):
            self._do(line.send(kind="typing", interaction_id=interaction_id))

    def converse(self, **changes: Any) -> None:
        """A change of the chat's conversation."""
        self.conversation |= changes
        self._chat_put("conversation", self.conversation)

    def chat_message(self, sender: str, text: str, **more: Any) -> None:
        message = self.message(sender, text, **more)
        self.chat_messages.append(message)
        self._chat_put("message", message)

    def chat_typing(self) -> None:
        for line in list(self.chat_lines):
            self._do(line.send(kind="typing"))

    def chat_beat(self) -> None:
        for line in list(self.chat_lines):
            self._do(line.send(kind="beat"))

    def hang_up(self, code: int = 1012) -> None:
        """Every connection is closed."""
        for line in [*self.chat_lines, *self.desk_lines, *self.wall_lines]:
            self._do(line.websocket.close(code))

    def _desk_change(self, *changes: Json) -> None:
        for line in list(self.desk_lines):
            self._do(line.send(kind="change", server_ms=now_ms(), changes=list(changes)))

    def _wall_change(self, *changes: Json) -> None:
        for line in list(self.wall_lines):
            self._do(line.send(kind="change", server_ms=now_ms(), changes=list(changes)))

    def _chat_put(self, what: str, value: Json) -> None:
        for line in list(self.chat_lines):
            self._do(line.send(kind="change", puts=[{"what": what, "value": value}]))

    def message(self, sender: str, text: str, **more: Any) -> Json:
        number = len(self.chat_messages) + 1
        return {
            "message_id": f"message-{number}",
            "client_id": f"server-{number}",
            "seq": str(number),
            "at_ms": now_ms(),
            "from": sender,
            "kind": "text",
            "text": text,
            "file": None,
        } | more

    # --- the wire -----------------------------------------------------------------------------------------

    async def _chat(self, websocket: WebSocket) -> None:
        await websocket.accept()
        line = Line(websocket)
        self.snapshots += 1
        self.chat_lines.append(line)  # before the snapshot is sent, or a change right after it has no number
        await line.send(kind="snapshot", conversation=self.conversation, messages=self.chat_messages)
        try:
            while True:
                await self._heard_chat(line, json.loads(await websocket.receive_text()))
        except WebSocketDisconnect:
            self.chat_lines.remove(line)

    async def _heard_chat(self, line: Line, said: Json) -> None:
        self.said.append(said)
        first_place = said["kind"] == "place" and not said["again"]
        if not (said["kind"] == "say" or first_place) or not self.acknowledges:
            return
        found = next((each for each in self.chat_messages if each["client_id"] == said["client_id"]), None)
        message = found or self.message("you", said.get("text", ""), client_id=said["client_id"])
        if first_place:
            message |= {"kind": "place", "text": f"{said['latitude']}, {said['longitude']}"}
        if found is None:
            self.chat_messages.append(message)
            await line.send(kind="change", puts=[{"what": "message", "value": message}])
        await line.send(kind="kept", client_id=said["client_id"], message_id=message["message_id"])

    async def _sent_file(self, request: Request) -> Response:
        body = await request.body()
        if self.refuses_files:
            return JSONResponse({"ok": False, "code": "no_files", "text": self.refuses_files}, 409)
        self.sent_files.append((dict(request.query_params), body))
        return JSONResponse({"ok": True})

    async def _file(self, request: Request) -> Response:
        """As the desk's own endpoint gives out files."""
        name, asked = request.path_params["name"], request.headers.get("range", "")
        body = self.files.get(name, b"")
        self.ranges.append(asked)
        media_type = may_be_shown(body[:HEAD_BYTES])
        if not media_type:
            return Response(status_code=415)
        piece = piece_of(asked, len(body))
        given = body if piece is None else body[piece.start : piece.start + piece.length]
        return shown(given, media_type=media_type, file_name=name, size=len(body), piece=piece)

    async def _desk(self, websocket: WebSocket) -> None:
        await self._serve_page(websocket, self.entities, self.words, self.desk_lines)

    async def _wall(self, websocket: WebSocket) -> None:
        await self._serve_page(websocket, self.wall_entities, self.wall_words, self.wall_lines)

    async def _serve_page(
        self, websocket: WebSocket, entities: dict[str, dict[str, Json]], words: Json, lines: list[Line]
    ) -> None:
        await websocket.accept()
        if self.refuses:
            await websocket.close(1013)
            return
        hello = json.loads(await websocket.receive_text())
        if hello.get("ticket") != "good":
            await websocket.close(4401)
            return
        line = Line(websocket)
        self.snapshots += 1
        start = {"desk_id": "desk-1", "server_ms": now_ms(), "entities": entities, "words": words}
        lines.append(line)
        await line.send(kind="snapshot", **start)
        beating = asyncio.create_task(self._beat(line))
        try:
            while True:
                await self._heard_desk(line, json.loads(await websocket.receive_text()))
        except WebSocketDisconnect:
            lines.remove(line)
        finally:
            beating.cancel()

    async def _beat(self, line: Line) -> None:
        while True:
            if self.beats:
                await line.send(kind="beat", server_ms=now_ms())
            await asyncio.sleep(0.5)

    async def _heard_desk(self, line: Line, command: Json) -> None:
        self.commands.append(command)
        answer = {"ok": True, "code": "", "text": "", "value": None} | self.answers.get(command["kind"], {})
        if "sdp" in command and answer["ok"]:
            answer["value"] = {"sdp": await self.voice.answer(command["sdp"])}
        if command["kind"] != "typing" and self.acknowledges:
            await line.send(kind="answer", command_id=command["command_id"], **answer)

    async def _sign_in(self, request: Request) -> Response:
        body = await request.json()
        if body["password"] not in ("right", "one-time"):
            text = "Name or password is wrong."
            return JSONResponse({"ok": False, "code": "wrong", "text": text}, 401)
        self.signed_in = True
        me = {"agent_id": body["agent_id"], "name": "Ana", "role": "agent"}
        return JSONResponse({"ok": True, "must_change": self.must_change, **me})

    async def _password(self, request: Request) -> Response:
        body = await request.json()
        return JSONResponse({"ok": body["old"] == "one-time"}, 200 if body["old"] == "one-time" else 400)

    async def _ok(self, request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def _ticket(self, request: Request) -> Response:
        if request.headers.get("x-muster") != "1":
            return JSONResponse({"ok": False, "code": "cross_site", "text": ""}, 403)
        if not self.signed_in:
            return JSONResponse({"ok": False, "code": "signed_out", "text": ""}, 401)
        return JSONResponse({"ticket": "good"})

    async def _call(self, request: Request) -> Response:
        body = await request.json() if request.method == "POST" else {}
        self.calls_asked.append((request.method, body))
        if request.method == "GET":
            return JSONResponse({"ok": True, **self.web_call, "now_ms": now_ms()})
        if request.method == "DELETE":
            self.web_call |= {"state": "ended", "why": "caller_hung_up"}
            return JSONResponse({"ok": True})
        if self.call_refused:
            return JSONResponse({"ok": False, "code": self.call_refused, "text": "No."}, 503)
        self.web_call |= {"state": "waiting", "position": 3}
        sdp = await self.voice.answer(body["sdp"])
        return JSONResponse({"ok": True, "sdp": sdp, "interaction_id": "web-call-1"})

    async def _attachment(self, request: Request) -> Response:
        body = await request.body()
        name = request.query_params["name"]
        file = {
            "name": name,
            "bytes": len(body),
            "media_type": request.headers["content-type"],
            "url": "/chat/attachment/x",
        }
        message = self.message(
            "you", "", client_id=request.query_params["client_id"], kind="attachment", file=file
        )
        self.chat_messages.append(message)
        for line in list(self.chat_lines):
            await line.send(kind="change", puts=[{"what": "message", "value": message}])
        return JSONResponse({"message_id": message["message_id"]}, 201)
