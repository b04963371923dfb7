"""What may be sent, on the desk's page: approved messages, who wants none, and which way it went."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, message

pytestmark = pytest.mark.system

HOUR_MS = 3_600_000
TEMPLATES = [
    {
        "account": "social",
        "id": "still",
        "language": "en_US",
        "category": "utility",
        "text": "About {1}, near {2}: help?",
    },
    {"account": "social", "id": "todavia", "language": "es", "category": "utility", "text": "¿Sobre {1}?"},
    {"account": "another", "id": "not-ours", "language": "en", "category": "utility", "text": "No."},
]


def _shown(centre: FakeCentre, **changes: object) -> None:
    """One conversation by WhatsApp, and the approved messages."""
    shown = conversation("wa-1", channel="whatsapp", connected=None, account="social", **changes)
    centre.entities["conversation"] = {"wa-1": shown}
    centre.words = {**centre.words, "templates": TEMPLATES}
    said = [message("wa-1", 1, "in", "there is water in the cellar")]
    centre.entities["message"] = {each["message_id"]: each for each in said}


def _desk(centre: FakeCentre, open_page: Open, **how: object) -> Page:
    page = open_page(centre.url + "/desk", **how)
    page.locator(".conversations button").first.click()
    expect(page.locator(".reply textarea")).to_be_visible()
    return page


def _asked(centre: FakeCentre, kind: str) -> list[dict[str, object]]:
    return [each for each in centre.commands if each["kind"] == kind]


def _until_asked(page: Page, centre: FakeCentre, count: int) -> None:
    """Wait until the page has asked so often."""
    deadline = time.monotonic() + 20
    while len(_asked(centre, "consent")) < count and time.monotonic() < deadline:
        page.wait_for_timeout(20)


def _is_well(page: Page) -> None:
    assert cut_off(page) == []
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_an_approved_message_is_filled_in_and_sent_by_keys_alone(
    centre: FakeCentre, open_page: Open, pictures: Path, width: int, dark: bool
):
    """As the customer reads it, before it leaves; nothing goes while a place is empty."""
    _shown(centre, reply_until_ms=now_ms() - HOUR_MS)
    page = _desk(centre, open_page, width=width, dark=dark)
    expect(page.locator(".reply-window[data-state=closed]")).to_contain_text("An approved message can go")
    page.locator(".reply-kind .small").press("Enter")
    panel = page.locator(".panel[data-panel=template]")
    expect(panel.locator("select")).to_be_focused()
    assert panel.locator("option").all_inner_texts() == ["still · en_US", "todavia · es"]
    expect(panel.locator("blockquote")).to_have_text("About {1}, near {2}: help?")
    expect(panel.locator(".strong")).to_be_disabled()
    page.keyboard.press("Tab")
    page.keyboard.type("the cellar {2}")
    page.keyboard.press("Tab")
    page.keyboard.type("Mill Lane")
    expect(panel.locator("blockquote")).to_have_text("About the cellar {2}, near Mill Lane: help?")
    page.screenshot(path=pictures / f"template-{width}-{'dark' if dark else 'light'}.png")
    _is_well(page)
    page.keyboard.press("Enter")
    expect(panel).to_have_count(0)
    [asked] = _asked(centre, "template")
    assert (asked["template_id"], asked["values"]) == ("still", ["the cellar {2}", "Mill Lane"])
    assert asked["interaction_id"] == "wa-1" and asked["emergency"] is False


def test_an_account_without_approved_messages_offers_none(centre: FakeCentre, open_page: Open):
    """A button that leads nowhere is in the way."""
    _shown(centre)
    centre.words = {**centre.words, "templates": TEMPLATES[2:]}
    page = _desk(centre, open_page)
    expect(page.locator(".reply-kind button")).to_have_count(2)


@pytest.mark.parametrize("dark", [False, True])
def test_who_wants_no_messages_gets_one_in_an_emergency_only(
    centre: FakeCentre, open_page: Open, pictures: Path, dark: bool
):
    """It says why, and what else there is; the words stay; saying that it is one is a step of its own."""
    off = {"since_ms": now_ms() - HOUR_MS, "reason": "The provider is down."}
    _shown(centre, unwanted="opted_out", text_off=off)
    page = _desk(centre, open_page, dark=dark)
    closed = page.locator(".reply-window[data-state=closed]")
    expect(closed).to_contain_text("They asked for no more messages")
    expect(page.locator(".reply-window[data-state=closing]")).to_contain_text("The provider is down.")
    page.locator(".reply textarea").fill("are you safe?")
    page.locator(".reply textarea").press("Enter")
    expect(page.locator(".reply .strong")).to_be_disabled()
    page.screenshot(path=pictures / f"opted-out-{'dark' if dark else 'light'}.png")
    _is_well(page)
    page.get_by_label("This is an emergency: send it all the same").check()
    expect(page.locator(".reply .strong")).to_be_enabled()
    page.locator(".reply textarea").press("Enter")
    expect(page.get_by_label("This is an emergency: send it all the same")).not_to_be_checked()
    [asked] = _asked(centre, "reply")
    assert (asked["text"], asked["emergency"]) == ("are you safe?", True)


def test_what_they_say_about_messages_is_seen_and_noted(centre: FakeCentre, open_page: Open, pictures: Path):
    """By category, with the time; one press notes what the customer says on the telephone."""
    said = [{"category": "bulk", "state": "out", "at_ms": now_ms() - HOUR_MS}]
    _shown(centre, consent=[*said, {"category": "reply", "state": "in", "at_ms": now_ms() - HOUR_MS}])
    page = _desk(centre, open_page)
    lines = page.locator(".consent li")
    expect(lines.nth(2)).to_contain_text("Mass messages ✕ not wanted since")
    expect(lines.nth(1)).to_contain_text("nothing said")
    page.get_by_role("button", name="They want none: Service messages").press("Enter")
    page.get_by_role("button", name="They want them: Mass messages").press("Enter")
    page.screenshot(path=pictures / "consent.png")
    _is_well(page)
    _until_asked(page, centre, 2)
    assert [(each["category"], each["state"]) for each in _asked(centre, "consent")] == [
        ("service", "out"),
        ("bulk", "in"),
    ]


def test_what_the_network_blocks_has_no_such_step(centre: FakeCentre, open_page: Open):
    """It would be lost time: call them."""
    _shown(centre, unwanted="opted_out_blocked")
    page = _desk(centre, open_page)
    expect(page.locator(".reply-window[data-state=closed]")).to_contain_text("until they write START")
    expect(page.locator(".reply-window input")).to_have_count(0)
    page.locator(".reply textarea").fill("hello?")
    expect(page.locator(".reply .strong")).to_be_disabled()


def test_both_ways_are_told_on_both_messages(centre: FakeCentre, open_page: Open, pictures: Path):
    """What went instead, instead of what, that it arrived after all, and that there is no other way."""
    _shown(centre)
    way = {"channel": "whatsapp", "template": "", "instead_of": "", "instead_of_channel": ""}
    gone = {**way, "other": "wa-1/3", "other_channel": "sms", "other_why": "whatsapp_131026"}
    late = {**gone, "other": "wa-1/5", "other_why": "not_in_time"}
    none = {**way, "other": "none", "other_channel": "", "other_why": "no_other_way"}
    second = {**way, "channel": "sms", "instead_of": "wa-1/2", "instead_of_channel": "whatsapp"}
    second |= {"other": "", "other_channel": "", "other_why": ""}
    said = [
        message("wa-1", 2, "out", "first", status="failed", trouble="whatsapp_131026", way=gone),
        message("wa-1", 3, "out", "second", status="delivered", trouble="", way=second),
        message("wa-1", 4, "out", "slow", status="delivered", trouble="", way=late),
        message("wa-1", 6, "out", "lost", status="failed", trouble="whatsapp_131026", way=none),
        message("wa-1", 7, "system", "Texts cannot be answered.", status="sent", trouble="", way=second),
    ]
    centre.entities["message"] |= {each["message_id"]: each for each in said}
    page = _desk(centre, open_page)

    def ways(text: str) -> str:
        return page.locator(".message", has_text=text).locator(".delivery-way").inner_text()

    assert ways("first") == "Not delivered on WhatsApp: sent as Text message as well."
    assert "reach them another way" not in page.locator(".message", has_text="first").inner_text()
    assert ways("second") == "Sent as Text message, because it was not delivered on WhatsApp."
    assert "it has arrived here after all" in ways("slow")
    assert ways("lost") == "No other way to them is known for certain."
    notice = page.locator(".message", has_text="Texts cannot be answered.")
    expect(notice.locator(".status")).to_have_text("✓ sent")
    page.screenshot(path=pictures / "both-ways.png")
    _is_well(page)
