"""Two sites with routers that are stepped by hand, each with the copy of the other. No network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from router.journal.database import Database, open_database
from router.journal.stream import last_seq
from router.journal.verify import verify
from router.records import Row
from router.sites.adopting import Count, adopt_all
from router.sites.copies import read_batch, take_batch
from router.sites.open_there import OpenThere
from router.sites.reconciling import Reconciler
from tests.roles.hand_stepped import Clock, Site, new_site


@dataclass
class Half:
    """One site of the two."""

    name: str
    site: Site
    copy: Database
    reconciler: Reconciler
    other: "Half | None" = None
    open_there: OpenThere = field(default_factory=OpenThere)

    def looks(self) -> None:
        """At what is open at the other one, as far as its copy says."""
        self.open_there.step(self.site.committer, self.site.database, self.copy)

    def sends(self) -> None:
        """Everything this site has reaches the other one's copy."""
        assert self.other is not None
        copy = self.other.copy
        while True:
            with copy.reading() as db:
                after_seq = last_seq(db)
            with self.site.database.reading() as db:
                batch = read_batch(db, after_seq=after_seq)
            if not batch.rows:
                return
            with copy.writing() as db:
                take_batch(db, batch)

    def adopts(self, *, assigned: bool = False) -> Count:
        """Takes over what the other one had, and routes it."""
        assert self.other is not None
        site = self.site
        count = adopt_all(
            site.committer, site.database, self.copy, site=self.name, peer=self.other.name, assigned=assigned
        )
        site.settles()
        return count

    def agrees(self) -> None:
        """Looks at what both streams say until there is nothing more to say."""
        for _ in range(50):
            before = self.last_seq()
            more = self.reconciler.step(self.site.committer, self.site.database, self.copy)
            self.site.settles()
            if not more and self.last_seq() == before:
                return
        raise AssertionError("it goes on for ever")

    def last_seq(self) -> int:
        with self.site.database.reading() as db:
            return last_seq(db)

    def all(self, sql: str, **values: str | int) -> list[tuple[object, ...]]:
        with self.site.database.reading() as db:
            return db.rows(sql, **values)

    def state(self, interaction_id: str) -> str:
        """How it is here: its state, or why it is closed; empty when it never was here."""
        sql = "SELECT state, closed_seq, closed_why FROM interaction WHERE interaction_id = :id"
        rows = self.all(sql, id=interaction_id)
        if not rows:
            return ""
        state, closed_seq, why = rows[0]
        return str(why if closed_seq else state)

    def rows(self, *kinds: str) -> list[Row]:
        return self.site.rows(*kinds)

    def accepts(self, interaction_id: str) -> str:
        """Whoever is offered it accepts; the agent."""
        sql = "SELECT offer_id, agent_id FROM interaction WHERE interaction_id = :id AND state = 'offered'"
        ((offer_id, agent_id),) = self.all(sql, id=interaction_id)
        self.site.say("accept_pressed", str(offer_id), agent_id=agent_id, command_id=f"{offer_id}-yes")
        self.site.settles()
        return str(agent_id)

    def is_sound(self) -> None:
        """Tables, journal, copy and memory say the same."""
        assert self.site.same_as_tables()
        for database in (self.site.database, self.copy):
            with database.reading() as db:
                report = verify(db)
            assert not report.problem_count, report.problems[:3]


@contextmanager
def routed_pair(
    folder: Path, *, apart_s: int | None = None, urls: Mapping[str, str] | None = None
) -> Iterator[tuple[Half, Half]]:
    """Sites a and b with one clock; with apart_s each has its own, and b's is ahead of a's by that much.

    urls: where the own database of each is, by its name, if not in a file.
    """
    clock = Clock()
    halves = []
    for name, peer in (("a", "b"), ("b", "a")):
        home = folder / name
        home.mkdir()
        copy = open_database(f"sqlite:///{home}/peer.db", unsafe=True)
        copy.create_tables(site=peer)
        if name == "b" and apart_s is not None:
            clock = Clock(clock.now_ms + apart_s * 1_000)
        site = new_site(home, site=name, clock=clock, url=(urls or {}).get(name, ""))
        site.settles()
        with site.database.writing() as db:  # a web that never dies
            db.run("INSERT INTO lease (name, owner, epoch, until_ms) VALUES ('web/web-1', '', 1, 1 << 60)")
        half = Half(name=name, site=site, copy=copy, reconciler=Reconciler(site=name, peer=peer))
        halves.append(half)
    a, b = halves
    a.other, b.other = b, a
    try:
        yield a, b
    finally:
        for half in halves:
            half.site.close()
            half.copy.close()


def exchange(a: Half, b: Half, times: int = 3) -> None:
    """Both send what is new and agree, as they do all day; three times bring any pair to rest."""
    for _ in range(times):
        a.sends()
        b.sends()
        a.agrees()
        b.agrees()
