"""A whole site in one process for tests: a real journal on SQLite, real routes, no sockets and no Redis.

`Site` is the web process; who plays the router decides what the journal says: a test, by hand (`decide`), or
the real router step (`route`).
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute, Router

from agents_ui.access.gate import gated
from agents_ui.access.passwords import Passwords
from agents_ui.access.people import AddPeople, NewPerson, SetPassword
from agents_ui.access.routes import access_routes
from agents_ui.access.sessions import SESSION_MS, BeginSession, hash_of
from agents_ui.admin.routes import admin_routes
from agents_ui.admin.watching import quarantine_routes
from agents_ui.desk.routes import desk_routes
from agents_ui.elsewhere.routes import elsewhere_routes
from agents_ui.elsewhere.whereabouts import Whereabouts
from agents_ui.feed import Feed
from agents_ui.pages import page_routes
from agents_ui.services import Services
from agents_ui.typing_marks import TypingMarks
from agents_ui.voice.customer import call_routes
from agents_ui.voice.door import Door, NoDoor
from agents_ui.wall.routes import wall_routes
from config.plan import Plan
from config.settings import Settings, read_settings
from router.channels.chat import contact_of
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.decisions import (
    CloseInteraction,
    ConnectParties,
    Decision,
    Explanation,
    OfferInteraction,
    OpenCallBack,
    QueueInteraction,
    SetPresence,
)
from router.journal.committer import Committer, wall_ms
from router.journal.database import Database, open_database
from router.records import Row, fact_of
from router.run.hints import Hints
from router.run.plan_activation import ActivatePlan
from skills.requirement import Requirement
from tests.desk import plans
from tests.desk.plans import PEOPLE
from tests.desk.wire import Page, Reply, ask

PASSWORDS = Passwords(memory_kib=64)
"""Argon2id as in production, with so little memory that a hundred tests stay quick."""

PASSWORD = "correct horse battery"
_HASH = PASSWORDS.hash(PASSWORD)
HOST = "muster.test"


@dataclass
class Site:
    """One web process and its database."""

    database: Database
    committer: Committer
    services: Services
    plan: Plan
    routes: list[BaseRoute]
    app: Router = field(init=False)
    pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = Router(routes=gated(self.routes, self.services), redirect_slashes=False)

    async def ask(self, method: str, path: str, body: object = None, **options: Any) -> Reply:
        """One HTTP request with the headers our pages send. Options as wire.ask."""
        return await ask(self.app, method, path, body, host=HOST, **options)

    async def session(self, agent_id: str) -> str:
        """A session of this person, begun past the password; the token."""
        token = uuid.uuid4().hex
        with self.database.reading() as db:
            row = db.row("SELECT password_hash FROM credential WHERE agent_id = :a", a=agent_id)
        assert row is not None
        begin = BeginSession(
            agent_id=agent_id,
            role=PEOPLE[agent_id],
            token_hash=hash_of(token),
            expires_at_ms=wall_ms() + SESSION_MS,
            password_hash=row[0],
        )
        await self.committer.append(begin)
        return token

    async def ticket(self, token: str) -> str:
        """A ticket for this session's socket."""
        reply = await self.ask("POST", "/api/ticket", {}, token=token)
        assert reply.status == 200, reply.body
        return str(reply.json["ticket"])

    async def desk(self, agent_id: str, token: str = "") -> Page:
        """An open desk of this person, snapshot received."""
        page = self.page()
        await page.open()
        await page.say({"kind": "hello", "ticket": await self.ticket(token or await self.session(agent_id))})
        await page.until(lambda: page.snapshots == 1)
        return page

    async def wall(self, agent_id: str, token: str = "") -> Page:
        """An open wall of this person, snapshot received."""
        page = self.page("/wall/socket")
        await page.open()
        await page.say({"kind": "hello", "ticket": await self.ticket(token or await self.session(agent_id))})
        await page.until(lambda: page.snapshots == 1)
        return page

    def page(self, path: str = "/desk/socket") -> Page:
        """A page that has not connected yet."""
        page = Page(self.app, path, host=HOST)
        self.pages.append(page)
        return page

    async def arrives(self, text: str, *, session: str = "", client_id: str = "") -> str:
        """A customer writes; the interaction it began or joined."""
        contact = contact_of(
            session=session or uuid.uuid4().hex,
            client_id=client_id or str(uuid.uuid4()),
            body=text,
            received_at_ms=wall_ms(),
        )
        keep = KeepContact(contact)
        await self.committer.append(keep)
        assert keep.kept is not None
        return keep.kept.interaction_id

    async def texts(self, number: str, text: str, *, verified: bool = True, provider_id: str = "") -> str:
        """Somebody texts from this number, vouched for or not; the interaction it began or joined."""
        keep = KeepContact(
            Contact(
                channel="sms",
                account="main",
                provider_id=provider_id or uuid.uuid4().hex,
                verified=verified,
                address_kind="phone",
                address=number,
                body=text.encode(),
                received_at_ms=wall_ms(),
            )
        )
        await self.committer.append(keep)
        assert keep.kept is not None
        return keep.kept.interaction_id

    async def decide(self, *decisions: Decision) -> Sequence[Row]:
        """Plays the router."""
        return await self.committer.append_facts(*(fact_of(decision) for decision in decisions))

    async def offered(self, interaction_id: str, agent_id: str, *, number: int = 1, urgency: int = 2) -> str:
        """Plays the router: in line, and offered to this agent. The offer's id."""
        now_ms = wall_ms()
        offer_id = f"{interaction_id}/{number}"
        await self._known(agent_id)
        await self.decide(
            queued(self.plan, interaction_id, urgency=urgency),
            OfferInteraction(
                at_ms=now_ms,
                offer_id=offer_id,
                interaction_id=interaction_id,
                agent_id=agent_id,
                deadline_ms=now_ms + 15_000,
                explanation=Explanation(
                    rule_id="r", score=1, step=0, strategy="longest_idle", tie_break="id"
                ),
            ),
        )
        return offer_id

    async def given_up(self, interaction_id: str) -> str:
        """Plays the router: the customer was away for too long; the call-back that follows."""
        call_back_id = f"after {interaction_id}"
        close = CloseInteraction(
            at_ms=wall_ms(), interaction_id=interaction_id, agent_id="", disposition="", why="abandoned"
        )
        opened = OpenCallBack(
            at_ms=wall_ms(),
            interaction_id=call_back_id,
            follows=interaction_id,
            channel="chat",
            queue_id=self.plan.queues[0].queue_id,
            urgency=2,
            requirement=Requirement(),
            rule_id="r",
            accepted_at_ms=wall_ms(),
            identity_id="",
            linked_to="",
            traffic="real",
        )
        await self.decide(close, opened)
        return call_back_id

    async def held(self, agent_id: str, text: str = "help me", *, session: str = "") -> str:
        """An interaction that this agent has accepted."""
        interaction_id = await self.arrives(text, session=session)
        offer_id = await self.offered(interaction_id, agent_id)
        await self.decide(connected(interaction_id, offer_id, agent_id))
        return interaction_id

    async def _known(self, agent_id: str) -> None:
        """Plays the router: an agent must have declared a presence before anything is offered."""
        with self.database.reading() as db:
            known = db.row("SELECT 1 FROM agent WHERE agent_id = :a", a=agent_id)
        if known is None:
            await self.decide(SetPresence(at_ms=wall_ms(), agent_id=agent_id, available=True, reason=""))

    def rows(self, kind: str) -> list[Any]:
        """(ref, data) of the journal's rows of this kind."""
        with self.database.reading() as db:
            return db.rows("SELECT ref, data FROM journal WHERE kind = :k ORDER BY seq", k=kind)


