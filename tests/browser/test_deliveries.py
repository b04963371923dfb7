"""What a desk shows of an answer on its way: in a word and a shape, and what to do when it never arrives."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from router.journal.fold_facts import NOT_DELIVERED
from router.run.delivery import ERASED
from router.run.delivery_book import ACCOUNT_DOWN, ACCOUNT_UNUSABLE, GAVE_UP, MAYBE_TWICE
from router.run.delivery_senders import NO_PROVIDER, NO_SECRET, NOT_IN_PLAN
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, wider_than_screen
from tests.browser.stage import conversation, message

pytestmark = pytest.mark.system

SENDERS = (
    "run/delivery.py",
    "run/delivery_senders.py",
    "channels/smtp_out.py",
    "channels/twilio_sms.py",
)

STATES: Mapping[str, tuple[dict[str, object], str]] = {
    "read": ({}, "◉ read"),
    "delivered": ({}, "✓✓ delivered"),
    "sent": ({"trouble": "maybe_twice"}, "✓ sent · perhaps sent twice"),
    "failed": ({"trouble": "twilio_21610"}, "✕ not delivered"),
    "late": ({"trouble": "no_connection"}, "↻ not sent yet, trying again"),
    "due": ({"at_ms": 1 << 52}, "○ waiting to leave"),
}


@pytest.fixture
def texts(centre: FakeCentre) -> FakeCentre:
    """A conversation by text message with an answer in each state."""
    centre.entities["conversation"] = {"chat-1": conversation("chat-1", channel="sms")}
    centre.entities["message"] = {}
    for number, (status, (changes, _)) in enumerate(STATES.items(), start=1):
        answer = message(
            "chat-1", number, "out", f"it is {status}", status=status, **{"trouble": "", **changes}
        )
        centre.entities["message"][answer["message_id"]] = answer
    return centre


def _answer(page: Page, text: str) -> Locator:
    return page.locator(".message", has_text=text)


def test_every_state_of_an_answer_has_its_word_and_its_shape(texts: FakeCentre, open_page: Open):
    """Colour alone tells a third of people in a bad light nothing."""
    page = open_page(texts.url + "/desk")
    for status, (_, words) in STATES.items():
        expect(_answer(page, f"it is {status}").locator(".status")).to_have_text(words)
    failed = _answer(page, "it is failed").locator(".delivery-trouble")
    expect(failed).to_contain_text("refused messages from us (STOP)")
    expect(failed).to_contain_text("reach them another way")
    late = _answer(page, "it is late").locator(".delivery-trouble")
    expect(late).to_contain_text("The provider cannot be reached.")
    expect(_answer(page, "it is sent").locator(".delivery-trouble")).to_have_count(0)


def test_an_answer_that_nobody_tried_is_late_after_ten_seconds(texts: FakeCentre, open_page: Open):
    """No worker runs: nothing changes on the wire, and the desk must not look as if all were well."""
    waits = message("chat-1", 9, "out", "still here", status="due", trouble="", at_ms=now_ms() - 2_000)
    texts.entities["message"] = {waits["message_id"]: waits}
    page = open_page(texts.url + "/desk")
    status = _answer(page, "still here").locator(".status")
    expect(status).to_have_text("○ waiting to leave")
    expect(status).to_have_text("↻ not sent yet, trying again", timeout=20_000)
    texts.put("message", waits["message_id"], waits | {"status": "sent"})
    expect(status).to_have_text("✓ sent")
    expect(_answer(page, "still here").locator(".delivery-trouble")).to_have_count(0)


def test_a_failed_answer_is_seen_from_another_conversation(texts: FakeCentre, open_page: Open):
    """The agent went on to the next person; the first one got nothing."""
    texts.entities["conversation"]["chat-2"] = conversation("chat-2", urgency=4)
    other = message("chat-2", 1, "out", "we are coming", status="sent", trouble="")
    texts.entities["message"] |= {other["message_id"]: other}
    page = open_page(texts.url + "/desk")
    row = page.locator(".conversation-row", has_text="C41D")
    expect(row).to_be_visible()
    expect(row.locator(".row-failed")).to_have_count(0)
    texts.put("message", other["message_id"], other | {"status": "failed", "trouble": "twilio_30003"})
    expect(row.locator(".row-failed")).to_have_text("✕ not delivered")


def test_a_code_without_words_is_still_told(texts: FakeCentre, open_page: Open):
    """A provider has thousands of reasons; nobody may see an empty line."""
    texts.entities["message"] = {
        "chat-1/1": message("chat-1", 1, "out", "odd", status="failed", trouble="twilio_63999")
    }
    page = open_page(texts.url + "/desk")
    expect(_answer(page, "odd").locator(".delivery-trouble")).to_contain_text("twilio_63999")


@looks(390, 1280)
def test_the_states_can_be_read_on_every_screen(texts: FakeCentre, open_page: Open, dark: bool, width: int):
    """Contrast, and nothing cut off, by day and by night."""
    page = open_page(texts.url + "/desk", width=width, dark=dark)
    if width < 600:
        page.locator(".conversation-row").click()
    expect(_answer(page, "it is due")).to_be_visible()
    assert low_contrasts(page) == []
    assert cut_off(page) == []
    assert not wider_than_screen(page)


def test_every_code_of_a_delivery_has_words():
    """A code of ours is no reason that an agent can act on; a provider's numbers are told as they are."""
    root = Path(__file__).parents[2]
    words = root / "agents_ui" / "static" / "words"
    text = "".join((words / name).read_text("utf-8") for name in ("desk.en.js", "trouble-desk.en.js"))
    sources = (root / "router" / name for name in SENDERS)
    details = {found for path in sources for found in re.findall(r'detail="(\w+)"', path.read_text("utf-8"))}
    assert {"no_connection", "timeout", "tls_not_offered"} <= details
    details |= {GAVE_UP, MAYBE_TWICE, ERASED, NO_SECRET, NOT_IN_PLAN, NO_PROVIDER}
    wanted = [f"trouble_{detail}" for detail in sorted(details)]
    wanted += [f"alarm_{code}" for code in (NOT_DELIVERED, ACCOUNT_DOWN, ACCOUNT_UNUSABLE)]
    assert [name for name in wanted if f"  {name}: " not in text] == []
