"""Pages that have lost their site: what they say, when they go, what they take along, what they refuse."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.plan import Plan
from tests.browser.conftest import Open
from tests.browser.fake_pair import FakeSite, fake_pair
from tests.browser.seeing import cut_off, low_contrasts, wider_than_screen
from tests.browser.two_centres import until

pytestmark = pytest.mark.system

Two = tuple[FakeSite, FakeSite]
ADDRESS_MAX = 60_000
"""The browser with the shortest addresses takes 64 KB of one."""


@pytest.fixture
def two(plan: Plan) -> Iterator[Two]:
    """Sites east and west."""
    sites = fake_pair(plan)
    yield sites
    for site in sites:
        site.stop()


def moved(page: Page, site: FakeSite, path: str) -> None:
    """The page is at this site now, and shows what it shows."""
    page.wait_for_url(f"{site.url}{path}")
    expect(page.locator(".desk, .chat").first).to_be_attached()


@pytest.mark.parametrize(("width", "dark"), [pytest.param(1280, False, marks=pytest.mark.long), (390, True)])
def test_a_desk_says_what_it_knows_and_goes_when_it_is_served(
    two: Two, open_page: Open, pictures: Path, width: int, dark: bool
) -> None:
    """Not to a site that has not taken over: there the same agent would sit without the same work."""
    east, west = two
    west.serves = None
    page = open_page(east.url + "/desk", width=width, dark=dark)
    expect(page.locator(".desk")).to_be_attached()
    page.evaluate(
        "sessionStorage.setItem('muster.desk.drafts.ana', JSON.stringify({'reply chat-1': 'Do not mo'}))"
    )
    page.evaluate("sessionStorage.setItem('muster.other', 'stays')")
    expect(page.locator(".link-banner")).to_have_count(0)
    until(lambda: east.tickets)
    east.refuses = True
    east.hang_up()
    banner = page.locator(".link-banner")
    expect(banner).to_contain_text("West does not answer either")
    expect(banner).to_contain_text("No connection to East since")
    name = f"moving-desk-{'dark' if dark else 'light'}-{width}"
    page.screenshot(path=pictures / f"{name}-silent.png")
    assert not low_contrasts(page) and not wider_than_screen(page)
    west.serves = ["west"]
    expect(banner).to_contain_text("West answers, but has not taken over")
    assert not west.arrived
    west.serves = ["east", "west"]
    moved(page, west, "/desk")
    story = page.locator(".moved-story")
    expect(story).to_contain_text("and West took over. You are at West now, signed in as before.")
    expect(story).to_contain_text("2 conversations are here with you")
    assert west.arrived == [{"ticket": "from east", "available": True, "reason": ""}]
    assert "Do not mo" in page.evaluate("sessionStorage.getItem('muster.desk.drafts.ana')")
    assert page.evaluate("sessionStorage.getItem('muster.other')") is None
    page.screenshot(path=pictures / f"{name}-arrived.png")
    assert not low_contrasts(page) and not wider_than_screen(page) and not cut_off(page)
    story.get_by_role("button", name="Understood").click()
    expect(story).to_have_count(0)
    page.reload()
    expect(page.locator(".desk")).to_be_attached()
    expect(page.locator(".moved-story")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "width"), [("ar", 390), pytest.param("nl", 1280, marks=pytest.mark.long)]
)
def test_a_customer_is_taken_along_with_what_had_not_arrived(
    two: Two, open_page: Open, pictures: Path, language: str, width: int
) -> None:
    """Said again with the same id, so that it is there once; the draft is still in the field."""
    east, west = two
    east.acknowledges = False
    page = open_page(east.url + "/chat", width=width, language=language)
    field = page.get_by_role("textbox")
    field.fill("somebody is at my door")
    field.press("Enter")
    expect(page.locator(".bubble[data-state=unsaved]")).to_have_count(1)
    field.fill("I am hiding")
    until(lambda: east.tickets)
    (said,) = [each for each in east.said if each["kind"] == "say"]
    east.stop()
    asking = {"ar": "موقعنا الثاني", "nl": "tweede locatie"}[language]
    expect(page.locator(".standing[data-tone=trouble]")).to_contain_text(asking)
    page.screenshot(path=pictures / f"moving-chat-{language}-silent.png")
    west.serves = ["east", "west"]
    moved(page, west, "/chat")
    expect(page.locator(".happened")).to_contain_text("West")
    expect(page.locator(".bubble p")).to_have_text(["somebody is at my door"])
    expect(page.get_by_role("textbox")).to_have_value("I am hiding")
    assert [each["client_id"] for each in west.said if each["kind"] == "say"] == [said["client_id"]]
    assert west.arrived == [{"ticket": "from east", "reason": ""}]
    page.screenshot(path=pictures / f"moving-chat-{language}-arrived.png")
    assert not low_contrasts(page) and not wider_than_screen(page)


def test_a_customer_says_again_what_only_the_dead_site_had(two: Two, open_page: Open) -> None:
    """Acknowledged as a single copy, which lies in a burnt-down house: here it is on the screen still."""
    east, west = two
    east.conversation |= {"state": "waiting", "interaction_id": "chat-9"}
    said = {"c0": "an earlier matter", "c1": "there is a fire", "c2": "on the third floor"}
    for number, (client_id, text) in enumerate(said.items()):
        of = {"message_id": client_id, "interaction_id": "chat-9" if number else "chat-8"}
        east.chat_messages.append(east.message("you", text, client_id=client_id) | of)
    west.conversation |= {"state": "waiting", "interaction_id": "chat-9"}
    west.chat_messages.append(east.chat_messages[1])
    page = open_page(east.url + "/chat")
    expect(page.locator(".bubble")).to_have_count(3)
    until(lambda: east.tickets)
    west.serves = ["east", "west"]
    east.stop()
    moved(page, west, "/chat")
    expect(page.locator(".bubble p")).to_have_text(["there is a fire", "on the third floor"])
    until(lambda: [each["client_id"] for each in west.said if each["kind"] == "say"] == ["c2"])


def test_a_conversation_that_goes_on_elsewhere_takes_its_customer_along(two: Two, open_page: Open) -> None:
    """The site lives, and has handed this one over."""
    east, west = two
    page = open_page(east.url + "/chat")
    expect(page.locator(".standing[data-tone=quiet]")).to_be_visible()
    east.converse(state="ended", moved_to="west")
    moved(page, west, "/chat")


def packed(**sent: object) -> str:
    """What a page sends along in the address."""
    return base64.urlsafe_b64encode(json.dumps(sent).encode()).decode().rstrip("=")


def test_a_link_of_somebody_else_asks_before_it_lets_anybody_in(
    two: Two, open_page: Open, pictures: Path
) -> None:
    """A ticket of the sender's own would put a customer into the sender's conversation."""
    west = two[1]
    carried = {"local": {"muster.chat.unsaved x": "{}", "muster.theme": "x"}, "session": {}}
    sent = packed(ticket="t", kind="chat", page={"path": "//evil.example"}, carried=carried)
    page = open_page(f"{west.url}/arrive#{sent}")
    button = page.get_by_role("button", name="Go on here")
    expect(button).to_be_visible()
    page.screenshot(path=pictures / "arrive-asks.png")
    assert not west.arrived and "#" not in page.url and page.evaluate("localStorage.length") == 0
    expect(page.get_by_role("link", name="No, a new chat")).to_have_attribute("href", "/chat")
    button.click()
    moved(page, west, "/chat")
    assert west.arrived == [{"ticket": "t", "reason": ""}]
    assert page.evaluate("localStorage.getItem('muster.theme')") is None


def test_an_arrival_with_nothing_leads_home(two: Two, open_page: Open) -> None:
    """Somebody typed the address, or an old tab comes back."""
    west = two[1]
    page = open_page(west.url)
    for fragment in ("", "#x", "#bnVsbA"):
        page.goto(f"{west.url}/arrive{fragment}")
        page.wait_for_url(f"{west.url}/")
    west.arrive_status = 401
    page.goto(f"{west.url}/arrive#{packed()}")
    page.get_by_role("button").click()
    page.wait_for_url(f"{west.url}/sign-in?next=/desk")


@pytest.mark.long
def test_a_session_that_ended_signs_in_again_and_keeps_what_was_written(two: Two, open_page: Open) -> None:
    """Revoked in between: no words are lost for it, and they are nobody else's."""
    east, west = two
    west.serves, west.arrive_status = ["east", "west"], 401
    page = open_page(east.url + "/desk")
    expect(page.locator(".desk")).to_be_attached()
    page.evaluate(
        "sessionStorage.setItem('muster.desk.drafts.ana', JSON.stringify({'reply chat-1': 'Do not mo'}))"
    )
    page.evaluate("sessionStorage.setItem('muster.desk.unsent.ana 1', '\"' + 'x'.repeat(20000) + '\"')")
    page.evaluate("sessionStorage.setItem('muster.desk.unsent.ana 2', '\"' + 'y'.repeat(30000) + '\"')")
    addresses: list[str] = []
    page.on("framenavigated", lambda frame: addresses.append(frame.url))
    until(lambda: east.tickets)
    east.stop()
    page.wait_for_url(f"{west.url}/sign-in?next=/desk")
    assert "Do not mo" in page.evaluate("sessionStorage.getItem('muster.desk.drafts.ana')")
    assert page.evaluate("sessionStorage.getItem('muster.desk.unsent.ana 1')").startswith('"x')
    assert page.evaluate("sessionStorage.getItem('muster.desk.unsent.ana 2')") is None, (
        "more than an address holds"
    )
    assert max(map(len, addresses)) < ADDRESS_MAX
