"""The whole line with real processes and a real browser: a person in need, an agent, and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.real_centre import RealCentre

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

ARMED_MS = 700
"""An offer is deaf for its first 500 ms."""

NEED = "There is smoke in the stairway and I can hear somebody shouting"


@pytest.fixture
def real_centre(data_dir: Path) -> Iterator[RealCentre]:
    centre = RealCentre(folder=data_dir)
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


def test_from_a_person_in_need_to_an_agents_screen_and_back(
    real_centre: RealCentre, open_page: Open, pictures: Path
):
    """Chat, offer, accept by keyboard, talk, wrap up; the second chat shows the first in the history."""
    customer = open_page(real_centre.url + "/chat", width=390, height=760)
    _write(customer, NEED)
    expect(customer.locator(".bubble", has_text=NEED)).to_contain_text("✓ arrived")
    expect(customer.locator(".standing")).to_contain_text("nobody is at a desk")

    desk = _signed_in(open_page, real_centre, "ana")
    _available(desk)
    _accept(desk, NEED, pictures, "line-1-offer")
    expect(desk.locator(".messages .message-text")).to_have_text([NEED])
    expect(customer.locator(".standing")).to_contain_text("Ana Rivera is here with you")

    desk.keyboard.type("I am here with you. Where are you?")
    expect(customer.get_by_text("Somebody is writing to you")).to_be_visible()
    desk.keyboard.press("Enter")
    expect(customer.locator(".bubble[data-from=agent]")).to_contain_text("Where are you?")
    _write(customer, "Harbour Street 41, third floor")
    expect(desk.locator(".message-text").last).to_have_text("Harbour Street 41, third floor")
    desk.screenshot(path=pictures / "line-2-talk.png")
    customer.screenshot(path=pictures / "line-2-customer.png")

    _wrap_up(desk, "Third floor, old man next door", pictures)
    expect(customer.locator(".standing")).to_contain_text("has ended")

    _write(customer, "The smoke is back, please help")
    _accept(desk, "The smoke is back", pictures, "line-4-second-offer")
    desk.get_by_role("button", name="Show").click()
    desk.locator(".earlier summary").click()
    expect(desk.locator(".earlier .message-text")).to_contain_text(
        [NEED, "Where are you?", "Harbour Street 41", "Third floor, old man next door"]
    )
    desk.screenshot(path=pictures / "line-5-history.png")
    customer.screenshot(path=pictures / "line-5-customer.png")


def test_a_killed_web_process_costs_neither_page_anything(real_centre: RealCentre, open_page: Open):
    """Both pages come back by themselves; what was written meanwhile arrives once."""
    customer = open_page(real_centre.url + "/chat")
    desk = _signed_in(open_page, real_centre, "ana")
    _available(desk)
    _write(customer, NEED)
    _accept(desk, NEED)
    real_centre.kill("web")
    _write(customer, "can you still hear me?")
    desk.get_by_role("textbox", name="Write to the customer").fill("I am still here")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("nothing was missed")).to_be_visible(timeout=30_000)
    expect(desk.locator(".message-text")).to_contain_text([NEED, "can you still hear me?"])
    expect(customer.locator(".bubble", has_text="I am still here")).to_have_count(1)
    expect(customer.locator(".bubble", has_text="can you still hear me?")).to_contain_text("✓ arrived")
    expect(customer.locator(".bubble", has_text="can you still hear me?")).to_have_count(1)
    expect(desk.locator(".message", has_text="I am still here")).to_have_count(1)


def _write(page: Page, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def _signed_in(open_page: Open, centre: RealCentre, agent_id: str) -> Page:
    """A desk, by the one-time password that `muster up` printed and a new one."""
    page = open_page(centre.url + "/desk")
    page.get_by_label("Name").fill(agent_id)
    page.get_by_label("Password").fill(centre.one_time[agent_id])
    page.keyboard.press("Enter")
    page.get_by_label("New password", exact=True).fill("nine green kettles sing")
    page.get_by_label("New password again").fill("nine green kettles sing")
    page.keyboard.press("Enter")
    expect(page.locator(".desk")).to_be_attached()
    return page


def _available(desk: Page) -> None:
    desk.keyboard.press("Alt+KeyP")
    desk.keyboard.press("Enter")
    desk.locator(".menu button").first.click()
    expect(desk.locator(".presence-now")).to_contain_text("Available")
    expect(desk.locator(".presence-now")).to_have_attribute("data-available", "true")


def _accept(desk: Page, words: str, pictures: Path | None = None, name: str = "") -> None:
    """By keyboard; the accepted conversation is open and its reply field has the focus."""
    expect(desk.locator(".offer-summary")).to_contain_text(words)
    desk.wait_for_timeout(ARMED_MS)
    if pictures:
        desk.screenshot(path=pictures / f"{name}.png")
    desk.keyboard.press("F8")
    expect(desk.locator(".offer")).to_have_count(0)
    expect(desk.get_by_role("textbox", name="Write to the customer")).to_be_focused()


def _wrap_up(desk: Page, note: str, pictures: Path) -> None:
    desk.keyboard.press("Alt+KeyE")
    expect(desk.get_by_role("button", name="End it")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("group", name="How did it end?")).to_be_visible()
    desk.keyboard.press("Alt+KeyR")
    desk.keyboard.press("Space")
    desk.keyboard.press("Tab")
    desk.keyboard.type(note)
    desk.screenshot(path=pictures / "line-3-wrap-up.png")
    desk.get_by_role("button", name="Finish").click()
    expect(desk.locator(".conversation-row")).to_have_count(0)
