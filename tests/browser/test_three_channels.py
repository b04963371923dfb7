"""One person by chat, text and mail, an agent who finds out that it is one, and the room that saw all of it.

Real processes, a provider and a mail server that are played, a desk, a chat page and a wall in Chromium.
"""

import smtplib
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from agents_ui.demo.double import DoubleServer, ProviderDouble
from agents_ui.demo.double_answers import DoubleAccount
from agents_ui.demo.texting import signature
from tests.browser.conftest import Open
from tests.browser.real_centre import RealCentre
from tests.browser.test_one_line import ARMED_MS, _accept, _available, _signed_in, _write
from tests.roles.redis_process import wait_until
from tests.system.far_side import MailServer

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

SECRET: Final = "0123456789abcdef0123456789abcdef"
ACCOUNT_SID: Final = "AC00000000000000000000000000000911"
OUR_NUMBER: Final = "+15550100911"
OUR_MAILBOX: Final = "help@lowen.example"
EXCHANGER: Final = "mx.lowen.example"
NUMBER: Final = "+31612345678"
MAIL: Final = "mo.ali@example.org"
WAIT_S: Final = 15.0


@dataclass(slots=True)
class Outside:
    """Mo Ali's telephone and mailbox, and the centre they reach."""

    centre: RealCentre
    texts: DoubleServer
    mails: MailServer
    sent: int = field(default=0)

    def text(self, words: str) -> None:
        """By the provider's webhook, signed as it signs."""
        self.sent += 1
        fields = {
            "MessageSid": f"SM{self.sent:032}",
            "AccountSid": ACCOUNT_SID,
            "From": NUMBER,
            "To": OUR_NUMBER,
            "Body": words,
            "NumMedia": "0",
        }
        url = f"{self.centre.url}/hooks/county-texts"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature(SECRET.encode(), url, fields),
        }
        request = urllib.request.Request(url, urlencode(fields).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    def mail(self, words: str, *, vouched_for: bool, answers: EmailMessage | None = None) -> None:
        """As the mail exchanger of the plan hands it over."""
        self.sent += 1
        mail = EmailMessage()
        if vouched_for:
            mail["Authentication-Results"] = f"{EXCHANGER}; dmarc=pass header.from=example.org"
        mail["From"] = f"Mo Ali <{MAIL}>"
        mail["To"] = str(answers["Reply-To"]) if answers else OUR_MAILBOX
        mail["Subject"] = "Harbour Street"
        mail["Message-ID"] = f"<{self.sent}@example.org>"
        mail.set_content(words)
        wait_until(lambda: self._handed_over(mail), "the mail is taken", within_s=30)

    def _handed_over(self, mail: EmailMessage) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.centre.port + 1, timeout=10) as exchanger:
                exchanger.send_message(mail, from_addr=MAIL)
        except ConnectionRefusedError:  # nobody listens yet: an exchanger comes again
            return False
        return True


