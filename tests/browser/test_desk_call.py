"""Calls at the desk: heard and being heard, never muted unseen, never lost without a word."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calling import (
    HEARS,
    NOTHING_CAN,
    SAYS,
    SAYS_HERTZ,
    call,
    set_call,
    turn,
    without_microphone,
)
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, Json
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, offer

pytestmark = pytest.mark.system

WITHIN_S = 20
ARMED_MS = 700
"""Later than the half second in which an offer hears no key."""

NEAR_HERTZ = 15

ENDS = {
    "caller_hung_up": "The caller hung up.",
    "lost": "cut off",
    "busy": "busy",
    "no_answer": "Nobody answered",
}
ALL_CLOSED = "window.lines.every((line) => line.connectionState === 'closed')"

BELL = """
window.ringing = 0;
const { start } = AudioBufferSourceNode.prototype;
AudioScheduledSourceNode.prototype.stop = new Proxy(AudioScheduledSourceNode.prototype.stop, {
  apply: (real, node, given) => (node.loop && (window.ringing -= 1), Reflect.apply(real, node, given)),
});
AudioBufferSourceNode.prototype.start = new Proxy(start, {
  apply: (real, node, given) => (node.loop && (window.ringing += 1), Reflect.apply(real, node, given)),
});
"""
"""Counts the loops that play."""

LOCKED = """
Object.defineProperty(AudioContext.prototype, "state", { get: () => "suspended" });
AudioContext.prototype.resume = () => new Promise(() => {});
"""
"""A browser in which nobody has touched the page."""

FAIL = """
const line = window.lines.at(-1);
Object.defineProperty(line, "connectionState", { value: "failed" });
line.dispatchEvent(new Event("connectionstatechange"));
"""
"""What a browser does to a line some seconds after the network went."""


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait for what the far side sees; the browser's events get through meanwhile."""
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def hears(page: Page) -> float:
    """The strongest frequency that the page plays; 0 where it plays nothing."""
    return float(page.evaluate("window.pitch?.() ?? 0"))


def _asked(centre: FakeCentre, kind: str) -> list[Json]:
    return [each for each in centre.commands if each["kind"] == kind]


def _desk(centre: FakeCentre, open_page: Open, script: str = "", **how: object) -> Page:
    page = open_page(centre.url + "/desk", script=HEARS + script, **how)
    expect(page.locator(".call-bar")).to_be_visible()
    return page


def _talking(centre: FakeCentre, open_page: Open, **how: object) -> Page:
    """A desk on a call, sound flowing."""
    set_call(centre)
    page = _desk(centre, open_page, SAYS, **how)
    expect(page.locator(".call-bar")).to_contain_text("You talk with the caller.")
    until(page, lambda: hears(page) > 0)
    return page


