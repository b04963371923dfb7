"""Where somebody is, with real processes and a real browser: from the button to the desk, and a file back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.real_centre import RealCentre
from tests.browser.test_message_files import picture
from tests.browser.test_one_line import _accept, _available, _signed_in

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(180)]


@pytest.fixture
def real_centre(data_dir: Path) -> Iterator[RealCentre]:
    centre = RealCentre(folder=data_dir)
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


def test_a_press_of_a_button_places_somebody_on_the_desk_and_a_plan_comes_back(
    real_centre: RealCentre, open_page: Open, pictures: Path
) -> None:
    """Nobody has to write a word: the place, where it moves to, a picture, and a file for the customer."""
    customer = open_page(real_centre.url + "/chat", width=390, height=760)
    customer.context.set_geolocation({"latitude": 52.370216, "longitude": 4.895168, "accuracy": 18})
    customer.context.grant_permissions(["geolocation"])
    customer.get_by_role("button", name="Send my location").click()
    expect(customer.locator(".bubble", has_text="My location")).to_contain_text("✓ arrived")

    desk = _signed_in(open_page, real_centre, "ana")
    _available(desk)
    _accept(desk, "52.370216")
    place = desk.locator(".place-point")
    expect(place).to_contain_text("52.370216, 4.895168")
    expect(place).to_contain_text("within 18 m")
    customer.locator(".composer input[type=file]").set_input_files(
        {"name": "fire.png", "mimeType": "image/png", "buffer": picture()}
    )
    shown = desk.locator('.shown img[alt="fire.png"]')
    expect(shown).to_be_visible()
    desk.wait_for_function("element => element.naturalWidth === 40", arg=shown.element_handle())
    desk.locator(".attach-file input").set_input_files(
        {"name": "way out.png", "mimeType": "image/png", "buffer": picture()}
    )
    expect(customer.locator(".bubble[data-from=agent] .file")).to_contain_text("way out.png")
    desk.screenshot(path=pictures / "place-line-desk.png")
    customer.screenshot(path=pictures / "place-line-customer.png")
