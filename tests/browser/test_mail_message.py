"""A mail at the desk: subject, whom it is from and who vouches for that, words and files; never its page."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, message

pytestmark = pytest.mark.system

ID = "mail-1"


def _mail(**changes: object) -> dict[str, object]:
    return {
        "subject": "Street light out at Elm and 4th",
        "from_name": "Ann Baker",
        "from_address": "ann@example.org",
        "answers_to": "",
        "verified": False,
        "kind": "person",
        "notes": [],
        **changes,
    }


PLAN = {
    "name": "plan.pdf",
    "bytes": 182_000,
    "media_type": "application/pdf",
    "url": f"/api/attachment/plan?of={ID}",
}
WHOLE = f"/api/attachment/whole?of={ID}"
MESSAGES = [
    message(ID, 1, "in", "It has been dark for a week.\n\nAnn", mail=_mail(), files=[PLAN], raw=WHOLE),
    message(ID, 2, "in", "Thank you!", mail=_mail(subject="Re: Street light", verified=True), raw=WHOLE),
    message(
        ID,
        3,
        "in",
        "<b onclick=alert(1)>Click</b> <img src=x onerror=alert(2)>",
        mail=_mail(
            subject="<script>alert(3)</script> \u202egnp.exe " + "long " * 40,
            from_name="Chief <chief@police.example>",
            from_address="",
            answers_to="mallory@evil.example",
            kind="unauthentic",
            notes=["parts_left_out", "decoded_lossy"],
        ),
        raw=WHOLE,
    ),
    message(
        ID,
        4,
        "in",
        "--q20\nContent-Type: multipart/mixed",
        reading="unparsed",
        mail=_mail(subject="", from_name=""),
        raw=WHOLE,
    ),
]


@pytest.fixture
def talk(centre: FakeCentre) -> FakeCentre:
    """A conversation by mail."""
    centre.entities["conversation"] = {ID: conversation(ID, channel="mail", urgency=4)}
    centre.entities["message"] = {each["message_id"]: each for each in MESSAGES}
    return centre


@looks(380, 1280)
def test_a_mail_says_whom_it_is_from_and_who_vouches_for_it(
    talk: FakeCentre, open_page: Open, pictures: Path, width: int, dark: bool
) -> None:
    """In words, not by a colour; and what a sender writes is text, wherever it stands."""
    page = open_page(talk.url + "/desk", width=width, dark=dark)
    if width < 500:
        page.locator(".conversations button").first.click()
    claimed, verified, forged, unread = (page.locator(".message").nth(number) for number in range(4))
    expect(claimed).to_contain_text("Street light out at Elm and 4th")
    expect(claimed).to_contain_text("Claims to be from: Ann Baker ann@example.org")
    expect(claimed.get_by_role("link").first).to_have_text("plan.pdf")
    expect(claimed.get_by_role("link").last).to_have_attribute("href", WHOLE)
    expect(verified).to_contain_text("From, verified: Ann Baker ann@example.org")
    expect(forged).to_contain_text("Probably forged")
    expect(forged).to_contain_text("nobody that can be told for certain")
    expect(forged).to_contain_text("Answers go to mallory@evil.example")
    expect(forged).to_contain_text("<script>alert(3)</script>")
    expect(forged).to_contain_text("Not everything in it is shown")
    expect(forged.locator("script, img")).to_have_count(0)
    expect(unread).to_contain_text("(no subject)")
    expect(unread).to_contain_text("could not be read by machine")
    page.screenshot(path=pictures / f"mail-{width}-{'dark' if dark else 'light'}.png")
    assert not wider_than_screen(page)
    assert not cut_off(page)
    assert not low_contrasts(page)
    assert not unnamed_controls(page)
