"""A call from the customer's page: somebody afraid presses one button, and always knows how it stands."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.plan import AccountPlan, Plan
from tests.browser.calling import HEARS, SAYS, SAYS_HERTZ, without_microphone
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.test_desk_call import FAIL, NEAR_HERTZ, hears, until

pytestmark = pytest.mark.system

NUMBER = "+15555550100"
CALL = "Call from this page"


@pytest.fixture(scope="session")
def plan(plan: Plan) -> Plan:
    """The plan that comes with Muster, with calls from the page and a number."""
    accounts = (
        AccountPlan(account_id="page", channel="voice", provider="web-call", address="page"),
        AccountPlan(account_id="trunk", channel="voice", provider="sip", address=NUMBER),
    )
    return replace(plan, accounts=accounts)


def _stands(page: Page, centre: FakeCentre, **changes: object) -> None:
    """The call stands differently, and the page looks: every few seconds, and when it is seen again."""
    centre.web_call |= changes
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def _methods(centre: FakeCentre) -> list[str]:
    return [method for method, _ in centre.calls_asked if method != "GET"]


def _called(centre: FakeCentre, open_page: Open, script: str = SAYS, **how: object) -> Page:
    """A phone whose owner has pressed Call."""
    page = open_page(f"{centre.url}/chat", **{"width": 390, "height": 700, "script": HEARS + script} | how)
    page.locator(".call-start button").click()
    return page


def test_who_was_put_through_to_somebody_outside_talks_on(centre: FakeCentre, open_page: Open):
    """For the centre the call has ended, and its line has not: the page must not hang up on whoever helps."""
    page = _called(centre, open_page)
    bar = page.locator(".call-bar")
    expect(bar).to_contain_text("You are in line for a person.")
    _stands(page, centre, state="ended", why="forwarded", position=0)
    expect(bar).to_contain_text("You are talking with the centre.")
    until(page, lambda: abs(hears(page) - centre.voice.hertz) < NEAR_HERTZ)
    centre.cut_the_line()
    expect(bar).to_contain_text("The call is over.", timeout=30_000)
    assert _methods(centre) == ["POST"], "no second call is made of it"


def test_one_button_leads_into_the_line_and_to_a_person(centre: FakeCentre, open_page: Open, pictures: Path):
    """In line with a place, then with somebody: both are heard, and the chat stays beside it."""
    page = _called(centre, open_page)
    bar = page.locator(".call-bar")
    expect(bar).to_contain_text("You are in line for a person.")
    expect(bar).to_contain_text("Place in line: 3.")
    page.screenshot(path=pictures / "chat-call-waiting.png")
    _stands(page, centre, position=1)
    expect(bar).to_contain_text("You are next.")
    _stands(page, centre, state="connected", position=0, connected_ms=now_ms())
    expect(bar).to_contain_text("You are talking with the centre.")
    until(page, lambda: abs(hears(page) - centre.voice.hertz) < NEAR_HERTZ)
    until(page, lambda: abs(centre.voice.pitch - SAYS_HERTZ) < NEAR_HERTZ)
    page.get_by_role("textbox").fill("I can also write")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".bubble")).to_contain_text("✓ arrived")
    page.screenshot(path=pictures / "chat-call-connected.png")
    _stands(page, centre, state="held")
    expect(bar).to_contain_text("You are not forgotten")
    page.screenshot(path=pictures / "chat-call-held.png")


def test_hanging_up_tells_the_centre_at_once(centre: FakeCentre, open_page: Open, pictures: Path):
    """The line is free for the next one; the microphone is let go."""
    page = _called(centre, open_page)
    expect(page.locator(".call-bar")).to_contain_text("in line")
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator(".call-bar")).to_contain_text("You have hung up.")
    page.screenshot(path=pictures / "chat-call-ended.png")
    until(page, lambda: _methods(centre) == ["POST", "DELETE"])
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name=CALL)).to_be_visible()


def test_the_end_from_the_other_side_is_told(centre: FakeCentre, open_page: Open):
    """Silence is not an answer: the page says that the call is over, or cut off, and offers another."""
    page = _called(centre, open_page)
    expect(page.locator(".call-bar")).to_contain_text("in line")
    _stands(page, centre, state="ended", why="agent_hung_up")
    expect(page.locator(".call-bar")).to_contain_text("The call is over.")
    page.get_by_role("button", name="Call again").click()
    expect(page.locator(".call-bar")).to_contain_text("in line")


def test_a_call_that_was_cut_off_is_made_again_by_itself(centre: FakeCentre, open_page: Open):
    """A process of the centre's died: somebody on the ground must not have to find a button."""
    page = _called(centre, open_page)
    until(page, lambda: hears(page) > 0)
    _stands(page, centre, state="ended", why="lost")
    until(page, lambda: _methods(centre) == ["POST", "POST"])
    expect(page.locator(".call-bar")).to_contain_text("in line")


