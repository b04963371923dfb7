"""A switchboard on a real journal with a router that is stepped by hand, and telephones without a network."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from agents_ui.feed import Feed
from config.plan import Plan
from config.plan_file import parse_plan
from config.settings import Settings
from router.channels.port import Account
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.stream import read_rows
from router.records import Row, fact
from router.run.hints import Hints
from router.run.lease import lease_of
from router.run.plan_activation import ActivatePlan
from router.run.router_step import RouterStep
from router.run.voice.door import Door
from router.run.voice.role import Accounts, VoiceRole
from tests.voice.gear import FakeLeg, FakeMedia, FakeOrders, FakeTelephone, FakeTelephones
from tests.web.fronts import settings_for

WITHIN_S = 20.0
PLAN_FILE = Path(__file__).parents[2] / "config" / "default.toml"

ACCOUNTS = """
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
endpoint = "sip:127.0.0.1:5999"
options = { upstream = "127.0.0.1", recording = "announced" }

[[accounts]]
id = "page"
channel = "voice"
provider = "web-call"
address = "page"
options = { recording = "off" }
"""


def plan_with_calls(accounts: str = ACCOUNTS) -> Plan:
    """The default plan with a trunk and a page to call from."""
    text = PLAN_FILE.read_text(encoding="utf-8").split("[[accounts]]")[0]
    return parse_plan(text + accounts)


class Exchange:
    """One site with one voice process. Agents are tester-made: no web is here."""

    def __init__(self, folder: Path, *, plan: Plan | None = None, url: str = "") -> None:
        self.folder = folder
        self.plan = plan or plan_with_calls()
        self.settings: Settings = settings_for(folder)
        self.database: Database = open_database(url or f"sqlite:///{folder}/muster.db", unsafe=True)
        self.database.create_tables(site=self.plan.site.site_id)
        self.hints = Hints("", self.plan.site.site_id)
        self.committer = Committer(self.database, after_commit=self.hints.publish)
        self.committer.submit(ActivatePlan(plan=self.plan, by="test")).result()
        self.lease = lease_of(self.database, owner="test")
        self.epoch = self.lease.acquire()
        self.router = self.new_router()
        self.media = FakeMedia()
        self.telephones = FakeTelephones()
        self.orders = FakeOrders()
        self.routes = True
        self.voice_id = uuid4().hex[:12]

    def new_router(self) -> RouterStep:
        """A router's process begins, with nothing but the tables."""
        return RouterStep(
            database=self.database,
            commit=lambda append: self.committer.submit(append).result(),
            clock_ms=lambda: time.time_ns() // 1_000_000,
            epoch=self.epoch,
            release="test",
        )

    def make(self, accounts: Callable[[], Mapping[str, Account]] | None = None) -> VoiceRole:
        self.feed = Feed(self.database, self.hints, poll_ms=20)
        self.role = VoiceRole(
            self.settings,
            self.database,
            self.committer,
            lambda: self.plan,
            self.feed,
            accounts=accounts or Accounts(lambda: self.plan, self.settings),
            media=self.media,
            telephones=self.telephones,
            voice_id=self.voice_id,
            orders=self.orders,
            here=lambda: "198.51.100.7:5062",
        )
        self.board = self.role.board
        self.app = Door(self.board).app()
        return self.role

    async def route(self) -> None:
        """The router's turns, as long as it is there."""
        while True:
            while self.routes and await asyncio.to_thread(self.router.step):
                continue
            await asyncio.sleep(0.01)

    def ring(self, call_id: str = "call-1@trunk", **values: Any) -> FakeTelephone:
        """A call comes in."""
        telephone = FakeTelephone(call_id, **values)
        self.board.ring(telephone)
        return telephone

    async def until(self, true: Callable[[], Any], what: str = "") -> Any:
        """Wait until it is true; what it gives."""
        deadline = time.monotonic() + WITHIN_S
        while not (found := true()):
            assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {what}"
            await asyncio.sleep(0.005)
        return found

    async def say(self, kind: str, ref: str, **data: Any) -> None:
        """Append a fact as a web would."""
        await self.committer.append_facts(fact(kind, ref, **data))

    async def signs_in(self, agent_id: str = "ana") -> None:
        """An agent opens a desk and is available."""
        await self.say("desk_joined", agent_id, desk_id=f"desk-{agent_id}", web_id=self.voice_id)
        await self.say("presence_declared", agent_id, available=True, reason="", command_id="", by=agent_id)

    async def offered(self, agent_id: str = "ana", *, but: str = "") -> str:
        """The id of the next offer to this agent."""
        return str(
            await self.until(
                lambda: next(
                    (
                        row[0]
                        for row in self.rows(
                            "SELECT offer_id FROM interaction WHERE state = 'offered' AND agent_id = :a",
                            a=agent_id,
                        )
                        if row[0] != but
                    ),
                    "",
                ),
                "an offer",
            )
        )

    async def accepts(self, agent_id: str = "ana") -> str:
        """The agent takes what is offered; the interaction."""
        offer_id = await self.offered(agent_id)
        await self.say("accept_pressed", offer_id, agent_id=agent_id, command_id=str(uuid4()))
        interaction_id = offer_id.rpartition("/")[0]
        await self.until(lambda: self.state(interaction_id) == "assigned", "the call is assigned")
        return interaction_id

    async def asks(self, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """What the door answers."""
        from httpx2 import ASGITransport, AsyncClient

        async with AsyncClient(transport=ASGITransport(app=self.app), base_url="http://voice") as client:
            answer = await client.request(method, path, json=body or None)
        return answer.status_code, answer.json()

    async def connects(self, interaction_id: str, agent_id: str = "ana", *, flows: bool = True) -> FakeLeg:
        """The agent's desk brings its sound; the leg."""
        asked = {"agent_id": agent_id, "desk_id": "window-1", "sdp": "m=audio of the desk"}
        status, answer = await self.asks("POST", f"/calls/{interaction_id}/connect", **asked)
        assert status == 200, answer
        leg = self.media.page_legs[-1]
        if flows:
            leg.flows()
            await self.until(lambda: self.call()[0] in ("connected", "held"), "the call is connected")
        return leg

    async def talking(self, call_id: str = "call-1@trunk", **values: Any) -> tuple[FakeTelephone, str]:
        """A call that hannah talks with."""
        await self.signs_in()
        telephone = self.ring(call_id, **values)
        interaction_id = await self.accepts()
        await self.connects(interaction_id)
        return telephone, interaction_id

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as db:
            return db.rows(sql, **values)

    def journal(self, *kinds: str) -> list[Row]:
        with self.database.reading() as db:
            return [row for row in read_rows(db, after_seq=0, limit=100_000) if row.kind in kinds]

    def state(self, interaction_id: str) -> str:
        found = self.rows("SELECT state FROM interaction WHERE interaction_id = :i", i=interaction_id)
        return str(found[0][0]) if found else ""

    def call(self, number: int = -1) -> tuple[Any, ...]:
        """(state, why, agent_id, direction, silent, recording) of the newest call, or another."""
        found = self.rows(
            "SELECT state, why, agent_id, direction, silent, recording FROM call ORDER BY begun_ms, call_id"
        )
        return found[number] if found else ("",)

    def open(self) -> list[tuple[Any, ...]]:
        """(state, follows, agent_id) of every open interaction, in order of arrival."""
        return self.rows(
            "SELECT state, follows, agent_id FROM interaction WHERE closed_seq = 0 ORDER BY arrived_seq"
        )

    def close(self) -> None:
        self.committer.close()
        self.lease.release()
        self.feed.close()
        self.database.close()


@asynccontextmanager
async def running(exchange: Exchange, *, alone: bool = True) -> AsyncIterator[Exchange]:
    """The switchboard serves, and the router routes. alone: no other one goes on in this event loop."""
    role = exchange.make()
    await role.begin()
    await exchange.feed.start()
    tasks = [asyncio.create_task(work) for work in (role.run(), exchange.feed.run(), exchange.route())]
    try:
        yield exchange
    finally:
        await role.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await exchange.hints.close()
        if alone:  # Its threads may be reading still.
            await asyncio.get_running_loop().shutdown_default_executor()
