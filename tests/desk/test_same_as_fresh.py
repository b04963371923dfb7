"""Snapshot, act, apply the changes: the result must equal a fresh snapshot. Whatever happens, in any order.

The acts are drawn at random, each seed a shift; router, core, journal and desks are the real ones.
"""

import asyncio
import time
import uuid
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from agents_ui.access.person import find_person
from agents_ui.access.sessions import hash_of
from agents_ui.access.table import DESK
from agents_ui.desk.figures import queue_figures
from agents_ui.desk.loading import load_snapshot
from router.channels.ingest import connected, disconnected
from router.journal.committer import wall_ms
from router.records import fact
from tests.desk.plans import PEOPLE
from tests.desk.router import TestRouter, read
from tests.desk.small_site import PASSWORD, Site, running_site
from tests.desk.wire import Page

AGENTS = ("ana", "ben", "cai", "sue")
SESSIONS = ("s1", "s2", "s3", "s4")
NUMBERS = ("+31611111111", "+31622222222", "+31633333333", "+31611111111")
"""Who texts from the last one claims to be who texts from the first."""
SAME_WITHIN_S = 10.0

WEIGHTS = {
    "arrive": 4,
    "route": 3,
    "settle": 12,
    "accept": 12,
    "decline": 1,
    "reply": 2,
    "note": 1,
    "end": 1,
    "dispose": 2,
    "transfer": 1,
    "hand over": 2,
    "urgency": 1,
    "text": 3,
    "claim": 2,
    "link": 2,
    "merge": 2,
    "split": 2,
    "undo": 2,
    "name": 1,
    "call back": 1,
    "cancel": 1,
    "present": 2,
    "away": 1,
    "line": 2,
    "delivered": 2,
    "seen": 1,
    "answered there": 2,
    "open": 2,
    "close": 1,
}
"""`settle`: the router decides, and every page catches up; `route`: it decides, pages may lag behind."""


SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(5, 60))]


@pytest.mark.parametrize("seed", SEEDS)
async def test_changes_lead_to_what_a_fresh_snapshot_shows(data_dir: Path, seed: int) -> None:
    """A desk that has been open for a whole shift shows exactly what one shows that opens now."""
    async with running_site(data_dir) as site:
        await _shift(site, seed, acts=500)


@pytest.mark.system
async def test_the_same_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """Every statement of desks and access means the same on both databases."""
    async with running_site(data_dir, postgres_url) as site:
        await _shift(site, seed=0, acts=300)
        reply = await site.ask("POST", "/api/sign-in", {"agent_id": "ana", "password": PASSWORD})
        assert reply.status == 200


async def _shift(site: Site, seed: int, *, acts: int) -> None:
    random = Random(seed)
    world = World(site)
    try:
        for agent_id in AGENTS:
            await world.open(agent_id)
            await world.act("present", agent_id, 0)
        for act in random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=acts):
            await world.act(act, random.choice(AGENTS), random.randrange(4))
        await world.settle()
    finally:
        await world.end()
    kinds = {kind for (kind,) in world.kinds}
    assert kinds >= {"offered", "accepted", "message_added", "desk_left"}, "too little happened"
    assert kinds & {"identity_moved", "identity_claimed", "customer_named"}, "nothing was found out"


