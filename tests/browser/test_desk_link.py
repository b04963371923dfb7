"""The agent's desk and its connection: back soon, whole again, and honest while there is none."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.stage import message

pytestmark = pytest.mark.system

AWAY_MS = 4_200
"""As long as a busy machine may take to replace a web process."""


def test_a_desk_is_back_soon_after_a_site_that_was_away_for_seconds(centre: FakeCentre, open_page: Open):
    """Offers run out: a page that tries ever more slowly would sit out an outage that is over."""
    page = open_page(centre.url + "/desk")
    expect(page.locator(".desk")).to_be_attached()
    centre.refuses = True
    centre.hang_up()
    page.wait_for_timeout(AWAY_MS)
    centre.refuses = False
    there_again = time.monotonic()
    expect(page.get_by_text("nothing was missed")).to_be_visible()
    assert time.monotonic() - there_again < 2


def test_a_gap_in_the_numbers_leads_to_a_new_snapshot(centre: FakeCentre, open_page: Open):
    """There is no other way to resume than everything anew."""
    page = open_page(centre.url + "/desk")
    expect(page.locator(".desk")).to_be_attached()
    centre.entities["message"]["chat-1/8"] = message("chat-1", 8, "in", "lost in the gap")
    centre.lose_a_change()
    centre.put("queue", "emergency", centre.entities["queue"]["emergency"])
    expect(page.locator(".message-text", has_text="lost in the gap")).to_be_visible()
    assert centre.snapshots == 2


def test_a_desk_that_never_got_through_says_so(centre: FakeCentre, open_page: Open):
    """An empty page that only says "opening" for ever would be trusted."""
    centre.refuses = True
    page = open_page(centre.url + "/desk")
    expect(page.get_by_text("No news from the centre since")).to_be_visible()
