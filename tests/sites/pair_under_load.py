"""Two whole sites under load from outside: people on three channels, agents at desks that know both sites."""

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from agents_ui.demo.browser import Browser, send
from agents_ui.demo.desk import Desk
from router.journal.connection import Connection
from router.journal.database import open_database
from router.journal.stream import read_rows
from router.records import Row
from router.sites.copies import copy_url
from router.sites.service_states import DOWN
from tests.roles.centre import READY_S, Centre, running
from tests.roles.redis_process import wait_until
from tests.sites.two_sites import SlowLine
from tests.system.centre import PERSON, SITE
from tests.system.far_side import ACCOUNTS, FarSide, far_side
from tests.system.posts import Mailbox, NotTaken, Telephone

Answer = TypeVar("Answer")

CHANNEL: Final = """
[[channels]]
id = "{id}"
name = "{id}"
queue_id = "first"
urgency = 3
load = 100
max_at_once = 1
offer_ms_urgent = 60_000
offer_ms = 60_000
body_bytes_max = 65_536
message_characters_max = 1_600
attachment_bytes_max = 0
abandoned_after_ms = 600_000
"""
PAIR: Final = """
[pair]
{policy}

[[pair.sites]]
id = "a"
name = "Alder House"
url = "http://127.0.0.1:9"
peer = "http://127.0.0.1:10"

[[pair.sites]]
id = "b"
name = "Birch House"
url = "http://127.0.0.1:11"
peer = "http://127.0.0.1:12"
"""
AWAY: Final = (OSError, WebSocketException, HTTPException, TimeoutError, NotTaken)
WORDS: Final = (
    "There is a fire in the house next door.",
    "My neighbour fell and is hurt.",
    "Somebody parked in front of the station.",
    "When is the bridge open again?",
)
ASK_AGAIN_S: Final = 2.0
"""A page that has lost its site asks the other one this often (agents_ui/static/shared/elsewhere.js)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One of the two, as seen from outside."""

    name: str
    centre: Centre
    environ: dict[str, str]

    @property
    def url(self) -> str:
        return str(self.centre.ports()["web"]["url"])

    @property
    def smtp_port(self) -> int:
        return int(self.centre.ports()["smtp"]["port"])

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """What its tables say, in one look; also after it has died."""
        database = open_database(self.centre.environ["DATABASE_URL"], unsafe=True)
        try:
            with database.reading() as db:
                return question(db)
        finally:
            database.close()

    def rows(self) -> list[Row]:
        """Its whole journal."""
        return self.ask(lambda db: read_rows(db, after_seq=0, limit=1_000_000))

    def table(self, sql: str) -> list[tuple[Any, ...]]:
        return self.ask(lambda db: db.rows(sql))

    def copied(self) -> set[str]:
        """Ids of every interaction of the other site that is in the copy here."""
        database = open_database(copy_url(self.centre.environ["DATABASE_URL"], unsafe=True), unsafe=True)
        try:
            with database.reading() as db:
                return {str(row[0]) for row in db.rows("SELECT interaction_id FROM interaction")}
        finally:
            database.close()

    def command(self, *words: str, fails: bool = False) -> str:
        """`muster …` beside it; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "agents_ui.cli", *words],
            env=self.centre.environ,
            capture_output=True,
            text=True,
            timeout=READY_S,
        )
        assert fails or done.returncode == 0, f"{words}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def decides(self) -> bool:
        """Whether it would tell the other one so, which then may send its work here."""
        state = "SELECT 1 FROM site_state WHERE site = '{}' AND observed NOT IN ('', '{}')"
        return bool(self.table(state.format(self.name, DOWN)))

    def site(self, *words: str) -> dict[str, Any]:
        """`muster site … --json`."""
        found: dict[str, Any] = json.loads(self.command("site", *words, "--json"))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSites:
    """Sites a and b, and how people sign in at either."""

    a: Site
    b: Site
    sign_ins: dict[str, str]
    far: FarSide
    lines: dict[str, SlowLine]
    """The way on which each is reached by the other: it can be slow, and cut."""


@contextmanager
def both_sites(
    folder: Path, *, agents: int, policy: str = "", urls: Mapping[str, str] | None = None
) -> Iterator[BothSites]:
    """Both serving, with so many agents, who are known at both. urls: DATABASE_URL of each, if not SQLite."""
    names = [f"agent-{number:02}" for number in range(1, agents + 1)]
    plan = folder / "plan.toml"
    people = "".join(PERSON.format(id=name) for name in names)
    channels = "".join(CHANNEL.format(id=each) for each in ("chat", "sms", "mail"))
    plan.write_text(SITE + channels + people + ACCOUNTS + PAIR.format(policy=policy), encoding="utf-8")
    ports = {site: (_free_port(), _free_port()) for site in "ab"}
    lines = {site: SlowLine(peer) for site, (_, peer) in ports.items()}
    shared = {
        "MUSTER_PLAN": str(plan),
        "MUSTER_SITES": ",".join(f"{site}=http://127.0.0.1:{port}" for site, (port, _) in ports.items()),
        "MUSTER_PEERS": ",".join(f"{site}=http://127.0.0.1:{line.port}" for site, line in lines.items()),
        "MUSTER_SECRET_PEER_KEY": secrets.token_hex(32),
    }
    with ExitStack() as stack:
        far = stack.enter_context(far_side())
        for line in lines.values():
            stack.callback(line.close)
        sites = {}
        for name, (port, peer) in ports.items():
            home = folder / name
            home.mkdir()
            url = urls[name] if urls else f"sqlite:///{home}/muster.db"
            own = {"MUSTER_SITE": name, "MUSTER_PORT": str(port), "MUSTER_PEER_PORT": str(peer)}
            environ = {**shared, **own, "DATABASE_URL": url, **far.environ}
            centre = stack.enter_context(running(home, **environ))
            sites[name] = Site(name=name, centre=centre, environ=environ)
        words = [line.split() for line in sites["a"].centre.lines]
        sign_ins = {each[0]: each[1] for each in words if len(each) > 2 and each[0] in names}
        assert sorted(sign_ins) == names
        b = sites["b"]
        wait_until(
            lambda: len(b.table("SELECT 1 FROM person")) > agents, "b knows everybody", within_s=READY_S
        )
        for each in sites.values():  # one that has just begun is down until it was seen to decide some times
            wait_until(each.decides, f"{each.name} says that it decides", within_s=READY_S)
        yield BothSites(a=sites["a"], b=b, sign_ins=sign_ins, far=far, lines=lines)


@dataclass(slots=True)
class Agent:
    """Somebody at a desk that knows both sites, and moves as a page does."""

    home: str
    other: str
    agent_id: str
    password: str
    takes: bool = True
    """Whether this agent accepts what is offered; the others let it ring."""

    browser: Browser = field(init=False)
    desk: Desk | None = None
    at: str = ""
    arrived_at: float = 0.0
    """time.monotonic() when the desk was up at the other site."""

    offered: set[str] = field(default_factory=set)
    _ticket: str = ""

    def __post_init__(self) -> None:
        self.browser = Browser(self.home)
        self.at = self.home

    @property
    def holds(self) -> set[str]:
        """What the desk shows as this agent's."""
        return set(self.desk.entities["conversation"]) if self.desk is not None else set()

    async def sign_in(self) -> None:
        """As at the beginning of a shift; a moving ticket is had at once."""
        answer = await self.browser.post("/api/sign-in", agent_id=self.agent_id, password=self.password)
        assert answer.status == 200, (self.agent_id, answer)
        if answer.body["must_change"]:
            fresh = secrets.token_urlsafe(18)
            answer = await self.browser.post("/api/password", old=self.password, new=fresh)
            assert answer.status == 200, (self.agent_id, answer)
        answer = await self.browser.post("/api/moving")
        assert answer.status == 200, (self.agent_id, answer)
        self._ticket = str(answer.body["ticket"])

    async def work(self) -> None:
        """Until cancelled: at the desk, or on the way to the site where it is."""
        while True:
            with suppress(*AWAY):
                await self._sit()
            if self.at == self.home:
                with suppress(*AWAY):
                    await self._move()
            await asyncio.sleep(0.3)

    async def _sit(self) -> None:
        answer = await self.browser.post("/api/ticket")
        if answer.status != 200:
            return
        async with self.browser.socket("/desk/socket") as socket:
            await send(socket, kind="hello", ticket=answer.body["ticket"])
            desk = Desk(socket)
            listening = asyncio.create_task(desk.listen())
            try:
                while not listening.done():
                    await asyncio.sleep(0.1)
                    if desk.words:
                        self._note(desk)
                        await self._act(desk)
            finally:
                self.desk = None
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    def _note(self, desk: Desk) -> None:
        self.desk = desk
        if self.at != self.home and not self.arrived_at:
            self.arrived_at = time.monotonic()
        self.offered |= {each["interaction_id"] for each in desk.entities["offer"].values()}

    async def _act(self, desk: Desk) -> None:
        me = desk.entities["me"].get(self.agent_id, {})
        if me and not me["available"] and self.at == self.home:
            await desk.ask("presence", available=True, reason="")
        if self.takes and not desk.entities["conversation"]:
            for offer_id in sorted(desk.entities["offer"]):
                await desk.ask("accept", offer_id=offer_id)

    async def _move(self) -> None:
        """Its site is silent: ask the other one, and go where it says."""
        there = Browser(self.other)
        answer = await there.get("/api/site")
        if not answer.body.get("moved"):
            await asyncio.sleep(ASK_AGAIN_S * Random().uniform(0.5, 1.5))
            return
        answer = await there.post("/api/arrive", ticket=self._ticket)
        assert answer.status == 200, (self.agent_id, answer)
        self.browser, self.at = there, self.other


