"""Browsers into whose microphones somebody sings, and the keys that bring their agents on a call."""

import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect

from tests.browser.calling import HEARS
from tests.browser.conftest import ARGUMENTS, WAIT_MS, find_chromium
from tests.browser.real_centre import RealCentre
from tests.browser.test_desk_call import ARMED_MS, hears

NEAR_HERTZ = 25
RATE = 48_000

OpenWith = Callable[[int], Page]


@contextmanager
def singers(browser: Browser, folder: Path) -> Iterator[OpenWith]:
    """Pages, each of a browser of its own, into whose microphone somebody sings this tone."""
    launched: list[Browser] = []

    def opened(hertz: int) -> Page:
        song = f"--use-file-for-fake-audio-capture={_song(folder / f'{hertz}.wav', hertz)}"
        one = browser.browser_type.launch(executable_path=find_chromium(), args=[*ARGUMENTS, song])
        launched.append(one)
        context = one.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(HEARS)
        return context.new_page()

    try:
        yield opened
    finally:
        for one in launched:
            one.close()


def near(page: Page, hertz: int) -> bool:
    """Whether the page plays this tone."""
    return abs(hears(page) - hertz) < NEAR_HERTZ


def sign_in(page: Page, centre: RealCentre, agent_id: str) -> None:
    """A desk whose agent is available."""
    password(page, centre, agent_id, "/desk")
    page.locator(".presence-now").click()
    page.locator(".menu button").first.click()
    expect(page.locator(".presence-now")).to_have_attribute("data-available", "true")


def password(page: Page, centre: RealCentre, agent_id: str, path: str) -> None:
    """In by the one-time password that `muster up` printed, and a new one."""
    page.goto(centre.url + path)
    page.get_by_label("Name").fill(agent_id)
    page.get_by_label("Password").fill(centre.one_time[agent_id])
    page.keyboard.press("Enter")
    page.get_by_label("New password", exact=True).fill("nine green kettles sing")
    page.get_by_label("New password again").fill("nine green kettles sing")
    page.keyboard.press("Enter")
    expect(page.locator(".desk, .wall, .admin").first).to_be_attached()


def accept(desk: Page) -> None:
    """Take the offer as soon as it may be taken."""
    expect(desk.locator(".offer")).to_be_visible()
    desk.wait_for_timeout(ARMED_MS)
    desk.keyboard.press("F8")
    expect(desk.locator(".offer")).to_have_count(0)


def dispose(desk: Page) -> None:
    """The call is over: say how, and be free again."""
    expect(desk.get_by_role("group", name="How did it end?")).to_be_visible()
    desk.locator(".wrap-up input").first.check(force=True)
    desk.get_by_role("button", name="Finish").click()
    expect(desk.locator(".conversation-row")).to_have_count(0)


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
