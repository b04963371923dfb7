"""Ids that both sites compute alike, so that a contact which reaches two of them is one contact."""

import hashlib
import hmac
from typing import Final
from uuid import UUID

import msgspec

_INTERACTION: Final = UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e01")
_MESSAGE: Final = UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e02")
_CUSTOMER: Final = UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e03")
_PART: Final = UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e04")
_PLACE: Final = UUID("5f0a1ac6-6b3e-5d0c-9d0b-2b8a0d5c7e05")
"""Drawn once; changing one would make repeats look new."""


def interaction_id_of(channel: str, account: str, provider_id: str) -> str:
    """The interaction that this contact begins, if it begins one."""
    return _id(_INTERACTION, channel, account, provider_id)


def message_id_of(channel: str, account: str, provider_id: str) -> str:
    """The message that this contact is."""
    return _id(_MESSAGE, channel, account, provider_id)


def customer_id_of(channel: str, account: str, address_hash: str) -> str:
    """The customer made for an address that nobody knew before. The identity has the same id."""
    return _id(_CUSTOMER, channel, account, address_hash)


def part_id_of(message_id: str, number: int) -> str:
    """The content that a message only points to, as long as it is only an address."""
    return _id(_PART, message_id, str(number))


def place_id_of(said_by: str, number: int) -> str:
    """The place that this message, or report of a telephone, says somebody is at; also its content."""
    return _id(_PLACE, said_by, str(number))


def group_thread_of(secret: bytes, group: str) -> str:
    """What contacts of a group of people join by; empty for none. The journal has threads, and no ids."""
    return hmac.digest(secret, group.encode("utf-8", "replace"), "sha256").hex() if group else ""


def fresh_id(at_ms: int, drawn: bytes) -> str:
    """An id that nobody else has, of ten drawn bytes; later ones are greater: neighbours in an index.

    Source: RFC 9562, UUID version 7.
    """
    return _written((at_ms & 0xFFFF_FFFF_FFFF).to_bytes(6, "big").hex() + drawn[:10].hex(), "7")


def _id(namespace: UUID, *parts: str) -> str:
    # An array, not parts joined by a sign that could occur in them. The same as uuid.uuid5, which takes three
    # times as long: a rush is five of them a contact.
    name = msgspec.json.encode(parts)
    return _written(hashlib.sha1(namespace.bytes + name, usedforsecurity=False).hexdigest()[:32], "5")


def _written(digits: str, version: str) -> str:
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