@pytest.fixture(autouse=True)
def _figures_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice a second is for people; here the last figures count."""
    monkeypatch.setattr("agents_ui.desk.fan.FIGURES_S", 0.0)


async def _same_as_fresh(site: Site, page: Page) -> None:
    """Wait until the page shows what a fresh snapshot would; fails with the difference at the deadline."""
    give_up_s = time.monotonic() + SAME_WITHIN_S
    while page.entities != (fresh := await asyncio.to_thread(_fresh, site, page.headers["token"])):
        if time.monotonic() > give_up_s:
            assert page.entities == fresh
        await asyncio.sleep(0.01)
    assert page.snapshots == 1 and page.code is None


def _fresh(site: Site, token: str) -> dict[str, Any]:
    with site.database.reading() as db:
        person = find_person(db, session_hash=hash_of(token), now_ms=0)
        figures = queue_figures(db, site.plan)
    assert person is not None
    snapshot = load_snapshot(site.database, site.plan, person, desk_id="")
    assert snapshot is not None
    entities: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode({**snapshot.entities, "queue": figures})
    )
    return entities


class World:
    """Acts of people and customers, on a site whose router decides when it is told to."""

    def __init__(self, site: Site) -> None:
        self.router = TestRouter(site)
        self.kinds: list[Any] = []
        self._site = site
        self._desks: dict[str, list[Page]] = {agent_id: [] for agent_id in AGENTS}

    async def settle(self) -> None:
        """Everything is decided, and every page shows what a fresh one would."""
        await asyncio.sleep(0)  # what was just said is being carried out
        await self.router.settle()
        for page in self._pages():
            await _same_as_fresh(self._site, page)

    def _pages(self) -> list[Page]:
        return [page for desks in self._desks.values() for page in desks]

    async def open(self, agent_id: str) -> None:
        token = await self._site.session(agent_id)
        page = await self._site.desk(agent_id, token)
        page.headers = {"token": token}
        self._desks[agent_id].append(page)

    async def end(self) -> None:
        for page in self._pages():
            await page.leave()
        with self._site.database.reading() as db:
            self.kinds = db.rows("SELECT DISTINCT kind FROM journal")
        self.router.close()

    async def act(self, act: str, agent_id: str, number: int) -> None:
        """One act; what makes no sense at the moment is left out."""
        desks = self._desks[agent_id]
        if act == "settle":
            await self.settle()
        elif act == "route":
            await self.router.settle()
        elif act == "arrive":
            interaction_id = await self._site.arrives(f"help {number}", session=SESSIONS[number])
            await read(self._site, interaction_id, urgency=number + 1)
        elif act == "text":
            interaction_id = await self._site.texts(NUMBERS[number], f"help {number}", verified=number < 3)
            await read(self._site, interaction_id, urgency=number + 1)
        elif act == "line":
            await self._line(number)
        elif act == "delivered":
            await self._delivered()
        elif act == "answered there":
            await self._answered_there(agent_id, AGENTS[number])
        elif act == "open":
            if len(desks) < 3:
                await self.open(agent_id)
        elif act == "close" and desks:
            await desks.pop().leave()
        elif desks:
            await self._command(act, desks[-1], agent_id, number)

    async def _line(self, number: int) -> None:
        """A customer's connection opens, or closes if it was open."""
        with self._site.database.reading() as db:
            known = db.rows(
                "SELECT interaction_id FROM interaction WHERE closed_seq = 0 ORDER BY arrived_seq"
            )
            lines = {
                row[0] for row in db.rows("SELECT connection_id FROM connection WHERE kind = 'customer'")
            }
        if known:
            interaction_id = known[number % len(known)][0]
            line = f"line of {interaction_id}"
            change = disconnected if line in lines else connected
            await self._site.committer.append_facts(change(interaction_id, line, "web-1"))

    async def _delivered(self) -> None:
        """The newest reply has reached the customer."""
        with self._site.database.reading() as db:
            row = db.row("SELECT message_id FROM message WHERE direction = 'out' ORDER BY seq DESC LIMIT 1")
        if row is not None:
            await self._site.committer.append_facts(fact("delivered", row[0], status="delivered"))

    async def _answered_there(self, agent_id: str, other_agent_id: str) -> None:
        """The peer role finds that somebody at the other site answered something of this agent, as well."""
        with self._site.database.reading() as db:
            theirs = "SELECT interaction_id FROM interaction WHERE agent_id = :a OR closed_by = :a"
            row = db.row(f"{theirs} ORDER BY arrived_seq DESC LIMIT 1", a=agent_id)
        if row is not None:
            who = {"agent_id": agent_id, "other_site": "there", "other_agent_id": other_agent_id}
            await self._site.committer.append_facts(fact("kept_too", row[0], site="here", **who))

    async def _command(self, act: str, page: Page, agent_id: str, number: int) -> None:
        fields = self._fields(act, page, agent_id, number)
        if fields is not None:
            await page.say({"command_id": str(uuid.uuid4()), **fields})

    def _fields(self, act: str, page: Page, agent_id: str, number: int) -> dict[str, Any] | None:
        if act in ("present", "away"):
            here = act == "present"
            return {"kind": "presence", "available": here, "reason": "" if here else "break"}
        if act == "seen":
            alarms = sorted(page.entities["alarm"])
            return {"kind": "alarm_seen", "alarm_id": alarms[0]} if alarms else None
        if act in ("accept", "decline"):
            offers = sorted(page.entities["offer"])
            return {"kind": act, "offer_id": offers[number % len(offers)]} if offers else None
        if act == "cancel":
            others = [each for one in page.entities["customer"].values() for each in one["others"]]
            later = [each["interaction_id"] for each in others if each["parked_until_ms"]]
            return (
                {"kind": "call_back_cancel", "interaction_id": later[0], "disposition": "done"}
                if later
                else None
            )
        held = sorted(page.entities["conversation"])
        if not held:
            return None
        if act in ("claim", "link", "merge", "split", "undo", "name"):
            return _about_customers(act, list(page.entities["customer"].values()), number)
        about = {"interaction_id": held[number % len(held)]}
        others = [each for each in AGENTS if each != agent_id and PEOPLE[each] in DESK]
        return {
            "reply": {"kind": "reply", "client_id": str(uuid.uuid4()), "text": "we come", **about},
            "note": {"kind": "note", "client_id": str(uuid.uuid4()), "text": "calm", **about},
            "end": {"kind": "end", **about},
            "dispose": {"kind": "dispose", "disposition": "done", "note": "n", **about},
            "transfer": {"kind": "transfer", "to_queue_id": "second", **about},
            "hand over": {"kind": "transfer", "to_agent_id": others[number % len(others)], **about},
            "urgency": {"kind": "urgency", "urgency": number + 1, **about},
            "call back": {"kind": "call_back", "due_at_ms": wall_ms() + 3_600_000, "note": "n", **about},
        }[act]


def _about_customers(act: str, shown: list[dict[str, Any]], number: int) -> dict[str, Any] | None:
    """What the page can ask about one of the persons it shows."""
    one, other = shown[number % len(shown)], shown[-1 - number % len(shown)]
    about = {"customer_id": one["customer_id"]}
    moves = [each["moved"]["command_id"] for each in one["identities"] if each["moved"]]
    claims = one["claims_to_be"]
    identity = one["identities"][number % len(one["identities"])]
    return {
        "claim": {"kind": "claim", "address_kind": "phone", "address": NUMBERS[number], **about},
        "link": claims and {"kind": "link", "to_customer_id": claims[0]["customer_id"], **about},
        "merge": {"kind": "merge", "to_customer_id": other["customer_id"], **about},
        "split": {"kind": "split", "identity_id": identity["identity_id"]},
        "undo": moves and {"kind": "undo_move", "moved_command_id": moves[0]},
        "name": {"kind": "name_customer", "name": f"Mo {number}", **about},
    }[act] or None
