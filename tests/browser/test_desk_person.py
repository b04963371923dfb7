"""The person beside the conversation, in a real browser: known and claimed, who else, and calling back."""

from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.looks import looks
from tests.browser.seeing import low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, identity, message, other, person

KNOWN = {
    "customer_id": "known",
    "name": "Ida Berg",
    "identity_id": "sms of known",
    "channel": "sms",
    "account": "",
    "address": "+31687654321",
}
HOUR_MS = 3_600_000


def _desk(centre: FakeCentre, open_page: Open, **options: Any) -> Page:
    page = open_page(centre.url + "/desk", **options)
    expect(page.locator(".desk")).to_be_attached()
    return page


def _asked(centre: FakeCentre, page: Page, kind: str) -> dict[str, Any]:
    """The command of this kind that the page gave; waits for it."""
    for _ in range(400):
        found = [each for each in centre.commands if each["kind"] == kind]
        if found:
            return found[-1]
        page.wait_for_timeout(50)
    raise AssertionError(f"no {kind} among {centre.commands}")


def _full(centre: FakeCentre) -> None:
    """A person about whom everything there is to show is known."""
    moved = {
        "from_customer_id": "other",
        "at_ms": now_ms() - 60_000,
        "why": "merge",
        "command_id": "merge-1",
        "by_name": "Ana Rivera",
    }
    centre.entities["customer"]["customer of chat-1"] = person(
        "chat-1",
        name="Mo Ali",
        identities=[
            identity("chat-1", "chat", ""),
            identity("chat-1", "sms", "+31612345678", moved=moved),
            identity("chat-1", "mail", "mo.ali@example.org", verified=False),
        ],
        claims_to_be=[KNOWN],
        others=[
            other("chat-1"),
            other("sms-9", channel="sms", agent_id="ben", agent_name="Ben Okoro"),
            other("later", state="parked", agent_id="", agent_name="", parked_until_ms=now_ms() + HOUR_MS),
        ],
    )


@looks(400, 1280)
def test_a_person_is_readable_light_and_dark_wide_and_narrow(
    centre: FakeCentre, open_page: Open, pictures: Path, dark: bool, width: int
):
    """Under pressure nobody deciphers: contrast, names of controls, nothing sticking out."""
    _full(centre)
    page = _desk(centre, open_page, dark=dark, width=width)
    if width < 700:
        page.locator(".conversation-row").first.click()
        page.locator(".to-customer").click()
    page.locator(".claims summary").click()
    expect(page.locator(".identity")).to_have_count(3)
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert not wider_than_screen(page)
    page.screenshot(path=pictures / f"person-{'dark' if dark else 'light'}-{width}.png")


def test_what_is_verified_and_what_is_claimed_differ_in_words_and_shape(centre: FakeCentre, open_page: Open):
    """Colour alone tells nobody who cannot see it, and everybody too little."""
    page = _desk(centre, open_page)
    marks = page.locator(".identity .mark")
    expect(marks).to_have_text(["✓verified", "✓verified", "?claimed"])
    styles = [marks.nth(at).evaluate("(mark) => getComputedStyle(mark).borderTopStyle") for at in range(3)]
    assert styles == ["solid", "solid", "dashed"]
    expect(page.locator(".conversation-head h2")).to_have_text("Mo Ali")


def test_the_history_of_whom_somebody_claims_to_be_is_folded_and_named_a_claim(
    centre: FakeCentre, open_page: Open
):
    """What is only claimed must not look like what is known; looking at it is a step of its own."""
    _full(centre)
    old = conversation("old") | {"disposition": "", "messages": [message("old", 1, "in", "Long ago")]}
    centre.answers["history"] = {"value": {"customer_id": "known", "name": "", "interactions": [old]}}
    page = _desk(centre, open_page)
    claim = page.locator(".claims")
    expect(claim.locator("summary")).to_contain_text("Claims to be Ida Berg")
    expect(claim.get_by_role("button", name="Show")).to_be_hidden()
    claim.locator("summary").click()
    expect(claim).to_contain_text("Only claimed")
    claim.get_by_role("button", name="Show").click()
    assert _asked(centre, page, "history")["customer_id"] == "known"
    claim.locator(".earlier summary").click()
    expect(claim).to_contain_text("Long ago")
    claim.get_by_role("button", name="it is the same person").click()
    link = _asked(centre, page, "link")
    assert (link["customer_id"], link["to_customer_id"]) == ("customer of chat-1", "known")


def test_who_else_talks_with_this_person_is_said_over_the_messages_live(centre: FakeCentre, open_page: Open):
    """Two agents who send two ambulances to one person should have known of each other."""
    page = _desk(centre, open_page)
    expect(page.locator(".also")).to_have_count(0)
    ben = other("sms-9", channel="sms", agent_id="ben", agent_name="Ben Okoro")
    centre.put("customer", "customer of chat-1", person("chat-1", others=[other("chat-1"), ben]))
    expect(page.locator(".also-talks")).to_contain_text(
        "Ben Okoro is also talking with this person (Text message)"
    )
    centre.put("customer", "customer of chat-1", person("chat-1"))
    expect(page.locator(".also")).to_have_count(0)


