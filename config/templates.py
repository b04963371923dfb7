"""Texts with numbered places: {1}, {2} … What stands in a place is never read as a place again. Pure."""

import re
from collections.abc import Sequence
from typing import Final

_PLACE: Final = re.compile(r"\{([1-9][0-9]?)\}")


def places_of(text: str) -> tuple[int, ...]:
    """The numbers of its places, each once, in order."""
    return tuple(sorted({int(found[1]) for found in _PLACE.finditer(text)}))


def filled(text: str, values: Sequence[str]) -> str:
    """The text with its places filled. A place without a value stays as it is written."""

    def value(found: re.Match[str]) -> str:
        number = int(found[1])
        return values[number - 1] if number <= len(values) else found[0]

    return _PLACE.sub(value, text)


def begins_or_ends_open(text: str) -> bool:
    """Whether a place stands at its very beginning or end."""
    return bool(_PLACE.match(text.strip()) or re.search(rf"(?:{_PLACE.pattern})$", text.strip()))
