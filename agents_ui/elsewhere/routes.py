"""Who serves whom, tickets to move with, and arriving, over HTTP. The page of it: agents_ui/pages.py."""

import asyncio
import time
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.answering import Endpoint, answering
from agents_ui.access.bodies import Empty, read_body
from agents_ui.access.sessions import cookie_name, set_cookie
from agents_ui.access.words import refusal
from agents_ui.chat.session import cookie_of, token_in
from agents_ui.elsewhere.arriving import ArriveDesk, NotArrived, Presence, presence_there
from agents_ui.elsewhere.taking_along import take_along
from agents_ui.elsewhere.whereabouts import Other, Whereabouts
from agents_ui.permits import Permits
from agents_ui.services import Services
from router.sites.moving import CHAT, DESK, TICKET_MS, Seal, Ticket, TicketRefused

ARRIVALS_BURST: Final = 1_000
ARRIVALS_PER_S: Final = 50.0
"""Of one network: a whole centre moves at once, behind one address."""

REASON_CHARACTERS_MAX: Final = 200


class ArriveBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who arrives, and the presence that the page last showed: counts where the copy has none."""

    ticket: str
    available: bool | None = None
    reason: str = ""


class NoPair(Exception):
    """There is no other site, or no key yet: nobody can move."""


def elsewhere_routes(services: Services) -> list[BaseRoute]:
    """The routes, still without their gate."""
    desk = Elsewhere(services)
    return [
        Route("/api/site", desk.site, methods=["GET"]),
        Route("/api/moving", _answering(desk.ticket_of_session), methods=["POST"]),
        Route("/chat/moving", _answering(desk.ticket_of_chat), methods=["POST"]),
        Route("/api/arrive", _answering(desk.arrive), methods=["POST"]),
    ]


class Elsewhere:
    """The endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._permits = Permits(burst=ARRIVALS_BURST, per_s=ARRIVALS_PER_S)

    async def site(self, request: Request) -> Response:
        """From memory. Also pages of the other site may read it."""
        where = self._services.whereabouts
        headers = {"Cache-Control": "no-store", "Vary": "Origin"}
        origin = where.origin()
        if origin and request.headers.get("origin") == origin:
            headers["Access-Control-Allow-Origin"] = origin
        return JSONResponse(where.said(), headers=headers)

    async def ticket_of_session(self, request: Request) -> Response:
        """A ticket for the session of the cookie, as far as the gate let it through."""
        await read_body(request, Empty)
        person = request.state.person
        token = request.cookies[cookie_name(self._services.settings)]
        return await self._issue(DESK, token, agent_id=person.agent_id, until_ms=person.expires_at_ms)

    async def ticket_of_chat(self, request: Request) -> Response:
        """A ticket for the customer's session."""
        await read_body(request, Empty)
        token = token_in(request, self._services.settings)
        if token is None:
            return JSONResponse(refusal("signed_out"), 401)
        return await self._issue(CHAT, token, agent_id="", until_ms=_now_ms() + TICKET_MS)

    async def arrive(self, request: Request) -> Response:
        """Open the ticket and give the cookie. 401: it opens nothing here any more."""
        body = await read_body(request, ArriveBody)
        if request.client is not None and not self._permits.allows(request.client.host):
            return JSONResponse(refusal("slow_down"), 429, {"Retry-After": "1"})
        where, seal, other = await self._pair()
        ticket = seal.open(body.ticket, here=where.here, now_ms=_now_ms())
        if ticket.kind == DESK:
            await self._arrive_desk(ticket, body)
        along = await asyncio.to_thread(take_along, self._services, ticket)
        reason = where.reason(ticket.site)
        answer = JSONResponse(
            {
                "ok": True,
                "kind": ticket.kind,
                "site": {"site": where.here, "name": where.name()},
                "from": {"site": other.site_id, "name": other.name},
                "why": reason.why if ticket.site in where.serves() else "return",
                "since_ms": reason.since_ms,
                "now_ms": _now_ms(),
                "along": len(along),
            }
        )
        if ticket.kind == CHAT:
            answer.headers.append("set-cookie", cookie_of(ticket.token, self._services.settings))
        else:
            set_cookie(answer, ticket.token, self._services.settings)
        return answer

    async def _arrive_desk(self, ticket: Ticket, body: ArriveBody) -> None:
        services = self._services
        presence = await asyncio.to_thread(presence_there, services.whereabouts.copy, ticket.agent_id)
        if presence is None and body.available is not None:
            presence = Presence(available=body.available, reason=body.reason[:REASON_CHARACTERS_MAX])
        await services.committer.append(ArriveDesk(ticket, presence))

    async def _issue(self, kind: str, token: str, *, agent_id: str, until_ms: int) -> Response:
        where, seal, other = await self._pair()
        now_ms = _now_ms()
        ticket = Ticket(
            kind=kind,
            site=where.here,
            to_site=other.site_id,
            token=token,
            agent_id=agent_id,
            session_until_ms=until_ms,
            issued_at_ms=now_ms,
            expires_at_ms=min(now_ms + TICKET_MS, until_ms),
        )
        return JSONResponse({"ticket": seal.close(ticket), "site": where.here})

    async def _pair(self) -> tuple[Whereabouts, Seal, Other]:
        """What moving needs. Raises NoPair."""
        where = self._services.whereabouts
        other = where.other()
        seal = await asyncio.to_thread(where.seal) if other is not None else None
        if other is None or seal is None:
            raise NoPair
        return where, seal, other


def _answering(endpoint: Endpoint) -> Endpoint:
    return answering(endpoint, (NoPair, NotArrived, TicketRefused), _no)


def _no(no: Exception) -> Response:
    if isinstance(no, NoPair):
        return JSONResponse(refusal("no_pair"), 404)
    return JSONResponse(refusal("signed_out"), 401)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
