"""A site on a real database with a router that is stepped by hand, and a clock that is set."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.plan import Plan
from config.plan_file import parse_plan
from router.core import Core
from router.journal.appends import FactsAppend, RouterAppend
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.restore import load_state
from router.journal.stream import read_rows
from router.records import Row, fact
from router.run.lease import Lease, lease_of
from router.run.plan_activation import ActivatePlan
from router.run.router_step import RouterStep

PLAN_FILE = Path(__file__).parents[2] / "config" / "default.toml"
T0 = 1_800_000_000_000


@dataclass
class Clock:
    """Milliseconds that pass only when told."""

    now_ms: int = T0

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Site:
    """A database with the default plan in force, and one router."""

    database: Database
    committer: Committer
    clock: Clock
    router: RouterStep
    commit: Callable[[RouterAppend], Sequence[Row]]
    lease: Lease
    broken: list[Callable[[RouterAppend], Sequence[Row]]] = field(default_factory=list)
    """What the next commits do instead of committing, first one first."""

    def begins_anew(self) -> RouterStep:
        """The router's process starts again, with nothing but the tables."""
        with self.database.reading() as db:
            (epoch,) = db.row("SELECT epoch FROM lease WHERE name = 'router'") or (0,)
        self.router = RouterStep(
            database=self.database, commit=self.commit, clock_ms=self.clock, epoch=epoch, release="test"
        )
        return self.router

    def say(self, kind: str, ref: str, **data: object) -> None:
        """Append a fact as a web would."""
        self.committer.submit(FactsAppend(facts_to_append=(fact(kind, ref, **data),))).result()

    def arrives(self, interaction_id: str, *, urgency: int = 3, queue: str = "public-information") -> None:
        """A contact arrives and is read at once."""
        message = f"{interaction_id}-m"
        self.say(
            "arrived",
            interaction_id,
            channel="chat",
            account="",
            customer_id="",
            thread=f"t-{interaction_id}",
            connection_id="",
            traffic="real",
            message_id=message,
            content_id=f"{message}-c",
            client_id=message,
            message_kind="text",
        )
        self.say(
            "read",
            interaction_id,
            message_id=message,
            queue_id=queue,
            urgency=urgency,
            requirement={"require": [], "require_any": [], "forbid": [], "prefer": []},
            rule_id="rule",
            language="en",
            reading="read",
            hits=[],
        )

    def signs_in(self, agent_id: str, *, web_id: str = "web-1") -> None:
        """An agent opens a desk and declares to be available."""
        self.say("desk_joined", agent_id, desk_id=f"desk-{agent_id}", web_id=web_id)
        self.say("presence_declared", agent_id, available=True, reason="", command_id="", by=agent_id)

    def settles(self) -> None:
        """Turns until the router has nothing to do."""
        for _ in range(100):
            before = self.router.position
            if not self.router.step() and self.router.position == before:
                return
        raise AssertionError("the router does not come to rest")

    def passes(self, seconds: float) -> None:
        """Time goes by in steps of half a second, with a turn after each."""
        for _ in range(round(seconds * 2)):
            self.clock.now_ms += 500
            self.settles()

    def rows(self, *kinds: str) -> list[Row]:
        """The journal's rows of these kinds; of every kind when none is named."""
        with self.database.reading() as db:
            return [
                row for row in read_rows(db, after_seq=0, limit=100_000) if not kinds or row.kind in kinds
            ]

    def offered(self) -> list[tuple[str, str]]:
        """Who was offered what, in order: (interaction, agent)."""
        return [(row.ref, _agent(row)) for row in self.rows("offered")]

    def same_as_tables(self) -> bool:
        """Whether the core in memory is the one that would be restored from the tables."""
        assert isinstance(self.router.core, Core)
        with self.database.reading() as db:
            _, state = load_state(db)
        return self.router.core.state() == state

    def close(self) -> None:
        self.lease.release()
        self.committer.close()
        self.database.close()


def _agent(row: Row) -> str:
    return str(json.loads(row.data)["agent_id"])


def default_plan() -> Plan:
    """The plan that Muster ships."""
    return parse_plan(PLAN_FILE.read_text(encoding="utf-8"))


def new_site(folder: Path, *, site: str = "", clock: Clock | None = None, url: str = "") -> Site:
    """An empty site in this folder, or at this url, its plan in force, its router about to take a turn."""
    database = open_database(url or f"sqlite:///{folder}/muster.db", unsafe=True)
    plan = default_plan()
    database.create_tables(site=site or plan.site.site_id)
    clock = clock or Clock()
    committer = Committer(database, clock=clock)
    committer.submit(ActivatePlan(plan=plan, by="test")).result()
    lease = lease_of(database, owner="test")
    epoch = lease.acquire()
    broken: list[Callable[[RouterAppend], Sequence[Row]]] = []

    def really(append: RouterAppend) -> Sequence[Row]:
        return committer.submit(append).result()

    def commit(append: RouterAppend) -> Sequence[Row]:
        return broken.pop(0)(append) if broken else really(append)

    router = RouterStep(database=database, commit=commit, clock_ms=clock, epoch=epoch, release="test")
    return Site(
        database=database,
        committer=committer,
        clock=clock,
        router=router,
        commit=really,
        lease=lease,
        broken=broken,
    )
