"""A site dies with everything in it: its agents and its customer go on at the other one, in the same work."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from router.journal.database import open_database
from router.journal.stream import last_seq
from tests.browser.conftest import WAIT_MS
from tests.browser.singing import accept, dispose, password, sign_in
from tests.browser.two_centres import Site, TwoCentres, until

Tab = Callable[..., Page]

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

DESK_WITHIN_S = 15.0
"""The promise: from the take-over until an agent's desk is at the other site."""


@pytest.fixture
def centres(data_dir: Path) -> Iterator[TwoCentres]:
    """East and west."""
    both = TwoCentres(data_dir)
    try:
        both.start()
        yield both
    finally:
        both.stop()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """Opens tabs, each of a browser of its own: of people who do not know each other."""
    opened: list[Page] = []

    def tab(**options: Any) -> Page:
        context = browser.new_context(
            **({"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | options)
        )
        context.set_default_timeout(WAIT_MS)
        opened.append(context.new_page())
        return opened[-1]

    yield tab
    for page in opened:
        page.context.close()


def test_a_dead_site_is_left_for_the_other_one(centres: TwoCentres, tab: Tab, pictures: Path) -> None:
    """Signed in, available, with the same conversation; the customer goes on in the same chat."""
    customer, desk = tab(), tab()
    _writes(customer, centres.east, "My neighbour has fallen down the stairs")
    sign_in(desk, centres.east, "ana")
    accept(desk)
    desk.get_by_role("textbox").first.fill("Is she awake?")
    desk.keyboard.press("Enter")
    expect(customer.get_by_text("Is she awake?")).to_be_visible()
    customer.locator("textarea").fill("She is awake")  # typed, not sent
    desk.get_by_role("textbox").first.fill("Do not mo")
    until(lambda: _behind(centres) == 0)

    centres.east.kill_all()
    expect(desk.get_by_text("West answers, but has not taken over")).to_be_visible()
    desk.screenshot(path=pictures / "two-centres-silent-desk.png")
    customer.screenshot(path=pictures / "two-centres-silent-chat.png")
    report = centres.west.command("site", "take-over", "--yes", "--anyway", "--why", "a test")
    began_s = time.monotonic()
    desk.wait_for_url(f"{centres.west.url}/desk")
    expect(desk.locator(".moved-story")).to_contain_text("You are at West now")
    took_s = time.monotonic() - began_s
    print(f"take-over {report['took_ms']} ms, desk at west after {took_s:.1f} s")
    expect(desk.locator(".moved-story")).to_contain_text("1 conversation is here with you")
    expect(desk.locator(".presence-now")).to_have_attribute("data-available", "true")
    expect(desk.get_by_role("textbox").first).to_have_value("Do not mo")
    desk.screenshot(path=pictures / "two-centres-arrived-desk.png")

    customer.wait_for_url(f"{centres.west.url}/chat")
    expect(customer.get_by_text("You are now connected with West")).to_be_visible()
    expect(customer.get_by_text("My neighbour has fallen down the stairs")).to_have_count(1)
    expect(customer.locator("textarea")).to_have_value("She is awake")
    said = customer.locator(".bubble p").all_inner_texts()
    assert said == ["My neighbour has fallen down the stairs", "Is she awake?"], "in the order of that site"
    customer.screenshot(path=pictures / "two-centres-arrived-chat.png")
    customer.locator("textarea").press("Enter")
    expect(desk.get_by_text("She is awake", exact=True)).to_be_visible()
    desk.get_by_role("textbox").first.fill("Good. Help is on its way")
    desk.keyboard.press("Enter")
    expect(customer.get_by_text("Good. Help is on its way")).to_be_visible()
    assert took_s <= DESK_WITHIN_S
    ((count,),) = centres.west.rows("SELECT count(*) FROM interaction")
    assert count == 1, "the same conversation, not another one"


@pytest.mark.long
def test_a_site_that_lives_sends_its_pages_and_takes_them_home(
    centres: TwoCentres, tab: Tab, pictures: Path
) -> None:
    """Who watches goes at once, who talks finishes first, all come back; a sign-out holds at both sites."""
    customer, desk = tab(), tab()
    east, west = centres.east, centres.west
    wall, admin = tab(), tab()
    password(wall, east, "sofia", "/wall")
    password(admin, east, "amira", "/admin")
    _writes(customer, east, "There is smoke in the hall")
    sign_in(desk, east, "ana")
    accept(desk)
    _takes_a_break(desk)
    there = tab()
    sign_in(there, west, "ben")
    _restarts_its_web(east, desk)

    east.command("site", "reroute", "all", "100", "--yes", "--why", "a test")
    for page, path in ((wall, "/wall"), (admin, "/admin")):
        page.wait_for_url(f"{west.url}{path}*")
        expect(page.locator(".moved-story")).to_contain_text("East handed its work to West")
    expect(desk.locator(".moving-away")).to_contain_text("You go there when your conversations here are done")
    for name, page in (("holding-desk", desk), ("arrived-wall", wall), ("arrived-admin", admin)):
        page.screenshot(path=pictures / f"two-centres-{name}.png")

    other = tab()
    _writes(other, east, "I cannot breathe well")
    other.wait_for_url(f"{west.url}/chat")
    expect(other.get_by_text("I cannot breathe well")).to_have_count(1)

    _ends(desk)
    desk.wait_for_url(f"{west.url}/desk")
    expect(desk.locator(".presence-now")).to_have_attribute("data-available", "false")
    accept(there)
    expect(there.get_by_text("I cannot breathe well").first).to_be_visible()
    expect(other.get_by_text("is here with you")).to_be_visible()

    east.command("site", "reroute", "all", "0", "--yes", "--why", "the test is over")
    for page, path in ((wall, "/wall"), (desk, "/desk")):
        page.wait_for_url(f"{east.url}{path}")
        expect(page.locator(".moved-story")).to_contain_text("East serves its own work again")
    assert there.url.startswith(west.url), "who signed in at west stays there"

    began_s = time.monotonic()
    west.command("people", "sign-out", "ana")
    desk.wait_for_url(f"{east.url}/sign-in*")
    print(f"signed out at west: out at east after {time.monotonic() - began_s:.1f} s, the command included")


def _writes(customer: Page, site: Site, text: str) -> None:
    customer.goto(site.url + "/chat")
    customer.locator("textarea").fill(text)
    customer.keyboard.press("Enter")


def _takes_a_break(desk: Page) -> None:
    desk.locator(".presence-now").click()
    desk.locator(".menu button").nth(1).click()
    expect(desk.locator(".presence-now")).to_have_attribute("data-available", "false")


def _restarts_its_web(site: Site, desk: Page) -> None:
    """Seconds of silence, after which everything is as before: that sends nobody away."""
    site.kill("web")
    expect(desk.locator(".desk")).to_have_attribute("data-live", "false")
    expect(desk.locator(".desk")).to_have_attribute("data-live", "true")
    assert desk.url.startswith(site.url)


def _ends(desk: Page) -> None:
    desk.get_by_role("button", name="End", exact=True).click()
    desk.get_by_role("button", name="End it").click()
    dispose(desk)


def _behind(centres: TwoCentres) -> int:
    """Rows of east that west has not got."""
    found = centres.west.folder / "peer.db"
    if not found.exists():
        return -1
    heads = []
    for path in (centres.east.folder / "muster.db", found):
        database = open_database(f"sqlite:///{path}", unsafe=True)
        with database.reading() as db:
            heads.append(last_seq(db))
        database.close()
    return heads[0] - heads[1]
