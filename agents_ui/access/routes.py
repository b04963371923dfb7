"""Sign-in, sign-out, passwords and tickets over HTTP: bodies in, codes and cookies out. No page."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.answering import Endpoint, answering
from agents_ui.access.bodies import BadBody, Empty, PasswordBody, SignInBody, read_body
from agents_ui.access.gate import person_of
from agents_ui.access.passwords import PASSWORD_BYTES_MAX, Passwords
from agents_ui.access.sessions import clear_cookie, set_cookie
from agents_ui.access.sign_in import Reception, Refused
from agents_ui.access.words import refusal
from agents_ui.services import Services

NAME_CHARACTERS_MAX: Final = 200
"""Of an agent id; longer ones belong to nobody."""

_STATUS: Final = {"slow_down": 429, "wrong": 401}
"""Of refusals at the sign-in; other codes are 400."""


def access_routes(services: Services, passwords: Passwords | None = None) -> list[BaseRoute]:
    """The routes of access, still without their gate."""
    reception = Reception(services.database, services.committer, passwords or Passwords())
    return [
        Route("/api/sign-in", _answering(_sign_in(reception, services)), methods=["POST"]),
        Route("/api/sign-out", _answering(_sign_out(reception, services)), methods=["POST"]),
        Route("/api/password", _answering(_password(reception)), methods=["POST"]),
        Route("/api/ticket", _answering(_ticket(reception)), methods=["POST"]),
    ]


def _sign_in(reception: Reception, services: Services) -> Endpoint:
    async def sign_in(request: Request) -> Response:
        body = await read_body(request, SignInBody)
        agent_id = body.agent_id.strip()
        _check_lengths(agent_id, body.password)
        signed_in = await reception.sign_in(
            agent_id=agent_id, password=body.password, source=_source(request)
        )
        credential = signed_in.credential
        answer = JSONResponse(
            {
                "ok": True,
                "agent_id": credential.agent_id,
                "name": credential.name,
                "role": credential.role,
                "must_change": credential.must_change,
            }
        )
        set_cookie(answer, signed_in.token, services.settings)
        return answer

    return sign_in


def _sign_out(reception: Reception, services: Services) -> Endpoint:
    async def sign_out(request: Request) -> Response:
        await read_body(request, Empty)
        person = await person_of(request, services)
        if person is not None:
            await reception.sign_out(person)
        answer = JSONResponse({"ok": True})
        clear_cookie(answer, services.settings)
        return answer

    return sign_out


def _password(reception: Reception) -> Endpoint:
    async def password(request: Request) -> Response:
        body = await read_body(request, PasswordBody)
        _check_lengths("", body.old)
        try:
            await reception.choose_password(
                request.state.person, old=body.old, new=body.new, source=_source(request)
            )
        except Refused as refused:
            # A wrong old password is no reason to send somebody with a good session to the sign-in page.
            status = 429 if refused.code == "slow_down" else 400
            return _refused(refused, status)
        return JSONResponse({"ok": True})

    return password


def _ticket(reception: Reception) -> Endpoint:
    async def ticket(request: Request) -> Response:
        await read_body(request, Empty)
        return JSONResponse({"ticket": await reception.ticket(request.state.person)})

    return ticket


def _answering(endpoint: Endpoint) -> Endpoint:
    return answering(endpoint, (Refused,), _no)


def _no(no: Exception) -> Response:
    if not isinstance(no, Refused):
        raise no
    return _refused(no, _STATUS.get(no.code, 400))


def _refused(refused: Refused, status: int) -> Response:
    if not refused.retry_after_ms:
        return JSONResponse(refusal(refused.code), status)
    seconds = -(-refused.retry_after_ms // 1000)
    return JSONResponse(refusal(refused.code, retry_after_s=seconds), status, {"Retry-After": str(seconds)})


def _check_lengths(agent_id: str, password: str) -> None:
    """Refuses before any hashing what no name or password can be."""
    if len(agent_id) > NAME_CHARACTERS_MAX or len(password.encode()) > PASSWORD_BYTES_MAX:
        raise BadBody("too_large", 422)


def _source(request: Request) -> str:
    """Where the request comes from, as the server sees the connection; no header is believed."""
    return request.client.host if request.client else ""
