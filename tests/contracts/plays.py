"""How a test plays a provider. One module a provider fills this; the suite runs over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from router.channels.port import Account, HttpReply, Provider, Received, Webhook


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message as its sender meant it."""

    provider_id: str = "id-1"
    sender: str = ""
    """Empty: the player's usual person."""
    text: str = "help"


@dataclass(frozen=True, kw_only=True)
class Replies:
    """Answers of the provider's API by what they mean."""

    sent: Sequence[HttpReply]
    later: Sequence[HttpReply]
    unsure: Sequence[HttpReply]
    """later as well, but perhaps sent all the same."""
    failed: Sequence[HttpReply]
    account_failed: Sequence[HttpReply]


class Plays(Protocol):
    """One provider, from its own side."""

    name: str
    provider: Provider
    account: Account
    statuses: Sequence[tuple[str, str]]
    """(its word, ours) for every status it documents; ours is empty where it tells us nothing new."""
    replies: Replies
    proof: str
    """The header that proves who sends."""
    signs_bodies: bool
    """Whether that header depends on the body; Telegram's is a secret that stays the same."""

    def message(self, *said: Said) -> Webhook:
        """A genuine request with these messages; more than one only where `batches`."""
        ...

    def status(self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1") -> Webhook:
        """A genuine request that says what became of a message of ours."""
        ...

    def unknown(self) -> Sequence[Webhook]:
        """Genuine requests of kinds that we do not know."""
        ...

    def strange(self) -> Sequence[Webhook]:
        """Genuine requests with one message each, of a kind or form that we cannot know."""
        ...

    def spoiled(self, *said: Said) -> Webhook:
        """A genuine batch of these messages and, before them, something that is none. Where `batches`."""
        ...

    def over(self, body: bytes) -> Webhook:
        """A genuine request with any body: signed, whatever it is."""
        ...

    batches: bool


def receive(plays: Plays, webhook: Webhook) -> Received:
    """What our side makes of it."""
    return plays.provider.receive(webhook, plays.account)


@dataclass
class Flipped:
    """Every way to change one bit of some bytes."""

    original: bytes
    positions: range = field(init=False)

    def __post_init__(self) -> None:
        self.positions = range(len(self.original) * 8)

    def at(self, position: int) -> bytes:
        changed = bytearray(self.original)
        changed[position // 8] ^= 1 << (position % 8)
        return bytes(changed)