def queued(plan: Plan, interaction_id: str, *, urgency: int = 2, why: str = "read") -> QueueInteraction:
    """The decision that puts it in the plan's first line."""
    return QueueInteraction(
        at_ms=wall_ms(),
        interaction_id=interaction_id,
        queue_id=plan.queues[0].queue_id,
        urgency=urgency,
        requirement=Requirement(),
        rule_id="r",
        why=why,
    )


def connected(interaction_id: str, offer_id: str, agent_id: str, *, command_id: str = "") -> ConnectParties:
    """The decision that the offer was accepted."""
    return ConnectParties(
        at_ms=wall_ms(),
        offer_id=offer_id,
        interaction_id=interaction_id,
        agent_id=agent_id,
        command_id=command_id,
    )


@asynccontextmanager
async def running_site(
    folder: Path,
    url: str = "",
    plan: Plan | None = None,
    voice: Door | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[Site]:
    """A site with the plan (or another) and people of plans.py, its feed running; everything ends with it.

    SQLite in the folder, or the database at `url`. settings: those of one of a pair.
    """
    database = open_database(url or f"sqlite:///{folder}/muster.db", unsafe=True)
    database.create_tables()
    with database.writing() as db:  # this web process lives for as long as the test does
        db.run("INSERT INTO lease VALUES ('web/web-1', '', 0, 9000000000000) ON CONFLICT DO NOTHING")
    hints = Hints("", "here")
    committer = Committer(database, after_commit=hints.publish)
    plan = plans.plan() if plan is None else plan
    feed = Feed(database, hints)
    await committer.append(ActivatePlan(plan=plan, by="test"))
    await _add_people(committer)
    settings = settings or read_settings({"MUSTER_DATA": str(folder)})
    services = Services(
        settings=settings,
        plan=lambda: plan,
        database=database,
        committer=committer,
        hints=hints,
        feed=feed,
        typing=TypingMarks("", "here", "web-1"),
        web_id="web-1",
        whereabouts=Whereabouts(settings, lambda: plan, database),
        voice=voice or NoDoor(),
    )
    await feed.start()
    following = asyncio.create_task(feed.run())
    routes = _routes(services)
    site = Site(database=database, committer=committer, services=services, plan=plan, routes=routes)
    try:
        yield site
    finally:
        for page in site.pages:
            await page.leave()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        feed.close()
        committer.close()
        await hints.close()
        database.close()


def _routes(services: Services) -> list[BaseRoute]:
    """Those that a desk's process has, but for the customer's chat and webhooks."""
    routes = [*page_routes(services), *access_routes(services, PASSWORDS), *desk_routes(services)]
    routes += [*wall_routes(services), *admin_routes(services, PASSWORDS), *call_routes(services)]
    return [*routes, *quarantine_routes(services), *elsewhere_routes(services)]


async def _add_people(committer: Committer) -> None:
    if await committer.append(AddPeople(people=_people())):
        for agent_id in PEOPLE:
            await committer.append(SetPassword(agent_id=agent_id, password_hash=_HASH, must_change=False))


def _people() -> tuple[NewPerson, ...]:
    return tuple(
        NewPerson(agent_id=agent_id, name=agent_id.title(), role=role, password_hash=_HASH)
        for agent_id, role in PEOPLE.items()
    )