@dataclass(slots=True)
class Outside:
    """People who contact site a once each, and note what was acknowledged; nobody comes again."""

    both: BothSites
    per_s: float
    site: str = "a"
    kept: dict[str, float] = field(default_factory=dict)
    """The number in the words of each that was acknowledged, and how long that took."""

    failed: int = 0
    _coming: bool = True

    @property
    def _there(self) -> Site:
        return self.both.a if self.site == "a" else self.both.b

    async def come(self) -> None:
        """Until hushed: text, chat and mail in turn."""
        ways = (self._text, self._chat, self._mail)
        async with asyncio.TaskGroup() as group:
            began, number = time.monotonic(), 0
            while self._coming:
                way = ways[number % len(ways)]
                group.create_task(self._one(way, number))
                number += 1
                await asyncio.sleep(max(0.0, began + number / self.per_s - time.monotonic()))

    def hush(self) -> None:
        self._coming = False

    async def _one(self, way: Callable[[int, str], Any], number: int) -> None:
        token = f"[{uuid.uuid4().hex}]"
        began = time.monotonic()
        try:
            await way(number, token)
        except AWAY:
            self.failed += 1
        else:
            self.kept[token] = time.monotonic() - began

    async def _text(self, number: int, token: str) -> None:
        telephone = Telephone(address=f"+1555{number:07}", url=self._there.url)
        letter = telephone.write(f"{WORDS[number % 4]} {token}", Random(token))
        await telephone.hand_over(letter)

    async def _mail(self, number: int, token: str) -> None:
        mailbox = Mailbox(
            address=f"person{number}@home.example",
            port=self._there.smtp_port,
            far=self.both.far,
            vouched_for=True,
        )
        await mailbox.hand_over(mailbox.write(f"{WORDS[number % 4]} {token}", Random(token)))

    async def _chat(self, number: int, token: str) -> None:
        url = self._there.url
        async with connect(
            "ws" + url.removeprefix("http") + "/chat/socket",
            origin=url,  # type: ignore[arg-type]  # websockets wants its NewType of str
            compression=None,
            open_timeout=15,
            close_timeout=0.1,
            proxy=None,
        ) as page:
            said = {"kind": "say", "client_id": str(uuid.uuid4()), "text": f"{WORDS[number % 4]} {token}"}
            await page.send(json.dumps(said))
            async with asyncio.timeout(15):
                async for message in page:
                    kind = json.loads(message)["kind"]
                    if kind == "refused":
                        raise NotTaken(kind)
                    if kind == "kept":
                        return


