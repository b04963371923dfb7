"""The agent's desk: offers never taken unread, nothing shown as live that is not, nothing written lost."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.words import URGENCIES
from router import alarms
from tests.browser.conftest import Open
from tests.browser.desking import asked, desk, wait_for_commands
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, message, offer

pytestmark = pytest.mark.system

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script> {name} \u202e\u0000'

DEAF_MS = 500
ARMED_MS = DEAF_MS + 200
"""Later than the card is deaf, also when the browser paints late."""

PRESS_AT_ONCE = """
() => {
  window.pressed = 0;
  new MutationObserver((_, observer) => {
    const accept = document.querySelector(".offer .accept");
    if (!accept) return;
    observer.disconnect();
    window.pressed += 1;
    accept.click();
    const key = new KeyboardEvent("keydown", { code: "F8", key: "F8", bubbles: true });
    document.activeElement.dispatchEvent(key);
  }).observe(document.body, { childList: true, subtree: true });
}
"""
"""Presses F8 and Accept in the moment the card appears; from outside the browser it could be too late."""


def _offer(centre: FakeCentre, page: Page, number: int = 1, **changes: object) -> dict[str, object]:
    made = offer(number, **changes)
    centre.put("offer", made["offer_id"], made)
    expect(page.locator(".offer")).to_have_count(len(centre.entities["offer"]))
    return made


def test_a_key_pressed_as_the_offer_appears_does_not_accept_it(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Somebody typing elsewhere must not take an emergency unread; half a second later F8 is meant."""
    page = desk(centre, open_page)
    page.evaluate(PRESS_AT_ONCE)
    made = _offer(centre, page)
    assert page.evaluate("window.pressed") == 1
    page.screenshot(path=pictures / "desk-offer-light.png")
    page.wait_for_timeout(ARMED_MS)
    assert asked(centre, "accept") == []
    page.keyboard.press("F8")
    accepted = wait_for_commands(centre, page, "accept", 1)
    assert [each["offer_id"] for each in accepted] == [made["offer_id"]]


def test_one_press_too_many_does_not_take_the_next_offer(centre: FakeCentre, open_page: Open):
    """The next card moves to where the last one was: it is as new there as anywhere."""
    page = desk(centre, open_page)
    first, second = _offer(centre, page, 1), _offer(centre, page, 2)
    page.wait_for_timeout(ARMED_MS)
    page.keyboard.press("F8")
    wait_for_commands(centre, page, "accept", 1)
    centre.drop("offer", str(first["offer_id"]))
    expect(page.locator(".offer")).to_have_count(1)
    page.keyboard.press("F8")
    page.wait_for_timeout(ARMED_MS)
    assert len(asked(centre, "accept")) == 1
    page.keyboard.press("F9")
    assert [each["offer_id"] for each in wait_for_commands(centre, page, "decline", 1)] == [
        second["offer_id"]
    ]


def test_a_key_held_down_accepts_nothing(centre: FakeCentre, open_page: Open):
    """A book on the keyboard is not an agent."""
    page = desk(centre, open_page)
    page.keyboard.down("F8")
    _offer(centre, page)
    page.wait_for_timeout(ARMED_MS)
    page.keyboard.down("F8")  # a second down without an up is what auto-repeat looks like
    page.keyboard.up("F8")
    page.keyboard.press("F9")
    wait_for_commands(centre, page, "decline", 1)
    assert asked(centre, "accept") == []


def test_an_offer_takes_neither_the_focus_nor_the_words(centre: FakeCentre, open_page: Open):
    """An agent in the middle of a sentence finishes it."""
    page = desk(centre, open_page)
    field = page.get_by_role("textbox", name="Write to the customer")
    field.focus()
    page.keyboard.type("Leave the ")
    _offer(centre, page)
    page.keyboard.type("building")
    expect(field).to_have_value("Leave the building")
    expect(field).to_be_focused()


