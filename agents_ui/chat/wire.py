"""The chat socket's messages (docs/architecture.md section 6.1): reading the customer's, writing ours.

Everything a customer sends is length-checked by the server, then typed here, before anything looks at it.
"""

import json
from typing import Any, Final  # Any: JSON on its way to the page
from uuid import UUID

import msgspec

_TOO_DEEP: Final = (ValueError, RecursionError)


class Say(msgspec.Struct, tag_field="kind", tag="say", forbid_unknown_fields=True, frozen=True):
    """The customer said something. client_id is the page's own id of it."""

    client_id: UUID
    text: str


class Typing(msgspec.Struct, tag_field="kind", tag="typing", forbid_unknown_fields=True, frozen=True):
    """The customer is typing."""


class Seen(msgspec.Struct, tag_field="kind", tag="seen", forbid_unknown_fields=True, frozen=True):
    """The customer has this message, and all before it, on the screen."""

    message_id: UUID


class Place(msgspec.Struct, tag_field="kind", tag="place", forbid_unknown_fields=True, frozen=True):
    """Where the customer's device says it is. again: a later point, of somebody who goes on telling."""

    client_id: UUID
    latitude: float
    longitude: float
    accuracy_m: float = 0
    altitude_m: float | None = None
    found_at_ms: int = 0
    again: bool = False


class Leave(msgspec.Struct, tag_field="kind", tag="leave", forbid_unknown_fields=True, frozen=True):
    """The customer ends the chat."""


Said = Say | Typing | Seen | Place | Leave


class Bad(Exception):
    """Not one of our messages. `client_id` is the page's id, where one could be made out."""

    def __init__(self, client_id: str | None) -> None:
        super().__init__("not a message of this protocol")
        self.client_id = client_id


def read(text: str) -> Said:
    """The message in this text. Raises Bad.

    The standard library's parser, because a lone surrogate (`\\ud800`) is legal in JSON and may be all that
    somebody in need managed to send; msgspec's own refuses it.
    """
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except _TOO_DEEP:
        raise Bad(None) from None
    try:
        said: Said = msgspec.convert(values, Said)
    except msgspec.ValidationError:
        raise Bad(_client_id_of(values)) from None
    return said


def write(**values: Any) -> str:
    """One message of ours."""
    return msgspec.json.encode(values).decode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _client_id_of(values: object) -> str | None:
    """Enough to tell the page which of its messages it was, and nothing longer."""
    given = values.get("client_id") if isinstance(values, dict) else None
    try:
        return str(UUID(given)) if isinstance(given, str) and len(given) <= 36 else None
    except ValueError:
        return None
