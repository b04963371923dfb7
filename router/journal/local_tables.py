"""The tables that are not journalled: CONTENT, and LOCAL (leases, positions, claims, counters of this site).

Apart from tables.py, which says what that means and lists every table: one page would be too long.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel


def _ms(*, index: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=False, index=index)


class ContentRow(SQLModel, table=True):
    """CONTENT. Words, raw payloads, attachments, addresses. Erasing a person deletes rows, salt included."""

    __tablename__ = "content"
    content_id: str = Field(primary_key=True)
    media_type: str
    file_name: str = ""
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at_ms: int = Field(sa_column=_ms())


class AddressRow(SQLModel, table=True):
    """CONTENT. Where somebody is reached, as it is written; the journal knows SHA-256(salt, address) only."""

    __tablename__ = "address"
    kind: str = Field(primary_key=True)
    """phone | mail | provider:account for ids that mean something there only."""
    address: str = Field(primary_key=True)
    address_hash: str = Field(index=True)
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SendingRow(SQLModel, table=True):
    """CONTENT. The provider's id of something we sent, by which its receipts come."""

    __tablename__ = "sending"
    account: str = Field(primary_key=True)
    provider_id: str = Field(primary_key=True)
    outbox_id: str = Field(index=True)


class CredentialRow(SQLModel, table=True):
    """CONTENT. The Argon2id hash of a person's password; must_change after a one-time password."""

    __tablename__ = "credential"
    agent_id: str = Field(primary_key=True)
    password_hash: str
    must_change: int = 0


class LeaseRow(SQLModel, table=True):
    """LOCAL. Who is the active router (name `router`), and which web processes live (name `web/<id>`)."""

    __tablename__ = "lease"
    name: str = Field(primary_key=True)
    owner: str
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    until_ms: int = Field(sa_column=_ms())


class TablesMadeRow(SQLModel, table=True):
    """LOCAL. A release that has made sure that everything it needs is here; see schema.py."""

    __tablename__ = "tables_made"
    digest: str = Field(primary_key=True)
    """Of the definitions it had."""
    number: int = 0
    """The number of its tables."""
    oldest: int = 0
    """The lowest number of tables whose release can still work with what it left."""
    at_ms: int = Field(sa_column=_ms())


class PositionRow(SQLModel, table=True):
    """LOCAL. How far a reader of the journal has read; the router's commits with its decisions."""

    __tablename__ = "position"
    reader: str = Field(primary_key=True)
    read_through: int = Field(sa_column=Column(BigInteger, nullable=False))
    now_ms: int = Field(sa_column=_ms())


class TicketRow(SQLModel, table=True):
    """LOCAL. Single-use admission to a WebSocket; kind is desk."""

    __tablename__ = "ticket"
    ticket_hash: str = Field(primary_key=True)
    agent_id: str
    session_hash: str
    expires_at_ms: int = Field(sa_column=_ms(index=True))


class PaceRow(SQLModel, table=True):
    """LOCAL. What left of an account lately (JSON: [when, count] in order), and how much slower it goes."""

    __tablename__ = "pace"
    account: str = Field(primary_key=True)
    recent: str = "[]"
    slower: int = 0
    """How often the plan's rate is halved, because the provider said that it was too much."""
    slowed_at_ms: int = Field(sa_column=_ms())


class ClaimRow(SQLModel, table=True):
    """LOCAL. Who is working on a chore (an outbox row, an unread contact) until when."""

    __tablename__ = "claim"
    ref: str = Field(primary_key=True)
    owner: str
    until_ms: int = Field(sa_column=_ms())


class MailboxRow(SQLModel, table=True):
    """LOCAL. How far a mailbox was read: everything up to last_uid is kept, as long as validity stays."""

    __tablename__ = "mailbox"
    mailbox: str = Field(primary_key=True)
    """The account, and where it is: account user@host:port/folder."""
    validity: int = Field(sa_column=Column(BigInteger, nullable=False))
    """UIDVALIDITY: with another one the server's numbers mean other mails."""
    last_uid: int = Field(sa_column=Column(BigInteger, nullable=False))
    at_ms: int = Field(sa_column=_ms())
    caught_up_ms: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    """When nothing waited in it; 0: never."""


class ProbeRow(SQLModel, table=True):
    """LOCAL. A probe on its way: whoever knows its name sends no customer, but our own watch."""

    __tablename__ = "probe"
    probe_hash: str = Field(primary_key=True)
    watched: str
    until_ms: int = Field(sa_column=_ms())


class WatchRow(SQLModel, table=True):
    """LOCAL. What the watch knows of one way in, so that any web process may go on with it."""

    __tablename__ = "watch"
    watched: str = Field(primary_key=True)
    """The account's id; `chat` for our own page."""
    channel: str
    through_ms: int = Field(sa_column=_ms())
    """When a contact or a probe last came all the way to the router."""
    real_ms: int = Field(sa_column=_ms())
    """When a customer's did."""
    probe_ms: int = Field(sa_column=_ms())
    problem: str = ""
    """Why the last probe was not taken: a stable code; empty where it was."""
    trouble: str = ""
    """Code of the alarm that holds now; empty while all is well."""


class RefusedRow(SQLModel, table=True):
    """LOCAL. How many requests of an account were refused as not genuine, minute by minute."""

    __tablename__ = "refused"
    account: str = Field(primary_key=True)
    minute_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    count: int = 0


class QuarantineRow(SQLModel, table=True):
    """LOCAL. A request that was refused as not genuine, whole, in case the secret was ours to mend."""

    __tablename__ = "quarantine"
    quarantine_id: str = Field(primary_key=True)
    account: str
    received_at_ms: int = Field(sa_column=_ms())
    peer: str
    """The network it came from: whoever sends most is forgotten first."""
    path: str
    query: str
    headers: str = Field(sa_column=Column(Text, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    size: int = 0
    reason: str = ""
    likeness: int = 0
    """How many marks of genuine requests of this account it has: what has more is forgotten later."""

    __table_args__ = (Index("quarantine_account", "account", "received_at_ms"),)


class GenuineRow(SQLModel, table=True):
    """LOCAL. What genuine requests of an account had: networks they came from, headers they brought."""

    __tablename__ = "genuine"
    account: str = Field(primary_key=True)
    mark: str = Field(primary_key=True)
    at_ms: int = Field(sa_column=_ms())


LOCAL = (
    "tables_made",
    "lease",
    "position",
    "ticket",
    "claim",
    "pace",
    "mailbox",
    "probe",
    "watch",
    "refused",
    "quarantine",
    "genuine",
)
