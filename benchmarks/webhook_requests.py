"""What every provider with a webhook posts: genuine requests of real forms, of people who are made up.

What their requests look like and how they are signed is in tests/contracts, written from the documentation of
each. A provider that is not played here stops the measurement: the figure is about all of them.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Protocol  # Any: players, which are of many classes
from urllib.parse import urlencode

from router.channels.ids import message_id_of
from router.channels.port import Account, Webhook
from router.channels.providers import CALL_PROVIDERS, PROVIDERS
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.partner import Partner
from tests.contracts.plays import Plays, Said
from tests.contracts.telegram import Telegram
from tests.contracts.twilio import Twilio
from tests.contracts.twilio_voice import TwilioVoice
from tests.contracts.viber import Viber
from tests.contracts.whatsapp import WhatsApp

WORDS: Final = "There is smoke in the stairwell of 12 Mill Road, second floor. I have two children here. Nr"
AGAIN: Final = 0.5
"""Share of messages of people who have written before."""

STATUSES: Final = 0.25
BATCHES: Final = 0.25
AT_ONCE: Final = 5
NOWHERE: Final = "http://127.0.0.1:9"
"""Instead of the API of the network that holds calls: nothing of a measurement goes out."""

FIRST: Final = 2_010_000
"""Of numbers of people: with it they are such as can be dialled."""

CALLS_LEAST: Final = 10
ARRIVING: Final = 0.3
"""So many calls wait at least; then this share of what is posted about calls is a new one."""

SENT_EACH: Final = 400
"""Answers of each account that a status can be about, each once: more than come in the time."""

PLAYERS: Final[Sequence[Callable[[str], Any]]] = (
    lambda hooks: Twilio("texts", f"{hooks}/texts"),
    lambda hooks: WhatsApp("wa"),
    lambda hooks: Messenger("messenger", "page"),
    lambda hooks: Messenger("instagram", "insta"),
    lambda hooks: Telegram("bot"),
    lambda hooks: Line("friends"),
    lambda hooks: Partner("mill", endpoint=""),
    lambda hooks: Viber("viber"),
)
PERSON: Final = {
    "twilio": "+1444{:07}",
    "whatsapp": "1444{:07}",
    "line": "U{:032x}",
    "partner": "panel-{}",
}
MESSAGE: Final = {
    "twilio": "SM{:032x}",
    "whatsapp": "wamid.HBgL{:032x}",
    "line": "01H{:023}",
    "partner": "r-{}",
}
"""How people and messages are named there; elsewhere both are numbers."""

ELS: Final = Account(
    account_id="els",
    channel="partner",
    provider="aml",
    address="bench-els",
    secret=b"benchmark-els",
    endpoint="",
    public_url="",
    options={},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One webhook, and what of it must be in the database once it is acknowledged: the ids there."""

    account: Account
    webhook: Webhook
    messages: Sequence[str] = ()
    statuses: Sequence[str] = ()
    reports: Sequence[str] = ()
    calls: Sequence[str] = ()


class Sender(Protocol):
    """One provider with one account of ours."""

    account: Account

    @property
    def tells_status(self) -> bool:
        """Whether it says what became of a message of ours."""
        ...

    def next(self) -> Request:
        """What it posts next."""
        ...


@dataclass(slots=True)
class People:
    """Whom a provider has brought so far."""

    random: Random
    known: int = 0

    def next(self) -> int:
        """Somebody new, or somebody again."""
        if self.known and self.random.random() < AGAIN:
            return FIRST + self.random.randrange(self.known)
        self.known += 1
        return FIRST + self.known - 1


