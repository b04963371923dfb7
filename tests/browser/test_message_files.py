"""What hangs on a message at the desk: files to save, those still to come, those that will not."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, message

pytestmark = pytest.mark.system


def _file(name: str, size: int = 182_000) -> dict[str, object]:
    return {
        "name": name,
        "bytes": size,
        "media_type": "image/jpeg",
        "url": f"/api/attachment/{name}?of=sms-1",
    }


MESSAGES = [
    message("sms-1", 1, "in", "", files=[_file("image-1.jpg"), _file("image-2.jpg", 40)], files_wanted=1),
    message("sms-1", 2, "in", "they said 3 pictures", files_lost=2, raw="/api/attachment/whole?of=sms-1"),
    message(
        "sms-1",
        3,
        "in",
        "STOP",
        notice="The network took this as a wish for no more messages: what is answered may not arrive.",
    ),
]


@pytest.fixture
def talk(centre: FakeCentre) -> FakeCentre:
    """A conversation by text with pictures."""
    centre.entities["conversation"] = {"sms-1": conversation("sms-1", channel="sms")}
    centre.entities["message"] = {each["message_id"]: each for each in MESSAGES}
    return centre


@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_files_say_what_they_are_and_what_is_missing(
    talk: FakeCentre, open_page: Open, pictures: Path, width: int, dark: bool
) -> None:
    """A picture that has not come, or never will, is said: an agent must not think that there was none."""
    page = open_page(talk.url + "/desk", width=width, dark=dark)
    if width < 500:
        page.locator(".conversations button").first.click()
    first, second, third = (page.locator(".message").nth(number) for number in range(3))
    expect(first.get_by_role("link")).to_have_text(["image-1.jpg", "image-2.jpg"])
    expect(first.get_by_role("link").first).to_have_attribute("href", "/api/attachment/image-1.jpg?of=sms-1")
    expect(first).to_contain_text("182 kB")
    expect(first).to_contain_text("still being fetched")
    expect(second).to_contain_text("2 files could not be fetched")
    expect(second.get_by_role("link")).to_have_attribute("href", "/api/attachment/whole?of=sms-1")
    expect(third).to_contain_text("STOP")
    expect(third).to_contain_text("what is answered may not arrive")
    page.screenshot(path=pictures / f"files-{width}-{'dark' if dark else 'light'}.png")
    assert not wider_than_screen(page)
    assert not cut_off(page)
    assert not low_contrasts(page)
    assert not unnamed_controls(page)
