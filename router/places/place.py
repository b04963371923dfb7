"""A place on earth that somebody told us, in whole numbers. Every Place is one that can be: see place_of.

Shape: a telephone that found nothing says 0, 0, and so do many programs. There is water there and nobody who
       needs us, so such a point is none: nobody is sent to it.
"""

import math
from dataclasses import dataclass
from typing import Final

E7: Final = 10_000_000
NOWHERE_E7: Final = 10_000
"""So close to 0, 0 (110 m) a point means that nobody knew."""

RADIUS_M_MAX: Final = 20_040_000
"""Half way round the earth: more says nothing."""

WORDS_MAX: Final = 300

SOURCES: Final = ("aml", "call", "device", "live", "pin", "partner", "coordinates", "plus_code", "link")
"""Who says so: the telephone during the emergency call, a network along with the call, the browser, a
position that follows its person, a point that somebody chose, a partner's system, what stands in a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One point, as one source has it.

    Shape: radius_m 0: not told how exact; fix_at_ms 0: not told when; confidence is the percentage with which
           it is within the radius, 0: not told; how is gnss, wifi, cell or empty; words are its name.
    Units: degrees of WGS 84 by ten million; altitude in metres above the ellipsoid.
    """

    source: str
    lat_e7: int
    lon_e7: int
    radius_m: int = 0
    fix_at_ms: int = 0
    confidence: int = 0
    how: str = ""
    altitude_m: int | None = None
    floor: str = ""
    words: str = ""


def place_of(
    source: str,
    latitude: object,
    longitude: object,
    *,
    radius_m: object = None,
    fix_at_ms: int = 0,
    confidence: object = None,
    how: str = "",
    altitude_m: object = None,
    floor: str = "",
    words: str = "",
) -> Place | None:
    """The place, or None where these are no coordinates: not numbers, not on earth, or 0, 0.

    Shape: what comes with a valid point and makes no sense itself (a negative radius) counts as not told.
    """
    lat, lon = finite(latitude), finite(longitude)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return None
    lat_e7, lon_e7 = round(lat * E7), round(lon * E7)
    if abs(lat_e7) < NOWHERE_E7 and abs(lon_e7) < NOWHERE_E7:
        return None
    radius, sure, altitude = finite(radius_m), finite(confidence), finite(altitude_m)
    return Place(
        source=source,
        lat_e7=lat_e7,
        lon_e7=lon_e7,
        radius_m=math.ceil(radius) if radius is not None and 0 < radius <= RADIUS_M_MAX else 0,
        fix_at_ms=fix_at_ms if 0 < fix_at_ms < 2**53 else 0,
        confidence=round(sure) if sure is not None and 0 < sure <= 100 else 0,
        how=how,
        altitude_m=round(altitude) if altitude is not None and abs(altitude) < 100_000 else None,
        floor=floor[:WORDS_MAX],
        words=words[:WORDS_MAX],
    )


def finite(value: object) -> float | None:
    """The number, also one written as a text; None where it is none, or endless."""
    if isinstance(value, str):
        value = value.strip()
        if not value.isascii() or not 0 < len(value) <= 40 or "_" in value:
            return None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
