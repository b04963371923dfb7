"""A worker's delivery over a real journal, with a provider that does as a test says and a clock it turns."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from router.channels.port import TEXT, Account, Outcome, Outgoing
from router.journal.appends import put_content
from router.journal.clock import SteadyClock, wall_ms
from router.journal.committer import Committer
from router.journal.database import Connection, Database
from router.journal.stream import read_rows
from router.journal.verify import verify
from router.records import Fact, Row, fact
from router.run.delivery import Delivery

SENT = Outcome(kind="sent", provider_id="")
DOWN = Outcome(kind="later", detail="twilio_http_503", certain=False)
WITHIN_S = 10.0


@dataclass
class Hands:
    """A clock that a test turns; what really passes does not count."""

    elapsed_ms: int = 0

    def passes(self, *, seconds: float) -> None:
        self.elapsed_ms += int(seconds * 1000)


@dataclass
class Provider:
    """Sender of every account: notes what it is given and does as told, by account or words, or sends."""

    sent: list[Outgoing] = field(default_factory=list)
    does: dict[str, Outcome | Callable[[], Awaitable[Outcome]]] = field(default_factory=dict)

    async def send(self, outgoing: Outgoing, account: Account) -> Outcome:
        self.sent.append(outgoing)
        number = len(self.sent)
        does = self.does.get(outgoing.text) or self.does.get(account.account_id) or SENT
        outcome = does if isinstance(does, Outcome) else await does()
        return outcome if outcome is not SENT else Outcome(kind="sent", provider_id=f"SM{number}")

    async def close(self) -> None:
        """Nothing to close."""

    def words(self) -> list[str]:
        return [each.text for each in self.sent]


@dataclass
class Outlets:
    """Stands for the accounts of a plan: all there are, except those that are missing."""

    provider: Provider
    give_up_ms: int = 86_400_000
    missing: set[str] = field(default_factory=set)
    per_second: dict[str, int] = field(default_factory=dict)

    async def renew(self, plan: object) -> None:
        """The plan says nothing here."""

    def lacking(self) -> dict[str, str]:
        return dict.fromkeys(sorted(self.missing), "no_secret")

    def get(self, account_id: str) -> tuple[Account, Provider] | str:
        if account_id in self.missing:
            return "no_secret"
        account = Account(
            account_id=account_id,
            channel="sms",
            provider="played",
            address="+15550100100",
            secret=b"",
            endpoint="",
            public_url=f"https://help.example.org/hooks/{account_id}",
            options={},
            per_second=self.per_second.get(account_id, 0),
        )
        return account, self.provider

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(kw_only=True)
class Said:
    """Append: an agent's words and the order to send them, as a desk does it."""

    number: int
    text: str
    to: str
    account: str

    @property
    def message_id(self) -> str:
        return f"m-{self.number:04}"

    def write_content(self, db: Connection) -> None:
        put_content(db, content_id=self.message_id, media_type=TEXT, body=self.text.encode(), at_ms=1)
        db.run(
            "INSERT INTO address (kind, address, address_hash, salt) VALUES ('phone', :a, :h, :s)"
            " ON CONFLICT DO NOTHING",
            a=self.to,
            h=_hash(self.to),
            s=b"salt",
        )

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        added = fact(
            "message_added",
            f"i-{self.to}",
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
            interaction_id=f"i-{self.to}",
            channel="sms",
            account=self.account,
            address_hash=_hash(self.to),
            due_at_ms=at_ms,
        )
        return [added, order]


class Office:
    """One worker, and the desk that gives it work."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.hands = Hands()
        self.clock = SteadyClock(wall_ms, lambda: self.hands.elapsed_ms)
        self.committer = Committer(database, clock=self.clock)
        self.provider = Provider()
        self.outlets = Outlets(self.provider)
        self.deliveries: list[Delivery] = []
        self.delivery = self.another()
        self._said = 0

    def another(self, committer: Committer | None = None) -> Delivery:
        """One more worker on the same database, with the same provider."""
        delivery = Delivery(
            self.database,
            committer or self.committer,
            self.outlets,  # type: ignore[arg-type]
            self.clock,
            dice=lambda: 0,
        )
        self.deliveries.append(delivery)
        return delivery

    async def says(self, text: str, *, to: str = "+15550000001", account: str = "line") -> str:
        """An agent answers; the message's id."""
        self._said += 1
        said = Said(number=self._said, text=text, to=to, account=account)
        await self.committer.append(said)
        return said.message_id

    async def delivers(self, until: Callable[[], bool], *, by: Delivery | None = None) -> None:
        """Look again and again until it is so."""
        deadline = time.monotonic() + WITHIN_S
        while not until():
            assert time.monotonic() < deadline, (self.provider.sent, self.outbox())
            await (by or self.delivery).deliver_due()
            await asyncio.sleep(0.005)

    async def looks(self, times: int = 3) -> None:
        """Look a few times, and let what it leads to happen."""
        for _ in range(times):
            await self.delivery.deliver_due()
            for _ in range(3):
                await asyncio.sleep(0.005)

    def outbox(self) -> dict[str, tuple[str, int, str]]:
        """(status, attempts, detail) by message."""
        with self.database.reading() as db:
            rows = db.rows("SELECT message_id, status, attempts, detail FROM outbox ORDER BY seq")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def status(self, message_id: str) -> str:
        return self.outbox()[message_id][0]

    def trouble(self, message_id: str) -> str:
        with self.database.reading() as db:
            row = db.row("SELECT trouble FROM message WHERE message_id = :m", m=message_id)
        assert row is not None
        return str(row[0])

    def alarms(self) -> list[tuple[str, str, str]]:
        """(code, ref, detail) in order."""
        with self.database.reading() as db:
            return db.rows("SELECT code, ref, detail FROM alarm ORDER BY at_ms, alarm_id")

    def rows(self, kind: str) -> list[Row]:
        with self.database.reading() as db:
            return [row for row in read_rows(db, after_seq=0) if row.kind == kind]

    def time_runs_out(self, message_id: str) -> None:
        """Whoever claimed it has not been heard of since."""
        with self.database.writing() as db:
            assert db.run("UPDATE claim SET until_ms = 1 WHERE ref = :m", m=message_id) == 1

    def agrees(self) -> bool:
        """Whether the tables follow from the journal."""
        with self.database.reading() as db:
            return not verify(db).problems


@asynccontextmanager
async def open_office(database: Database) -> AsyncIterator[Office]:
    """An office, and its end."""
    office = Office(database)
    try:
        yield office
    finally:
        for delivery in office.deliveries:
            await delivery.settle(0)
        office.committer.close()


def _hash(address: str) -> str:
    return hashlib.sha256(b"salt" + address.encode()).hexdigest()
