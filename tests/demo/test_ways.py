"""How demo people text and mail, without a site."""

import asyncio
import dataclasses
import smtplib
from email.message import EmailMessage
from pathlib import Path
from random import Random

from agents_ui.demo.correspondent import Correspondent
from agents_ui.demo.inbox import Inbox
from agents_ui.demo.mailing import Mailboxes, MailPost
from agents_ui.demo.people import read_people
from agents_ui.demo.stage import staged
from agents_ui.demo.stories import Story
from agents_ui.demo.texting import signature
from agents_ui.demo.ways import Ways
from config.settings import read_settings

STORY = Story(language="en", opening=("there is smoke", "in the hall"), then=("number 9",), bye="thank you")


class Notebook:
    """A way to write that only notes what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def say(self, text: str) -> None:
        self.said.append(text)


def _somebody(post: Notebook, inbox: Inbox, **more: object) -> Correspondent:
    values = {"whole": False, "patience_s": 5.0, **more}
    return Correspondent(
        post=post, inbox=inbox, address="+1", story=STORY, random=Random(1), pace=0.001, **values
    )


async def test_a_person_answers_each_answer_once():
    """A demo customer who talked on without being answered would teach agents the wrong thing."""
    post, inbox = Notebook(), Inbox()
    visit = asyncio.create_task(_somebody(post, inbox, patience_s=5_000).correspond())
    while len(post.said) < 2:
        await asyncio.sleep(0)
    await inbox.put("+2", "not for her")
    await inbox.put("+1", "where are you?")
    await inbox.put("+1", "help is on its way")
    assert await asyncio.wait_for(visit, 10) == "helped"
    assert post.said == ["there is smoke", "in the hall", "number 9", "thank you"]


async def test_a_person_whom_nobody_answers_says_no_more():
    """And a mail is written whole, not line by line."""
    post = Notebook()
    assert await _somebody(post, Inbox(), whole=True).correspond() == "unanswered"
    assert post.said == ["there is smoke\nin the hall"]


def test_a_text_is_signed_as_its_provider_publishes():
    """Twilio's own example, so that the demo proves the centre's check and not only that both agree."""
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(b"12345", url, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


async def test_a_mailbox_answers_to_where_it_is_told():
    """The reply address carries the token by which the centre finds the conversation."""
    inbox, person = Inbox(), read_people()[0]
    mailboxes = Mailboxes(inbox=inbox)
    server = await mailboxes.listen()
    port = server.sockets[0].getsockname()[1]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "help@lowen.example", person.mail, "Re: smoke"
    mail["Reply-To"], mail["Message-ID"] = "help+token@lowen.example", "<ours@lowen.example>"
    mail.set_content("where are you?")
    await asyncio.to_thread(_hand_over, mail, port)
    assert await inbox.until(person.mail, 1, 10)
    post = MailPost(
        person=person, to="help@lowen.example", host="", port=0, mailboxes=mailboxes, random=Random(1)
    )
    answer = post._mail("number 9")
    assert (answer["To"], answer["In-Reply-To"]) == ("help+token@lowen.example", "<ours@lowen.example>")
    server.close()


def _hand_over(mail: EmailMessage, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        smtp.send_message(mail)


def test_a_demo_of_any_plan_sends_nothing_away(tmp_path: Path):
    """Somebody tries a demo of the plan that serves a county: its people must get no text of it."""
    settings = dataclasses.replace(read_settings({}), data_dir=tmp_path)
    played = staged(settings)
    assert set(played.endpoints) == {"county-texts", "county-mail"}
    assert all("//127.0.0.1:" in url for url in played.endpoints.values())
    secret = tmp_path / "secrets" / "county-texts"
    kept = secret.read_text()
    assert secret.stat().st_mode & 0o777 == 0o600
    staged(settings)
    assert secret.read_text() == kept


def test_without_accounts_people_only_chat():
    """A plan of chat alone is a whole centre as well."""
    assert tuple(dict.fromkeys(Ways(inbox=Inbox()).channels())) == ("chat",)
