"""Until when an answer is possible: shown while it is, refused with a reason when it no longer is."""

import uuid
from dataclasses import replace

import pytest

from agents_ui.desk.reply_rules import refused
from config.plan import AccountPlan
from router.channels.ingest import KeepContact
from router.channels.port import UNPARSED, Contact
from router.channels.providers import PROVIDERS
from router.decisions import CloseInteraction
from router.journal.committer import wall_ms
from tests.contracts.messenger import Messenger, event_of
from tests.contracts.partner import Partner
from tests.contracts.plays import Plays, Said, receive
from tests.contracts.telegram import Telegram
from tests.contracts.whatsapp import WhatsApp
from tests.desk.small_site import Site, connected
from tests.desk.wire import Page

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def texted(ago_ms: int, provider_id: str = "") -> Contact:
    """What somebody wrote by WhatsApp so long ago, by WhatsApp's clock. It arrives now."""
    plays = WhatsApp()
    said_s = str((wall_ms() - ago_ms) // 1000)
    webhook = plays.message(Said(provider_id=provider_id or uuid.uuid4().hex), timestamp=said_s)
    return receive(plays, replace(webhook, received_at_ms=wall_ms())).contacts[0]


async def keep(site: Site, contact: Contact) -> str:
    append = KeepContact(contact)
    await site.committer.append(append)
    assert append.kept is not None
    return append.kept.interaction_id


async def held(site: Site, *contacts: Contact) -> str:
    """A conversation of these contacts that ana has accepted."""
    for contact in contacts:
        interaction_id = await keep(site, contact)
    offer_id = await site.offered(interaction_id, "ana")
    await site.decide(connected(interaction_id, offer_id, "ana"))
    return interaction_id


async def reply(page: Page, interaction_id: str, text: str = "we are coming", kind: str = "reply") -> dict:
    ids = {"client_id": str(uuid.uuid4()), "command_id": str(uuid.uuid4())}
    return await page.command(kind, interaction_id=interaction_id, text=text, **ids)


def until_ms(page: Page, interaction_id: str) -> int:
    value = page.entities["conversation"][interaction_id]["reply_until_ms"]
    assert isinstance(value, int)
    return value


async def test_the_desk_shows_until_when_an_answer_is_possible(site: Site) -> None:
    """By the provider's clock: what was held up for hours on its way leaves less time."""
    before_ms = wall_ms()
    interaction_id = await held(site, texted(ago_ms=3 * HOUR_MS))
    page = await site.desk("ana")
    until = until_ms(page, interaction_id)
    assert abs(until - (before_ms - 3 * HOUR_MS + DAY_MS)) < 10_000
    assert (await reply(page, interaction_id))["ok"]


async def test_each_word_of_the_customer_opens_it_anew(site: Site) -> None:
    """And the desk says so at once; a late repeat of something older takes no time away."""
    interaction_id = await held(site, texted(ago_ms=23 * HOUR_MS))
    page = await site.desk("ana")
    first = until_ms(page, interaction_id)
    await keep(site, texted(ago_ms=0))
    await page.until(lambda: until_ms(page, interaction_id) > first + 22 * HOUR_MS)
    newest = until_ms(page, interaction_id)
    late = await keep(site, texted(ago_ms=10 * HOUR_MS, provider_id="late"))
    assert late == interaction_id
    await page.until(lambda: len(page.entities["message"]) == 3)
    assert until_ms(page, interaction_id) == newest


async def test_too_late_an_answer_is_refused_with_a_reason_and_leaves_nothing(site: Site) -> None:
    """WhatsApp would take it, and say hours later that it never arrived."""
    interaction_id = await held(site, texted(ago_ms=25 * HOUR_MS))
    page = await site.desk("ana")
    answer = await reply(page, interaction_id)
    assert (answer["ok"], answer["code"]) == (False, "window_closed")
    assert "Call them" in answer["text"]
    assert site.rows("send_ordered") == []
    assert [row for row in site.rows("message_added") if "out" in row[1]] == []
    assert (await reply(page, interaction_id, "tried to answer", kind="note"))["ok"]


async def test_words_of_an_earlier_conversation_count(site: Site) -> None:
    """The window is of the person and our number, whatever we call a conversation."""
    first = await held(site, texted(ago_ms=0))
    close = CloseInteraction(
        at_ms=wall_ms(), interaction_id=first, agent_id="ana", disposition="done", why="disposed"
    )
    await site.decide(close)
    second = await held(site, texted(ago_ms=30 * HOUR_MS))
    assert second != first
    page = await site.desk("ana")
    assert (await reply(page, second))["ok"]


@pytest.mark.parametrize("plays", [Telegram(), WhatsApp()], ids=lambda plays: plays.name)
async def test_where_nothing_is_known_an_answer_is_tried(site: Site, plays: Plays) -> None:
    """A channel without an end, and a body that nobody can read: the provider has the last word."""
    contact = replace(receive(plays, plays.message()).contacts[0], received_at_ms=wall_ms())
    if plays.name == "whatsapp":
        contact = replace(contact, media_type=UNPARSED)
    interaction_id = await held(site, contact)
    page = await site.desk("ana")
    assert (until_ms(page, interaction_id) == 0) == (plays.name == "telegram")
    assert (await reply(page, interaction_id))["ok"]


async def test_instagram_takes_a_thousand_bytes_and_not_a_thousand_signs(site: Site) -> None:
    """In Arabic that is half, and in Chinese a third: better refused here than lost there."""
    plays = Messenger("instagram")
    said = {**event_of(Said()), "timestamp": wall_ms()}
    (contact,) = receive(plays, plays.events(said)).contacts
    interaction_id = await held(site, contact)
    page = await site.desk("ana")
    assert (await reply(page, interaction_id, "救" * 334))["code"] == "too_long"
    assert (await reply(page, interaction_id, "救" * 333))["ok"]


async def test_who_reports_without_a_way_back_cannot_be_answered(site: Site) -> None:
    """Said at once, and not after hours of trying: a sensor has no mailbox."""
    plays = Partner()
    (contact,) = receive(plays, plays.message()).contacts
    interaction_id = await held(site, contact)
    page = await site.desk("ana")
    answer = await reply(page, interaction_id)
    assert (answer["ok"], answer["code"]) == (False, "no_way_back")
    account = AccountPlan(
        account_id="mill", channel="partner", provider="partner", address="mill", endpoint="https://m.example"
    )
    with site.database.reading() as db:
        with_endpoint = replace(site.plan, accounts=(account,))
        assert refused(db, with_endpoint, interaction_id=interaction_id, body=b"x", at_ms=1) == ""


def test_every_window_is_a_fact_of_its_channel() -> None:
    """As its provider has published it."""
    cans = {name: provider.can for name, provider in PROVIDERS.items()}
    windows = {name: can.reply_window_ms for name, can in cans.items() if can.reply_window_ms}
    assert windows == {"instagram": DAY_MS, "messenger": DAY_MS, "whatsapp": DAY_MS}
    by_people = {name: can.person_window_ms for name, can in cans.items() if can.person_window_ms}
    assert by_people == {"instagram": 7 * DAY_MS, "messenger": 7 * DAY_MS}
