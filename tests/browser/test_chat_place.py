"""The button that sends where somebody is: the browser asks, the page says what goes on; one can stop it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.seeing import low_contrasts, unnamed_controls, wider_than_screen

pytestmark = pytest.mark.system

BUTTON = "Send my location"


def sent(centre: FakeCentre, page: Page, count: int) -> list[dict[str, Any]]:
    """Places that the page sent, once there are so many."""
    for _ in range(1_000):
        found = [each for each in centre.said if each["kind"] == "place"]
        if len(found) >= count:
            return found
        page.wait_for_timeout(20)  # lets the browser's events through
    raise AssertionError(f"{count} places were not sent")


def allow(page: Page, latitude: float, *, accuracy: float = 18.3) -> None:
    page.context.set_geolocation({"latitude": latitude, "longitude": 4.895168, "accuracy": accuracy})
    page.context.grant_permissions(["geolocation"])


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_sent_once_followed_and_stopped(
    centre: FakeCentre, open_page: Open, pictures: Path, dark: bool
) -> None:
    """By the keyboard alone; somebody who moves is followed, and says when it is enough."""
    page = open_page(centre.url + "/chat", width=390, height=760, dark=dark)
    allow(page, 52.370216)
    page.get_by_role("button", name=BUTTON).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".place-state")).to_contain_text("within 19 m")
    expect(page.locator(".bubble", has_text="My location")).to_contain_text("52.370216, 4.895168")
    (first,) = sent(centre, page, 1)
    assert (first["latitude"], first["accuracy_m"], first["again"]) == (52.370216, 18.3, False)
    page.screenshot(path=pictures / f"chat-place-{'dark' if dark else 'light'}.png")
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".place-state")).to_be_empty()
    expect(page.get_by_role("button", name=BUTTON)).to_be_enabled()


def test_somebody_who_moves_is_followed(centre: FakeCentre, open_page: Open) -> None:
    """Without another press, as points and not as messages."""
    page = open_page(centre.url + "/chat")
    page.add_init_script(
        "navigator.geolocation.watchPosition = (found) => { window.moved = (latitude, timestamp) =>"
        " found({ coords: { latitude, longitude: 4.9, accuracy: 10, altitude: null }, timestamp });"
        " return 1; }"
    )
    page.reload()
    page.get_by_role("button", name=BUTTON).click()
    page.evaluate("window.moved(52.3, 1_000_000)")
    expect(page.locator(".place-state[data-state=on]")).to_be_visible()
    page.evaluate("window.moved(52.4, 1_005_000)")  # too soon after the first
    page.evaluate("window.moved(52.5, 1_020_000)")
    page.evaluate("window.moved(52.500001, 1_040_000)")  # a few centimetres: the device's own doubt
    page.evaluate("window.moved(52.500001, 1_090_000)")  # still there, said once a minute
    places = sent(centre, page, 3)
    assert [(each["latitude"], each["again"]) for each in places] == [
        *((52.3, False), (52.5, True), (52.500001, True))
    ]
    assert len({each["client_id"] for each in places}) == 3


def test_a_browser_that_does_not_allow_it_says_what_to_do(centre: FakeCentre, open_page: Open) -> None:
    """Whoever is refused must not wait for help to come by itself."""
    page = open_page(centre.url + "/chat")
    page.context.clear_permissions()
    page.get_by_role("button", name=BUTTON).click()
    expect(page.locator(".place-state[data-state=denied]")).to_contain_text("write where you are")
    expect(page.get_by_role("button", name=BUTTON)).to_be_enabled()


def test_a_place_found_without_a_connection_arrives_after_it(centre: FakeCentre, open_page: Open) -> None:
    """The press counts: what was not confirmed is sent again under the same id."""
    page = open_page(centre.url + "/chat")
    allow(page, 52.370216)
    centre.acknowledges = False
    page.get_by_role("button", name=BUTTON).click()
    sent(centre, page, 1)
    expect(page.locator(".place-state[data-state=sending]")).to_be_visible()
    centre.acknowledges = True
    centre.hang_up()
    expect(page.locator(".place-state[data-state=on]")).to_be_visible()
    assert len({each["client_id"] for each in sent(centre, page, 2)}) == 1