def test_the_accepted_conversation_opens_and_the_draft_of_the_other_waits(
    centre: FakeCentre, open_page: Open
):
    """Each conversation keeps its own unfinished sentence."""
    page = desk(centre, open_page)
    field = page.get_by_role("textbox", name="Write to the customer")
    field.fill("half a sentence")
    made = _offer(centre, page)
    page.wait_for_timeout(ARMED_MS)
    page.keyboard.press("F8")
    wait_for_commands(centre, page, "accept", 1)
    centre.drop("offer", str(made["offer_id"]))
    interaction_id = str(made["interaction_id"])
    centre.put("conversation", interaction_id, conversation(interaction_id, customer_label="NEW1"))
    expect(page.get_by_role("heading", name="Customer NEW1")).to_be_visible()
    expect(field).to_have_value("")
    page.keyboard.press("Alt+Digit1")
    expect(field).to_have_value("half a sentence")


def test_enter_sends_and_the_reply_is_unsaved_until_the_server_shows_it(centre: FakeCentre, open_page: Open):
    """What looks sent must be on disk."""
    page = desk(centre, open_page)
    field = page.get_by_role("textbox", name="Write to the customer")
    field.focus()
    centre.acknowledges = False
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(page.locator(".message[data-state=unsaved]")).to_contain_text("not yet saved")
    (reply,) = wait_for_commands(centre, page, "reply", 1)
    assert reply["text"] == "one\ntwo"
    expect(field).to_have_value("")
    text = str(reply["text"])
    shown = message("chat-1", 7, "out", text, client_id=reply["client_id"], status="sent")
    centre.put("message", "chat-1/7", shown)
    expect(page.locator(".message[data-state=unsaved]")).to_have_count(0)
    expect(page.locator(".message-text", has_text="one\ntwo")).to_have_count(1)


