"""Which site serves whom: what pages of both sites are told, and who may ask."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents_ui.elsewhere.whereabouts import origin_of
from config.settings import read_settings
from router.journal.connection import Connection
from router.journal.database import open_database
from router.sites.copies import copy_url
from tests.access.test_moving import KEY, PAIR
from tests.desk import plans
from tests.desk.small_site import Site, running_site

CLAIM = "INSERT INTO domain (domain, n, owner, mode, since_ms, seq) VALUES (:d, :n, :owner, :mode, 7, 1)"
REROUTE = "INSERT INTO reroute (scope, share_pct, since_ms) VALUES (:scope, :pct, 9)"


@pytest.fixture
async def west(data_dir: Path) -> AsyncIterator[Site]:
    """One of a pair; its addresses are those of the environment."""
    environ = {
        "MUSTER_DATA": str(data_dir),
        "MUSTER_SITE": "west",
        "MUSTER_SITES": "east=https://east.example:8443",
        "MUSTER_SECRET_PEER_KEY": KEY.decode(),
    }
    plan = replace(plans.plan(), pair=PAIR)
    async with running_site(data_dir, plan=plan, settings=read_settings(environ)) as running:
        yield running


def tell(site: Site, sql: str, **values: str | int) -> None:
    """Something that this site's own tables say."""
    with site.database.writing() as db:
        db.run(sql, **values)
    site.services.whereabouts.look()


def tell_copy(site: Site, sql: str, **values: str | int) -> None:
    """The same of its copy of the other site."""
    copy = open_database(copy_url(site.services.settings.database_url), unsafe=True)
    copy.create_tables(site="east")
    with copy.writing() as db:
        db.run(sql, **values)
    copy.close()
    site.services.whereabouts.look()


async def test_each_site_serves_its_own_at_first(west: Site) -> None:
    """And says where the other one is."""
    west.services.whereabouts.look()
    said = (await west.ask("GET", "/api/site")).json
    assert (said["site"], said["name"], said["serves"], said["moved"]) == ("west", "West", ["west"], False)
    assert said["other"] == {"site": "east", "name": "East", "url": "https://east.example:8443"}


async def test_a_claim_moves_the_pages_of_the_other_site_here(west: Site) -> None:
    """A take-over is a fact of this site; why and since when is told with it."""
    tell(west, CLAIM, d="east", n=1, owner="west", mode="take_over")
    said = (await west.ask("GET", "/api/site")).json
    assert (said["serves"], said["moved"]) == (["east", "west"], True)
    assert said["why"]["east"] == {"why": "take_over", "since_ms": 7}


async def test_the_highest_claim_of_both_counts(west: Site) -> None:
    """The other site has gone home since: its claim is in the copy, and higher."""
    tell(west, CLAIM, d="east", n=1, owner="west", mode="take_over")
    tell_copy(west, CLAIM, d="east", n=2, owner="east", mode="return")
    assert west.services.whereabouts.serves() == ("west",)
    assert west.services.whereabouts.reason("east").why == "return"


async def test_of_two_equal_claims_the_same_one_counts_at_both_sites(west: Site) -> None:
    """Both took over at once: (n, owner) decides, whoever asks."""
    tell(west, CLAIM, d="east", n=3, owner="east", mode="return")
    tell_copy(west, CLAIM, d="east", n=3, owner="west", mode="take_over")
    assert west.services.whereabouts.serves() == ("east", "west")


@pytest.mark.parametrize(
    ("scope", "pct", "here"), [("all", 100, False), ("all", 90, True), ("channel/chat", 100, True)]
)
async def test_a_site_that_hands_everything_on_sends_its_pages_too(
    west: Site, scope: str, pct: int, here: bool
) -> None:
    """As long as some of it is served here, somebody has to be here."""
    tell(west, REROUTE, scope=scope, pct=pct)
    assert ("west" in west.services.whereabouts.serves()) is here


async def test_what_the_other_site_hands_on_is_served_here(west: Site) -> None:
    """Its reroute is in the copy."""
    tell_copy(west, REROUTE, scope="all", pct=100)
    assert west.services.whereabouts.serves() == ("east", "west")
    assert west.services.whereabouts.reason("east").why == "reroute"


async def test_only_pages_of_the_other_site_may_read_it(west: Site) -> None:
    """It is no secret, but nobody else's page has business here."""
    for origin, allowed in (
        ("https://east.example:8443", True),
        ("https://east.example", False),
        ("http://east.example:8443", False),
        ("https://evil.example", False),
        ("null", False),
    ):
        reply = await west.ask("GET", "/api/site", headers={"origin": origin, "sec-fetch-site": "cross-site"})
        assert reply.status == 200
        assert (reply.headers.get("access-control-allow-origin") == origin) is allowed, origin
        assert "access-control-allow-credentials" not in reply.headers
        assert reply.headers["vary"] == "Origin"


async def test_pages_may_ask_the_other_site_and_nobody_else(west: Site) -> None:
    """The policy of every page names it, exactly."""
    for path in ("/chat", "/arrive", "/sign-in"):
        policy = (await west.ask("GET", path)).headers["content-security-policy"]
        assert "connect-src 'self' https://east.example:8443;" in policy, path


async def test_a_page_knows_both_sites_before_one_is_silent(west: Site) -> None:
    """Afterwards there is nobody to ask."""
    page = (await west.ask("GET", "/arrive", headers={"referer": "https://east.example:8443/"})).body.decode()
    assert 'data-other-url="https://east.example:8443"' in page and 'data-sent="yes"' in page
    elsewhere = (await west.ask("GET", "/arrive", headers={"referer": "https://evil.example/"})).body.decode()
    assert 'data-sent=""' in elsewhere


async def test_a_database_that_is_away_leaves_what_was_known(
    west: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages ask most when something is wrong here too."""
    from router.journal.connection import DatabaseGone

    tell(west, CLAIM, d="east", n=1, owner="west", mode="take_over")

    def gone() -> Connection:
        raise DatabaseGone("no")

    monkeypatch.setattr(west.database, "reading", gone)
    with pytest.raises(DatabaseGone):
        west.services.whereabouts.look()
    assert (await west.ask("GET", "/api/site")).json["moved"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://East.example/", "https://east.example"),
        ("https://east.example:443", "https://east.example"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000"),
        ("http://[::1]:80", "http://[::1]"),
        ("null", ""),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("https://e:x", ""),
        ("http://[", ""),
    ],
)
def test_an_origin_is_as_browsers_write_it(url: str, origin: str) -> None:
    """Compared letter by letter: anything else would let nobody in, or too many."""
    assert origin_of(url) == origin
