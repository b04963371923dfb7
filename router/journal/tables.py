"""Every table of a site, once. Journalled ones change by fold.apply only; content and local ones do not fold.

Three groups:
- JOURNAL: journal, stream. Append only.
- JOURNALLED: rebuilt exactly by folding the journal on an empty database (`muster journal verify` does).
- CONTENT: words, addresses, raw payloads, secrets' hashes; found by our uuids, erasable, not in the journal.
- LOCAL: leases, positions, tickets, counters of this site; neither journalled nor copied.

Times are int milliseconds UTC, 0 where they do not apply; ids are text; booleans are 0 or 1.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Text, text
from sqlmodel import Field, SQLModel

from router.journal import local_tables, site_tables


def _ms(*, index: bool = False) -> Column[int]:
    return Column(BigInteger, nullable=False, index=index)


class JournalRow(SQLModel, table=True):
    """One fact or decision. `data` is canonical JSON text; `hash` = SHA-256(previous hash, row)."""

    __tablename__ = "journal"
    site: str = Field(primary_key=True)
    incarnation: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at_ms: int = Field(sa_column=_ms())
    kind: str
    ref: str
    data: str = Field(sa_column=Column(Text, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    # Read in the order of seq through all incarnations: so the seq comes before the incarnation.
    __table_args__ = (PrimaryKeyConstraint("site", "seq", "incarnation"),)


class StreamRow(SQLModel, table=True):
    """The counter of a stream: locked by every appending transaction. Exactly one row has own = 1.

    The others say where earlier incarnations of the same stream ended.
    """

    __tablename__ = "stream"
    site: str = Field(primary_key=True)
    incarnation: str = Field(primary_key=True)
    own: int = 0
    last_seq: int = Field(sa_column=_ms())
    last_at_ms: int = Field(sa_column=_ms())
    head_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class InteractionRow(SQLModel, table=True):
    """JOURNALLED. One customer's matter. Columns from state on are written by the router's decisions only."""

    __tablename__ = "interaction"
    interaction_id: str = Field(primary_key=True)
    channel: str
    account: str = ""
    customer_id: str = Field(default="", index=True)
    identity_id: str = ""
    """Which of the customer's identities it came from; empty for an address that is never linked."""
    linked_to: str = ""
    """The verified customer with whose other open interactions the router links it; empty: with none."""
    address_hash: str = ""
    """Whom a reply goes to: an address row (content). Empty where replies go by a live connection."""
    thread: str = Field(default="", index=True)
    """What later messages join by: the hash of a chat session, or empty where nothing joins."""
    traffic: str = "real"
    follows: str = ""
    arrived_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    accepted_at_ms: int = Field(sa_column=_ms())
    reading: str = "unread"
    """unread | read | unparsed: what is known of its first contact."""
    language: str = ""
    closed_seq: int = Field(sa_column=Column(BigInteger, nullable=False, default=0))
    """The seq of the decision that closed it; 0 while it is open."""

    state: str = "parked"
    queue_id: str = ""
    urgency: int = 0
    requirement: str = "{}"
    """Canonical JSON of skills.requirement.Requirement."""
    rule_id: str = ""
    step: int = 0
    offer_count: int = 0
    offer_id: str = ""
    agent_id: str = ""
    parked_until_ms: int = Field(sa_column=_ms())
    named_agent_id: str = ""
    named_until_ms: int = Field(sa_column=_ms())
    connection_ids: str = "[]"
    abandon_at_ms: int = Field(sa_column=_ms())
    assigned_at_ms: int = Field(sa_column=_ms())
    answered_at_ms: int = Field(sa_column=_ms())
    """When an agent accepted it for the first time; stays when it waits again. The measures count by it."""
    answered_queue_id: str = ""
    """In which queue it waited then: the queue whose service level it counts for, wherever it goes later."""
    wrap_up_since_ms: int = Field(sa_column=_ms())
    disposition: str = ""
    closed_by: str = ""
    closed_why: str = ""
    closed_at_ms: int = Field(sa_column=_ms())

    __table_args__ = (
        Index("interaction_open", "closed_seq", "state"),
        # What is with an agent now, without those thousands that the agent closed: desks ask at every change.
        Index("interaction_agent", "agent_id", "closed_seq"),
    )


