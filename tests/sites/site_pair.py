"""Two sites in one process: their databases, the copies of each other, facts of either. No role runs."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from config.plan import Plan
from config.plan_file import parse_plan
from config.settings import Settings, read_settings
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.stream import read_head
from router.records import Fact, Row, fact
from router.sites.copies import open_copy, read_batch, take_batch
from tests.journal.writing import append

DEFAULT_PLAN = (Path(__file__).parents[2] / "config" / "default.toml").read_text(encoding="utf-8")
PAIR = """
[pair]
take_over = "manual"

[[pair.sites]]
id = "a"
name = "Alder House"
url = "https://a.example.org"
peer = "https://a.example.org:8443"

[[pair.sites]]
id = "b"
name = "Birch House"
url = "https://b.example.org"
peer = "https://b.example.org:8443"
"""
START_MS = 1_795_000_000_000


def plan_of(more: str = "", *, pair: str = PAIR, accounts: str = "") -> str:
    """The default plan with a pair, and what a test adds to it."""
    return f"{DEFAULT_PLAN}\n{pair}\n{more}\n{accounts}"


@dataclass
class OneSite:
    """A site as a database sees it."""

    site: str
    peer: str
    settings: Settings
    own: Database
    copy: Database
    clock: list[int]
    committer: Committer = field(init=False)

    def __post_init__(self) -> None:
        self.committer = Committer(self.own, clock=lambda: self.clock[0])

    def append(self, *facts: Fact) -> tuple[Row, ...]:
        return append(self.committer, *facts)

    def one(self, sql: str, **values: str | int) -> tuple[object, ...] | None:
        with self.own.reading() as db:
            return db.row(sql, **values)

    def all(self, sql: str, **values: str | int) -> list[tuple[object, ...]]:
        with self.own.reading() as db:
            return db.rows(sql, **values)


@dataclass
class SitePair:
    """Sites a and b with one clock; `sends` brings a site's rows into the other's copy."""

    sites: dict[str, OneSite]
    clock: list[int]
    plan: Plan

    @property
    def a(self) -> OneSite:
        return self.sites["a"]

    @property
    def b(self) -> OneSite:
        return self.sites["b"]

    def passes(self, *, seconds: float) -> None:
        self.clock[0] += int(seconds * 1000)

    def sends(self, site: str) -> None:
        """Everything that it has and the other one has not."""
        here = self.sites[site]
        there = self.sites[here.peer]
        for _ in itertools.count():
            with there.copy.reading() as db:
                have = read_head(db).seq
            with here.own.reading() as db:
                batch = read_batch(db, after_seq=have)
            if not batch.rows:
                return
            with there.copy.writing() as db:
                take_batch(db, batch)


@contextmanager
def site_pair(folder: Path, plan_text: str = "", *, url_of_b: str = "") -> Iterator[SitePair]:
    """Both with the plan in force and nobody's work; or as they were left in this folder.

    url_of_b is b's database, where that is no file of its own.
    """
    text = plan_text or plan_of()
    plan = parse_plan(text)
    clock = [START_MS]
    sites = {
        site: _open(folder / site, site, other, clock, url_of_b if site == "b" else "")
        for site, other in (("a", "b"), ("b", "a"))
    }
    pair = SitePair(sites=sites, clock=clock, plan=plan)
    try:
        for each in sites.values():
            if each.one("SELECT 1 FROM plan") is None:
                each.append(fact("plan_activated", plan.digest, version=1, text=text, by="up"))
        yield pair
    finally:
        for each in sites.values():
            each.committer.close()
            each.own.close()
            each.copy.close()


def _open(folder: Path, site: str, peer: str, clock: list[int], url: str) -> OneSite:
    folder.mkdir(parents=True, exist_ok=True)
    environ = {"MUSTER_DATA": str(folder), "MUSTER_SITE": site, "DATABASE_URL": url}
    settings = replace(read_settings(environ), unsafe=True)
    own = open_database(settings.database_url, unsafe=True)
    own.create_tables(site=site)
    copy = open_copy(settings, peer)
    return OneSite(site=site, peer=peer, settings=settings, own=own, copy=copy, clock=clock)
