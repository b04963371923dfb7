"""Until when a channel takes an answer, at the desk: quietly while there is time, plainly afterwards."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, identity, message, person

pytestmark = pytest.mark.system

HOUR_MS = 3_600_000


def _shown(centre: FakeCentre, left_ms: int, *, channel: str = "whatsapp") -> None:
    """One conversation whose window closes then."""
    until_ms = now_ms() + left_ms
    shown = conversation("wa-1", channel=channel, connected=None, reply_until_ms=until_ms)
    people = person(
        "wa-1",
        name="",
        identities=[
            identity("wa-1", "whatsapp", "+15557654321"),
            identity("wa-1", "mail", "mira@example.org", verified=False),
        ],
    )
    centre.entities["conversation"] = {"wa-1": shown}
    centre.entities["customer"] = {"customer of wa-1": people}
    said = [
        message("wa-1", 1, "in", "", notice="A voice message.", files_wanted=1),
        message("wa-1", 2, "in", "40.7301, -73.9907", notice="A place that they sent."),
        message("wa-1", 3, "in", "", notice="They deleted an earlier message. Here it is kept as it came."),
    ]
    centre.entities["message"] = {each["message_id"]: each for each in said}


def _desk(centre: FakeCentre, open_page: Open, **how: object) -> Page:
    page = open_page(centre.url + "/desk", **how)
    page.locator(".conversations button").first.click()
    return page


def _said(centre: FakeCentre, page: Page, count: int) -> list[str]:
    """Kinds of what the page said, once so much of it has arrived."""
    deadline = time.monotonic() + 20
    while True:
        said = [each["kind"] for each in centre.commands if each["kind"] in ("reply", "note")]
        if len(said) >= count or time.monotonic() > deadline:
            return said
        page.wait_for_timeout(20)  # lets the browser's events through


@looks(390, 1280)
def test_too_late_it_says_why_and_what_else_there_is(
    centre: FakeCentre, open_page: Open, pictures: Path, width: int, dark: bool
):
    """The words that were typed stay, Enter sends nothing, and a note can be written all the same."""
    _shown(centre, -HOUR_MS)
    page = _desk(centre, open_page, width=width, dark=dark)
    closed = page.locator(".reply-window[data-state=closed]")
    expect(closed).to_contain_text("WhatsApp takes no answer so long after the customer's last message.")
    expect(closed).to_contain_text("+15557654321, mira@example.org")
    field = page.locator(".reply textarea")
    field.fill("we are coming")
    field.press("Enter")
    expect(page.locator(".reply .strong")).to_be_disabled()
    assert field.input_value() == "we are coming"
    page.screenshot(path=pictures / f"reply-closed-{width}-{'dark' if dark else 'light'}.png")
    assert cut_off(page) == []
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)
    page.locator(".reply-kind button").last.click()
    expect(closed).to_have_count(0)
    page.locator(".reply textarea").fill("tried to answer")
    page.locator(".reply textarea").press("Enter")
    expect(closed).to_be_visible()  # what comes next is for the customer again
    assert page.locator(".reply textarea").input_value() == "we are coming"
    assert _said(centre, page, 1) == ["note"]


def test_it_closes_by_itself_while_somebody_writes(centre: FakeCentre, open_page: Open, pictures: Path):
    """Nobody has to press anything to learn that it is too late; before, the time left is told."""
    _shown(centre, 4_000)
    page = _desk(centre, open_page)
    expect(page.locator(".reply-window[data-state=closing]")).to_contain_text("0:0")
    page.screenshot(path=pictures / "reply-closing.png")
    expect(page.locator(".reply-window[data-state=closed]")).to_be_visible(timeout=20_000)


def test_with_time_it_is_a_quiet_line_and_elsewhere_nothing(centre: FakeCentre, open_page: Open):
    """Most channels have no end, and most answers need no thought of it."""
    _shown(centre, 20 * HOUR_MS)
    page = _desk(centre, open_page)
    expect(page.locator(".reply-window")).to_contain_text("An answer is possible until")
    page.locator(".reply textarea").fill("we are coming")
    expect(page.locator(".reply .strong")).to_be_enabled()
    centre.put("conversation", "wa-1", conversation("wa-1", channel="telegram", connected=None))
    expect(page.locator(".reply-window")).to_have_count(0)