class MessageRow(SQLModel, table=True):
    """JOURNALLED. One message of an interaction; its words are in content. `seq` orders the conversation."""

    __tablename__ = "message"
    message_id: str = Field(primary_key=True)
    interaction_id: str
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    at_ms: int = Field(sa_column=_ms())
    direction: str
    """in (customer) | out (agent) | note (agents only) | system (e.g. transferred)."""
    author_id: str = ""
    kind: str = "text"
    """text | attachment."""
    content_id: str = ""
    client_id: str = ""
    """The id its sender chose; given back so that a page recognises its own message."""
    status: str = ""
    """Of out: '' | sent | delivered | read | failed, never backwards."""
    trouble: str = ""
    """Of out: why it is late or failed (a stable code), or maybe_twice when it may have been sent twice."""
    reading: str = "read"
    """Of in: unread until the intake loop has read it, then read or unparsed."""

    __table_args__ = (
        Index("message_unread", "reading", "seq"),
        Index("message_order", "interaction_id", "seq"),
    )


class OfferRow(SQLModel, table=True):
    """JOURNALLED. The latest offer of an open interaction to an agent (router.state.OfferState)."""

    __tablename__ = "offer"
    interaction_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    offer_id: str = Field(index=True)
    offered_at_ms: int = Field(sa_column=_ms())
    deadline_ms: int = Field(sa_column=_ms())
    outcome: str = "outstanding"
    ended_at_ms: int = Field(sa_column=_ms())
    cooldown_until_ms: int = Field(sa_column=_ms())
    explanation: str = "{}"


class AgentRow(SQLModel, table=True):
    """JOURNALLED. The routing state of an agent (router.state.AgentState)."""

    __tablename__ = "agent"
    agent_id: str = Field(primary_key=True)
    available: int = 0
    reason: str = ""
    presence_since_ms: int = Field(sa_column=_ms())
    idle_since_ms: int = Field(sa_column=_ms())
    desk_ids: str = "[]"
    grace_until_ms: int = Field(sa_column=_ms())


class ConnectionRow(SQLModel, table=True):
    """JOURNALLED. A live socket of a desk or of a customer, and the web process that holds it."""

    __tablename__ = "connection"
    connection_id: str = Field(primary_key=True)
    kind: str
    """desk | customer."""
    web_id: str = Field(index=True)
    owner_id: str
    """agent_id of a desk, interaction_id of a customer."""


class CustomerRow(SQLModel, table=True):
    """JOURNALLED. The person outside."""

    __tablename__ = "customer"
    customer_id: str = Field(primary_key=True)
    created_at_ms: int = Field(sa_column=_ms())
    name_content_id: str = ""
    """The name that somebody gave; its words are content. Empty: nobody did."""


class IdentityRow(SQLModel, table=True):
    """JOURNALLED. One address of a customer, as a salted hash; the address itself is content."""

    __tablename__ = "identity"
    identity_id: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    channel: str
    account: str = ""
    address_hash: str = Field(index=True)
    verified: int = 0
    at_ms: int = Field(sa_column=_ms())
    moved_from: str = ""
    """The customer it belonged to before somebody moved it the last time; empty: it was never moved."""
    moved_at_ms: int = Field(sa_column=_ms())
    moved_by: str = ""
    moved_why: str = ""
    """link | merge | split | undo."""
    moved_command_id: str = ""
    """What one command moved is taken back together."""


class PersonRow(SQLModel, table=True):
    """JOURNALLED. Somebody who may sign in; the password hash is in credential (content)."""

    __tablename__ = "person"
    agent_id: str = Field(primary_key=True)
    name: str
    role: str
    active: int = 1
    credential_digest: str = ""
    changed_at_ms: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    """Of two sites the later change wins: when it was made, and where (§12.2)."""
    changed_site: str = ""


class SessionRow(SQLModel, table=True):
    """JOURNALLED. A sign-in; only the hash of its token is known here."""

    __tablename__ = "session"
    token_hash: str = Field(primary_key=True)
    agent_id: str = Field(index=True)
    begun_at_ms: int = Field(sa_column=_ms())
    expires_at_ms: int = Field(sa_column=_ms())
    ended_at_ms: int = Field(sa_column=_ms())


