"""Who has the keys when a panel opens: the panel, whatever else is drawn."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.desking import asked, desk, wait_for_commands
from tests.browser.fake import FakeCentre

pytestmark = pytest.mark.system


def test_a_panel_never_comes_to_mean_another_conversation(centre: FakeCentre, open_page: Open):
    """End, then another conversation comes up, then Enter: nobody meant to end that one."""
    page = desk(centre, open_page)
    page.keyboard.press("Alt+KeyE")
    expect(page.get_by_role("button", name="End it")).to_be_focused()
    page.keyboard.press("Alt+Digit2")
    expect(page.get_by_role("heading", name="Customer C41D")).to_be_visible()
    expect(page.locator(".panel")).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+KeyU")
    page.get_by_role("button", name="Immediate").click()
    wait_for_commands(centre, page, "urgency", 1)
    assert asked(centre, "end") == []


END_AT_ONCE = """
() => new MutationObserver((_, observer) => {
  if (!document.querySelector("main")?.textContent.includes("Customer C41D")) return;
  observer.disconnect();
  const key = new KeyboardEvent("keydown", { code: "KeyE", key: "e", altKey: true, bubbles: true });
  document.body.dispatchEvent(key);
}).observe(document.body, { childList: true, subtree: true, characterData: true })
"""
"""Asks for the end in the moment another conversation is drawn, before its field has taken the keys."""


def test_the_reply_field_never_takes_the_keys_from_a_panel(centre: FakeCentre, open_page: Open):
    """Somebody quick has a panel open before the conversation is ready: Enter still means the panel."""
    page = desk(centre, open_page)
    expect(page.get_by_role("textbox", name="Write to the customer")).to_be_focused()
    page.evaluate(END_AT_ONCE)
    page.keyboard.press("Alt+Digit2")
    button = page.get_by_role("button", name="End it")
    expect(button).to_be_visible()
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 50)))")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    (ended,) = wait_for_commands(centre, page, "end", 1)
    assert ended["interaction_id"] == "chat-2"
