"""What a desk says when somebody at the other site answered the same contact: at its card, and afterwards."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.desking import desk
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen

pytestmark = pytest.mark.system

HERE = "Ben Okafor of North hall also answered this contact: agree which of you goes on."


def _told(centre: FakeCentre, interaction_id: str, **changes: object) -> None:
    """Ben at the other site answered it as well."""
    value = {
        "interaction_id": interaction_id,
        "agent_id": "ana",
        "other_agent_id": "ben",
        "other_name": "Ben Okafor",
        "other_site": "North hall",
        "at_ms": now_ms(),
        "channel": "chat",
        "customer_label": "9E0B",
    }
    centre.put("dual", interaction_id, value | changes)


def test_the_card_says_who_else_answered_and_where(centre: FakeCentre, open_page: Open):
    """Neither of two agents may promise something without knowing that the other one did."""
    page = desk(centre, open_page)
    expect(page.locator(".dual-here")).to_have_count(0)
    _told(centre, "chat-1")
    expect(page.locator(".dual-here")).to_contain_text(HERE)
    expect(page.locator(".row-dual")).to_have_text(["⇄ North hall also answered"])
    expect(page.locator(".duals")).to_have_count(0)
    _told(centre, "chat-1", other_name="Cleo Park")
    expect(page.locator(".dual-here")).to_contain_text("Cleo Park of North hall")
    centre.drop("dual", "chat-1")
    expect(page.locator(".dual-here")).to_have_count(0)


def test_what_is_over_is_told_until_it_is_taken_away(centre: FakeCentre, open_page: Open):
    """Who finished theirs in the split has no card any more; and what was read does not come back."""
    page = desk(centre, open_page)
    _told(centre, "chat-9")
    expect(page.locator(".duals li")).to_contain_text("Ben Okafor of North hall also answered customer 9E0B")
    page.get_by_role("button", name="Take this away").click()
    expect(page.locator(".duals")).to_have_count(0)
    page.reload()
    expect(page.locator(".conversation-row").first).to_be_visible()
    expect(page.locator(".duals")).to_have_count(0)
    _told(centre, "chat-9", other_agent_id="cleo", other_name="Cleo Park")
    expect(page.locator(".duals li")).to_contain_text("Cleo Park")


def test_a_card_that_ends_goes_on_saying_it(centre: FakeCentre, open_page: Open):
    """It was read in the middle of a talk, perhaps; what was agreed is done after it."""
    page = desk(centre, open_page)
    _told(centre, "chat-1")
    expect(page.locator(".dual-here")).to_be_visible()
    centre.drop("conversation", "chat-1")
    expect(page.locator(".duals li")).to_contain_text("Ben Okafor of North hall")
    page.get_by_role("button", name="Take this away").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".duals")).to_have_count(0)


@looks(390, 768, 1280)
def test_it_can_be_read_on_every_screen(
    centre: FakeCentre, open_page: Open, pictures: Path, dark: bool, width: int
):
    """Contrast, nothing cut off, by day and by night, also with names as long as people have them."""
    page = desk(centre, open_page, width=width, dark=dark)
    long = {"other_name": "Wilhelmina-Alexandra van den Hoogenband", "other_site": "Regional hall North-East"}
    _told(centre, "chat-1", **long)
    _told(centre, "chat-9", **long)
    expect(page.locator(".duals li")).to_be_visible()
    look = f"{width}-{'dark' if dark else 'light'}"
    page.screenshot(path=pictures / f"dual-list-{look}.png")
    if width < 600:
        page.locator(".conversation-row").first.click()
        expect(page.locator(".duals")).to_be_hidden()  # like the list: a telephone has room for one thing
    expect(page.locator(".dual-here")).to_be_visible()
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert cut_off(page) == []
    assert not wider_than_screen(page)
    page.screenshot(path=pictures / f"dual-{look}.png")