@pytest.fixture
def outside(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    account = DoubleAccount(account_sid=ACCOUNT_SID, token=SECRET, number=OUR_NUMBER)
    mails = MailServer(secret=SECRET)
    mails.start()
    texts = DoubleServer(ProviderDouble(account))
    texts.start()
    monkeypatch.setenv("MUSTER_SECRET_COUNTY_TEXTS", SECRET)
    monkeypatch.setenv("MUSTER_SECRET_COUNTY_MAIL", SECRET)
    endpoints = f"county-texts={texts.url},county-mail=smtp://127.0.0.1:{mails.port}"
    monkeypatch.setenv("MUSTER_ENDPOINTS", endpoints)
    centre = RealCentre(folder=data_dir)
    try:
        centre.start()
        yield Outside(centre, texts, mails)
    finally:
        centre.stop()
        texts.stop()
        mails.stop()


def test_one_person_by_three_channels_and_the_room_that_saw_it(
    outside: Outside, open_page: Open, pictures: Path
):
    """Chat, text and mail of one person: seen as one by the agent, answered on each, counted on the wall."""
    wall = _wall(open_page, outside.centre)
    desk = _signed_in(open_page, outside.centre, "ben")
    _available(desk)
    chat = open_page(outside.centre.url + "/chat", width=390, height=760)
    _write(chat, "There is smoke in the stairway")
    expect(wall.locator(".urgent-one").first).to_contain_text("Immediate")
    _picture(wall, pictures, "three-1-wall-alone")
    _accept(desk, "There is smoke in the stairway")
    expect(wall.locator(".urgent-none")).to_be_visible()

    _chats_and_texts(outside, desk, chat, pictures)
    _mails(outside, desk)
    _mails_without_proof(outside, desk, pictures)

    _figure(wall, "Talking", "4")
    expect(wall.locator(".agent", has_text="Ben Carter").locator(".agent-holds > span")).to_have_count(4)
    _picture(wall, pictures, "three-5-wall-engaged")
    for _ in range(4):
        _end(desk)
    _figure(wall, "Talking", "0")
    _figure(wall, "Answered", "4")
    _figure(wall, "Left", "0")
    _picture(wall, pictures, "three-6-wall-after")
    _comes_back(outside, desk, pictures)


def _chats_and_texts(outside: Outside, desk: Page, chat: Page, pictures: Path) -> None:
    """The number is first claimed in the chat, then proved by a text from it; the agent links the two."""
    _reply(desk, "What is your number, if we lose you here?")
    expect(chat.locator(".bubble[data-from=agent]")).to_contain_text("What is your number")
    _write(chat, NUMBER)
    _claim(desk, NUMBER)
    outside.text("It is Mo from the smoke, my battery is dying")
    _accept(desk, "my battery is dying")
    _reply(desk, "Stay low, help is two minutes away.")
    _arrived(
        lambda: [each.body for each in outside.texts.double.taken()], "Stay low, help is two minutes away."
    )
    expect(desk.locator(".status", has_text="delivered")).to_have_count(1)
    _show(desk, "There is smoke")
    expect(desk.locator(".claims summary")).to_contain_text(NUMBER)
    desk.locator(".claims summary").click()
    _picture(desk, pictures, "three-2-claims")
    _made_sure(desk)
    expect(desk.locator(".identity[data-verified=true]")).to_have_count(2)
    expect(desk.locator(".others")).to_contain_text("Text message")


def _mails(outside: Outside, desk: Page) -> None:
    """Vouched for, merged by the agent, answered; and the answer to that joins the same conversation."""
    outside.mail("I have photos of the smoke from the street", vouched_for=True)
    _accept(desk, "photos of the smoke")
    expect(desk.locator(".mail-vouched")).to_have_text("From, verified:")
    desk.get_by_label("The same person as").select_option(index=1)
    desk.get_by_role("button", name="Make them one person").click()
    expect(desk.locator(".identity[data-verified=true]")).to_have_count(3)
    _name(desk, "Mo Ali")
    _reply(desk, "Thank you, please send them.")
    _arrived(lambda: [each.text for each in outside.mails.arrived], "Thank you, please send them.")
    outside.mail("Here is the first one", vouched_for=True, answers=outside.mails.newest[MAIL])
    expect(desk.locator(".message-text").last).to_contain_text("Here is the first one")


def _mails_without_proof(outside: Outside, desk: Page, pictures: Path) -> None:
    """The same address, and nobody vouches for it: somebody who claims to be Mo, until the agent is sure."""
    outside.mail("The smoke is thicker now", vouched_for=False)
    _accept(desk, "The smoke is thicker now")
    expect(desk.locator(".mail-vouched")).to_have_text("Claims to be from:")
    expect(desk.locator(".identity .mark")).to_have_text(["?claimed"])
    expect(desk.locator(".claims summary")).to_contain_text("Mo Ali")
    _picture(desk, pictures, "three-3-claims-by-mail")
    desk.locator(".claims summary").click()
    _made_sure(desk)
    expect(desk.locator(".identity[data-verified=true]")).to_have_count(3)
    expect(desk.locator(".identity[data-verified=false]")).to_have_count(1)
    expect(desk.locator(".others li")).to_have_count(3)
    _picture(desk, pictures, "three-4-one-person")


def _comes_back(outside: Outside, desk: Page, pictures: Path) -> None:
    """Whoever answers next sees all of it, on whatever channel it was, and what nobody vouched for."""
    outside.text("Thank you, we are all out")
    _accept(desk, "we are all out")
    expect(desk.get_by_role("heading", name="Mo Ali")).to_be_visible()
    desk.get_by_role("button", name="Show").click()
    expect(desk.locator(".earlier")).to_have_count(4)
    for earlier in desk.locator(".earlier summary").all():
        earlier.click()
    unproved = desk.locator(".earlier", has_text="The smoke is thicker now")
    expect(unproved).to_have_attribute("data-verified", "false")
    expect(desk.locator(".earlier", has_text="There is smoke in the stairway")).to_have_count(1)
    _picture(desk, pictures, "three-7-history")


def _made_sure(desk: Page) -> None:
    """The claim that is open holds."""
    desk.locator(".claims").get_by_role("button", name="it is the same person").click()


def _wall(open_page: Open, centre: RealCentre) -> Page:
    """The supervisor's, in a browser of its own."""
    page = open_page(centre.url + "/wall", width=1600, height=900, dark=True)
    page.get_by_label("Name").fill("sofia")
    page.get_by_label("Password").fill(centre.one_time["sofia"])
    page.keyboard.press("Enter")
    page.get_by_label("New password", exact=True).fill("nine green kettles sing")
    page.get_by_label("New password again").fill("nine green kettles sing")
    page.keyboard.press("Enter")
    expect(page.locator(".desk, .wall")).to_be_attached()
    page.goto(centre.url + "/wall")
    expect(page.locator(".wall")).to_be_attached()
    return page


def _figure(wall: Page, label: str, value: str) -> None:
    """A figure of the whole centre."""
    figure: Locator = wall.locator(".room .figure", has=wall.get_by_text(label, exact=True)).locator("b")
    expect(figure).to_have_text(value)


def _reply(desk: Page, words: str) -> None:
    desk.get_by_role("textbox", name="Write to the customer").fill(words)
    desk.keyboard.press("Enter")
    expect(desk.locator(".message[data-direction=out]", has_text=words)).to_have_count(1)


def _claim(desk: Page, address: str) -> None:
    desk.get_by_role("button", name="Says another number").click()
    desk.get_by_label("Number (with country)").fill(address)
    desk.keyboard.press("Enter")
    expect(desk.locator(".identity[data-verified=false]")).to_contain_text(address)


def _name(desk: Page, name: str) -> None:
    desk.locator(".person-name button").click()
    desk.keyboard.type(name)
    desk.keyboard.press("Enter")
    expect(desk.locator(".person-name b")).to_have_text(name)


def _show(desk: Page, words: str) -> None:
    """The conversation in which this was said."""
    for row in desk.locator(".conversation-row").all():
        row.click()
        if desk.locator(".message-text", has_text=words).count():
            return
    raise AssertionError(f"no conversation with {words!r}")


def _end(desk: Page) -> None:
    """The conversation that is shown, with its outcome."""
    rows = desk.locator(".conversation-row")
    before = rows.count()
    desk.keyboard.press("Alt+KeyE")
    desk.get_by_role("button", name="End it").click()
    desk.locator(".wrap-up input").first.check()
    desk.get_by_role("button", name="Finish").click()
    expect(rows).to_have_count(before - 1)


def _arrived(look: Callable[[], list[str]], words: str) -> None:
    """It reached the telephone or the mailbox, once."""
    deadline = time.monotonic() + WAIT_S
    while words not in look():
        assert time.monotonic() < deadline, f"{words!r} is not among {look()}"
        time.sleep(0.02)
    assert look().count(words) == 1


def _picture(page: Page, pictures: Path, name: str) -> None:
    page.wait_for_timeout(ARMED_MS)
    page.screenshot(path=pictures / f"{name}.png")
