"""What may be sent, at the desk: templates, consent, texts that are switched off, and which way it went."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.plan_file import parse_plan
from router.channels import consent
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.channels.template import MEDIA_TYPE, read
from router.journal.appends import FactsAppend
from router.journal.committer import wall_ms
from router.records import fact
from router.run.delivery_book import claim
from tests.config.test_accounts import ACCOUNT, CHANNEL
from tests.config.test_sending import NOTICE, WHATSAPP
from tests.contracts.messenger import Messenger, event_of
from tests.contracts.plays import Said, receive
from tests.contracts.whatsapp import WhatsApp
from tests.desk import plans
from tests.desk.small_site import Site, connected, running_site
from tests.desk.wire import Page

HOUR_MS = 3_600_000
PAGE = """
[[accounts]]
id = "page"
channel = "messenger"
provider = "messenger"
address = "106728098009746"
secret = "page"
options = { human_agent = true }
"""
PLAN = CHANNEL + ACCOUNT + WHATSAPP.replace("people_per_day = 250", "people_per_day = 1")
PLAN += NOTICE.replace('"nl"', '"en"').replace("Bel 112.", "Call 112.")
VALUES = ["the cellar", "Mill Lane"]
TEXT = "You wrote about the cellar, near Mill Lane. Do you still need help?"


@pytest.fixture
async def site(data_dir: Path) -> AsyncIterator[Site]:
    """A site with WhatsApp and texts."""
    plan = parse_plan(plans.plan().text + PLAN)
    async with running_site(data_dir, plan=plan) as running:
        yield running


async def held(site: Site, *, ago_ms: int = 0, person: str = "15557654321", said: str = "help") -> str:
    """A WhatsApp conversation that began so long ago, accepted by ana."""
    plays = WhatsApp()
    said_s = str((wall_ms() - ago_ms) // 1000)
    webhook = plays.message(Said(provider_id=uuid.uuid4().hex, sender=person, text=said), timestamp=said_s)
    contact = receive(plays, replace(webhook, received_at_ms=wall_ms())).contacts[0]
    return await accepted(site, replace(contact, account="social"))


async def accepted(site: Site, contact: Contact) -> str:
    keep = KeepContact(contact)
    await site.committer.append(keep)
    assert keep.kept is not None
    if keep.kept.began:
        offer_id = await site.offered(keep.kept.interaction_id, "ana")
        await site.decide(connected(keep.kept.interaction_id, offer_id, "ana"))
    return keep.kept.interaction_id


async def texted(site: Site, text: str = "help", number: str = "+15557654321") -> str:
    """A conversation by text, accepted by ana."""
    contact = Contact(
        channel="sms",
        account="line",
        provider_id=uuid.uuid4().hex,
        verified=True,
        address_kind="phone",
        address=number,
        body=text.encode(),
        received_at_ms=wall_ms(),
    )
    return await accepted(site, contact)


async def asks(page: Page, kind: str, interaction_id: str, **fields: Any) -> dict[str, Any]:
    ids = {"command_id": str(uuid.uuid4()), "interaction_id": interaction_id}
    if kind in ("reply", "template"):
        ids["client_id"] = fields.pop("client_id", str(uuid.uuid4()))
    answer: dict[str, Any] = await page.command(kind, **ids, **fields)
    return answer


async def opts_out(site: Site, interaction_id: str, *, channel: str = "sms", blocked: bool = False) -> None:
    with site.database.reading() as db:
        row = db.row("SELECT address_hash FROM interaction WHERE interaction_id = :i", i=interaction_id)
    assert row is not None
    change = consent.changed(
        interaction_id=interaction_id,
        channel=channel,
        account="line",
        address_hash=row[0],
        state="out",
        how="word",
        blocked=blocked,
    )
    await site.committer.append(FactsAppend(facts_to_append=(change,)))


async def test_a_template_goes_when_the_window_is_closed(site: Site) -> None:
    """Its name and values are kept for the provider, its words for everybody else."""
    interaction_id = await held(site, ago_ms=25 * HOUR_MS)
    page = await site.desk("ana")
    assert [each["id"] for each in page.words["templates"]] == ["still"]
    assert page.entities["conversation"][interaction_id]["account"] == "social"
    assert (await asks(page, "reply", interaction_id, text="hello?"))["code"] == "window_closed"
    answer = await asks(page, "template", interaction_id, template_id="still", values=VALUES)
    assert answer["ok"], answer
    assert answer["value"]["text"] == TEXT
    assert answer["value"]["way"]["template"] == "still"
    [(outbox_id, data)] = site.rows("send_ordered")
    assert msgspec.json.decode(data)["template"] == "still"
    with site.database.reading() as db:
        row = db.row("SELECT media_type, body FROM content WHERE content_id = :c", c=outbox_id)
    assert row is not None and row[0] == MEDIA_TYPE
    kept = read(bytes(row[1]))
    assert kept is not None and (kept.name, kept.language, list(kept.values)) == (
        "still_need_help",
        "en_US",
        VALUES,
    )


async def test_a_template_that_is_pressed_twice_is_one(site: Site) -> None:
    """A repeat is harmless; another text under the same id is no repeat."""
    interaction_id = await held(site)
    page = await site.desk("ana")
    for _ in range(2):
        answer = await asks(
            page, "template", interaction_id, template_id="still", values=VALUES, client_id="c-1"
        )
        assert answer["ok"]
    other = await asks(
        page, "template", interaction_id, template_id="still", values=["a", "b"], client_id="c-1"
    )
    assert other["code"] == "id_taken"
    assert len(site.rows("send_ordered")) == 1


@pytest.mark.parametrize(
    ("template_id", "values", "code"),
    [
        ("gone", VALUES, "no_template"),
        ("still", VALUES[:1], "places_unfilled"),
        ("still", [*VALUES, "more"], "places_unfilled"),
        ("still", ["the cellar", "  "], "places_unfilled"),
        ("still", ["the\ncellar", "Mill Lane"], "bad_value"),
        ("still", ["the     cellar", "Mill Lane"], "bad_value"),
        ("still", ["x" * 301, "Mill Lane"], "bad_value"),
    ],
)
async def test_a_template_that_its_provider_would_refuse_is_refused_here(
    site: Site, template_id: str, values: list[str], code: str
) -> None:
    """Here it takes a moment; there the customer waits, and nobody knows."""
    interaction_id = await held(site)
    page = await site.desk("ana")
    answer = await asks(page, "template", interaction_id, template_id=template_id, values=values)
    assert answer["code"] == code
    assert site.rows("send_ordered") == []


async def test_a_template_of_another_account_is_none(site: Site) -> None:
    """Twilio has never heard of it."""
    interaction_id = await texted(site)
    page = await site.desk("ana")
    assert (await asks(page, "template", interaction_id, template_id="still", values=VALUES))[
        "code"
    ] == "no_template"


async def test_more_people_than_the_provider_allows_get_no_template(site: Site) -> None:
    """Meta would refuse it, and count it against us; whoever had one today may have another."""
    first, second = await held(site), await held(site, person="15557654322")
    page = await site.desk("ana")
    for _ in range(2):
        assert (await asks(page, "template", first, template_id="still", values=VALUES))["ok"]
    answer = await asks(page, "template", second, template_id="still", values=VALUES)
    assert (answer["code"], "Call them" in answer["text"]) == ("tier_full", True)
    assert (await asks(page, "reply", second, text="an answer is no template"))["ok"]


async def test_who_asked_for_nothing_more_is_answered_in_an_emergency_only(site: Site) -> None:
    """And what is written down says so: nothing asks for consent again when it leaves."""
    interaction_id = await texted(site, "STOP")
    page = await site.desk("ana")
    await opts_out(site, interaction_id)
    await page.until(lambda: page.entities["conversation"][interaction_id]["unwanted"] == "opted_out")
    answer = await asks(page, "reply", interaction_id, text="are you safe?")
    assert (answer["code"], "Call them" in answer["text"]) == ("opted_out", True)
    assert (await asks(page, "reply", interaction_id, text="are you safe?", emergency=True))["ok"]
    [(_, data)] = site.rows("send_ordered")
    assert "category" not in msgspec.json.decode(data)


async def test_who_writes_again_is_answered(site: Site) -> None:
    """They wrote to us; the desk shows it at once."""
    interaction_id = await texted(site, "STOP")
    page = await site.desk("ana")
    await opts_out(site, interaction_id)
    await texted(site, "wait, he is at the door")
    await page.until(lambda: page.entities["conversation"][interaction_id]["unwanted"] == "")
    assert (await asks(page, "reply", interaction_id, text="lock it"))["ok"]


async def test_what_the_provider_blocks_no_emergency_opens(site: Site) -> None:
    """To try would only lose the time in which somebody could call them."""
    interaction_id = await texted(site, "STOP")
    page = await site.desk("ana")
    await opts_out(site, interaction_id, blocked=True)
    await texted(site, "are you there")
    answer = await asks(page, "reply", interaction_id, text="yes", emergency=True)
    assert (answer["code"], "START" in answer["text"]) == ("opted_out_blocked", True)


async def test_an_agent_notes_what_the_customer_says_about_messages(site: Site) -> None:
    """By category, with the agent's name; told again it is no news."""
    interaction_id = await texted(site)
    page = await site.desk("ana")
    for _ in range(2):
        assert (await asks(page, "consent", interaction_id, category="service", state="out"))["ok"]
    [(_, data)] = site.rows("consent_changed")
    told = msgspec.json.decode(data)
    assert (told["categories"], told["how"], told["agent_id"]) == (["service"], "agent", "ana")
    shown = page.entities["conversation"]
    await page.until(lambda: [each["category"] for each in shown[interaction_id]["consent"]] == ["service"])
    assert shown[interaction_id]["unwanted"] == ""
    assert (await asks(page, "consent", "nobody's", category="service", state="in"))["code"] == "not_yours"