def test_a_dropped_connection_is_back_within_two_seconds_and_resends_what_was_not_saved(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Nothing missed, nothing lost, and it says so."""
    page = desk(centre, open_page)
    centre.acknowledges = False
    page.get_by_role("textbox", name="Write to the customer").fill("are you out?")
    page.keyboard.press("Enter")
    (before,) = wait_for_commands(centre, page, "reply", 1)
    centre.entities["message"]["chat-2/9"] = message("chat-2", 9, "in", "while you were away")
    centre.acknowledges = True
    dropped = time.monotonic()
    centre.hang_up()
    expect(page.get_by_text("nothing was missed")).to_be_visible()
    assert time.monotonic() - dropped < 2
    page.screenshot(path=pictures / "desk-back.png")
    replies = wait_for_commands(centre, page, "reply", 2)
    assert {each["client_id"] for each in replies} == {before["client_id"]}
    expect(page.locator(".conversation-row", has_text="while you were away").locator(".unread")).to_have_text(
        "1"
    )


def test_a_silent_feed_says_since_when_and_stops_looking_live(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Old figures that look new are worse than none."""
    page = desk(centre, open_page)
    _offer(centre, page, deadline_ms=now_ms() + 60_000)
    centre.beats, centre.refuses = False, True
    expect(page.get_by_text("No news from the centre since")).to_be_visible(timeout=20_000)
    expect(page.locator(".offer .accept")).to_be_disabled()
    assert page.locator(".desk").get_attribute("data-live") == "false"
    page.screenshot(path=pictures / "desk-silent.png")


def test_a_session_that_ended_leads_to_the_sign_in_and_back_to_the_draft(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Signing in again must not cost the sentence that was being written."""
    page = desk(centre, open_page)
    page.get_by_role("textbox", name="Write to the customer").fill("stay where")
    centre.signed_in = False
    centre.hang_up(4401)
    expect(page.get_by_text("what you had written is kept")).to_be_visible()
    page.screenshot(path=pictures / "sign-in-again.png")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("right")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Write to the customer")).to_have_value("stay where")


def test_a_one_time_password_is_exchanged_first(centre: FakeCentre, open_page: Open, pictures: Path):
    """The password that was printed is known to a printer."""
    centre.signed_in, centre.must_change = False, True
    page = open_page(centre.url + "/sign-in")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    page.get_by_label("Password").fill("one-time")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
    page.screenshot(path=pictures / "sign-in-change.png")
    page.get_by_label("New password", exact=True).fill("a long sentence")
    page.get_by_label("New password again").fill("another sentence")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
    page.get_by_label("New password again").fill("a long sentence")
    page.keyboard.press("Enter")
    expect(page.locator(".desk")).to_be_attached()


def test_hostile_words_are_shown_as_words_everywhere(centre: FakeCentre, open_page: Open, pictures: Path):
    """One message that becomes markup, and a customer sits in an agent's session."""
    file = {"name": HOSTILE, "bytes": 5, "media_type": HOSTILE, "url": "/api/attachment/x"}
    centre.entities["message"]["x/1"] = message("chat-1", 9, "in", HOSTILE, reading="unparsed")
    centre.entities["message"]["x/2"] = message("chat-1", 10, "in", "", kind="attachment", file=file)
    centre.entities["message"]["x/3"] = message("chat-1", 11, "in", "a" + "\u0301" * 3000)
    centre.entities["conversation"]["chat-1"]["customer_label"] = HOSTILE
    page = desk(centre, open_page)
    _offer(centre, page, summary=HOSTILE, language="<b>")
    expect(page.locator(".offer-summary")).to_contain_text("<script>document.title=2</script>")
    expect(page.locator(".message pre")).to_contain_text("<script>document.title=2</script>")
    assert page.locator(".desk img, .desk script").count() == 0
    assert page.title() not in ("1", "2")
    assert not wider_than_screen(page)
    page.screenshot(path=pictures / "desk-hostile.png")


def test_a_note_never_becomes_a_reply(centre: FakeCentre, open_page: Open):
    """What is meant for colleagues, half written, must not reach the customer after a look elsewhere."""
    page = desk(centre, open_page)
    page.get_by_role("button", name="Note", exact=True).click()
    page.get_by_role("textbox", name="Note for colleagues").fill("sounds drunk")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("textbox", name="Write to the customer")).to_have_value("")
    page.get_by_role("button", name="Note", exact=True).click()
    expect(page.get_by_role("textbox", name="Note for colleagues")).to_have_value("sounds drunk")
    page.keyboard.press("Enter")
    (note,) = wait_for_commands(centre, page, "note", 1)
    assert note["text"] == "sounds drunk"
    assert asked(centre, "reply") == []


def test_wrap_up_asks_for_an_outcome_and_sends_it_with_the_note(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """From End to Finish by keyboard alone."""
    page = desk(centre, open_page)
    page.keyboard.press("Alt+KeyE")
    expect(page.get_by_role("button", name="End it")).to_be_focused()
    page.keyboard.press("Enter")
    (ended,) = wait_for_commands(centre, page, "end", 1)
    said = [each for each in centre.entities["message"].values() if each["interaction_id"] == "chat-1"]
    assert (ended["interaction_id"], ended["seen"]) == (
        "chat-1",
        max((each["seq"] for each in said), key=int),
    )
    centre.put("conversation", "chat-1", conversation("chat-1", wrap_up_since_ms=now_ms()))
    expect(page.get_by_role("button", name="Finish")).to_be_disabled()
    expect(page.get_by_role("radio").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("smoke, third floor")
    page.screenshot(path=pictures / "desk-wrap-up.png")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    (given,) = wait_for_commands(centre, page, "dispose", 1)
    assert given["disposition"] == centre.words["dispositions"][0]["id"]
    assert given["note"] == "smoke, third floor"


def test_the_other_orders_are_said_as_the_contract_has_them(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Presence, urgency, transfer and history, as docs/architecture.md section 6.2 names their fields."""
    history = {
        "interactions": [
            conversation("old") | {"disposition": "", "messages": [message("old", 1, "in", "Before")]}
        ]
    }
    centre.answers["history"] = {"value": history}
    page = desk(centre, open_page)
    page.keyboard.press("Alt+KeyU")
    page.get_by_role("button", name="Immediate").click()
    (urgency,) = wait_for_commands(centre, page, "urgency", 1)
    assert (urgency["interaction_id"], urgency["urgency"]) == ("chat-1", 1)
    page.keyboard.press("Alt+KeyT")
    expect(page.locator(".panel").get_by_role("combobox")).to_be_focused()
    page.screenshot(path=pictures / "desk-transfer.png")
    page.locator(".panel").get_by_role("combobox").select_option("queue:medical")
    page.get_by_label("Note for them").fill("burns")
    page.locator(".panel button[type=submit]").click()
    (transfer,) = wait_for_commands(centre, page, "transfer", 1)
    assert (transfer["to_queue_id"], transfer.get("to_agent_id"), transfer["note"]) == (
        "medical",
        None,
        "burns",
    )
    page.locator(".presence-now").click()
    page.get_by_role("button", name="Break").click()
    (presence,) = wait_for_commands(centre, page, "presence", 1)
    assert (presence["available"], presence["reason"]) == (False, "break")
    page.get_by_role("button", name="Show").click()
    page.locator(".earlier summary").click()
    expect(page.locator(".earlier .message-text")).to_have_text("Before")
    assert asked(centre, "history")[0]["customer_id"] == "customer of chat-1"


def test_a_call_back_says_that_the_customer_left(centre: FakeCentre, open_page: Open):
    """Nobody may wait for an answer of somebody who is not there."""
    page = desk(centre, open_page)
    _offer(centre, page, follows="chat-0")
    expect(page.locator(".offer .flag")).to_have_text("call-back: the customer had left")
    flag = page.locator(".conversation-head .flag")
    centre.put("conversation", "chat-1", conversation("chat-1", follows="chat-0", connected=False))
    expect(flag).to_have_text("call-back: the customer left; your answer reaches them if they return")
    centre.put("conversation", "chat-1", conversation("chat-1", follows="chat-0"))
    expect(flag).to_have_text("call-back: the customer had left")


def test_a_conversation_that_went_takes_its_messages_along(centre: FakeCentre, open_page: Open):
    """What comes back after a transfer is shown as the server has it then, not as it was."""
    page = desk(centre, open_page)
    expect(page.locator(".message")).to_have_count(6)
    gone = centre.entities["conversation"]["chat-1"]
    centre.drop("conversation", "chat-1")
    expect(page.locator(".conversation-row")).to_have_count(1)
    centre.put("conversation", "chat-1", gone)
    centre.put("message", "chat-1/9", message("chat-1", 9, "in", "back again"))
    page.locator(".conversation-row", has_text="back again").click()
    expect(page.locator(".message-text")).to_have_text(["back again"])


def test_a_reply_to_a_conversation_that_went_is_not_lost_in_silence(centre: FakeCentre, open_page: Open):
    """It was taken away while the words were under way: the agent must know that nobody read them."""
    centre.answers["reply"] = {"ok": False, "code": "not_yours", "text": "You do not hold this conversation."}
    page = desk(centre, open_page)
    centre.acknowledges = False
    page.get_by_role("textbox", name="Write to the customer").fill("hold on")
    page.keyboard.press("Enter")
    wait_for_commands(centre, page, "reply", 1)
    centre.drop("conversation", "chat-1")
    centre.acknowledges = True
    centre.hang_up()
    expect(page.get_by_text("Not sent: You do not hold this conversation. (hold on)")).to_be_visible()


def test_a_refused_order_is_told_in_words(centre: FakeCentre, open_page: Open):
    """Silence after a press would be taken for success."""
    centre.answers["accept"] = {"ok": False, "code": "taken", "text": "Somebody else has it."}
    page = desk(centre, open_page)
    _offer(centre, page)
    page.wait_for_timeout(ARMED_MS)
    page.keyboard.press("F8")
    expect(page.get_by_text("Somebody else has it.")).to_be_visible()


@looks(390, 1280, 1920)
def test_everything_can_be_read_and_named(
    dark: bool, width: int, centre: FakeCentre, open_page: Open, pictures: Path
):
    """Twelve hours at night: contrast of text 4.5, a name for every control, no sideways scroll."""
    centre.entities["me"]["ana"] |= {"available": False, "reason": "not responding"}
    alarm = {
        "alarm_id": "a/1",
        "at_ms": now_ms(),
        "code": "unattended",
        "ref": "chat-9",
        "detail": "chat-9, 40 s",
    }
    centre.entities["alarm"]["a/1"] = alarm
    page = desk(centre, open_page, dark=dark, width=width)
    for number, urgency in enumerate((1, 2, 3, 4, 5), 1):
        _offer(centre, page, number, urgency=urgency)
    page.get_by_role("button", name="Keys").click()
    page.wait_for_timeout(ARMED_MS)
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert cut_off(page) == []
    assert not wider_than_screen(page)
    page.screenshot(path=pictures / f"desk-all-{width}-{'dark' if dark else 'light'}.png")


def test_every_code_of_the_router_has_words():
    """A supervisor at night reads "Urgent, and waiting too long", not "unattended"."""
    text = (Path(__file__).parents[2] / "agents_ui" / "static" / "words" / "desk.en.js").read_text("utf-8")
    wanted = [f"alarm_{code}" for code in alarms.CODES] + [f"urgency_{urgency}" for urgency in URGENCIES]
    assert [name for name in wanted if f"  {name}: " not in text] == []


def test_a_desk_on_a_phone_shows_one_thing_at_a_time(centre: FakeCentre, open_page: Open, pictures: Path):
    """List, conversation, earlier conversations; offers above each."""
    page = desk(centre, open_page, width=390)
    expect(page.locator(".conversation")).to_be_hidden()
    page.locator(".conversation-row").first.click()
    expect(page.get_by_role("textbox", name="Write to the customer")).to_be_in_viewport()
    _offer(centre, page)
    expect(page.locator(".offer .accept")).to_be_in_viewport()
    page.screenshot(path=pictures / "desk-narrow.png")
    page.locator(".to-customer").click()
    expect(page.locator(".customer")).to_be_visible()
    page.get_by_role("button", name="Back to the conversation").click()
    page.get_by_role("button", name="Back to the list").click()
    expect(page.locator(".conversations")).to_be_visible()


def test_every_control_is_reached_by_tab_and_shows_that_it_has_the_focus(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """A desk without a mouse is a desk; a focus that cannot be seen is none."""
    page = desk(centre, open_page)
    _offer(centre, page, deadline_ms=now_ms() + 60_000)
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("button:enabled, textarea, select, [tabindex='0'], summary")]
          .filter((element) => element.checkVisibility()).length"""
    )
    page.evaluate("document.activeElement.blur()")
    seen = set()
    for _ in range(2 * wanted):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const { activeElement: at } = document;
              at.dataset.walked ??= String(Math.random());
              return [at.tagName === "BODY" ? "" : at.dataset.walked, getComputedStyle(at).outlineStyle];
            }"""
        )
        assert not name or outline != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        seen |= {name} - {""}
    assert len(seen) == wanted
    page.screenshot(path=pictures / "desk-keyboard.png")


def test_a_desk_from_right_to_left_is_the_same_desk_mirrored(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Styles are written without left and right; nothing may stick out or stay behind."""
    page = desk(centre, open_page)
    page.evaluate("document.documentElement.dir = 'rtl'")
    _offer(centre, page, summary="أبي سقط ولا يتنفس")
    page.keyboard.press("Alt+KeyT")
    assert not wider_than_screen(page)
    offer_box = page.locator(".offer").bounding_box()
    assert offer_box is not None and offer_box["x"] > 900
    page.wait_for_timeout(ARMED_MS)
    page.screenshot(path=pictures / "desk-right-to-left.png")


def test_signing_out_with_conversations_asks_first(centre: FakeCentre, open_page: Open):
    """They would go back in line: that should be meant."""
    page = desk(centre, open_page)
    page.locator(".presence-now").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You still hold 2 conversations")).to_be_visible()
    page.locator(".panel").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Your session has ended")).to_have_count(0)
