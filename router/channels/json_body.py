"""Bodies in JSON: cut into their parts byte for byte, or read as far as anybody can. Nothing here raises.

A webhook that brings ten messages is cut into ten bodies, each as it came. Truncated emoji arrive as half a
surrogate pair (`\\ud83d`), which strict readers refuse together with everything around it: only then that
half, and bytes that are no UTF-8, become U+FFFD.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar  # Any: JSON of others, looked at before use

import msgspec

from router.channels.text import kept, shown
from router.places.place import Place, place_of

_SURROGATES: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped surrogate after whole backslashes: a pair, which stays, or half of one."""

ITEMS_MAX: Final = 5_000
"""No provider sends more at once (Meta a thousand): such a body stays in one piece, and costs no time."""

T = TypeVar("T")


def members(body: bytes) -> dict[str, bytes] | None:
    """The values of an object by name, each as it stands in the body; None where it is no object."""
    cut = _decoded(body, dict[str, msgspec.Raw])
    return None if cut is None else {name: bytes(each) for name, each in cut.items()}


def items(body: bytes) -> list[bytes] | None:
    """The items of a list, each as it stands in the body; None where it is no list."""
    cut = _decoded(body, list[msgspec.Raw])
    return None if cut is None else [bytes(each) for each in cut]


def leaves(body: bytes, *path: str) -> Iterator[tuple[bytes, bool]]:
    """Every item at the end of a path of lists, as it came. With False: what could not be cut further."""
    if not path:
        yield body, True
        return
    cut = members(body)
    listed = None if cut is None else items(cut.get(path[0], b"[]"))
    if listed is None or len(listed) > ITEMS_MAX:
        yield body, False
        return
    for each in listed:
        yield from leaves(each, *path[1:])


def joined(**parts: bytes) -> bytes:
    """An object of these values as they stand, without the empty ones."""
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), each) for name, each in parts.items() if each) + b"}"


def object_of(body: bytes) -> dict[str, Any]:
    """What an object says; empty where it is none."""
    return _decoded(body, dict[str, Any]) or {}


def at(value: object, *path: str | int) -> Any:
    """What stands there in a value that was read; None where nothing does."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def words(value: object, *path: str | int) -> str:
    """The text there, as people and tables can have it; empty where there is none."""
    found = at(value, *path)
    return shown(kept(found)) if isinstance(found, str) else ""


def name(value: object, *path: str | int) -> str:
    """The id there, whether it is written as a text or as a number of any size; empty where there is none."""
    found = at(value, *path)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else words(found)


def number(value: object, *path: str | int) -> int:
    """The whole number there, also one written as a text; 0 where there is none, or a huge one."""
    text = name(value, *path)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def pins(value: object, *path: str | int) -> tuple[Place, ...]:
    """The point that somebody chose, where an object with its latitude and longitude is there; else none."""
    named = ", ".join(filter(None, [words(value, *path, each) for each in ("title", "name", "address")]))
    point = place_of("pin", at(value, *path, "latitude"), at(value, *path, "longitude"), words=named)
    return () if point is None else (point,)


def written(value: object) -> str:
    """A value that was read as people can look at it."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return shown(kept(text))


def _decoded(body: bytes, shape: type[T]) -> T | None:
    for readable in (bytes, mended):
        try:
            return msgspec.json.decode(readable(body), type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
    return None


def mended(body: bytes) -> bytes:
    """The body as strict readers take it: half surrogates, and what is no UTF-8, become U+FFFD."""
    whole = body.decode("utf-8", "replace").encode()
    return _SURROGATES.sub(lambda found: found[0] if found[2] else found[1] + rb"\ufffd", whole)