async def test_both_ways_are_seen_at_the_desk(site: Site) -> None:
    """On the first what went instead, on the second instead of what: and what a late receipt says."""
    interaction_id = await held(site)
    page = await site.desk("ana")
    first = (await asks(page, "reply", interaction_id, text="we are coming"))["value"]["message_id"]
    with site.database.reading() as db:
        row = db.row("SELECT address_hash FROM interaction WHERE interaction_id = :i", i=interaction_id)
    assert row is not None
    said = {
        "client_id": "",
        "direction": "out",
        "author_id": "ana",
        "message_kind": "text",
        "reading": "read",
    }
    to = {"channel": "sms", "account": "line", "address_hash": row[0], "instead_of": first}
    await site.committer.append_facts(
        fact("fallback_decided", first, message_id=first, to_outbox_id="second", why="not_in_time"),
        fact("message_added", interaction_id, message_id="second", content_id=first, **said),
        fact("send_ordered", "second", message_id="second", interaction_id=interaction_id, **to),
    )
    messages = page.entities["message"]
    await page.until(lambda: "second" in messages and messages[first]["way"]["other"] == "second")
    assert messages["second"]["text"] == messages[first]["text"] == "we are coming"
    assert messages[first]["way"]["other_channel"] == messages["second"]["way"]["channel"] == "sms"
    assert messages["second"]["way"]["instead_of_channel"] == "whatsapp"
    assert (messages[first]["status"], messages[first]["trouble"]) == ("failed", "not_in_time")


