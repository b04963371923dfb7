"""What a channel is to the rest of Muster: what it can do, and the one shape its contacts are translated to.

A channel authenticates raw bytes, takes ids out of them, and translates: no branch on what a contact means.
Keeping contacts is ingest.py, reading them is run/intake.py, sending is run/delivery.py. A provider of a
webhook channel is one module that fills `Provider`: pure functions over bytes, no I/O. Chat needs none of
it: its page is authenticated by its session, and tails the journal for what it is sent. Mail comes and goes
by SMTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from config.words import CONSENTS
from router.places.place import Place

TEXT: Final = "text/plain; charset=utf-8"

UNPARSED: Final = "application/x-muster-unparsed"
"""Media type of what could not be kept as what it claimed to be: intake marks its message unparsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the rest of Muster may expect of a channel.

    Shape: joins_by is how a later contact finds its open interaction: session (chat), address (sms, social),
           reply_token (mail) or never (voice). `connections`: the customer has a live line whose loss means
           that the customer may have given up. `receipts`: it is known when a reply was shown.
           text_bytes_max: more UTF-8 than this the provider refuses in one message; 0: the plan's limit of
           characters is all there is. answers_need_endpoint: there is no API of the provider's own; answers
           leave only where the plan names an endpoint for the account. chosen_ids: whoever sends makes the
           ids, and two may make the same one; only the same body again is a repeat.
           own_opt_out: the provider takes STOP and its kin itself, answers them and blocks what is sent.
    Units: reply_window_ms from the customer's last message: later than that the provider takes no answer;
           0: any time. person_window_ms: the same for what a person writes, where the account's app has the
           provider's leave for it (Meta's Human Agent); 0: no longer than others.
    """

    channel: str
    joins_by: str
    connections: bool
    attachments: bool
    receipts: bool
    reply_window_ms: int = 0
    person_window_ms: int = 0
    text_bytes_max: int = 0
    answers_need_endpoint: bool = False
    chosen_ids: bool = False
    own_opt_out: bool = False
    files: bool = False
    """Whether files can be sent to its people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One thing that somebody outside said, as far as ingest needs to know it. Authenticated, not yet read.

    Shape: provider_id names it within (channel, account), so a repeat is recognised. A channel whose
           addresses are people's own (a number, a mail address) gives `address_kind` (phone, mail, or
           provider:account for ids that mean something there only), `address` and `verified` (who vouches
           for it: the carrier or we); ingest keeps the address with a salt of its own, and thread and
           customer follow from it. `linked` False (withheld, shared, unknown): it can be answered, but
           joins and links nothing. `joins` False (voice): it is known whose it is, but each begins an
           interaction of its own. `thread`: what later contacts join by where that is something else: a
           chat's session, a mail's reply token. `address_hash` without an address: an identity that is no
           address, as a chat's session. `client_id` is given back to the sender. `kind` is text or
           attachment. `body` is what arrived, byte for byte.
    """

    channel: str
    account: str = ""
    provider_id: str
    thread: str = ""
    address_hash: str = ""
    verified: bool = False
    address_kind: str = ""
    address: str = ""
    linked: bool = True
    joins: bool = True
    client_id: str = ""
    kind: str = "text"
    media_type: str = TEXT
    file_name: str = ""
    body: bytes
    received_at_ms: int
    traffic: str = "real"
    follows: bool = False
    """Of a sighting: what was shared before goes on (a live position). It opens nothing that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One of our accounts at a provider, ready to use: the plan's entry with its secret.

    Shape: address is ours (number, mail address); per_second is how many messages may leave in a second
           (0: any number); options are the plan's, by name; endpoint is where the
           provider's API is, empty: its own; public_url is the address under which the provider reaches our
           webhook. unlinked are addresses that are nobody's own: shared ones, and those of our accounts.
           `secret` is what webhooks are signed with; `secrets` are those that the provider needs besides
           (config.providers: secrets), by the name that they have there.
    """

    account_id: str
    channel: str
    provider: str
    address: str
    secret: bytes = field(repr=False)
    endpoint: str
    public_url: str
    options: Mapping[str, str | int | bool]
    unlinked: frozenset[str] = frozenset()
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    per_second: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request of a provider as it came: names of headers in small letters, the body byte for byte.

    Shape: path is below the account's address ("" or e.g. "status"); query is the raw query string.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the provider says became of something we sent. status: sent | delivered | read | failed.

    Shape: about one message by its outbox_id or provider_id; or, where the provider only says how far it has
           come (Messenger's watermarks), about everything that was sent to to_address by until_ms.
    """

    outbox_id: str = ""
    provider_id: str = ""
    address_kind: str = ""
    to_address: str = ""
    until_ms: int = 0
    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asked of the provider itself: no more messages of these categories, or (out False) again.

    Shape: categories as in config.words.CONSENTS. blocks: what is sent all the same does not arrive.
    """

    address_kind: str
    address: str
    out: bool
    categories: tuple[str, ...] = CONSENTS
    blocks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider is told once everything is on disk."""

    status: int = 200
    media_type: str = "text/plain"
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNews:
    """What a provider says, or asks, of one call that it holds for us.

    Shape: kind is arrived | waits (what is the caller to hear now?) | left (the provider's queue) | returned
           (was connected with us, and is no longer) | status. contact is the call as a contact, of whichever
           kind the news are: a call may be heard of late. live: its caller is still there. queued: in the
           provider's queue; told and turn: what the caller was told last, and how often nothing since.
           result: the provider's word for how it left its queue.
    """

    kind: str
    contact: Contact
    live: bool = True
    queued: bool = True
    told: int = 0
    turn: int = 0
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCall:
    """How such a call stands with us, for what its caller is told.

    Shape: state as in the table `call`. position in line from 1; 0: not known. languages in which to speak,
           at least one. recorded: it may be, and callers are told.
    """

    state: str = "waiting"
    position: int = 0
    languages: tuple[str, ...] = ("en",)
    recorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one webhook brought: several of each, or none. What we do not know is acknowledged.

    Shape: sightings are what telephones report of themselves where they are, by the number of a call or text
           (AML): no words of anybody. Each belongs to that call or text, and is a contact only without one.
    """

    contacts: tuple[Contact, ...] = ()
    sightings: tuple[Contact, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    wishes: tuple[Wish, ...] = ()
    call: CallNews | None = None
    """Of providers that hold calls: then the answer depends on how the call stands (CallProvider.told)."""
    answer: Answer = Answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An approved template, by the name that it has at the provider, and what stands in its places."""

    name: str
    language: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutFile:
    """A file to send. Its type is what its first bytes are."""

    name: str
    media_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to send. outbox_id is the stable id of every attempt; attempt counts from 1.

    Shape: status_url is where the provider may tell what became of it: our webhook, with the outbox_id as its
           query; empty where nothing is to be told. answers is the beginning of the mail that it answers, as
           it was kept: subject and references are in it. automatic: no person wrote it, so no program may
           answer it (RFC 3834). template: send this instead of the text, which is what it says. late: the
           provider's usual time for an answer is over, and its longer one for people is not.
    """

    outbox_id: str
    attempt: int
    to_address: str
    text: str
    status_url: str = ""
    interaction_id: str = ""
    subject: str = ""
    answers: bytes = b""
    automatic: bool = False
    template: Template | None = None
    late: bool = False
    file: OutFile | None = None
    """Instead of the text: only where the capabilities say `files`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What to ask of a provider's API.

    Shape: leads_to is for attachments in two steps: the answer is not the attachment but says where it is.
           It reads the address for `media_request` out of that answer; empty where it finds none.
           then is for sending in two steps: what to ask after this answer; None where it says no, and then
           this answer is the outcome.
    """

    method: str
    url: str = field(repr=False)  # Telegram wants the token in it.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    leads_to: Callable[[bytes], str] | None = None
    then: "Callable[[HttpReply], HttpRequest | None] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """What it answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt.

    Shape: kind is sent | later (try again) | failed (this message never) | account_failed (nothing of this
           account now: credentials, suspension). detail is a stable code with the provider's number, e.g.
           twilio_21610. certain is False when it may have been sent all the same (time-out, garbage, 5xx
           after the body). of_account is False where the account is well and only this message has to wait
           (its mailbox is busy, a server greylists): it does not count for the account's circuit.
           opted_out: they told the provider that they want nothing more, and it blocks what is sent.
           too_much: it asks for fewer messages at a time (429).
    Units: retry_after_ms from now; 0: as delivery likes.
    """

    kind: str
    detail: str = ""
    provider_id: str = ""
    retry_after_ms: int = 0
    certain: bool = True
    of_account: bool = True
    opted_out: bool = False
    too_much: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a kept body says to people: its words, and what hangs on it that must still be fetched.

    Shape: `things` counts what is neither words nor a file (a place, a reaction, a press of a button): a
           message that has only those is no silence. `consent`: its provider took it for a wish (stop,
           start) or a question (help), and did what follows from that on its side.
    Units: said_at_ms by the provider's clock; 0 where it does not say.
    """

    text: str
    wanted: tuple[tuple[str, str], ...] = ()
    """(address at the provider, media type) of each attachment that the body only points to."""

    notice: str = ""
    """What people should know besides, in our words: never part of what the customer said."""

    things: int = 0
    said_at_ms: int = 0
    consent: str = ""
    places: tuple[Place, ...] = ()
    """Where it says that somebody is, apart from what is written in the words."""


