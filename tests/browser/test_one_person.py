"""One person by three channels, with real processes: the agent sees one person, and what is only claimed."""

import smtplib
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from agents_ui.demo.texting import signature
from tests.browser.conftest import Open
from tests.browser.real_centre import RealCentre
from tests.browser.test_one_line import _accept, _available, _signed_in, _write

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

TEXT_SECRET = "0123456789abcdef0123456789abcdef"
TEXTS = "county-texts"
OURS = "+15550100911"
NUMBER = "+31612345678"
MAIL = "mo.ali@example.org"


@pytest.fixture
def real_centre(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealCentre]:
    monkeypatch.setenv("MUSTER_SECRET_COUNTY_TEXTS", TEXT_SECRET)
    monkeypatch.setenv("MUSTER_SECRET_COUNTY_MAIL", "a secret of the mailbox")
    centre = RealCentre(folder=data_dir)
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


def test_who_chats_texts_and_mails_is_one_person_on_the_desk(
    real_centre: RealCentre, open_page: Open, pictures: Path
):
    """Verified and claimed are told apart, linking is an agent's act, and it can be taken back."""
    desk = _signed_in(open_page, real_centre, "ana")
    _available(desk)
    customer = open_page(real_centre.url + "/chat", width=390, height=760)
    _write(customer, "There is smoke in the stairway")
    _accept(desk, "There is smoke in the stairway")
    expect(desk.locator(".identity .mark")).to_have_text(["✓verified"])

    _claim(desk, NUMBER)
    _texts(real_centre, "Smoke, Harbour Street 41, my battery is dying")
    _accept(desk, "my battery is dying")
    expect(desk.locator(".identity .address")).to_have_text([NUMBER])
    expect(desk.locator(".identity .mark")).to_have_text(["✓verified"])
    expect(desk.locator(".also-talks")).to_have_count(0)

    desk.locator(".conversation-row").first.click()
    claim = desk.locator(".claims")
    expect(claim.locator("summary")).to_contain_text(NUMBER)
    claim.locator("summary").click()
    desk.screenshot(path=pictures / "person-1-claims.png")
    claim.get_by_role("button", name="it is the same person").click()
    expect(claim).to_have_count(0)
    expect(desk.locator(".identity[data-verified=true]")).to_have_count(2)
    expect(desk.locator(".others li")).to_have_count(1)
    expect(desk.locator(".others")).to_contain_text("with You")

    _mails(real_centre, "There is smoke on the third floor too")
    _accept(desk, "There is smoke on the third floor too")
    expect(desk.locator(".identity .mark")).to_have_text(["?claimed"])
    desk.get_by_label("The same person as").select_option(index=1)
    desk.get_by_role("button", name="Make them one person").click()
    expect(desk.locator(".identity")).to_have_count(3)
    expect(desk.locator(".identity[data-verified=false] .address")).to_contain_text([MAIL])
    expect(desk.locator(".others li")).to_have_count(2)
    desk.screenshot(path=pictures / "person-2-one.png")
    desk.locator(".identity", has_text=MAIL).get_by_role("button", name="Take back").click()
    expect(desk.locator(".identity")).to_have_count(1)
    expect(desk.locator(".others")).to_have_count(0)


def test_a_call_back_promised_in_a_chat_comes_to_the_agent_who_promised_it(
    real_centre: RealCentre, open_page: Open
):
    """Parked until its time, by the real router, and then in front of somebody."""
    desk = _signed_in(open_page, real_centre, "ana")
    _available(desk)
    customer = open_page(real_centre.url + "/chat", width=390, height=760)
    _write(customer, "Nobody answers at the water works")
    _accept(desk, "Nobody answers")
    desk.keyboard.press("Alt+KeyB")
    desk.locator(".panel input[type=datetime-local]").fill("2020-01-01T09:00")  # past: that is now
    desk.locator(".panel select").select_option("agent:ana")
    desk.get_by_label("What it is about").fill("ask the water works again")
    desk.get_by_role("button", name="Promise it").click()
    expect(desk.locator(".offer-summary")).to_contain_text("Nobody answers at the water works")
    _accept(desk, "Nobody answers at the water works")
    expect(desk.locator(".message-text")).to_contain_text(["Nobody answers", "ask the water works again"])
    expect(desk.locator(".conversation-row")).to_have_count(2)


def _claim(desk: Page, address: str) -> None:
    desk.get_by_role("button", name="Says another number").click()
    desk.get_by_label("Number (with country)").fill(address)
    desk.keyboard.press("Enter")
    expect(desk.locator(".identity[data-verified=false]")).to_contain_text(address)


def _texts(centre: RealCentre, text: str) -> None:
    """The webhook of the provider, signed as it signs."""
    fields = {
        "MessageSid": "SM" + "1" * 32,
        "AccountSid": "AC00000000000000000000000000000911",
        "From": NUMBER,
        "To": OURS,
        "Body": text,
        "NumMedia": "0",
    }
    url = f"{centre.url}/hooks/{TEXTS}"
    body = urlencode(fields).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature(TEXT_SECRET.encode(), url, fields),
    }
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        assert answer.status == 200


def _mails(centre: RealCentre, text: str) -> None:
    """As the mail exchanger of the plan hands it over, which does not vouch for its sender."""
    mail = EmailMessage()
    mail["From"] = f"Mo Ali <{MAIL}>"
    mail["To"] = "help@lowen.example"
    mail["Subject"] = "Harbour Street"
    mail["Message-ID"] = "<one@example.org>"
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", centre.port + 1, timeout=10) as exchanger:
        exchanger.send_message(mail, from_addr=MAIL, to_addrs=["help@lowen.example"])
