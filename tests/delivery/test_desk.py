"""An agent's answer by text, as its desk sees it: ordered with the words, followed until it is there."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import wall_ms
from router.records import fact
from tests.desk.small_site import Site, connected, running_site
from tests.desk.wire import Page

NUMBER = "+15557654321"


@pytest.fixture
async def site(data_dir: Path) -> AsyncIterator[Site]:
    """One web process over a fresh SQLite file."""
    async with running_site(data_dir) as running:
        yield running


async def texted(site: Site, agent_id: str, *, address: str = NUMBER) -> str:
    """An interaction by text message that this agent has accepted."""
    contact = Contact(
        channel="sms",
        account="line",
        provider_id=uuid.uuid4().hex,
        address_kind="phone",
        address=address,
        linked=bool(address),
        verified=True,
        body=b"help me",
        received_at_ms=wall_ms(),
    )
    keep = KeepContact(contact)
    await site.committer.append(keep)
    assert keep.kept is not None
    interaction_id = keep.kept.interaction_id
    offer_id = await site.offered(interaction_id, agent_id)
    await site.decide(connected(interaction_id, offer_id, agent_id))
    return interaction_id


async def reply(page: Page, interaction_id: str, text: str = "we are coming", client_id: str = "") -> dict:
    ids = {"client_id": client_id or str(uuid.uuid4()), "command_id": str(uuid.uuid4())}
    return await page.command("reply", interaction_id=interaction_id, text=text, **ids)


async def test_an_answer_and_the_order_to_send_it_are_one_append(site: Site) -> None:
    """A crash between the two would be an answer that everybody believes to be sent."""
    interaction_id = await texted(site, "ana")
    page = await site.desk("ana")
    answer = await reply(page, interaction_id)
    assert (answer["ok"], answer["value"]["status"]) == (True, "due")
    [(outbox_id, data)] = site.rows("send_ordered")
    ordered = msgspec.json.decode(data)
    assert outbox_id == ordered["message_id"] == answer["value"]["message_id"]
    assert (ordered["interaction_id"], ordered["channel"], ordered["account"]) == (
        interaction_id,
        "sms",
        "line",
    )
    assert NUMBER not in data
    with site.database.reading() as db:
        rows = db.rows("SELECT kind, at_ms FROM journal WHERE kind IN ('message_added', 'send_ordered')")
        [(address,)] = db.rows(
            "SELECT address FROM address WHERE address_hash = :h", h=ordered["address_hash"]
        )
    assert [kind for kind, _ in rows] == ["message_added", "send_ordered"]
    assert address == NUMBER


async def test_the_same_answer_thirty_times_at_once_is_ordered_once(site: Site) -> None:
    """A page that lost its connection asks again; the customer gets one text."""
    interaction_id = await texted(site, "ana")
    page = await site.desk("ana")
    client_id = str(uuid.uuid4())
    await asyncio.gather(*(reply(page, interaction_id, client_id=client_id) for _ in range(30)))
    assert len(site.rows("send_ordered")) == 1


async def test_who_does_not_hold_it_sends_nothing(site: Site) -> None:
    """What leaves cannot be taken back: the holder is checked where it is ordered."""
    interaction_id = await texted(site, "ana")
    answer = await reply(await site.desk("ben"), interaction_id)
    assert (answer["ok"], answer["code"]) == (False, "not_yours")
    assert site.rows("send_ordered") == []


async def test_a_customer_without_an_address_is_not_answered_into_nothing(site: Site) -> None:
    """Words that can never leave must be refused while the agent still looks."""
    interaction_id = await texted(site, "ana", address="")
    answer = await reply(await site.desk("ana"), interaction_id)
    assert (answer["ok"], answer["code"]) == (False, "no_address")
    assert answer["text"].startswith("The customer's number or address")
    with site.database.reading() as db:
        assert db.rows("SELECT message_id FROM message WHERE direction = 'out'") == []


async def test_chat_is_not_sent_by_anybody(site: Site) -> None:
    """The customer's page reads the journal; an order would wait for ever."""
    interaction_id = await site.held("ana")
    answer = await reply(await site.desk("ana"), interaction_id)
    assert (answer["ok"], answer["value"]["status"]) == (True, "")
    assert site.rows("send_ordered") == []


async def test_the_desk_follows_an_answer_until_it_is_there(site: Site) -> None:
    """Waiting, late and why, sent, delivered: each comes to the page, and a fresh page shows the same."""
    interaction_id = await texted(site, "ana")
    page = await site.desk("ana")
    message_id = (await reply(page, interaction_id))["value"]["message_id"]

    async def becomes(status: str, trouble: str, *facts: object) -> None:
        await site.committer.append_facts(*facts)  # type: ignore[arg-type]

        def shown() -> bool:
            message = page.entities["message"].get(message_id, {})
            return (message.get("status"), message.get("trouble")) == (status, trouble)

        await page.until(shown)
        fresh = await site.desk("ana")
        assert fresh.entities["message"][message_id] == page.entities["message"][message_id]

    await becomes("late", "no_connection", tried(message_id, "later", "no_connection", attempt=1))
    await becomes("sent", "maybe_twice", tried(message_id, "sent", "", attempt=2, maybe_twice=True))
    await becomes("delivered", "maybe_twice", fact("delivered", message_id, status="delivered", detail=""))


async def test_an_answer_that_failed_comes_to_the_desk_and_to_the_supervisors(site: Site) -> None:
    """The agent may have closed the conversation long ago; somebody must see it all the same."""
    interaction_id = await texted(site, "ana")
    page, supervisor = await site.desk("ana"), await site.desk("sue")
    message_id = (await reply(page, interaction_id))["value"]["message_id"]
    await site.committer.append_facts(tried(message_id, "failed", "twilio_21610", attempt=1))
    await page.until(lambda: page.entities["message"].get(message_id, {}).get("status") == "failed")
    assert page.entities["message"][message_id]["trouble"] == "twilio_21610"
    await supervisor.until(lambda: bool(supervisor.entities["alarm"]))
    [alarm] = supervisor.entities["alarm"].values()
    assert (alarm["code"], alarm["ref"], alarm["detail"]) == ("not_delivered", interaction_id, "twilio_21610")
    assert page.entities.get("alarm", {}) == {}


async def test_an_account_in_trouble_comes_to_the_supervisors(site: Site) -> None:
    """Nobody looks at a worker's log in the middle of a night's flood."""
    supervisor = await site.desk("sue")
    await site.committer.append_facts(
        fact("delivery_troubled", "line", code="account_down", detail="no_connection")
    )
    await supervisor.until(lambda: bool(supervisor.entities["alarm"]))
    [alarm] = supervisor.entities["alarm"].values()
    assert (alarm["code"], alarm["ref"]) == ("account_down", "line")


def tried(message_id: str, outcome: str, detail: str, *, attempt: int, maybe_twice: bool = False) -> object:
    return fact(
        "send_tried",
        message_id,
        message_id=message_id,
        attempt=attempt,
        outcome=outcome,
        detail=detail,
        due_at_ms=0,
        maybe_twice=maybe_twice,
    )
