"""The door of the voice process: HTTP and JSON over a Unix socket, for the web processes of this machine.

Who may ask what the web has checked; what is possible with a call at this moment is checked here, from the
tables (docs/architecture.md 11.2).
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar  # Any: JSON values on their way out

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from router.channels.ingest import NotKept
from router.channels.web_call import WEB_CALL, dialable
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.run.voice import record as r
from router.run.voice.call import Call
from router.run.voice.dialling import dial
from router.run.voice.gear import BadSdp, NoPorts, PageLeg
from router.run.voice.standing import Standing
from router.run.voice.switchboard import Switchboard

Body = TypeVar("Body", bound=msgspec.Struct)

TEXTS: Final = {
    "no_call": "There is no such call.",
    "wrong_state": "That is not possible with this call at this moment.",
    "elsewhere": "Another window of this agent has the call.",
    "bad_sdp": "There is no sound in this description that we can do.",
    "bad_digits": "These are no digits.",
    "not_dialable": "This number cannot be called.",
    "no_ports": "No port for sound is free.",
    "no_trunk": "There is no trunk to call out by.",
    "not_kept": "The call could not be kept: nothing was taken.",
    "bad_request": "This request cannot be read.",
}
STATUS: Final = {
    "no_call": 404,
    "wrong_state": 409,
    "elsewhere": 409,
    "bad_sdp": 422,
    "bad_digits": 422,
    "not_dialable": 422,
    "no_ports": 503,
    "no_trunk": 503,
    "not_kept": 503,
    "bad_request": 400,
}
BODY_BYTES_MAX: Final = 262_144

_log = logging.getLogger("muster.voice")


class NewCall(msgspec.Struct, frozen=True):
    """A call from our page."""

    account: str
    session: str
    sdp: str
    language: str = ""


class Connect(msgspec.Struct, frozen=True):
    """An agent's sound."""

    agent_id: str
    sdp: str
    desk_id: str = ""
    take: bool = False