def test_a_reloaded_page_is_back_in_its_call(centre: FakeCentre, open_page: Open):
    """A shaking hand pulls the page down: the place in line is kept, and so is the call."""
    page = _called(centre, open_page)
    expect(page.locator(".call-bar")).to_contain_text("in line")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator(".call-bar")).to_contain_text("in line")
    until(page, lambda: hears(page) > 0)
    assert _methods(centre) == ["POST", "POST"]


def test_a_line_that_fails_is_opened_again(centre: FakeCentre, open_page: Open):
    """From the house into the street, from one network into another."""
    page = _called(centre, open_page)
    until(page, lambda: hears(page) > 0)
    page.evaluate(FAIL)
    until(page, lambda: _methods(centre) == ["POST", "POST"])
    expect(page.locator(".call-bar")).to_contain_text("in line")
    centre.call_refused = "voice_away"
    page.evaluate(FAIL)
    expect(page.locator(".call-bar")).to_contain_text("We bring you back.")
    until(page, lambda: len(_methods(centre)) >= 4)
    centre.call_refused = ""
    expect(page.locator(".call-bar")).to_contain_text("in line")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("NotAllowedError", "does not give this page the microphone"),
        pytest.param("NotFoundError", "No microphone was found", marks=pytest.mark.long),
    ],
)
def test_without_a_microphone_the_page_says_what_to_do(
    centre: FakeCentre, open_page: Open, plan: Plan, reason: str, words: str, pictures: Path
):
    """The static words of the centre, its number, and the field to write in: nobody is left with an error."""
    page = _called(centre, open_page, without_microphone(reason))
    bar = page.locator(".call-bar")
    expect(bar).to_contain_text(words)
    expect(bar).to_contain_text(plan.site.customer_notice)
    expect(bar.get_by_role("link", name=NUMBER)).to_have_attribute("href", f"tel:{NUMBER}")
    page.screenshot(path=pictures / f"chat-call-{reason}.png")
    assert _methods(centre) == [], "nobody is put in line who could not speak"


def test_a_centre_that_takes_no_call_now_says_so_and_what_to_do(
    centre: FakeCentre, open_page: Open, plan: Plan, pictures: Path
):
    """When the voice process is down, writing and the telephone are not."""
    centre.call_refused = "voice_away"
    page = _called(centre, open_page)
    expect(page.locator(".call-bar")).to_contain_text("The call did not come about.")
    expect(page.locator(".call-bar")).to_contain_text(plan.site.customer_notice)
    page.screenshot(path=pictures / "chat-call-failed.png")
    centre.call_refused = ""
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".call-bar")).to_contain_text("in line")


def test_muted_is_said_and_silent(centre: FakeCentre, open_page: Open, pictures: Path):
    """Somebody hides and must not be heard; later somebody must be, and wonders why not."""
    page = _called(centre, open_page)
    until(page, lambda: centre.voice.pitch > 0)
    page.get_by_role("button", name="Mute me").click()
    expect(page.locator(".call-bar")).to_contain_text("nobody hears you")
    until(page, lambda: centre.voice.pitch == 0)
    page.screenshot(path=pictures / "chat-call-muted.png")
    assert low_contrasts(page) == []


@pytest.mark.parametrize(
    ("language", "dark"),
    [("ar", True), *(pytest.param(each, False, marks=pytest.mark.long) for each in ("nl", "zh"))],
)
def test_calls_speak_the_language_of_the_page(
    centre: FakeCentre, open_page: Open, language: str, dark: bool, pictures: Path
):
    """In the reader's direction and script, readable in the dark, fitting a small phone."""
    page = _called(centre, open_page, language=language, dark=dark, width=330)
    bar = page.locator(".call-bar[data-tone=waiting] .hang-up")
    expect(bar).to_be_visible()
    expect(page.locator(".call-bar")).not_to_contain_text("call_")
    expect(page.locator(".call-bar")).not_to_contain_text("line")
    page.screenshot(path=pictures / f"chat-call-{language}.png")
    assert low_contrasts(page) == []
    assert cut_off(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)


@pytest.mark.long
def test_the_button_is_reached_and_pressed_by_keyboard(centre: FakeCentre, open_page: Open):
    """One Tab from the field, no mouse."""
    page = open_page(centre.url + "/chat", script=HEARS + SAYS)
    page.get_by_role("button", name=CALL).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".call-bar")).to_contain_text("in line")
    page.get_by_role("button", name="Hang up").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".call-bar")).to_contain_text("You have hung up.")


def test_a_page_of_a_centre_without_web_calls_offers_none(centre: FakeCentre, open_page: Open, plan: Plan):
    """A button that leads nowhere costs minutes."""
    centre._plan = replace(plan, accounts=())
    page = open_page(centre.url + "/chat")
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.get_by_role("button", name=CALL)).to_have_count(0)