class NotAuthentic(Exception):
    """The request is not the provider's: keep nothing. The message names what was wrong.

    Shape: status is the answer: 403, or what a provider demands even of what is discarded.
    """

    def __init__(self, reason: str, *, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


class Provider(Protocol):
    """What a provider's module gives: translation only. Listed in channels/providers.py by its name."""

    @property
    def can(self) -> Capabilities:
        """What its channel is like."""
        ...

    @property
    def media_type(self) -> str:
        """Media type of the raw bodies it keeps; `shown` reads them again, for ever."""
        ...

    @property
    def media_from(self) -> tuple[str, ...]:
        """Beginnings of addresses that its address of an attachment may lead to, without our credentials."""
        ...

    def receive(self, webhook: Webhook, account: Account) -> Received:
        """Authenticate the raw bytes, then ids only. Raises NotAuthentic.

        A GET is the provider's question whether this address is ours, where it asks that; else not authentic.
        """
        ...

    def shown(self, body: bytes) -> Shown:
        """What a kept body says. Never raises: what cannot be read is shown as it is."""
        ...

    def request_of(self, outgoing: Outgoing, account: Account) -> HttpRequest:
        """How this message is sent."""
        ...

    def outcome_of(self, reply: HttpReply) -> Outcome:
        """What the provider's answer means. Never raises."""
        ...

    def media_request(self, address: str, account: Account) -> HttpRequest | None:
        """How an attachment is fetched; None when that address is not the provider's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCalls:
    """Calls that go on at a provider, by its ids. page names the rest of them; empty: these are all."""

    provider_ids: tuple[str, ...]
    page: str = ""


class CallProvider(Protocol):
    """What the module of a provider gives that holds calls for us: translation only."""

    @property
    def media_type(self) -> str:
        """Media type of the raw bodies it keeps; one call has one id, whatever else a body says."""
        ...

    def receive(self, webhook: Webhook, account: Account) -> Received:
        """Authenticate the raw bytes, then news of a call. Raises NotAuthentic."""
        ...

    def shown(self, body: bytes) -> Shown:
        """What a kept body says. Never raises."""
        ...

    def told(self, news: CallNews, held: HeldCall, account: Account) -> Answer:
        """What the provider is told to do with the caller now."""
        ...

    def connect_request(self, provider_id: str, uri: str, account: Account) -> HttpRequest:
        """How the caller is sent to this SIP address of ours. Again: the newest counts."""
        ...

    def hang_up_request(self, provider_id: str, account: Account) -> HttpRequest:
        """How the call is ended."""
        ...

    def look_request(self, provider_id: str, account: Account) -> HttpRequest:
        """How we ask whether it goes on."""
        ...

    def redirect_request(self, provider_id: str, account: Account) -> HttpRequest:
        """How it is made to ask our webhook, as if it had just arrived."""
        ...

    @property
    def LIVE(self) -> tuple[str, ...]:
        """The states of a call that goes on, by which live_request asks."""
        ...

    def live_request(self, account: Account, status: str, page: str = "") -> HttpRequest:
        """Which calls to our number are in this state."""
        ...

    def live_in(self, reply: HttpReply, account: Account) -> LiveCalls | None:
        """Those of one page; None where it is no answer to that. Never raises."""
        ...

    def order_outcome(self, reply: HttpReply) -> str:
        """done | gone (the caller has hung up) | refused | unsure. Never raises."""
        ...

    def provider_id_in(self, body: bytes) -> str:
        """The provider's id of the call that began with this body; empty where it has none."""
        ...