class Control(msgspec.Struct, frozen=True):
    """Something to do with a call. agent_id is empty where its caller asks."""

    agent_id: str
    act: str
    digits: str = ""
    to: str = ""
    on: bool = True


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Door:
    """The requests."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def app(self) -> Starlette:
        """To be served on the socket."""
        routes = [
            Route("/calls", self._answering(self._begin), methods=["POST"]),
            Route("/calls/{interaction_id}", self._answering(self._look), methods=["GET"]),
            Route("/calls/{interaction_id}/connect", self._answering(self._connect), methods=["POST"]),
            Route("/calls/{interaction_id}/listen", self._answering(self._listen), methods=["POST"]),
            Route("/calls/{interaction_id}/dial", self._answering(self._dial), methods=["POST"]),
            Route("/calls/{interaction_id}/control", self._answering(self._control), methods=["POST"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]
        return Starlette(routes=routes)

    async def _begin(self, request: Request) -> dict[str, Any]:
        body = await _read(request, NewCall)
        account = self._board.account(body.account)
        if account is None or account.provider != WEB_CALL:
            raise _Refused("no_trunk")
        leg = self._board.media.page_leg()
        sdp = await _answered(leg, body.sdp)
        try:
            call = await self._board.take_page(account, session=body.session, leg=leg, language=body.language)
        except NotKept:
            await leg.close()
            raise _Refused("not_kept") from None
        return {"interaction_id": call.interaction_id, "call_id": call.call_id, "sdp": sdp}

    async def _look(self, request: Request) -> dict[str, Any]:
        call = self._call(request)
        waits = call.record.state == r.WAITING and not call.record.agent_id
        return {"position": call.position if waits else 0, "state": call.record.state}

    async def _connect(self, request: Request) -> dict[str, Any]:
        body = await _read(request, Connect)
        call = self._call(request)
        standing = await self._held(call.interaction_id, body.agent_id)
        if call.taken_elsewhere and call.window != body.desk_id and not body.take:
            raise _Refused("elsewhere")
        leg = self._board.media.page_leg()
        sdp = await _answered(leg, body.sdp)
        if not call.live or call.stood is None or call.stood.offer_id != standing.offer_id:
            await leg.close()
            raise _Refused("wrong_state")
        call.connect(leg, body.desk_id)
        return {"sdp": sdp}

    async def _listen(self, request: Request) -> dict[str, Any]:
        body = await _read(request, Connect)
        call = self._call(request)
        leg = self._board.media.page_leg(speaks=False)
        sdp = await _answered(leg, body.sdp)
        if not call.listen(leg):
            await leg.close()
            raise _Refused("wrong_state")
        return {"sdp": sdp}

    async def _dial(self, request: Request) -> dict[str, Any]:
        body = await _read(request, Connect)
        interaction_id = request.path_params["interaction_id"]
        if self._board.call_of(interaction_id) is not None:
            raise _Refused("wrong_state")
        standing = await self._held(interaction_id, body.agent_id)
        account = self._board.trunk_of(standing.account)
        if account is None:
            raise _Refused("no_trunk")
        number = await self._board.address_of(standing)
        if not dialable(number):
            raise _Refused("not_dialable")
        leg = self._board.media.page_leg()
        sdp = await _answered(leg, body.sdp)
        if self._board.call_of(interaction_id) is not None:
            await leg.close()
            raise _Refused("wrong_state")
        dial(self._board, standing, account, number, agent_id=body.agent_id, window=body.desk_id, leg=leg)
        return {"sdp": sdp}

    async def _control(self, request: Request) -> dict[str, Any]:
        body = await _read(request, Control)
        call = self._call(request)
        if body.agent_id:
            await self._held(call.interaction_id, body.agent_id)
        elif body.act != "hang_up" or call.caller.telephone:
            raise _Refused("wrong_state")
        self._do(call, body)
        return {}

    def _do(self, call: Call, asked: Control) -> None:
        match asked.act:
            case "hang_up":
                call.end(r.AGENT_HUNG_UP if asked.agent_id else r.CALLER_HUNG_UP)
                done = True
            case "hold" | "resume":
                done = call.hold(asked.act == "hold")
            case "record":
                done = call.recording(asked.on)
            case "dtmf":
                done = _press(call, asked.digits)
            case "forward":
                done = self._forward(call, asked.to)
            case _:
                raise _Refused("bad_request")
        if not done:
            raise _Refused("wrong_state")

    def _forward(self, call: Call, number: str) -> bool:
        if not dialable(number):
            raise _Refused("not_dialable")
        trunk = self._board.trunk_of(call.account.account_id)
        if trunk is None:
            raise _Refused("no_trunk")
        if call.record.state not in (r.CONNECTED, r.HELD):
            return False
        self._board.do(call.forward(number, self._board.telephones, trunk))
        return True

    def _call(self, request: Request) -> Call:
        call = self._board.call_of(request.path_params["interaction_id"])
        if call is None or not call.live:
            raise _Refused("no_call")
        return call

    async def _held(self, interaction_id: str, agent_id: str) -> Standing:
        """How it stands, if this agent has it and talks. The web may know sooner than we: we look again."""
        standing = await self._board.standing(interaction_id)
        if standing is None:
            raise _Refused("no_call")
        if not standing.assigned or standing.agent_id != agent_id:
            raise _Refused("wrong_state")
        return standing

    async def _metrics(self, request: Request) -> Response:
        text = generate_latest(self._board.figures.registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    def _answering(
        self, endpoint: Callable[[Request], Awaitable[dict[str, Any]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return JSONResponse(await endpoint(request))
            except _Refused as no:
                return JSONResponse({"code": no.code, "text": TEXTS[no.code]}, STATUS[no.code])
            except (DatabaseBusy, DatabaseGone):
                return JSONResponse({"code": "not_kept", "text": TEXTS["not_kept"]}, STATUS["not_kept"])

        return answer


def _press(call: Call, digits: str) -> bool:
    try:
        return call.caller.send_digits(digits)
    except ValueError:
        raise _Refused("bad_digits") from None


async def _answered(leg: PageLeg, sdp: str) -> str:
    """Our answer; a leg that has none is closed."""
    try:
        return await leg.answer(sdp)
    except (BadSdp, NoPorts) as no:
        await leg.close()
        raise _Refused("bad_sdp" if isinstance(no, BadSdp) else "no_ports") from None
    except BaseException:
        await leg.close()
        raise


async def _read(request: Request, kind: type[Body]) -> Body:
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > BODY_BYTES_MAX:
            raise _Refused("bad_request")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _Refused("bad_request") from None
