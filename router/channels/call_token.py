"""The token by which a call that a provider sends to our SIP port proves whose it is (X-Muster-Interaction).

It stands in an address that the provider dials, so its characters are those that need no escape there. Signed
with the account's secret, good for one order: who holds the call knows its nonce, and until when.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from uuid import UUID

HEADER: Final = "X-Muster-Interaction"
LIFE_S: Final = 60
"""A provider dials within a second; whatever comes later was copied, or its caller has waited too long."""

CHARACTERS_MAX: Final = 200
_PURPOSE: Final = b"muster call token 1:"
"""The secret signs webhooks as well: what is signed for one is nothing for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallToken:
    """Whose call it is, which order it belongs to, until when it counts."""

    interaction_id: str
    nonce: str
    until_s: int


def signed(token: CallToken, secret: bytes) -> str:
    """The token as it stands in the header."""
    told = f"{UUID(token.interaction_id).hex}.{token.nonce}.{token.until_s}"
    return f"{told}.{_mac(told, secret)}"


def token_in(text: str, secret: bytes) -> CallToken | None:
    """What it says; None where this secret has not signed it."""
    told, _, mac = text.strip()[:CHARACTERS_MAX].rpartition(".")
    if not hmac.compare_digest(_mac(told, secret).encode(), mac.encode("utf-8", "replace")):
        return None
    interaction, nonce, until = told.split(".")
    return CallToken(interaction_id=str(UUID(interaction)), nonce=nonce, until_s=int(until))


def _mac(told: str, secret: bytes) -> str:
    return hmac.new(secret, _PURPOSE + told.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:40]
