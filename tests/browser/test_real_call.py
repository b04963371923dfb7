"""A web call with real processes and two real browsers: both sing, and each hears the other."""

import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.calling import HEARS
from tests.browser.conftest import ARGUMENTS, WAIT_MS, find_chromium
from tests.browser.real_centre import RealCentre
from tests.browser.test_desk_call import ARMED_MS, hears, until

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
NEAR_HERTZ = 25
RATE = 48_000
WITHIN_MS = 60_000

OpenWith = Callable[[int], Page]


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
    """Pages of a browser of its own, into whose microphone somebody sings this tone."""
    launched: list[Browser] = []

    def opened(hertz: int) -> Page:
        song = f"--use-file-for-fake-audio-capture={_song(tmp_path / f'{hertz}.wav', hertz)}"
        one = browser.browser_type.launch(executable_path=find_chromium(), args=[*ARGUMENTS, song])
        launched.append(one)
        context = one.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(HEARS)
        return context.new_page()

    yield opened
    for one in launched:
        one.close()


def _song(path: Path, hertz: int) -> Path:
    """Two seconds in bursts, as speech is: a browser takes an even tone for noise, and removes it."""
    at = np.arange(2 * RATE) / RATE
    tone = 12_000 * np.sin(2 * np.pi * hertz * at) * (at % 0.4 < 0.3)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tone.astype("<i2").tobytes())
    return path


def _near(page: Page, hertz: int) -> bool:
    return abs(hears(page) - hertz) < NEAR_HERTZ


def test_a_web_call_is_heard_both_ways_held_and_hung_up(
    real_centre: RealCentre, sings: OpenWith, pictures: Path
):
    """In line, answered, heard, on hold, back, over: the whole way of a call, through every process."""
    customer, desk = sings(CUSTOMER_HERTZ), sings(AGENT_HERTZ)
    bar = _in_line(customer, real_centre)
    _sign_in(desk, real_centre, "ana")
    _accept(desk)
    both = (customer, AGENT_HERTZ), (desk, CUSTOMER_HERTZ)
    _both_talk(desk, bar, both)
    customer.screenshot(path=pictures / "real-call-customer.png")
    desk.screenshot(path=pictures / "real-call-desk.png")

    desk.keyboard.press("Alt+h")
    expect(desk.locator(".call-bar")).to_contain_text("On hold")
    expect(bar).to_contain_text("You are not forgotten")
    until(customer, lambda: not _near(customer, AGENT_HERTZ))
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
    _sign_in(desk, real_centre, "ana")
    _accept(desk)
    both = (customer, AGENT_HERTZ), (desk, CUSTOMER_HERTZ)
    _both_talk(desk, bar, both)
    customer.reload()
    _both_talk(desk, bar, both)
    desk.reload()
    _both_talk(desk, bar, both)

    wall = sings(SUPERVISOR_HERTZ)
    _password(wall, real_centre, "sofia", "/wall")
    wall.locator(".agent", has=wall.locator(".call-mark")).click()
    wall.locator(".holds button").click()
    wall.get_by_role("button", name="Listen in").click()
    for hertz in (CUSTOMER_HERTZ, AGENT_HERTZ):
        until(wall, lambda hertz=hertz: _near(wall, hertz))  # type: ignore[misc]
    wall.screenshot(path=pictures / "real-call-wall.png")
    for page, _ in both:
        for _ in range(20):
            assert not _near(page, SUPERVISOR_HERTZ), "nobody hears who listens"
            page.wait_for_timeout(50)

    desk.keyboard.press("Alt+e")
    desk.keyboard.press("Enter")
    expect(bar).to_contain_text("The call is over.")
    _dispose(desk)
    bar.get_by_role("button", name="Call again").click()
    _accept(desk)
    _both_talk(desk, bar, both)


@pytest.mark.long
def test_a_killed_voice_process_costs_the_sound_and_not_the_caller(
    real_centre: RealCentre, sings: OpenWith, pictures: Path
):
    """Both are told; the caller is in line again without a button, and talks with whoever is free."""
    customer, desk = sings(CUSTOMER_HERTZ), sings(AGENT_HERTZ)
    bar = _in_line(customer, real_centre)
    _sign_in(desk, real_centre, "ana")
    _accept(desk)
    both = (customer, AGENT_HERTZ), (desk, CUSTOMER_HERTZ)
    _both_talk(desk, bar, both)
    real_centre.kill("voice")
    expect(desk.locator(".call-bar")).to_contain_text("The call was cut off.", timeout=WITHIN_MS)
    desk.screenshot(path=pictures / "real-call-cut-off.png")
    expect(bar).to_contain_text("You are in line for a person.", timeout=WITHIN_MS)
    customer.screenshot(path=pictures / "real-call-again.png")
    desk.keyboard.press("Alt+e")
    desk.keyboard.press("Enter")
    _dispose(desk)
    _accept(desk)
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
        until(page, lambda page=page, hertz=hertz: _near(page, hertz))  # type: ignore[misc]


def _sign_in(page: Page, centre: RealCentre, agent_id: str) -> None:
    """A desk whose agent is available."""
    _password(page, centre, agent_id, "/desk")
    page.locator(".presence-now").click()
    page.locator(".menu button").first.click()
    expect(page.locator(".presence-now")).to_have_attribute("data-available", "true")


def _password(page: Page, centre: RealCentre, agent_id: str, path: str) -> None:
    """In by the one-time password that `muster up` printed, and a new one."""
    page.goto(centre.url + path)
    page.get_by_label("Name").fill(agent_id)
    page.get_by_label("Password").fill(centre.one_time[agent_id])
    page.keyboard.press("Enter")
    page.get_by_label("New password", exact=True).fill("nine green kettles sing")
    page.get_by_label("New password again").fill("nine green kettles sing")
    page.keyboard.press("Enter")
    expect(page.locator(".desk, .wall").first).to_be_attached()


def _accept(desk: Page) -> None:
    expect(desk.locator(".offer")).to_be_visible()
    desk.wait_for_timeout(ARMED_MS)
    desk.keyboard.press("F8")
    expect(desk.locator(".offer")).to_have_count(0)


def _dispose(desk: Page) -> None:
    expect(desk.get_by_role("group", name="How did it end?")).to_be_visible()
    desk.locator(".wrap-up input").first.check(force=True)
    desk.get_by_role("button", name="Finish").click()
    expect(desk.locator(".conversation-row")).to_have_count(0)
