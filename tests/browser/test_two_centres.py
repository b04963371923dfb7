"""A site dies with everything in it: its agents and its customer go on at the other one, in the same work."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WAIT_MS
from tests.browser.singing import accept, sign_in
from tests.browser.two_centres import TwoCentres, until

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
def pages(browser: Browser) -> Iterator[list[Page]]:
    """Pages of two people who do not know each other: the customer's, the agent's."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB") for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(WAIT_MS)
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def test_a_dead_site_is_left_for_the_other_one(centres: TwoCentres, pages: list[Page], pictures: Path) -> None:
    """Signed in, available, with the same conversation; the customer goes on in the same chat."""
    customer, desk = pages
    customer.goto(centres.east.url + "/chat")
    customer.locator("textarea").fill("My neighbour has fallen down the stairs")
    customer.keyboard.press("Enter")
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
    customer.screenshot(path=pictures / "two-centres-arrived-chat.png")
    customer.locator("textarea").press("Enter")
    expect(desk.get_by_text("She is awake", exact=True)).to_be_visible()
    desk.get_by_role("textbox").first.fill("Good. Help is on its way")
    desk.keyboard.press("Enter")
    expect(customer.get_by_text("Good. Help is on its way")).to_be_visible()
    assert took_s <= DESK_WITHIN_S
    ((count,),) = centres.west.rows("SELECT count(*) FROM interaction")
    assert count == 1, "the same conversation, not another one"


def _behind(centres: TwoCentres) -> int:
    """Rows of east that west has not got."""
    found = centres.west.folder / "peer.db"
    if not found.exists():
        return -1
    from router.journal.database import open_database
    from router.journal.stream import last_seq

    heads = []
    for path in (centres.east.folder / "muster.db", found):
        database = open_database(f"sqlite:///{path}", unsafe=True)
        with database.reading() as db:
            heads.append(last_seq(db))
        database.close()
    return heads[0] - heads[1]
