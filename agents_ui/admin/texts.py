"""Switching texts off and on again, by a supervisor or an admin: for one account, or a whole channel.

Texts that come meanwhile are kept and put in front of people all the same; their senders hear that nobody may
answer (router/channels/text_off.py, notices.py). So what they hear must be in the plan first.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal  # Any: the answer is a JSON value

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.answering import answering
from agents_ui.access.bodies import read_body
from agents_ui.access.person import Person
from agents_ui.access.sessions import is_live
from agents_ui.access.table import WATCH
from agents_ui.admin.words import refusal
from agents_ui.services import Services
from config.plan import Plan
from router.channels.notices import TEXT_OFF, text_of
from router.channels.providers import CHANNELS
from router.journal.database import Connection, Database
from router.journal.fold_sending import TEXTS_OFF
from router.records import Fact, fact

Value = dict[str, Any]

_STATUS: Final = {"signed_out": 401, "not_allowed": 403, "not_found": 404}


class SwitchTexts(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One account, or every account of a channel; off with a reason, or on again."""

    scope: Literal["account", "channel"]
    id: Annotated[str, Meta(min_length=1, max_length=100)]
    off: bool
    reason: Annotated[str, Meta(max_length=200)] = ""
    command_id: Annotated[str, Meta(min_length=8, max_length=64)]


class TextsNo(Exception):
    """Refused: a code of words.py."""


class Switch:
    """Append: the switch as this person wants it; nothing where it stands so already."""

    def __init__(self, asked: SwitchTexts, person: Person, plan: Plan) -> None:
        self._asked = asked
        self._person = person
        self._plan = plan

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Raises TextsNo."""
        asked, person = self._asked, self._person
        role = db.row("SELECT role FROM person WHERE agent_id = :a AND active = 1", a=person.agent_id)
        if role is None or role[0] not in WATCH or not is_live(db, person.session_hash, at_ms):
            raise TextsNo("not_allowed")
        if asked.id not in _ids(self._plan)[asked.scope]:
            raise TextsNo("not_found")
        if asked.off and not asked.reason.strip():
            raise TextsNo("no_reason")
        if asked.off and not text_of(self._plan, TEXT_OFF):
            raise TextsNo("no_words")
        scope = f"{asked.scope}/{asked.id}"
        row = db.row("SELECT is_off FROM text_switch WHERE scope = :s", s=scope)
        if bool(row and row[0]) == asked.off:
            return ()
        values = {"agent_id": person.agent_id, "command_id": asked.command_id}
        switched = fact("text_switched", scope, off=asked.off, reason=asked.reason.strip(), **values)
        return [switched, *(() if asked.off else _alarms_over(db, scope, person))]


def _alarms_over(db: Connection, scope: str, person: Person) -> Sequence[Fact]:
    """Whoever switches them on has seen to it that they were off."""
    rows = db.rows(
        "SELECT alarm_id FROM alarm WHERE code = :code AND ref = :ref AND seen_at_ms = 0 ORDER BY alarm_id",
        code=TEXTS_OFF,
        ref=scope,
    )
    return [fact("alarm_seen", row[0], agent_id=person.agent_id) for row in rows]


class Texts:
    """The two routes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[BaseRoute]:
        """Before the gate."""
        found = (("GET", self._show), ("POST", self._switch))
        return [
            Route("/api/admin/texts", answering(endpoint, (TextsNo,), _refused), methods=[method])
            for method, endpoint in found
        ]

    async def _show(self, request: Request) -> Response:
        services = self._services
        return JSONResponse(await asyncio.to_thread(switches_now, services.database, services.plan()))

    async def _switch(self, request: Request) -> Response:
        asked, person = await read_body(request, SwitchTexts), _person(request)
        rows = await self._services.committer.append(Switch(asked, person, self._services.plan()))
        return JSONResponse({"ok": True, "changed": bool(rows)})


def texts_routes(services: Services) -> list[BaseRoute]:
    """Who sees and switches texts, still without their gate."""
    return Texts(services).routes()


def switches_now(database: Database, plan: Plan) -> Value:
    """Every account and channel with texts, whether they are off, and what their senders hear."""
    with database.reading() as db:
        rows = db.rows(
            "SELECT t.scope, t.is_off, t.since_ms, t.agent_id, coalesce(p.name, t.agent_id), t.reason"
            " FROM text_switch t LEFT JOIN person p ON p.agent_id = t.agent_id"
        )
        known = {row[0]: row[1:] for row in rows}
        switches = [
            _switch(db, plan, scope, each, known.get(f"{scope}/{each}", _NEVER))
            for scope, ids in _ids(plan).items()
            for each in ids
        ]
    words = [{"language": n.language, "text": n.text} for n in plan.notices if n.kind == TEXT_OFF]
    return {"switches": switches, "words": words}


def _switch(db: Connection, plan: Plan, scope: str, each: str, row: Sequence[Any]) -> Value:
    """One switch; `told` is how many texters have heard since that it is off."""
    is_off, since_ms, agent_id, name, reason = row
    accounts = [a.account_id for a in plan.accounts if each in (a.account_id, a.channel)]
    told = [
        db.row(
            "SELECT count(*) FROM notice WHERE kind = 'text-off' AND account = :a AND at_ms >= :since_ms",
            a=account,
            since_ms=since_ms,
        )
        for account in (accounts if is_off else ())
    ]
    return {
        "scope": scope,
        "id": each,
        "off": bool(is_off),
        "since_ms": since_ms,
        "agent_id": agent_id,
        "name": name,
        "reason": reason,
        "told": sum(row[0] for row in told if row is not None),
    }


_NEVER: Final = (0, 0, "", "", "")
"""A switch that nobody ever touched: texts are on."""

_NO_TEXTS: Final = ("partner", "voice")
"""Channels whose contacts nobody typed into a telephone."""


def _ids(plan: Plan) -> dict[str, list[str]]:
    """What can be switched: accounts of channels with texts, and those channels."""
    accounts = [a for a in plan.accounts if a.channel in CHANNELS and a.channel not in _NO_TEXTS]
    channels = {each.channel for each in accounts}
    return {
        "account": [each.account_id for each in accounts],
        "channel": [each.channel_id for each in plan.channels if each.channel_id in channels],
    }


def _refused(no: Exception) -> Response:
    return JSONResponse(refusal(str(no)), _STATUS.get(str(no), 400))


def _person(request: Request) -> Person:
    person: Person = request.state.person
    return person
