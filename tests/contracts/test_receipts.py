"""What providers say of our messages, in every order in which it can arrive, on a real journal."""

from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import pytest

from router.channels.port import Receipt
from router.channels.receipts import KeepReceipts
from router.journal.database import open_database
from tests.contracts.messenger import Messenger
from tests.contracts.plays import Plays, receive
from tests.contracts.twilio import Twilio
from tests.contracts.viber import Viber
from tests.contracts.whatsapp import WhatsApp
from tests.delivery.office import Office, open_office

PERSON = "+15550000001"


@pytest.fixture
async def office(data_dir: Path) -> AsyncIterator[Office]:
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables(site="centre")
    async with open_office(database) as running:
        yield running
        assert running.agrees()
    database.close()


async def sent(office: Office) -> str:
    """A message that the provider has taken, and told its own id of (SM<n>)."""
    message_id = await office.says("Stay on the roof.", to=PERSON)
    await office.delivers(lambda: office.status(message_id) == "sent")
    return message_id


async def keep(office: Office, *receipts: Receipt, account: str = "line") -> None:
    await office.committer.append(KeepReceipts(account_id=account, receipts=receipts))


@pytest.mark.parametrize(
    "plays", [Twilio(), WhatsApp(), Viber(), Messenger("messenger"), Messenger("instagram")]
)
async def test_statuses_in_any_order_end_where_they_are_furthest(office: Office, plays: Plays):
    """They overtake each other; and a repeat of an old one takes nothing back."""
    words = [word for word, ours in plays.statuses if ours not in ("", "failed")]
    for order in permutations(words):
        message_id = await sent(office)
        number = len(office.provider.sent)
        for word in (*order, *order):
            webhook = plays.status(word, provider_id=f"SM{number}", outbox_id="")
            await keep(office, *receive(plays, webhook).receipts)
        assert office.status(message_id) == "read", order


async def test_what_was_sent_until_a_watermark_was_read(office: Office):
    """And nothing later, nothing of others, nothing of another account."""
    first = await sent(office)
    told = Receipt(address_kind="phone", to_address=PERSON, until_ms=office.clock(), status="read")
    office.hands.passes(seconds=5)
    second = await sent(office)
    await keep(office, told, account="another")
    assert (office.status(first), office.status(second)) == ("sent", "sent")
    await keep(office, told)
    assert (office.status(first), office.status(second)) == ("read", "sent")
    await keep(office, Receipt(address_kind="phone", to_address="+1555", until_ms=2**53, status="read"))
    assert office.status(second) == "sent"