async def test_texts_are_switched_off_with_a_reason_and_on_again(site: Site) -> None:
    """By a supervisor, on record, seen at every desk that it concerns; agents have no such switch."""
    interaction_id = await texted(site)
    page = await site.desk("ana")

    async def switch(agent_id: str, **fields: Any) -> Any:
        body = {"scope": "account", "id": "line", "off": True, "command_id": str(uuid.uuid4()), **fields}
        return await site.ask("POST", "/api/admin/texts", body, token=await site.session(agent_id))

    assert (await switch("ana", reason="flood")).status == 403
    assert (await switch("olga", reason="flood")).status == 403
    assert (await switch("sue", reason=" ")).json["code"] == "no_reason"
    assert (await switch("sue", reason="flood", id="mill")).json["code"] == "not_found"
    supervisor = await site.desk("sue")
    assert (await switch("sue", reason="The provider is down.")).json["changed"]
    await supervisor.until(lambda: bool(supervisor.entities["alarm"]))
    [alarm] = supervisor.entities["alarm"].values()
    assert (alarm["code"], alarm["ref"], alarm["detail"]) == (
        "texts_off",
        "account/line",
        "The provider is down.",
    )
    assert not (await switch("ada", reason="Again.")).json["changed"]
    shown = page.entities["conversation"]
    await page.until(
        lambda: (shown[interaction_id]["text_off"] or {}).get("reason") == "The provider is down."
    )
    now = (await site.ask("GET", "/api/admin/texts", token=await site.session("ada"))).json
    line = next(each for each in now["switches"] if (each["scope"], each["id"]) == ("account", "line"))
    assert (line["off"], line["name"], line["reason"]) == (True, "Sue", "The provider is down.")
    assert [(each["scope"], each["id"]) for each in now["switches"] if each["off"]] == [("account", "line")]
    assert (await switch("ada", off=False)).json["changed"]
    await page.until(lambda: shown[interaction_id]["text_off"] is None)
    await supervisor.until(lambda: not supervisor.entities["alarm"])
    assert [ref for ref, _ in site.rows("text_switched")] == ["account/line"] * 2


async def test_a_person_has_seven_days_where_the_provider_gives_them(data_dir: Path) -> None:
    """Meta's Human Agent: shown at the desk, and what leaves after the first day bears the tag."""
    text = plans.plan().text + CHANNEL.replace('"sms"', '"messenger"') + PAGE
    async with running_site(data_dir, plan=parse_plan(text)) as site:
        plays = Messenger("messenger")
        said = {**event_of(Said()), "timestamp": wall_ms() - 30 * HOUR_MS}
        (contact,) = receive(plays, plays.events(said)).contacts
        interaction_id = await accepted(site, replace(contact, account="page", received_at_ms=wall_ms()))
        page = await site.desk("ana")
        until_ms = page.entities["conversation"][interaction_id]["reply_until_ms"]
        assert abs(until_ms - (wall_ms() + (7 * 24 - 30) * HOUR_MS)) < 60_000
        answer = await asks(page, "reply", interaction_id, text="we are still here")
        assert answer["ok"], answer
        with site.database.writing() as db:
            [claimed] = claim(db, [answer["value"]["message_id"]], owner="test")
        assert abs(claimed.closes_ms - (wall_ms() - 6 * HOUR_MS)) < 60_000