def test_who_left_the_page_is_reached_another_way_and_the_desk_says_how(centre: FakeCentre, open_page: Open):
    """A call-back of a chat reaches nobody while the page is closed."""
    centre.entities["conversation"]["chat-1"] = conversation("chat-1", connected=False, follows="chat-0")
    page = _desk(centre, open_page)
    reach = page.locator(".also-reach")
    expect(reach).to_contain_text("+31612345678")
    expect(reach.locator("[data-verified=false]")).to_contain_text("mo.ali@example.org")
    centre.put("conversation", "chat-1", conversation("chat-1", connected=True, follows="chat-0"))
    expect(reach).to_have_count(0)


def test_a_call_back_is_promised_from_the_keyboard(centre: FakeCentre, open_page: Open, pictures: Path):
    """Two keys, a time, Enter: nobody has time for more while somebody waits."""
    page = _desk(centre, open_page)
    page.keyboard.press("Alt+KeyB")
    when = page.locator(".panel input[type=datetime-local]")
    expect(when).to_be_focused()
    page.screenshot(path=pictures / "desk-call-back.png")
    page.get_by_role("button", name="15 min").click()
    page.get_by_label("What it is about").fill("the roof")
    page.locator(".panel select").select_option("agent:ana")
    soon_ms = datetime.fromisoformat(when.input_value()).timestamp() * 1000
    page.get_by_role("button", name="Promise it").press("Enter")
    asked = _asked(centre, page, "call_back")
    assert (asked["interaction_id"], asked["to_agent_id"], asked["note"]) == ("chat-1", "ana", "the roof")
    assert "to_queue_id" not in asked
    assert abs(asked["due_at_ms"] - (now_ms() + 15 * 60_000)) < 120_000
    assert abs(asked["due_at_ms"] - soon_ms) < 120_000
    expect(page.locator(".panel")).to_have_count(0)


def test_a_refused_call_back_leaves_what_was_written(centre: FakeCentre, open_page: Open):
    """The words are not typed twice because the queue was wrong."""
    centre.answers["call_back"] = {"ok": False, "code": "unknown_queue", "text": "There is no such queue."}
    page = _desk(centre, open_page)
    page.keyboard.press("Alt+KeyB")
    page.get_by_label("What it is about").fill("the roof")
    page.get_by_role("button", name="Promise it").click()
    expect(page.locator(".toasts")).to_contain_text("no such queue")
    expect(page.get_by_label("What it is about")).to_have_value("the roof")


def test_names_claims_splits_and_taking_back_are_said_as_the_contract_has_them(
    centre: FakeCentre, open_page: Open
):
    """The fields of docs/architecture.md 6.2, whatever the screen calls them."""
    _full(centre)
    page = _desk(centre, open_page)
    expect(page.locator(".person-name button")).to_be_attached()
    page.keyboard.press("Alt+KeyC")
    expect(page.locator(".person-name button")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("What this person is called").fill("Mo Ali junior")
    page.keyboard.press("Enter")
    named = _asked(centre, page, "name_customer")
    assert (named["customer_id"], named["name"]) == ("customer of chat-1", "Mo Ali junior")
    page.get_by_role("button", name="Says another number").click()
    page.get_by_label("Number (with country)").fill("+31 6 8765 4321")
    page.keyboard.press("Enter")
    claimed = _asked(centre, page, "claim")
    assert (claimed["address_kind"], claimed["address"]) == ("phone", "+31 6 8765 4321")
    page.locator(".identity[data-verified=false]").get_by_role("button", name="Split off").click()
    assert _asked(centre, page, "split")["identity_id"] == "mail of chat-1"
    page.get_by_role("button", name="Take back").click()
    assert _asked(centre, page, "undo_move")["moved_command_id"] == "merge-1"
    page.get_by_label("The same person as").select_option("customer of chat-2")
    page.get_by_role("button", name="Make them one person").click()
    merged = _asked(centre, page, "merge")
    assert (merged["customer_id"], merged["to_customer_id"]) == ("customer of chat-1", "customer of chat-2")


def test_only_a_supervisor_changes_or_ends_a_call_back_before_its_time(centre: FakeCentre, open_page: Open):
    """An agent sees the promise; who answers for all may take it back, with an outcome."""
    _full(centre)
    page = _desk(centre, open_page)
    expect(page.locator(".others")).to_contain_text("call-back")
    expect(page.get_by_role("button", name="Not needed")).to_have_count(0)
    centre.put("me", "ana", {**centre.entities["me"]["ana"], "role": "supervisor"})
    page.get_by_role("button", name="Another time").click()
    page.locator(".call-back-tools input").fill("2030-01-02T09:30")
    page.locator(".call-back-tools").get_by_role("button", name="Keep").click()
    assert _asked(centre, page, "call_back_change")["interaction_id"] == "later"
    page.get_by_role("button", name="Not needed").click()
    page.locator(".call-back-tools button").first.click()
    cancelled = _asked(centre, page, "call_back_cancel")
    assert cancelled["interaction_id"] == "later" and cancelled["disposition"]
