"""Draws the pictures of docs/ anew: `python -m tests.browser.pictures`. Real pages, a staged evening."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from config.plan_file import parse_plan
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.fake import FakeCentre
from tests.browser.stage import message, offer, set_stage

ROOT = Path(__file__).parents[2]
SETTLED_MS = 1000
"""An offer has arrived, the countdown has begun."""


def main() -> None:
    """Write docs/desk.png and docs/chat.png."""
    plan_file = ROOT / "config" / "default.toml"
    plan = parse_plan(plan_file.read_text(encoding="utf-8"), str(plan_file))
    centre = FakeCentre(plan)
    set_stage(centre, plan)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        _desk(centre, browser)
        _chat(centre, browser)
        browser.close()
    centre.stop()


def _desk(centre: FakeCentre, browser: Browser) -> None:
    page = _page(browser, centre.url + "/desk", width=1280, height=760)
    expect(page.locator(".desk")).to_be_attached()
    page.keyboard.press("Shift")  # any key: the sound may play from now on
    centre.put("message", "chat-2/3", message("chat-2", 3, "in", "Yes please, we are three"))
    made = offer()
    centre.put("offer", made["offer_id"], made)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=ROOT / "docs" / "desk.png")


def _chat(centre: FakeCentre, browser: Browser) -> None:
    page = _page(browser, centre.url + "/chat", width=390, height=700)
    centre.converse(state="with_agent", agent_name="Ana Rivera")
    centre.chat_message("you", "There is smoke coming under the door of the flat next to mine")
    centre.chat_message("agent", "I am here with you. Tell me the address and the floor, please.")
    centre.chat_message("you", "Harbour Street 41, third floor")
    centre.chat_typing()
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=ROOT / "docs" / "chat.png")


def _page(browser: Browser, url: str, *, width: int, height: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB").new_page()
    page.goto(url)
    page.wait_for_timeout(SETTLED_MS)
    return page


if __name__ == "__main__":
    main()
