"""The admin page's questions and acts over HTTP: JSON in, JSON out, each behind its entry of the table."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, TypeVar  # Any: answers are JSON values

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.answering import Endpoint, answering
from agents_ui.access.bodies import read_body
from agents_ui.access.passwords import Passwords, one_time_password
from agents_ui.access.people import ChangePerson, EndSessions, PersonUnknown, SetPassword
from agents_ui.access.person import Person
from agents_ui.access.sight import Looked
from agents_ui.admin import acting, audit, plans
from agents_ui.admin.bodies import PersonChange, PersonNamed, PlanText, Search, SessionEnd
from agents_ui.admin.health import health
from agents_ui.admin.sites import sites_routes
from agents_ui.admin.texts import texts_routes
from agents_ui.admin.words import refusal
from agents_ui.services import Services
from config.plan_file import parse_plan
from config.problems import PlanWrong
from config.words import ROLES
from router.journal.committer import Append

Body = TypeVar("Body", bound=msgspec.Struct)

PLAN_BODY_BYTES_MAX: Final = 2_000_000
"""A plan as JSON text, escapes included; the one that comes with Muster has 25 KB."""

PLAN_PATHS: Final = ("/api/admin/plan", "/api/admin/plan/check")

_STATUS: Final = {"signed_out": 401, "not_allowed": 403, "not_found": 404, "replaced": 409, "last_admin": 409}


class _No(Exception):
    """Refused for an everyday reason: a code of words.py."""


class Admin:
    """What the routes share."""

    def __init__(self, services: Services, passwords: Passwords) -> None:
        self._services = services
        self._passwords = passwords

    def routes(self) -> list[BaseRoute]:
        """Before the gate."""
        found: list[tuple[str, str, Endpoint]] = [
            ("GET", "/api/admin/me", self._me),
            ("GET", "/api/admin/health", self._health),
            ("GET", "/api/admin/plan", self._plan),
            ("POST", "/api/admin/plan/check", self._check),
            ("POST", "/api/admin/plan", self._activate),
            ("GET", "/api/admin/people", self._people),
            ("POST", "/api/admin/people/change", self._change),
            ("POST", "/api/admin/people/password", self._password),
            ("GET", "/api/admin/sessions", self._sessions),
            ("POST", "/api/admin/sessions/end", self._end),
            ("POST", "/api/admin/audit", self._audit),
        ]
        return [
            Route(path, answering(endpoint, (_No, *_CODES), _refused), methods=[method])
            for method, path, endpoint in found
        ]

    async def _me(self, request: Request) -> Response:
        person, site = _person(request), self._services.plan().site
        me = {"agent_id": person.agent_id, "name": person.name, "role": person.role}
        return JSONResponse({**me, "site": site.name, "time_zone": site.time_zone})

    async def _health(self, request: Request) -> Response:
        return JSONResponse(await health(self._services))

    async def _plan(self, request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(plans.plan_in_force, self._services.database))

    async def _check(self, request: Request) -> Response:
        body = await read_body(request, PlanText, most=PLAN_BODY_BYTES_MAX)
        in_force = self._services.plan().text
        return JSONResponse(await asyncio.to_thread(plans.checked, body.text, in_force))

    async def _activate(self, request: Request) -> Response:
        body = await read_body(request, PlanText, most=PLAN_BODY_BYTES_MAX)
        try:
            plan = await asyncio.to_thread(parse_plan, body.text, "the new plan")
        except PlanWrong:
            raise _No("plan_wrong") from None
        act = plans.Activate(plan=plan, against=body.against, person=_person(request))
        rows = await self._append(act)
        return JSONResponse({"ok": True, "changed": bool(rows), "digest": plan.digest})

    async def _people(self, request: Request) -> Response:
        people = await asyncio.to_thread(acting.people_now, self._services.database, _now_ms())
        return JSONResponse({"people": people, "roles": list(ROLES)})

    async def _change(self, request: Request) -> Response:
        body, person = await read_body(request, PersonChange), _person(request)
        if body.role is not None and body.role not in ROLES:
            raise _No("no_role")
        loses = (body.role or "admin") != "admin" or body.active is False
        inner = ChangePerson(agent_id=body.agent_id, role=body.role, active=body.active, by=person.agent_id)
        await self._append(acting.Act(inner=inner, person=person, keeps_admin=body.agent_id if loses else ""))
        return JSONResponse({"ok": True})

    async def _password(self, request: Request) -> Response:
        """A one-time password, in this answer and nowhere else."""
        body, person = await read_body(request, PersonNamed), _person(request)
        name, role = await asyncio.to_thread(acting.person_of, self._services.database, body.agent_id)
        password = one_time_password()
        digest = await self._passwords.hash_in_thread(password)
        inner = SetPassword(
            agent_id=body.agent_id, password_hash=digest, must_change=True, by=person.agent_id
        )
        await self._append(acting.Act(inner=inner, person=person))
        once = {"agent_id": body.agent_id, "name": name, "role": role, "password": password}
        return JSONResponse({"ok": True, **once})

    async def _sessions(self, request: Request) -> Response:
        own, database = _person(request).session_hash, self._services.database
        sessions = await asyncio.to_thread(acting.sessions_now, database, _now_ms(), own)
        return JSONResponse({"sessions": sessions})

    async def _end(self, request: Request) -> Response:
        body, person = await read_body(request, SessionEnd), _person(request)
        if bool(body.session) == bool(body.agent_id):
            raise _No("malformed")
        by = person.agent_id
        one = acting.EndOne(sign=body.session, by=by)
        inner = one if body.session else EndSessions(agent_id=body.agent_id, by=by)
        rows = await self._append(acting.Act(inner=inner, person=person))
        return JSONResponse({"ok": True, "ended": rows})

    async def _audit(self, request: Request) -> Response:
        body, person = await read_body(request, Search), _person(request)
        refs = await asyncio.to_thread(audit.looked_for, self._services.database, body)
        await self._append(Looked(person=person, refs=refs, what="audit"))
        try:
            found = await asyncio.to_thread(
                audit.search, self._services.database, self._services.plan(), body
            )
        except ValueError:
            raise _No("no_day") from None
        return JSONResponse(found)

    async def _append(self, append: Append) -> int:
        """How many rows it led to."""
        return len(await self._services.committer.append(append))


def admin_routes(services: Services, passwords: Passwords | None = None) -> list[BaseRoute]:
    """The admin page's routes, still without their gate. The page itself is in agents_ui/pages.py."""
    own = Admin(services, passwords or Passwords()).routes()
    return [*own, *texts_routes(services), *sites_routes(services)]


_CODES: Final[Mapping[type[Exception], str]] = {
    acting.NotAdmin: "not_allowed",
    acting.LastAdmin: "last_admin",
    PersonUnknown: "not_found",
    plans.PlanReplaced: "replaced",
}


def _refused(no: Exception) -> Response:
    code = _CODES.get(type(no)) or str(no)
    return JSONResponse(refusal(code), _STATUS.get(code, 400))


def _person(request: Request) -> Person:
    person: Person = request.state.person
    return person


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