@dataclass(slots=True)
class Writers:
    """A provider by which people write."""

    plays: Plays
    account: Account = field(init=False)
    random: Random = field(init=False)
    people: People = field(init=False)
    said: int = 0
    told: int = 0

    def __post_init__(self) -> None:
        self.account, self.random = self.plays.account, Random(self.plays.name)
        self.people = People(self.random)

    @property
    def tells_status(self) -> bool:
        return any(ours == "delivered" for _, ours in self.plays.statuses)

    def next(self) -> Request:
        if self.tells_status and self.told < SENT_EACH and self.random.random() < STATUSES:
            return self._status()
        batch = self.plays.batches and self.random.random() < BATCHES
        said = [self._said() for _ in range(AT_ONCE if batch else 1)]
        account = self.account
        return Request(
            account=account,
            webhook=_signed_now(self.plays, self.plays.message(*said)),
            messages=[message_id_of(account.channel, account.account_id, each.provider_id) for each in said],
        )

    def _said(self) -> Said:
        self.said += 1
        return Said(
            provider_id=MESSAGE.get(self.plays.name, "{}").format(self.said),
            sender=PERSON.get(self.plays.name, "{}").format(self.people.next()),
            text=f"{WORDS} {self.said}",
        )

    def _status(self) -> Request:
        word = next(theirs for theirs, ours in self.plays.statuses if ours == "delivered")
        about = sent_id(self.account.account_id, self.told)
        self.told += 1
        webhook = self.plays.status(word, provider_id=about, outbox_id=about)
        return Request(account=self.account, webhook=_signed_now(self.plays, webhook), statuses=[about])


@dataclass(slots=True)
class Telephones:
    """Reports of telephones of where they are, in calls and texts: of people who text, or of nobody known."""

    account: Account = ELS
    people: People = field(default_factory=lambda: People(Random("aml")))
    said: int = 0
    tells_status: bool = False

    def next(self) -> Request:
        self.said += 1
        form = {
            "v": "3",
            "emergency_number": "911",
            "location_latitude": f"52.37{self.said:04}",
            "location_longitude": "4.895168",
            "location_accuracy": "9.3",
            "device_number": PERSON["twilio"].format(self.people.next()),
        }
        body = urlencode(form).encode()
        body += b"&hmac=" + hmac.new(self.account.secret, body, hashlib.sha1).hexdigest().encode()
        account, name = self.account, hashlib.sha256(body).hexdigest()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Request(
            account=account,
            webhook=Webhook(method="POST", path="", query="", headers=headers, body=body, received_at_ms=0),
            reports=[message_id_of(account.channel, account.account_id, name)],
        )


@dataclass(slots=True)
class Callers:
    """Calls that a network holds for us: they arrive, ask what to hear while they wait, and some hang up."""

    plays: TwilioVoice
    account: Account = field(init=False)
    people: People = field(default_factory=lambda: People(Random("calls")))
    waiting: list[tuple[str, str]] = field(default_factory=list)
    called: int = 0
    tells_status: bool = False

    def __post_init__(self) -> None:
        self.account = self.plays.account

    def next(self) -> Request:
        random = self.people.random
        if len(self.waiting) < CALLS_LEAST or random.random() < ARRIVING:
            return self._arrives()
        call, number = self.waiting.pop(0)
        if random.random() < AGAIN:
            return Request(account=self.account, webhook=self.plays.status("completed", call, number=number))
        self.waiting.append((call, number))
        return Request(account=self.account, webhook=self.plays.asks(call, number=number))

    def _arrives(self) -> Request:
        self.called += 1
        call, number = f"CA{self.called:032x}", PERSON["twilio"].format(self.people.next())
        self.waiting.append((call, number))
        webhook = self.plays.arrives(call, number=number)
        kept = message_id_of("call", self.account.account_id, call)
        return Request(account=self.account, webhook=webhook, calls=[kept])


def every_sender(site_url: str) -> list[Sender]:
    """One for each provider there is. Raises LookupError: one that nobody plays."""
    writers: list[Plays] = [make(f"{site_url}/hooks") for make in PLAYERS]
    calls = TwilioVoice(public_url=f"{site_url}/hooks/calls", endpoint=NOWHERE)
    senders: list[Sender] = [Telephones(), Callers(calls), *map(Writers, writers)]
    missing = sorted({*PROVIDERS, *CALL_PROVIDERS} - {each.account.provider for each in senders})
    if missing:
        raise LookupError(f"nobody plays {', '.join(missing)}")
    return senders


def sent_id(account_id: str, number: int) -> str:
    """The id, ours and the provider's, of an answer that had been sent."""
    return f"sent-{account_id}-{number}"


def _signed_now(plays: Plays, webhook: Webhook) -> Webhook:
    """A partner signs the time as well."""
    return plays.over(webhook.body, at_s=int(time.time())) if isinstance(plays, Partner) else webhook
