"""Living, ready, counted; and an end in order."""

import asyncio
import json
import threading
import time

import pytest

from agents_ui.health import READY_KEPT_S
from agents_ui.permits import Permits
from agents_ui.supervision import EssentialTaskEnded, Watchdog, run_essential
from tests.web.sites import Page, Site

pytestmark = pytest.mark.system


def test_ready_means_that_a_commit_went_through(site: Site) -> None:
    """A process that answers but keeps nothing must get no contacts."""
    web = site.webs[0]
    assert web.get("/readyz")[0] == 200
    assert site.rows("SELECT at_ms FROM site_status WHERE key = 'ready'")[0][0] > 0
    time.sleep(READY_KEPT_S)
    with site.database.writing():
        assert web.get("/readyz")[0] == 503


def test_alive_does_not_depend_on_the_database(site: Site) -> None:
    """Restarting a process does not mend its database."""
    with site.database.writing():
        assert site.webs[0].get("/healthz")[0] == 200


def test_a_web_process_says_every_second_that_it_lives(site: Site) -> None:
    """Three seconds of silence take its customers and desks out of the tables."""
    look = "SELECT until_ms FROM lease WHERE name LIKE 'web/%'"
    first = site.rows(look)[0][0]
    site.eventually(lambda: site.rows(look)[0][0] > first, "renewed")


def test_metrics_count_what_waits(site: Site) -> None:
    """What nobody can see, nobody mends."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.say("help")
        page.until(lambda page: page.kept)
        text = site.webs[0].get("/metrics")[2].decode()
        assert 'muster_interactions{state="parked",urgency="0"} 1.0' in text
        assert 'muster_connections{kind="chat"} 1.0' in text
        assert 'muster_journal_rows_total{kind="arrived"} 1.0' in text
        assert "muster_commit_seconds_bucket" in text
        assert "muster_router_behind_rows" in text


def test_a_scrape_is_cheap(site: Site) -> None:
    """Ten watchers that ask often must not become the load they watch for."""
    site.webs[0].get("/metrics")
    began = time.monotonic()
    for _ in range(50):
        site.webs[0].get("/metrics")
    assert time.monotonic() - began < 5


def test_the_end_of_the_committer_ends_the_process(site: Site) -> None:
    """A process that can keep nothing must make place for one that can."""
    web = site.add_web()
    site.webs.remove(web)
    web.parts.services.committer.close()
    with pytest.raises(EssentialTaskEnded):
        web.join()


async def test_the_end_of_one_essential_task_is_the_end_of_all() -> None:
    """A background task that dies silently leaves a process that looks alive."""
    ended = []

    async def lives() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("lives")

    async def dies() -> None:
        raise ValueError("no")

    with pytest.raises(EssentialTaskEnded, match="dies"):
        await run_essential({"lives": lives(), "dies": dies()}, asyncio.Event())
    assert ended == ["lives"]


async def test_a_loop_that_stands_still_is_noticed_from_outside() -> None:
    """The loop itself cannot notice that it does not turn."""
    noticed = threading.Event()
    watchdog = Watchdog(limit_s=0.2, give_up=noticed.set)
    task = asyncio.create_task(watchdog.run())
    await asyncio.sleep(0)
    assert noticed.wait(5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_one_network_cannot_use_up_all_handshakes() -> None:
    """B-50. 10,000 from one network: it is slowed, others are not."""
    now = [0.0]
    permits = Permits(burst=100, per_s=10, clock=lambda: now[0])
    assert sum(permits.allows(f"10.0.0.{number % 250}") for number in range(10_000)) == 100
    assert permits.allows("10.0.1.1")
    now[0] = 1.0
    assert sum(permits.allows("10.0.0.9") for _ in range(50)) == 10
    assert sum(permits.allows(f"2001:db8:0:{number:x}::1") for number in range(500)) == 100


def test_pages_carry_their_own_policy(site: Site) -> None:
    """ASVS 3.4.3. Only our modules run there."""
    status, headers, _ = site.webs[0].get("/chat")
    assert status == 200
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "HttpOnly" in headers["set-cookie"]
    assert "SameSite" in headers["set-cookie"]
    cookie = headers["set-cookie"].partition(";")[0]
    assert "set-cookie" not in site.webs[0].get("/chat", cookie)[1]


def test_refusals_are_json_with_a_code(site: Site) -> None:
    """Pages choose their words by the code."""
    status, _, body = site.webs[0].get("/%00")
    assert (status, json.loads(body)["code"]) == (404, "not_found")
