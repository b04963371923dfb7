"""A site's cable is pulled: its agent and its customer go on at the other one's address."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import WAIT_MS
from tests.browser.singing import accept, sign_in
from tests.browser.two_centres import until
from tests.browser.two_networks import ADDRESSES, Cables, NoNetworks, Remote, networks, remote_sites

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

DESK_WITHIN_S = 15.0
"""The promise: from the take-over until an agent's desk is at the other site."""

CHAT_WITHIN_MS: Final = 90_000
"""A chat page that hears nothing believes it after 40 s (agents_ui/chat/README.md); the rest is a guard."""


@pytest.fixture
def cables() -> Iterator[Cables]:
    """Two networks and a switch."""
    try:
        with networks() as made:
            yield made
    except NoNetworks as reason:
        pytest.skip(str(reason))


@pytest.fixture
def sites(data_dir: Path, cables: Cables) -> Iterator[dict[str, Remote]]:
    """Both serve, and west knows everybody."""
    both = remote_sites(data_dir, cables)
    try:
        for site in both.values():
            site.start()
        until(lambda: len(both["west"].rows("SELECT 1 FROM person")) >= len(both["east"].one_time))
        yield both
    finally:
        for site in both.values():
            site.stop()


def test_who_is_behind_a_pulled_cable_goes_on_at_the_other_site(
    browser: Browser, sites: dict[str, Remote], cables: Cables, pictures: Path
) -> None:
    """No connection is refused, there is only silence: an admin switches, desk and chat follow."""
    east, west = sites["east"], sites["west"]
    contexts = [browser.new_context(ignore_https_errors=True, locale="en-GB") for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(WAIT_MS)
    customer, desk = (context.new_page() for context in contexts)
    customer.goto(east.url + "/chat")
    customer.locator("textarea").fill("Our house is under water")
    customer.keyboard.press("Enter")
    sign_in(desk, east, "ana")
    accept(desk)
    desk.get_by_role("textbox").first.fill("Go upstairs")
    desk.keyboard.press("Enter")
    expect(customer.get_by_text("Go upstairs")).to_be_visible()
    until(lambda: _copied(east, west))

    cables.pull("east")
    expect(desk.get_by_text("West answers, but has not taken over")).to_be_visible()
    west.command("site", "take-over", "--yes", "--anyway", "--why", "the cable", "--assigned")
    began_s = time.monotonic()
    desk.wait_for_url(f"https://{ADDRESSES['west']}:*/desk")
    expect(desk.locator(".moved-story")).to_contain_text("You are at West now")
    took_s = time.monotonic() - began_s
    customer.wait_for_url(f"https://{ADDRESSES['west']}:*/chat", timeout=CHAT_WITHIN_MS)
    customer.locator("textarea").fill("We are on the roof")
    customer.locator("textarea").press("Enter")
    expect(desk.locator(".message-text", has_text="We are on the roof")).to_be_visible()
    expect(customer.get_by_text("Our house is under water")).to_have_count(1)
    desk.screenshot(path=pictures / "two-networks-desk.png")
    print(f"desk at west {took_s:.1f} s after the take-over")
    assert took_s <= DESK_WITHIN_S

    cables.plug_in("east")
    open_there = "SELECT count(*) FROM interaction WHERE closed_seq = 0"
    until(lambda: east.rows(open_there) == [(0,)])
    assert west.rows(open_there) == [(1,)], "one owner"
    assert east.rows("SELECT owner FROM domain WHERE domain = 'east'") == [("west",)]
    for context in contexts:
        context.close()


def _copied(site: Remote, there: Remote) -> bool:
    """Whether the other site has all of it."""
    status = there.command("site", "status")
    ((head,),) = site.rows("SELECT last_seq FROM stream WHERE own = 1")
    return bool(status["copy"]["of_other_seq"] >= head)
