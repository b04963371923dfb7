"""The Sites part of the admin page over HTTP: how the pair stands, what an act would do, and the acts.

Whoever may see the page may look and ask; only an administrator acts. Looking changes nothing, doing it twice
changes nothing, and what is refused says what to do: as `muster site` does it (docs/disaster.md).
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar  # Any: the answer is a JSON value

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.answering import answering
from agents_ui.access.bodies import read_body
from agents_ui.access.person import Person
from agents_ui.access.table import ROUTES
from agents_ui.admin.acting import NotAdmin
from agents_ui.admin.site_acts import CONFIRMED, carry_out, is_confirmed, shown_refusals
from agents_ui.admin.site_bodies import SiteAct, SiteQuestion
from agents_ui.admin.site_ground import NoCopy, ground_of
from agents_ui.admin.site_questions import answered
from agents_ui.admin.site_view import SiteView
from agents_ui.admin.site_work import REFUSED, SiteWork, UnderWay, act_of
from agents_ui.admin.words import refusal
from agents_ui.services import Services
from router.journal.stream import NoStream
from router.sites.acts import ActRefused
from router.sites.ground import Ground

Value = dict[str, Any]
T = TypeVar("T")

SITES: Final = "/api/admin/sites"
DRY_RUN: Final = "/api/admin/sites/dry-run"
ACT: Final = "/api/admin/sites/act"

_STATUS: Final = {"not_allowed": 403, "no_pair": 404, "no_copy": 409, "under_way": 409}


class SitesNo(Exception):
    """Refused: a code of words.py."""


class Sites:
    """The three routes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._view = SiteView()
        self._work = SiteWork()

    def routes(self) -> list[BaseRoute]:
        """Before the gate."""
        found = (
            ("GET", SITES, self._show),
            ("POST", DRY_RUN, self._dry_run),
            ("POST", ACT, self._act),
        )
        everyday = (SitesNo, NoCopy, NoStream, NotAdmin, ActRefused, UnderWay)
        return [
            Route(path, answering(endpoint, everyday, _refused), methods=[method])
            for method, path, endpoint in found
        ]

    async def _show(self, request: Request) -> Response:
        may_act = _person(request).role in ROUTES["POST", ACT]
        shown = await asyncio.to_thread(self._shown)
        return JSONResponse({**shown, "now_ms": _now_ms(), "may_act": may_act})

    def _shown(self) -> Value:
        try:
            ground = ground_of(self._services)
            if ground is None:
                return {"pair": False}
            return {**self._view.of(ground), "act": act_of(ground.own, _now_ms())}
        except (NoCopy, NoStream):
            where = self._services.whereabouts
            other = where.other()
            return {"pair": True, "copy": None, "name": where.name(), "other": other.name if other else ""}

    async def _dry_run(self, request: Request) -> Response:
        asked = await read_body(request, SiteQuestion)
        return JSONResponse(await self._on_ground(lambda ground: answered(ground, asked)))

    async def _act(self, request: Request) -> Response:
        asked, person = await read_body(request, SiteAct), _person(request)
        ground = await self._on_ground(lambda ground: ground)
        if not is_confirmed(ground, asked):
            raise SitesNo("not_confirmed")
        if asked.act not in CONFIRMED:
            lines = await asyncio.to_thread(carry_out, ground, asked, person, lambda done, of: None)
            return JSONResponse({"ok": True, "lines": lines})
        work = await self._work.do(ground, asked, person)
        if work["state"] == REFUSED:
            return _refused_by(work["refusals"])
        return JSONResponse({"ok": True, "lines": work["lines"], "work": work})

    async def _on_ground(self, question: Callable[[Ground], T]) -> T:
        def asked() -> T:
            ground = ground_of(self._services)
            if ground is None:
                raise SitesNo("no_pair")
            return question(ground)

        return await asyncio.to_thread(asked)


def sites_routes(services: Services) -> list[BaseRoute]:
    """The routes of the Sites part, still without their gate."""
    return Sites(services).routes()


def _refused(no: Exception) -> Response:
    if isinstance(no, ActRefused):
        return _refused_by(shown_refusals(no))
    codes: dict[type[Exception], str] = {NoCopy: "no_copy", NoStream: "no_copy", NotAdmin: "not_allowed"}
    code = "under_way" if isinstance(no, UnderWay) else codes.get(type(no)) or str(no)
    return JSONResponse(refusal(code), _STATUS.get(code, 400))


def _refused_by(refusals: list[Value]) -> Response:
    text = "; ".join(f"{each['text']}: {each['todo']}" for each in refusals)
    return JSONResponse({"ok": False, "code": "refused", "text": text, "refusals": refusals}, 409)


def _person(request: Request) -> Person:
    person: Person = request.state.person
    return person


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