def test_an_accepted_call_is_heard_and_hears_without_another_key(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """The caller has waited long enough: Accept is all there is to press."""
    centre.entities["conversation"] = {}
    centre.entities["message"] = {}
    page = open_page(centre.url + "/desk", script=HEARS + SAYS)
    expect(page.locator(".desk")).to_be_attached()
    made = offer(1, channel="voice", interaction_id="call-1", offer_id="call-1/1", summary="A call.")
    centre.put("offer", "call-1/1", made)
    expect(page.locator(".offer")).to_be_visible()
    page.screenshot(path=pictures / "desk-call-offer.png")
    page.wait_for_timeout(ARMED_MS)
    page.keyboard.press("F8")
    until(page, lambda: len(_asked(centre, "accept")) == 1)
    centre.drop("offer", "call-1/1")
    centre.put("conversation", "call-1", conversation("call-1", channel="voice", connected=True))
    centre.put("call", "call-1", call(state="waiting", connected_ms=0, can=NOTHING_CAN))
    expect(page.locator(".call-bar")).to_contain_text("the caller is being put through")
    turn(centre, state="connected", can=call()["can"])
    expect(page.locator(".call-bar")).to_contain_text("You talk with the caller.")
    until(page, lambda: abs(hears(page) - centre.voice.hertz) < NEAR_HERTZ)
    until(page, lambda: abs(centre.voice.pitch - SAYS_HERTZ) < NEAR_HERTZ)
    page.screenshot(path=pictures / "desk-call.png")
    connects = _asked(centre, "call_connect")
    assert [each["interaction_id"] for each in connects] == ["call-1"]
    assert "a=candidate" in connects[0]["sdp"], "the description is complete: nothing is trickled"


def test_a_call_rings_on_until_it_is_answered_or_gone(centre: FakeCentre, open_page: Open):
    """One ring is missed while somebody pours coffee; what rings for nobody is soon not heard any more."""
    page = open_page(centre.url + "/desk", script=BELL)
    expect(page.locator(".desk")).to_be_attached()
    chat = offer(1)
    centre.put("offer", str(chat["offer_id"]), chat)
    expect(page.locator(".offer")).to_have_count(1)
    assert page.evaluate("window.ringing") == 0, "a chat does not ring like a telephone"
    made = offer(2, channel="voice", offer_id="call-1/1")
    centre.put("offer", "call-1/1", made)
    until(page, lambda: page.evaluate("window.ringing") == 1)
    page.keyboard.press("Alt+m")
    until(page, lambda: page.evaluate("window.ringing") == 0)
    page.keyboard.press("Alt+m")
    until(page, lambda: page.evaluate("window.ringing") == 1)
    centre.drop("offer", "call-1/1")
    until(page, lambda: page.evaluate("window.ringing") == 0)


def test_a_browser_that_plays_no_sound_yet_says_so_on_the_offer(centre: FakeCentre, open_page: Open):
    """Browsers wait for a key or a click: the agent must know that it rings unheard."""
    page = open_page(centre.url + "/desk", script=LOCKED)
    expect(page.locator(".sound")).to_contain_text("Press any key for sound")
    made = offer(2, channel="voice", offer_id="call-1/1")
    centre.put("offer", "call-1/1", made)
    expect(page.locator(".offer")).to_contain_text("your browser plays no sound yet")


def test_muted_is_silence_and_cannot_be_overlooked(centre: FakeCentre, open_page: Open, pictures: Path):
    """A caller who is not answered because the agent talks into a dead microphone hangs up."""
    page = _talking(centre, open_page)
    until(page, lambda: centre.voice.pitch > 0)
    page.keyboard.press("Alt+k")
    expect(page.locator(".call-bar[data-tone=muted]")).to_contain_text("You are muted")
    until(page, lambda: centre.voice.pitch == 0)
    expect(page.locator(".call-bar")).to_contain_text("You are talking, but you are muted.")
    expect(page.locator(".call-strip")).to_contain_text("You are muted")
    page.screenshot(path=pictures / "desk-call-muted.png")
    assert low_contrasts(page) == []
    page.keyboard.press("Alt+k")
    expect(page.locator(".call-bar[data-tone=muted]")).to_have_count(0)
    until(page, lambda: centre.voice.pitch > 0)


def test_hold_keys_and_forwarding_are_asked_of_the_centre(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Everything by keyboard: hands that type notes do not look for a mouse."""
    page = _talking(centre, open_page)
    page.keyboard.press("Alt+h")
    until(page, lambda: [each["held"] for each in _asked(centre, "call_hold")] == [True])
    turn(centre, state="held")
    expect(page.locator(".call-bar")).to_contain_text("On hold")
    page.screenshot(path=pictures / "desk-call-held.png")
    page.keyboard.press("Alt+h")
    until(page, lambda: [each["held"] for each in _asked(centre, "call_hold")] == [True, False])
    turn(centre, state="connected")
    page.keyboard.press("Alt+n")
    expect(page.locator(".call-digits button").first).to_be_focused()
    page.keyboard.type("12*#")
    expect(page.locator(".call-digits output")).to_have_text("12*#")
    page.screenshot(path=pictures / "desk-call-digits.png")
    until(page, lambda: "".join(str(each["digits"]) for each in _asked(centre, "call_dtmf")) == "12*#")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+g")
    expect(page.locator(".call-forward input")).to_be_focused()
    page.keyboard.type("+31 20 123-4567")
    page.screenshot(path=pictures / "desk-call-forward.png")
    page.keyboard.press("Enter")
    until(page, lambda: [each["to"] for each in _asked(centre, "call_forward")] == ["+31201234567"])
    expect(page.locator(".call-forward")).to_have_count(0)
    page.get_by_role("button", name="Stop recording").click()
    until(page, lambda: [each["on"] for each in _asked(centre, "call_record")] == [False])


def test_a_reloaded_desk_is_on_its_call_again(centre: FakeCentre, open_page: Open):
    """A browser that had to be reloaded costs seconds, not the caller; the window keeps its name."""
    page = _talking(centre, open_page)
    page.reload()
    until(page, lambda: hears(page) > 0)
    first, again = _asked(centre, "call_connect")
    assert first["window"] == again["window"]
    assert first["sdp"] != again["sdp"]


def test_a_muted_call_is_muted_after_a_reload(centre: FakeCentre, open_page: Open):
    """Who muted to talk to a colleague must not be heard because a browser was reloaded."""
    page = _talking(centre, open_page)
    page.keyboard.press("Alt+k")
    page.reload()
    expect(page.locator(".call-bar[data-tone=muted]")).to_be_visible()
    until(page, lambda: hears(page) > 0)
    until(page, lambda: len(centre.voice.heard) >= 50 and centre.voice.pitch == 0)


def test_a_line_that_fails_is_opened_again_by_itself(centre: FakeCentre, open_page: Open):
    """A network that changes under the call is not the end of it."""
    page = _talking(centre, open_page)
    page.evaluate(FAIL)
    until(page, lambda: len(_asked(centre, "call_connect")) == 2)
    expect(page.locator(".call-bar")).to_contain_text("You talk with the caller.")
    until(page, lambda: hears(page) > 0)


@pytest.mark.long
def test_a_line_that_is_cut_is_noticed_and_opened_again(centre: FakeCentre, open_page: Open):
    """Nobody says goodbye when a process dies: the browser finds out, and the desk with it."""
    page = _talking(centre, open_page)
    centre.cut_the_line()
    until(page, lambda: len(_asked(centre, "call_connect")) == 2)
    until(page, lambda: hears(page) > 0)


def test_a_second_window_takes_no_call_by_itself(centre: FakeCentre, open_page: Open, pictures: Path):
    """Two windows that both want the line would take it from each other for ever."""
    set_call(centre)
    centre.entities["me"]["ana"] |= {"desks": 2}
    page = _desk(centre, open_page, SAYS)
    expect(page.locator(".call-bar")).to_contain_text("not connected to this window")
    page.screenshot(path=pictures / "desk-call-elsewhere.png")
    assert _asked(centre, "call_connect") == []
    page.get_by_role("button", name="Talk here").click()
    expect(page.locator(".call-bar")).to_contain_text("You talk with the caller.")
    assert [each["take"] for each in _asked(centre, "call_connect")] == [True]
    centre.answers["call_connect"] = {
        "ok": False,
        "code": "elsewhere",
        "text": "You have this call in another window.",
    }
    page.evaluate(FAIL)
    expect(page.locator(".call-bar")).to_contain_text("not connected to this window")
    expect(page.get_by_role("button", name="Talk here")).to_be_visible()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("NotAllowedError", "does not give Muster the microphone"),
        pytest.param("NotFoundError", "No microphone was found", marks=pytest.mark.long),
    ],
)
def test_an_agent_without_a_microphone_knows_before_the_first_call(
    centre: FakeCentre, open_page: Open, reason: str, words: str, pictures: Path
):
    """The caller must not be the one who finds out."""
    centre.words["calls"] = True
    page = open_page(centre.url + "/desk", script=without_microphone(reason))
    expect(page.locator(".call-strip")).to_contain_text(words)
    page.screenshot(path=pictures / f"desk-call-no-microphone-{reason}.png")
    asked = page.evaluate("window.asked")
    page.get_by_role("button", name="Try again").click()
    until(page, lambda: page.evaluate("window.asked") > asked)


def test_without_a_microphone_the_caller_is_heard_all_the_same(centre: FakeCentre, open_page: Open):
    """What a caller says is the most important half of a call."""
    set_call(centre)
    page = _desk(centre, open_page, without_microphone("NotFoundError"))
    expect(page.locator(".call-strip")).to_contain_text("the caller does not hear you")
    until(page, lambda: hears(page) > 0)


def test_no_microphone_is_asked_for_where_no_calls_come(centre: FakeCentre, open_page: Open):
    """A question that nobody understands teaches people to say no."""
    page = open_page(centre.url + "/desk", script=SAYS)
    expect(page.locator(".conversation")).to_be_visible()
    page.get_by_role("textbox").first.press("Shift")
    assert page.evaluate("window.asked ?? 0") == 0
    names = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    loaded = [name for name in names if "/call/" in name]
    assert loaded == [], "what only calls need is not fetched"


def test_the_end_of_a_call_is_told_and_the_number_can_be_called(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Hung up, cut off, busy: each asks for something else of the agent."""
    page = _talking(centre, open_page)
    for why, words in ENDS.items():
        turn(centre, state="ended", why=why, can=NOTHING_CAN | {"dial": True})
        expect(page.locator(".call-bar")).to_contain_text(words)
        page.screenshot(path=pictures / f"desk-call-ended-{why}.png")
    until(page, lambda: bool(page.evaluate(ALL_CLOSED)))
    page.keyboard.press("Alt+l")
    until(page, lambda: len(_asked(centre, "call_dial")) == 1)
    turn(centre, state="dialling", why="", direction="out", connected_ms=0, can=NOTHING_CAN)
    expect(page.locator(".call-bar")).to_contain_text("it rings there")


def test_a_call_back_shows_its_number_and_waits_for_the_agent_to_dial(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Nobody is called before somebody is ready to talk."""
    set_call(
        centre,
        state="",
        call_id="",
        direction="out",
        connected_ms=0,
        recording=False,
        can=NOTHING_CAN | {"dial": True},
    )
    page = _desk(centre, open_page, SAYS)
    dial = page.get_by_role("button", name="Call +31612345678")
    expect(dial).to_be_visible()
    page.screenshot(path=pictures / "desk-call-back.png")
    assert _asked(centre, "call_connect") == []
    centre.answers["call_dial"] = {
        "ok": False,
        "code": "no_trunk",
        "text": "The centre has no line to call out at this moment.",
    }
    dial.click()
    expect(page.locator(".call-bar")).to_contain_text("no line to call out")
    page.screenshot(path=pictures / "desk-call-no-trunk.png")
    assert len(_asked(centre, "call_dial")) == 1


def test_a_silent_caller_comes_with_what_to_do(centre: FakeCentre, open_page: Open, pictures: Path):
    """Silence may be somebody who cannot speak: the steps are on the screen, not in a binder."""
    page = _talking(centre, open_page)
    turn(centre, silent=True)
    expect(page.locator(".call-silent li")).to_have_count(5)
    page.screenshot(path=pictures / "desk-call-silent.png")


def test_a_call_is_in_sight_from_every_other_conversation(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Who looks up another conversation is still being heard."""
    set_call(centre, alone=False)
    page = open_page(centre.url + "/desk", script=HEARS + SAYS)
    strip = page.locator(".call-strip")
    expect(strip).to_contain_text("On a call with")
    page.screenshot(path=pictures / "desk-call-strip.png")
    strip.get_by_role("button", name="Show the call").click()
    expect(page.locator(".call-bar")).to_be_visible()
    expect(strip).to_have_count(0)


@pytest.mark.long
def test_calls_can_be_seen_in_the_dark(centre: FakeCentre, open_page: Open, pictures: Path):
    """Readable, nothing cut off, every control named."""
    _seen(_talking(centre, open_page, dark=True), centre, pictures / "desk-call-dark.png")


def test_calls_can_be_seen_on_a_narrow_screen(centre: FakeCentre, open_page: Open, pictures: Path):
    """A desk beside a map has no room to spare."""
    set_call(centre)
    page = open_page(centre.url + "/desk", script=HEARS + SAYS, width=400)
    page.locator(".conversation-row").click()
    expect(page.locator(".call-bar")).to_contain_text("You talk with the caller.")
    _seen(page, centre, pictures / "desk-call-narrow.png")


def _seen(page: Page, centre: FakeCentre, picture: Path) -> None:
    turn(centre, silent=True)
    expect(page.locator(".call-silent")).to_be_visible()
    page.screenshot(path=picture)
    assert low_contrasts(page) == []
    assert cut_off(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)
