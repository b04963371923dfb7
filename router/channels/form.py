"""Bodies in application/x-www-form-urlencoded, bytes in and bytes out.

The standard library's parser decodes text, which loses what is no UTF-8; signatures are over the bytes.
What is not encoded rightly stays as it stands, as other readers have it: whether it is genuine, the
signature says.
"""

from typing import Final
from urllib.parse import unquote_to_bytes

FIELDS_MAX: Final = 500
"""A message with ten pictures has 40 fields. More are refused before any of them costs time."""

Fields = tuple[tuple[bytes, bytes], ...]


class TooManyFields(Exception):
    """More fields than any provider sends."""


def fields_of(body: bytes) -> Fields:
    """Names and values in their order; a name may repeat, a value may be empty. Raises TooManyFields."""
    if body.count(b"&") >= FIELDS_MAX:
        raise TooManyFields(f"more than {FIELDS_MAX} fields")
    fields = []
    for part in body.replace(b"+", b" ").split(b"&"):
        name, _, value = part.partition(b"=")
        if b"%" in part:  # few are; written out, because a webhook is little else than this
            name, value = unquote_to_bytes(name), unquote_to_bytes(value)
        if part:
            fields.append((name, value))
    return tuple(fields)


def value_of(fields: Fields, name: bytes) -> str:
    """The first value of this name as text, whatever its bytes; empty where there is none."""
    return next((value.decode("utf-8", "replace") for each, value in fields if each == name), "")