def missing(sites: Sequence[Site], tokens: Mapping[str, float]) -> list[str]:
    """Of these numbers, those that are in no message of a customer at any of these sites.

    Who was moved is answered there, whichever site their words come to: that one need not keep them as well.
    """
    sql = """SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id
        WHERE m.direction = 'in'"""
    bodies = [row for site in sites for row in site.table(sql)]
    text = b"\n".join(bytes(body) for (body,) in bodies).replace(b"%5B", b"[").replace(b"%5D", b"]")
    return [token for token in tokens if token.encode() not in text]


def offered_twice(rows: list[Row]) -> list[str]:
    """Interactions that were offered to, or held by, two agents at once, as one journal says."""
    holder: dict[str, str] = {}
    wrong = []
    for row in rows:
        if row.kind in ("offered", "accepted"):
            agent_id = json.loads(row.data)["agent_id"]
            if holder.get(row.ref, agent_id) != agent_id:
                wrong.append(row.ref)
            holder[row.ref] = agent_id
        elif row.kind in ("offer_ended", "queued", "closed", "held"):
            holder.pop(row.ref, None)
    return wrong


def open_places(site: Site) -> dict[str, tuple[int, str, str]]:
    """Of everything open: its place in line, its state, who has it."""
    rows = site.table(
        "SELECT interaction_id, accepted_at_ms, state, agent_id FROM interaction"
        " WHERE closed_seq = 0 AND traffic = 'real'"
    )
    return {str(ref): (int(at_ms), str(state), str(agent_id)) for ref, at_ms, state, agent_id in rows}


def say(line: str) -> None:
    """Seen with -s."""
    print(line, flush=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def unsafe_environment() -> None:
    """Disks of test machines may be memory."""
    os.environ.setdefault("MUSTER_UNSAFE", "1")
