"""Where the customer is, beside the conversation: both points, their age, and how to hand them on."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from router.places.plus_code import encoded
from router.places.written import decimal, sixtieths
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation

pytestmark = pytest.mark.system

Json = dict[str, Any]


def point(place_id: str, lat_e7: int, lon_e7: int = 48951680, *, age_ms: int = 20_000, **more: Any) -> Json:
    return {
        "place_id": place_id,
        "message_id": "",
        "source": "aml",
        "how": "gnss",
        "lat_e7": lat_e7,
        "lon_e7": lon_e7,
        "decimal": decimal(lat_e7, lon_e7),
        "sixtieths": sixtieths(lat_e7, lon_e7),
        "plus_code": encoded(lat_e7, lon_e7),
        "radius_m": 0,
        "fix_at_ms": now_ms() - age_ms,
        "received_at_ms": now_ms() - age_ms,
        "confidence": 0,
        "altitude_m": None,
        "floor": "",
        "words": "",
    } | more


def locate(centre: FakeCentre) -> Json:
    """A rough point of now and an exact one of six minutes ago; the way between."""
    newest = point("p3", 523712160, radius_m=1400, source="live", how="", words="Vondelpark")
    tightest = point("p1", 523702160, age_ms=400_000, radius_m=9, confidence=90, floor="4", altitude_m=12)
    between = point("p2", 523709000, 48971680, age_ms=120_000, source="pin", how="")
    place = {"newest": newest, "tightest": tightest, "points": [newest, between, tightest]}
    centre.entities["conversation"]["chat-1"] = conversation("chat-1", place=place)
    return place


def opened(centre: FakeCentre, open_page: Open, **how: Any) -> Page:
    page = open_page(centre.url + "/desk", **how)
    page.locator(".conversations button").first.click()
    expect(page.locator(".place-point").first).to_be_visible()
    return page


@looks(390, 1280)
def test_both_points_say_where_how_exactly_and_how_old(
    centre: FakeCentre, open_page: Open, pictures: Path, width: int, dark: bool
) -> None:
    """An agent reads them to a crew: what is old or rough must look it, on a telephone as well."""
    locate(centre)
    page = opened(centre, open_page, width=width, dark=dark)
    first, second = page.locator(".place-point").all()
    expect(first).to_contain_text("52.371216, 4.895168")
    expect(first).to_contain_text("within 1.4 km")
    expect(first).to_have_attribute("data-old", "false")
    expect(second).to_contain_text("within 9 m (90 % sure)")
    expect(second).to_contain_text("floor 4")
    expect(second).to_have_attribute("data-old", "true")
    page.get_by_role("button", name="Sketch, 3 points").click()
    expect(page.locator(".sketch circle.sketch-here")).to_be_visible()
    expect(page.locator(".place-points li")).to_have_count(3)
    page.screenshot(path=pictures / f"place-{width}-{'dark' if dark else 'light'}.png")
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)
    assert cut_off(page) == []


def test_every_form_can_be_copied_by_the_keyboard_alone(centre: FakeCentre, open_page: Open) -> None:
    """Crews take decimals, pilots minutes and seconds, people on the street a short code."""
    newest = locate(centre)["newest"]
    page = opened(centre, open_page)
    for name, text in (
        ("Copy: Decimal", newest["decimal"]),
        ("Copy: ° ′ ″", newest["sixtieths"]),
        ("Copy: Plus code", newest["plus_code"]),
    ):
        page.get_by_role("button", name=name).first.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"Copied: {text}")).to_be_visible()
    link = page.get_by_role("link", name="Map").first
    assert "mlat=52.371216&mlon=4.895168" in (link.get_attribute("href") or "")
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_without_a_place_nothing_of_it_is_loaded(centre: FakeCentre, open_page: Open) -> None:
    """Most conversations never have one: the desk stays small."""
    page = open_page(centre.url + "/desk")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".conversations button").first.click()
    expect(page.locator(".conversation .messages")).to_be_visible()
    assert page.locator(".place").count() == 0
    locate(centre)
    centre.put("conversation", "chat-1", centre.entities["conversation"]["chat-1"])
    expect(page.locator(".place-point")).to_have_count(2)
    assert any("/places/place-panel.js" in each for each in asked)
