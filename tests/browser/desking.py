"""The desk's page in a test, and what it asked for."""

import time

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre


def desk(centre: FakeCentre, open_page: Open, **how: object) -> Page:
    """The desk's page, with its snapshot."""
    page = open_page(centre.url + "/desk", **how)
    expect(page.locator(".desk")).to_be_attached()
    return page


def asked(centre: FakeCentre, kind: str) -> list[dict[str, object]]:
    """The commands of this kind that arrived so far."""
    return [each for each in centre.commands if each["kind"] == kind]


def wait_for_commands(centre: FakeCentre, page: Page, kind: str, count: int) -> list[dict[str, object]]:
    """The same, once there are so many, or after twenty seconds."""
    deadline = time.monotonic() + 20
    while len(asked(centre, kind)) < count and time.monotonic() < deadline:
        page.wait_for_timeout(20)  # lets the browser's events through
    return asked(centre, kind)
