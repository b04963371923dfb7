"""Two real peer roles: whatever dies in the middle, the copies are whole in the end; people are learned."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.lives import fill
from config.plan_file import parse_plan
from config.settings import Settings, read_settings
from router.journal import stream
from router.journal.committer import Committer
from router.journal.connection import DatabaseGone
from router.journal.database import Database, open_database
from router.journal.verify import verify
from router.records import fact
from router.run.plan_activation import ActivatePlan
from router.sites.copies import open_copy
from router.sites.copy_gaps import acked_through
from router.sites.site_keys import make_keys
from router.sites.status import COPY, status_of
from tests.journal.writing import append
from tests.sites.site_pair import plan_of
from tests.system.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.timeout(600)
GUARD_S = 180
LIVES = 100
KINDS = "(kind LIKE 'person%' OR kind LIKE 'session%' OR kind = 'plan_activated')"
PASSWORD = {"name": "Ana", "role": "agent", "active": True, "credential_digest": "digest"}


@dataclass
class Site:
    """One site: its databases, and its peer role as a process."""

    site: str
    peer: str
    environ: dict[str, str]
    settings: Settings = field(init=False)
    own: Database = field(init=False)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.settings = read_settings(self.environ)
        self.own = open_database(self.settings.database_url, unsafe=True)
        self.own.create_tables(site=self.site)
        plan = parse_plan(plan_of())
        self.appending(lambda committer: committer.submit(ActivatePlan(plan=plan, by="up")).result())

    def appending(self, work: Callable[[Committer], object]) -> None:
        """As a web process of this site would."""
        committer = Committer(self.own)
        work(committer)
        committer.close()

    def start(self) -> None:
        words = [sys.executable, "-m", "agents_ui.cli", "peer"]
        with (self.settings.data_dir / "peer.log").open("ab") as log:
            environ = {**os.environ, **self.environ}
            self.process = subprocess.Popen(words, env=environ, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9, wherever it is."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def last(self) -> int:
        with self.own.reading() as db:
            return stream.last_seq(db)

    def acked(self) -> int:
        with self.own.reading() as db:
            return acked_through(db)

    def copied(self) -> int:
        """How far the copy of the other site goes."""
        try:
            with closing(open_copy(self.settings)) as copy, copy.reading() as db:
                return stream.last_seq(db)
        except (DatabaseGone, stream.NoStream):
            return 0

    def problems_of_copy(self) -> int:
        with closing(open_copy(self.settings)) as copy, copy.reading() as db:
            return verify(db).problem_count


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def sites(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[tuple[Site, Site]]:
    """A pair with keys and certificates of its own; nothing runs yet."""
    ports = {"a": free_port(), "b": free_port()}
    made = make_keys(data_dir, ("a", "b"))
    both = tuple(
        Site(site, peer, environ_of(request, folder, site, ports))
        for site, peer, folder in (("a", "b", made[0]), ("b", "a", made[1]))
    )
    yield both  # type: ignore[misc]
    for each in both:
        each.kill()
        each.own.close()


def environ_of(
    request: pytest.FixtureRequest, folder: Path, site: str, ports: dict[str, int]
) -> dict[str, str]:
    server: PostgresServer | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
    return {
        "MUSTER_DATA": str(folder),
        "MUSTER_SITE": site,
        "MUSTER_UNSAFE": "1",
        "MUSTER_PEER_PORT": str(ports[site]),
        "MUSTER_PEERS": ",".join(f"{each}=https://127.0.0.1:{port}" for each, port in ports.items()),
        "DATABASE_URL": server.new_schema() if server else "",
        "REDIS_URL": "",
    }


def until(true: Callable[[], object]) -> None:
    """Wait until it is so; the time is only a guard."""
    deadline = time.monotonic() + GUARD_S
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.2)


def test_both_copies_are_whole_whatever_is_killed_in_the_middle(sites: tuple[Site, Site]) -> None:
    """From far behind: each role is killed while rows are on their way, and each goes on by itself."""
    a, b = sites
    a.appending(lambda committer: fill(committer, LIVES))
    a.start()
    b.start()
    until(lambda: b.copied() > 0)
    b.kill()
    a.appending(lambda committer: fill(committer, LIVES, first=LIVES))
    b.start()
    until(lambda: b.copied() > LIVES * 10)
    a.kill()
    b.appending(lambda committer: append(committer, fact("viewed", "c", agent_id="x", what="audit")))
    a.start()
    until(lambda: a.acked() == a.last() == b.copied())
    until(lambda: b.acked() == b.last() == a.copied())
    until(lambda: sending(a) == ("", a.last()))
    a.kill()
    b.kill()
    assert (a.problems_of_copy(), b.problems_of_copy()) == (0, 0)


def sending(site: Site) -> tuple[str, int]:
    """What people are shown: what is in the way, and how far the other site is."""
    with site.own.reading() as db:
        said = status_of(db, COPY).data.get("sending", {})
    return said.get("problem", "?"), said.get("acked_through", 0)


def test_who_is_added_at_one_site_signs_in_at_the_other_one(sites: tuple[Site, Site]) -> None:
    """People, passwords, sessions and their ends are at both sites in a moment, and nothing goes round."""
    a, b = sites
    with a.own.writing() as db:
        db.run("INSERT INTO credential (agent_id, password_hash, must_change) VALUES ('ana', 'argon', 1)")
    a.appending(
        lambda committer: append(
            committer,
            fact("person_added", "ana", **PASSWORD),
            fact("session_begun", "token", agent_id="ana", expires_at_ms=1 << 50),
        )
    )
    a.start()
    b.start()
    until(lambda: rows(b.own, "SELECT name, changed_site FROM person") == [("Ana", "a")])
    until(lambda: rows(b.own, "SELECT agent_id, ended_at_ms FROM session") == [("ana", 0)])
    assert rows(b.own, "SELECT password_hash, must_change FROM credential") == [("argon", 1)]
    b.appending(lambda committer: append(committer, fact("session_ended", "token", agent_id="ana")))
    until(lambda: rows(a.own, "SELECT 1 FROM session WHERE ended_at_ms > 0"))
    until(lambda: a.acked() == a.last() and b.acked() == b.last())
    once = learned(a), learned(b)
    for each in (a, b):  # once more from the beginning: nothing that was learned is learned again
        each.kill()
        each.start()
    news = fact("session_begun", "another", agent_id="ana", expires_at_ms=1 << 50)
    a.appending(lambda committer: append(committer, news))
    until(lambda: learned(b) > once[1])
    until(lambda: a.copied() == b.last())
    assert (learned(a), learned(b)) == (once[0], once[1] + 1)


def learned(site: Site) -> int:
    """How many facts it has appended because the other site said them."""
    (found,) = rows(site.own, f"SELECT count(*) FROM journal WHERE data LIKE '%\"learned\"%' AND {KINDS}")
    return int(str(found[0]))


def rows(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.reading() as db:
        return db.rows(sql)


def test_a_peer_without_its_key_says_what_to_do(sites: tuple[Site, Site]) -> None:
    """In one line, at once: nobody reads a stack of calls at three in the morning."""
    a, _ = sites
    (a.settings.data_dir / "secrets" / "peer-key").unlink()
    a.start()
    assert a.process is not None
    assert a.process.wait(GUARD_S) not in (0, -signal.SIGKILL)
    said = (a.settings.data_dir / "peer.log").read_text(encoding="utf-8")
    assert "muster site keys" in said.splitlines()[-1]
