"""A web call with real processes and two real browsers: both sing, and each hears the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.real_centre import RealCentre
from tests.browser.singing import OpenWith, accept, dispose, near, password, sign_in, singers
from tests.browser.test_desk_call import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

PLAN = Path(__file__).parents[2] / "config" / "default.toml"
ACCOUNT = """
[[accounts]]
id = "page"
channel = "voice"
provider = "web-call"
address = "page"
options = { recording = "on" }
"""
CUSTOMER_HERTZ, AGENT_HERTZ, SUPERVISOR_HERTZ = 520, 880, 1300
WITHIN_MS = 60_000


@pytest.fixture
def real_centre(data_dir: Path) -> Iterator[RealCentre]:
    """A centre that takes calls from its page."""
    plan = data_dir / "plan.toml"
    plan.write_text(PLAN.read_text(encoding="utf-8").split("[[accounts]]")[0] + ACCOUNT, encoding="utf-8")
    centre = RealCentre(folder=data_dir, settings={"MUSTER_PLAN": str(plan)})
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


@pytest.fixture
def sings(browser: Browser, tmp_path: Path) -> Iterator[OpenWith]:
    """Pages whose microphones hear a tone."""
    with singers(browser, tmp_path) as opened:
        yield opened


def test_a_web_call_is_heard_both_ways_held_and_hung_up(
    real_centre: RealCentre, sings: OpenWith, pictures: Path
):
    """In line, answered, heard, on hold, back, over: the whole way of a call, through every process."""
    customer, desk = sings(CUSTOMER_HERTZ), sings(AGENT_HERTZ)
    bar = _in_line(customer, real_centre)
    sign_in(desk, real_centre, "ana")
    accept(desk)
    both = (customer, AGENT_HERTZ), (desk, CUSTOMER_HERTZ)
    _both_talk(desk, bar, both)
    customer.screenshot(path=pictures / "real-call-customer.png")
    desk.screenshot(path=pictures / "real-call-desk.png")

    desk.keyboard.press("Alt+h")
    expect(desk.locator(".call-bar")).to_contain_text("On hold")
    expect(bar).to_contain_text("You are not forgotten")
    until(customer, lambda: not near(customer, AGENT_HERTZ))
    desk.keyboard.press("Alt+h")
    _both_talk(desk, bar, both)

    bar.get_by_role("button", name="Hang up").click()
    expect(desk.locator(".call-bar")).to_contain_text("The caller hung up.")
    expect(desk.locator(".message audio")).to_be_visible()
    desk.screenshot(path=pictures / "real-call-over.png")


@pytest.mark.long
def test_a_web_call_outlives_reloads_is_listened_to_and_ended_by_the_agent(
    real_centre: RealCentre, sings: OpenWith, pictures: Path
):
    """Either page may go away for a moment; a supervisor hears both; the agent ends it; there is another."""
    customer, desk = sings(CUSTOMER_HERTZ), sings(AGENT_HERTZ)
    bar = _in_line(customer, real_centre)
    customer.on("dialog", lambda dialog: dialog.accept())
    customer.reload()
    expect(bar).to_contain_text("You are in line for a person.")
    sign_in(desk, real_centre, "ana")
    accept(desk)
    both = (customer, AGENT_HERTZ), (desk, CUSTOMER_HERTZ)
    _both_talk(desk, bar, both)
    customer.reload()
    _both_talk(desk, bar, both)
    desk.reload()
    _both_talk(desk, bar, both)

    wall = sings(SUPERVISOR_HERTZ)
    password(wall, real_centre, "sofia", "/wall")
    wall.locator(".agent", has=wall.locator(".call-mark")).click()
    wall.locator(".holds button").click()
    wall.get_by_role("button", name="Listen in").click()
    for hertz in (CUSTOMER_HERTZ, AGENT_HERTZ):
        until(wall, lambda hertz=hertz: near(wall, hertz))  # type: ignore[misc]
    wall.screenshot(path=pictures / "real-call-wall.png")
    for page, _ in both:
        for _ in range(20):
            assert not near(page, SUPERVISOR_HERTZ), "nobody hears who listens"
            page.wait_for_timeout(50)

    desk.keyboard.press("Alt+e")
    desk.keyboard.press("Enter")
    expect(bar).to_contain_text("The call is over.")
    dispose(desk)
    bar.get_by_role("button", name="Call again").click()
    accept(desk)
    _both_talk(desk, bar, both)


@pytest.mark.long
def test_a_killed_voice_process_costs_the_sound_and_not_the_caller(
    real_centre: RealCentre, sings: OpenWith, pictures: Path
):
    """Both are told; the caller is in line again without a button, and talks with whoever is free."""
    customer, desk = sings(CUSTOMER_HERTZ), sings(AGENT_HERTZ)
    bar = _in_line(customer, real_centre)
    sign_in(desk, real_centre, "ana")
    accept(desk)
    both = (customer, AGENT_HERTZ), (desk, CUSTOMER_HERTZ)
    _both_talk(desk, bar, both)
    real_centre.kill("voice")
    expect(desk.locator(".call-bar")).to_contain_text("The call was cut off.", timeout=WITHIN_MS)
    desk.screenshot(path=pictures / "real-call-cut-off.png")
    expect(bar).to_contain_text("You are in line for a person.", timeout=WITHIN_MS)
    customer.screenshot(path=pictures / "real-call-again.png")
    desk.keyboard.press("Alt+e")
    desk.keyboard.press("Enter")
    dispose(desk)
    accept(desk)
    _both_talk(desk, bar, both)


def _in_line(customer: Page, centre: RealCentre) -> Locator:
    """The customer calls; the bar that says how it stands."""
    customer.goto(centre.url + "/chat")
    customer.get_by_role("button", name="Call from this page").click()
    bar = customer.locator(".call-bar")
    expect(bar).to_contain_text("You are in line for a person.")
    expect(bar).to_contain_text("You are next.")
    return bar


def _both_talk(desk: Page, customers_bar: Locator, both: tuple[tuple[Page, int], ...]) -> None:
    """Both pages say so, and each hears the other's tone."""
    expect(desk.locator(".call-bar")).to_contain_text("You talk with the caller.")
    expect(customers_bar).to_contain_text("You are talking with the centre.")
    for page, hertz in both:
        until(page, lambda page=page, hertz=hertz: near(page, hertz))  # type: ignore[misc]
