"""PIDF-LO: the place that a network or a telephone sends along with a call (RFC 4119, 5139, 5491, 7459).

Read as a stream, never as a tree, and a document type is refused: it comes from outside. What cannot be read
is no place; the document itself stays with the call.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from xml.parsers import expat

from router.places.place import E7, WORDS_MAX, Place, finite, place_of

DOCUMENT_BYTES_MAX: Final = 65_536
DEPTH_MAX: Final = 40
PLACES_MAX: Final = 8
POINTS_MAX: Final = 500
SOURCE: Final = "call"

DEGREE_M: Final = 111_320
"""Metres in a degree of latitude."""

_SHAPES: Final = frozenset({"Point", "Circle", "Sphere", "Ellipse", "Ellipsoid", "ArcBand", "Polygon"})
_RADII: Final = ("radius", "semiMajorAxis", "outerRadius")
_CIVIC: Final = (
    ("RD", "A6", "STS", "HNO", "HNS"),
    ("LMK", "NAM", "BLD", "UNIT", "FLR", "ROOM", "LOC"),
    ("PC", "A3", "A4", "A2", "A1"),
    ("country",),
)
"""Parts of an address by RFC 5139, in the order in which people read them."""

_HOW: Final = (
    ("gnss", re.compile(r"gps|gnss|galileo", re.IGNORECASE)),
    ("wifi", re.compile(r"wi-?fi|802\.?11|wlan", re.IGNORECASE)),
    ("cell", re.compile(r"cell|otdoa|\bta\b|nmr|sector|rtt", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a document says: points, and addresses in words."""

    places: tuple[Place, ...] = ()
    addresses: tuple[str, ...] = ()


def read_pidf(document: bytes) -> Sent:
    """Where it says that somebody is; nothing where it cannot be read."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.begins
    parser.EndElementHandler = reader.ends
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(document[:DOCUMENT_BYTES_MAX], True)
    except (expat.ExpatError, ValueError, LookupError, _Refused):  # the middle two: encodings it cannot do
        return Sent()
    return reader.sent()


class _Refused(Exception):
    """Not a document that we read any further."""


class _Reader:
    """Collects what matters while elements go by."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._words: list[str] = []
        self._shapes: list[dict[str, str]] = []
        self._civic: dict[str, str] = {}
        self._about: dict[str, str] = {}
        self._waiting: list[Place] = []
        self._places: list[Place] = []
        self._addresses: list[str] = []

    def begins(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if len(self._path) >= DEPTH_MAX:
            raise _Refused
        self._path.append(local)
        self._words = []
        if local in _SHAPES:
            self._shapes.append({"shape": local})

    def text(self, data: str) -> None:
        self._words.append(data)

    def ends(self, name: str) -> None:
        local = self._path.pop()
        words = " ".join("".join(self._words).split())[:10_000]
        self._words = []
        if "civicAddress" in self._path:
            self._civic.setdefault(local, words[:WORDS_MAX])
        elif local in ("pos", "posList", *_RADII) and self._shapes:
            shape = self._shapes[-1]
            shape[local] = f"{shape.get(local, '')} {words}".strip()
        elif local in ("confidence", "method", "timestamp"):
            self._about[local] = words[:100]
        after: dict[str, Callable[[], None]] = {"geopriv": self._located, "tuple": self._timed}
        after |= {"device": self._timed, "person": self._timed}
        if local in after:
            after[local]()

    def sent(self) -> Sent:
        """Everything that was found."""
        self._timed()
        return Sent(
            places=tuple(dict.fromkeys(self._places))[:PLACES_MAX],
            addresses=tuple(dict.fromkeys(self._addresses))[:PLACES_MAX],
        )

    def _located(self) -> None:
        """The end of one location: its shapes, with the address beside them."""
        address = _address(self._civic)
        if address:
            self._addresses.append(address)
        method = self._about.pop("method", "")
        how = next((name for name, known in _HOW if known.search(method)), "")
        sure = self._about.pop("confidence", "")
        for shape in self._shapes:
            place = _place(shape, confidence=sure, how=how, words=address)
            if place is not None:
                self._waiting.append(place)
        self._shapes, self._civic = [], {}

    def _timed(self) -> None:
        """The end of what a time stamp is about."""
        at_ms = _ms(self._about.pop("timestamp", ""))
        self._places += [replace(each, fix_at_ms=at_ms) for each in self._waiting]
        self._waiting = []


def _place(shape: dict[str, str], *, confidence: str, how: str, words: str) -> Place | None:
    positions = shape.get("posList") or shape.get("pos", "")
    numbers = [finite(each) for each in re.split(r"[\s,]+", positions.strip())[: 3 * POINTS_MAX]]
    if shape["shape"] == "Polygon":
        return _middle(numbers, confidence=confidence, how=how, words=words)
    if len(numbers) < 2:
        return None
    radius = next((shape[name] for name in _RADII if name in shape), None)
    return place_of(
        SOURCE,
        numbers[0],
        numbers[1],
        radius_m=radius,
        confidence=confidence,
        how=how,
        altitude_m=numbers[2] if len(numbers) > 2 else None,
        words=words,
    )


def _middle(numbers: list[float | None], *, confidence: str, how: str, words: str) -> Place | None:
    """The middle of an area, with a circle around it that holds every corner."""
    known = [each for each in numbers if each is not None]
    corners = list(zip(known[::2], known[1::2], strict=False))
    if len(known) != len(numbers) or len(known) % 2 or len(corners) < 3:
        return None
    if corners[0] == corners[-1]:
        corners.pop()
    lat = sum(each[0] for each in corners) / len(corners)
    lon = sum(each[1] for each in corners) / len(corners)
    narrow = math.cos(math.radians(lat))
    radius = max(math.hypot(each[0] - lat, (each[1] - lon) * narrow) for each in corners) * DEGREE_M
    return place_of(
        SOURCE,
        round(lat * E7) / E7,
        round(lon * E7) / E7,
        radius_m=radius,
        confidence=confidence,
        how=how,
        words=words,
    )


def _address(civic: dict[str, str]) -> str:
    lines = (" ".join(filter(None, (civic.get(name, "") for name in names))) for names in _CIVIC)
    return ", ".join(filter(None, lines))[:WORDS_MAX]


def _ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return 0
    # Without an offset nobody knows which hour it means.
    return int(at.timestamp() * 1_000) if at.tzinfo is not None else 0


def _refuse(*declared: object) -> None:
    raise _Refused