class PlanRow(SQLModel, table=True):
    """JOURNALLED. Every plan that was ever in force, as TOML text. The highest version is in force."""

    __tablename__ = "plan"
    version: int = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The seq of its activation: a router that has not read so far is still under the plan before."""

    activated_at_ms: int = Field(sa_column=_ms())
    activated_by: str = ""
    digest: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    changed_at_ms: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    """As of a person: of two sites the later one wins."""
    changed_site: str = ""


class AlarmRow(SQLModel, table=True):
    """JOURNALLED. Somebody should look. Kept until somebody says seen."""

    __tablename__ = "alarm"
    alarm_id: str = Field(primary_key=True)
    at_ms: int = Field(sa_column=_ms())
    code: str
    ref: str
    detail: str = ""
    seen_by: str = ""
    seen_at_ms: int = Field(sa_column=_ms())


class PartRow(SQLModel, table=True):
    """JOURNALLED. What reading found inside a message: the words of a mail, its files, media of a text."""

    __tablename__ = "part"
    message_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    """about (what reading found out) | text | html | file | wanted (content is where to fetch it) | lost."""
    content_id: str
    content_hash: str = ""
    """SHA-256 of the content's salt and body: what a file was when it came."""

    __table_args__ = (
        # Few of many: what is still to be fetched is looked for every second.
        Index(
            "part_wanted",
            "kind",
            sqlite_where=text("kind = 'wanted'"),
            postgresql_where=text("kind = 'wanted'"),
        ),
    )


class PlaceRow(SQLModel, table=True):
    """JOURNALLED. A point at which an interaction's customer is said to be; where that is, is content."""

    __tablename__ = "place"
    interaction_id: str = Field(primary_key=True)
    place_id: str = Field(primary_key=True)
    message_id: str = ""
    """What said so; empty where no message did (a browser that goes on telling, a telephone by itself)."""
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    source: str
    """One of router.places.place.SOURCES."""
    radius_m: int = 0
    """How exact; 0: not known."""
    fix_at_ms: int = Field(sa_column=_ms())
    """When it was found, as far as that is known; never after it was received."""
    received_at_ms: int = Field(sa_column=_ms())
    confidence: int = 0
    """The percentage with which it is within the radius; 0: not known."""
    content_id: str
    newest: int = 0
    tightest: int = 0

    __table_args__ = (
        # A position that follows its person leaves hundreds; desks ask for these two at every change.
        Index(
            "place_marked",
            "interaction_id",
            sqlite_where=text("newest = 1 OR tightest = 1"),
            postgresql_where=text("newest = 1 OR tightest = 1"),
        ),
    )


class SightingRow(SQLModel, table=True):
    """JOURNALLED. What a telephone reported of itself (AML), until it is known whose call it is of."""

    __tablename__ = "sighting"
    sighting_id: str = Field(primary_key=True)
    channel: str
    account: str
    address_hash: str
    address_kind: str
    content_id: str
    """The report as it came."""
    received_at_ms: int = Field(sa_column=_ms())
    at_ms: int = Field(sa_column=_ms())
    traffic: str = "real"
    follows: int = 0
    """Of what was shared before and goes on: where nothing is open it belongs to what was there last."""
    became: str = ""
    """'' (waits) | located | no_fix | contact (nobody called: it is a contact of its own)."""

    __table_args__ = (
        Index(
            "sighting_waiting",
            "at_ms",
            sqlite_where=text("became = ''"),
            postgresql_where=text("became = ''"),
        ),
    )


