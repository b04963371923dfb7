"""What the watch knows, for the page: what is wrong, how each way in is, what was refused; and one act."""

import asyncio
import time
from typing import Annotated, Any, Final  # Any: the answer is a JSON value

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agents_ui.access.answering import answering
from agents_ui.access.bodies import read_body
from agents_ui.access.person import Person
from agents_ui.admin.words import refusal
from agents_ui.hooks.accounts import HookedAccounts
from agents_ui.hooks.keeping import Keeping
from agents_ui.hooks.quarantine import quarantined, refused_since
from agents_ui.hooks.replaying import Replaying
from agents_ui.services import Services
from agents_ui.watch.judgement import LATELY_MS
from agents_ui.watch.looking import SITE, watched_now
from agents_ui.watch.watch import ways_of
from config.plan import Plan
from config.settings import Settings
from router.channels.ingest import Keeper
from router.journal.database import Connection

Value = dict[str, Any]

_NOT_YET: Final = {"through_ms": 0, "real_ms": 0, "probe_ms": 0, "problem": "", "troubles": []}


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """Whose quarantine to look at once more."""

    account: Annotated[str, Meta(min_length=1, max_length=100)]


class ReplayNo(Exception):
    """Refused: a code of words.py."""


def watch_now(db: Connection, plan: Plan, settings: Settings) -> Value:
    """Troubles; every way in, in the plan's order; the accounts of which something is in quarantine."""
    now_ms = time.time_ns() // 1_000_000
    known, ways = watched_now(db), ways_of(plan, settings)
    lately = refused_since(db, now_ms - LATELY_MS)
    held = {each["account"]: each for each in quarantined(db)}
    # Accounts that have left the plan, or bring nothing that can be tried, may have been refused as well.
    names = [*ways, *(each for each in sorted({*held, *lately}) if each not in ways)]
    values = []
    for name in names:
        told = known.get(name, _NOT_YET)
        values.append(
            {
                "watched": name,
                "channel": ways[name].channel if name in ways else "",
                **{key: told[key] for key in ("through_ms", "real_ms", "probe_ms", "problem")},
                "refused": lately.get(name, 0),
                "quarantine": held.get(name, {}).get("count", 0),
                "quarantine_since_ms": held.get(name, {}).get("oldest_ms", 0),
                "reason": held.get(name, {}).get("reason", ""),
            }
        )
    troubles = [each for name in (SITE, *names) for each in known.get(name, _NOT_YET)["troubles"]]
    return {"every_ms": plan.limits.probe_every_ms, "troubles": troubles, "ways": values}


class Quarantined:
    """The one act: look once more at what an account's requests were refused for."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._accounts = HookedAccounts(services.plan, services.settings)

    def routes(self) -> list[BaseRoute]:
        """Before the gate."""
        endpoint = answering(self._replay, (ReplayNo,), _refused)
        return [Route("/api/admin/quarantine/replay", endpoint, methods=["POST"])]

    async def _replay(self, request: Request) -> Response:
        asked = await read_body(request, Replay)
        person: Person = request.state.person
        accounts = await asyncio.to_thread(self._accounts.fresh)
        if asked.account not in accounts:
            raise ReplayNo("not_found")
        services = self._services
        keeping = Keeping(committer=services.committer, keeper=self._keeper, count=lambda *_: None)
        replaying = Replaying(services.database, keeping, accounts)
        replayed = await replaying.replay(asked.account, by=person.agent_id)
        told = {"genuine": replayed.genuine, "refused": replayed.refused, "left": replayed.left}
        return JSONResponse({"ok": True, **told})

    def _keeper(self) -> Keeper:
        limits = self._services.plan().limits
        return Keeper(
            web_id=self._services.web_id,
            read_within_ms=limits.read_within_ms,
            text_off_window_ms=limits.text_off_window_ms,
        )


def quarantine_routes(services: Services) -> list[BaseRoute]:
    """Still without their gate."""
    return Quarantined(services).routes()


def _refused(no: Exception) -> Response:
    return JSONResponse(refusal(str(no)), 404)
