"""An office with two ways to one person: WhatsApp, and texts for what does not arrive there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from config.plan import Plan
from config.plan_file import parse_plan
from router.channels import consent
from router.channels.ids import message_id_of
from router.channels.ingest import KeepContact, Keeper
from router.channels.port import TEXT, Contact, Receipt
from router.channels.receipts import KeepReceipts
from router.journal.appends import FactsAppend, put_content
from router.journal.connection import Connection
from router.journal.database import Database
from router.records import Fact, fact
from router.run.fallback import OtherWays
from router.run.plan_activation import ActivatePlan
from tests.config.plans import SMALL
from tests.config.test_accounts import ACCOUNT, CHANNEL
from tests.config.test_sending import NOTICE, WHATSAPP
from tests.delivery.office import Office, open_office

PERSON = "+15557654321"
PLAN = SMALL + CHANNEL + ACCOUNT + WHATSAPP + NOTICE
AFTER_S = 90
"""As the plan has it: social's fallback_after_ms."""


@dataclass
class Answered:
    """Append: an agent's words to whoever began this interaction, as a desk orders them."""

    number: int
    interaction_id: str
    text: str
    category: str = "reply"
    automatic: bool = False

    @property
    def message_id(self) -> str:
        return f"m-{self.number:04}"

    def write_content(self, db: Connection) -> None:
        put_content(db, content_id=self.message_id, media_type=TEXT, body=self.text.encode(), at_ms=1)

    def facts(self, db: Connection, at_ms: int) -> list[Fact]:
        row = db.row(
            "SELECT channel, account, address_hash FROM interaction WHERE interaction_id = :i",
            i=self.interaction_id,
        )
        assert row is not None
        values: dict[str, Any] = {"channel": row[0], "account": row[1], "address_hash": row[2]}
        added = fact(
            "message_added",
            self.interaction_id,
            message_id=self.message_id,
            content_id=self.message_id,
            client_id="",
            direction="out",
            author_id="ana",
            message_kind="text",
            reading="read",
        )
        order = fact(
            "send_ordered",
            self.message_id,
            message_id=self.message_id,
            interaction_id=self.interaction_id,
            due_at_ms=at_ms,
            category=self.category,
            automatic=self.automatic,
            **values,
        )
        return [added, order]


@dataclass
class TwoWays:
    """The office, and what happens outside."""

    office: Office
    plan: Plan = field(default_factory=lambda: parse_plan(PLAN))
    ways: OtherWays = field(init=False)
    _said: int = 0

    def __post_init__(self) -> None:
        self.ways = self.another()

    def another(self) -> OtherWays:
        """One more worker's look."""
        office = self.office
        return OtherWays(office.database, office.committer, office.clock, lacking=office.outlets.lacking)

    async def in_force(self, **changes: Any) -> None:
        """The plan, with these changes of the account `social`."""
        text = PLAN
        for name, value in changes.items():
            text = text.replace(f"{name} = ", f"{name} = {value} #", 1)
        self.plan = parse_plan(text)
        await self.office.committer.append(ActivatePlan(plan=self.plan, by="test"))

    async def writes(self, text: str = "help", **changes: Any) -> str:
        """Somebody writes, by WhatsApp unless told otherwise; the interaction."""
        self._said += 1
        given: dict[str, Any] = {
            "channel": "whatsapp",
            "account": "social",
            "provider_id": f"in-{self._said}",
            "verified": True,
            "address_kind": "phone",
            "address": PERSON,
            "body": text.encode(),
            "received_at_ms": self.office.clock(),
            **changes,
        }
        keep = KeepContact(Contact(**given), Keeper(web_id="web"))
        await self.office.committer.append(keep)
        assert keep.kept is not None
        return keep.kept.interaction_id

    async def answers(self, interaction_id: str, text: str = "we are coming", **how: Any) -> str:
        """An agent answers; the message."""
        self._said += 1
        said = Answered(number=self._said, interaction_id=interaction_id, text=text, **how)
        await self.office.committer.append(said)
        return said.message_id

    async def told(self, message_id: str, status: str, detail: str = "", account: str = "social") -> None:
        """The provider says what became of it."""
        receipt = Receipt(outbox_id=message_id, status=status, detail=detail)
        await self.office.committer.append(KeepReceipts(account_id=account, receipts=(receipt,)))

    async def opts_out(self, interaction_id: str, channel: str, *, blocked: bool = False) -> None:
        """Their STOP was read."""
        with self.office.database.reading() as db:
            row = db.row("SELECT address_hash FROM interaction WHERE interaction_id = :i", i=interaction_id)
        assert row is not None
        change = consent.changed(
            interaction_id=interaction_id,
            channel=channel,
            account="",
            address_hash=row[0],
            state="out",
            how="word",
            blocked=blocked,
        )
        await self.office.committer.append(FactsAppend(facts_to_append=(change,)))

    async def looks(self, times: int = 2) -> int:
        """Look for what did not arrive; how many were decided."""
        return sum([await self.ways.look() for _ in range(times)])

    def sent_by(self, account: str) -> list[str]:
        """The words that reached this provider."""
        urls = [(each.status_url, each.text) for each in self.office.provider.sent]
        return [text for url, text in urls if f"/hooks/{account}/" in url]

    def decided(self, message_id: str) -> tuple[str, str]:
        """(what goes instead of it: an id, none or '', why)."""
        with self.office.database.reading() as db:
            row = db.row("SELECT fallback, fallback_why FROM outbox WHERE outbox_id = :o", o=message_id)
        assert row is not None
        return row[0], row[1]


def second_of(message_id: str) -> str:
    """What goes instead of it."""
    return message_id_of("fallback", "social", message_id)


@asynccontextmanager
async def two_ways(database: Database) -> AsyncIterator[TwoWays]:
    """An office with the plan in force."""
    async with open_office(database) as office:
        found = TwoWays(office)
        await found.in_force()
        yield found