class OutboxRow(SQLModel, table=True):
    """JOURNALLED. One message to send by a provider; made in the transaction that decided to send it."""

    __tablename__ = "outbox"
    outbox_id: str = Field(primary_key=True)
    message_id: str = Field(index=True)
    interaction_id: str
    channel: str
    account: str
    address_hash: str
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Of the row that ordered it: what goes to one address leaves in this order."""
    ordered_at_ms: int = Field(sa_column=_ms())
    status: str = "due"
    """due | sent | delivered | read | failed | moved (the other site's to send)."""
    attempts: int = 0
    due_at_ms: int = Field(sa_column=_ms())
    detail: str = ""
    """What became of the last attempt: a stable code."""
    automatic: int = 0
    """No person said it: it goes no other way, and nobody waits for it."""
    template: str = ""
    """Which template it is made of; empty: of none."""
    category: str = ""
    """reply | service | bulk: what consent it needs when it leaves; empty: none is asked for."""
    instead_of: str = ""
    """The outbox row that did not arrive, and instead of which this one goes."""
    fallback: str = ""
    """The outbox row that goes instead of this one; none: there is no other way; empty: nobody asked yet."""
    fallback_why: str = ""
    lent_to: str = ""
    """The other site, asked to take it with its interaction, and not heard since: it may have sent it."""
    left_ms: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    """When a provider took it from this site; 0: not from this one."""

    __table_args__ = (
        Index("outbox_due", "status", "account", "due_at_ms"),
        # Whether something older waits to leave for the same address: asked of each row that is due.
        Index("outbox_order", "address_hash", "status", "seq"),
        # What was said lately by one account, and did not arrive: looked for every half second.
        Index("outbox_fallback", "account", "status", "ordered_at_ms"),
    )


class ConsentRow(SQLModel, table=True):
    """JOURNALLED. What somebody said about messages of one category to one of their addresses."""

    __tablename__ = "consent"
    channel: str = Field(primary_key=True)
    address_hash: str = Field(primary_key=True)
    category: str = Field(primary_key=True)
    """reply | service | bulk."""
    state: str
    """in | out."""
    at_ms: int = Field(sa_column=_ms())
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Of the message in which they said it, or of the fact: what is later was written since."""
    how: str
    """word (they wrote it), provider (it said so), agent (they told one)."""
    agent_id: str = ""
    blocked: int = 0
    """The provider takes nothing for this address: to try is in vain until it says otherwise."""


class TextSwitchRow(SQLModel, table=True):
    """JOURNALLED. Whether texts of an account (account/<id>) or channel (channel/<id>) are switched off."""

    __tablename__ = "text_switch"
    scope: str = Field(primary_key=True)
    is_off: int = 0
    since_ms: int = Field(sa_column=_ms())
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Of the fact that switched it: what was said before that counts no more."""
    agent_id: str = ""
    reason: str = ""


class NoticeRow(SQLModel, table=True):
    """JOURNALLED. What Muster itself is to say to somebody because of a message of theirs."""

    __tablename__ = "notice"
    message_id: str = Field(primary_key=True)
    kind: str
    """text-off."""
    account: str
    address_hash: str
    at_ms: int = Field(sa_column=_ms())
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))

    __table_args__ = (Index("notice_of_texter", "kind", "account", "address_hash", "at_ms"),)


class CallRow(SQLModel, table=True):
    """JOURNALLED. One call of an interaction: its own first, later those that an agent dialled."""

    __tablename__ = "call"
    call_id: str = Field(primary_key=True)
    """Also the id of the customer's connection, as long as there is one."""
    interaction_id: str = Field(index=True)
    account: str
    direction: str
    """in | out."""
    state: str
    """waiting | dialling | connected | held | ended."""
    why: str = ""
    """Of ended: caller_hung_up, agent_hung_up, cancelled, no_answer, busy, refused, failed, lost,
    forwarded."""
    agent_id: str = ""
    recording: int = 0
    silent: int = 0
    """Nothing was heard of the caller since somebody answered: perhaps they cannot speak."""
    text: int = 0
    """Whether the caller's side takes text as well (RFC 4103)."""
    voice_id: str
    begun_ms: int = Field(sa_column=_ms())
    since_ms: int = Field(sa_column=_ms())
    """Since when it is in this state."""
    connected_ms: int = Field(sa_column=_ms())
    """When somebody first talked; 0: nobody did."""
    ended_ms: int = Field(sa_column=_ms(index=True))
    """0 while it goes on."""


JOURNALLED = (
    "interaction",
    "message",
    "offer",
    "agent",
    "connection",
    "customer",
    "identity",
    "person",
    "session",
    "plan",
    "alarm",
    "part",
    "place",
    "sighting",
    "outbox",
    "consent",
    "text_switch",
    "notice",
    "call",
    *site_tables.JOURNALLED,
)
CONTENT = ("content", "address", "sending", "credential")
LOCAL = (*local_tables.LOCAL, *site_tables.LOCAL)
EVERY = ("journal", "stream", *JOURNALLED, *CONTENT, *LOCAL)
