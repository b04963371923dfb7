"""Places in what people write: coordinates, geo addresses, links of maps, plus codes. Nothing is fetched.

Only what can hardly be anything else is a place: an agent sends people there. What looks like one and cannot
be resolved here (a short link, a short plus code, three words) is named instead, so that somebody asks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import unquote

from router.places.place import E7, Place, finite, place_of
from router.places.plus_code import FULL, SHORT, decoded

CHARACTERS_MAX: Final = 20_000
"""Further down in a text nobody writes where they are; and reading it costs."""

PLACES_MAX: Final = 8

SHORT_LINK, SHORT_CODE, THREE_WORDS = "short_link", "short_code", "three_words"


@dataclass(frozen=True, slots=True)
class Written:
    """What a text says of places.

    Shape: unresolved are (what it is, as it was written): short_link, short_code or three_words.
    """

    places: tuple[Place, ...] = ()
    unresolved: tuple[tuple[str, str], ...] = ()


NOTHING: Final = Written()

_GEO: Final = re.compile(r"\bgeo:(-?[0-9.]{1,20}),(-?[0-9.]{1,20})([^\s<>\"]{0,200})", re.IGNORECASE)
_GEO_AT: Final = re.compile(r"[?&]q=(-?[0-9.]{1,20}),(-?[0-9.]{1,20})")
_GEO_EXACT: Final = re.compile(r";u=([0-9.]{1,12})")

_LINK: Final = re.compile(
    r"\b(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,10})(/[^\s<>\"]{0,1000})", re.I
)
_MAPS: Final = re.compile(
    r"(?:(?:www\.|maps\.)?google(?:\.com?)?\.[a-z]{2,3}|maps\.apple\.com"
    r"|(?:www\.|m\.)?(?:openstreetmap|osm)\.org|(?:www\.)?bing\.com)"
)
_SHORTENED: Final = re.compile(
    r"(?:maps\.app\.goo\.gl/|goo\.gl/maps/|g\.co/maps|maps\.apple/p/|(?:www\.)?(?:osm|openstreetmap)\.org/go/).+"
)
_N: Final = r"(-?[0-9]{1,3}\.[0-9]{1,15})"
_IN_LINK: Final = (
    re.compile(rf"!3d{_N}!4d{_N}"),
    re.compile(
        rf"[?&](?:q|query|ll|sll|daddr|destination|coordinate|center|cp)=(?:loc:)?{_N}[\s+]?[,~][\s+]?{_N}"
    ),
    re.compile(rf"[?&]mlat={_N}(?:&amp;|&)mlon={_N}"),
    re.compile(rf"/(?:dir|place|search)/(?:[^/]{{0,200}}/)?{_N},\+?{_N}"),
    re.compile(rf"/@{_N},{_N}"),
    re.compile(rf"#map=[0-9.]{{1,5}}/{_N}/{_N}"),
)
"""Most certain first: the pin before the middle of the map that was looked at."""

_THREE_WORDS: Final = re.compile(
    r"(?:(?<![\w/:])///|\b(?:w3w\.co|what3words\.com)/)([^\W\d_]{1,40}\.[^\W\d_]{1,40}\.[^\W\d_]{1,40})(?![\w.])"
)

_DEGREES: Final = r"([-+\u2212]?[0-9]{1,3})\s?(?:°|º|deg)\s?"
_MINUTES: Final = r"(?:([0-9]{1,2}(?:[.,][0-9]{1,8})?)\s?['′’‘´]\s?)"
_SECONDS: Final = r"(?:([0-9]{1,2}(?:[.,][0-9]{1,8})?)\s?(?:[\"″”“]|''|′′|’’)\s?)"
_ONE: Final = rf"{_DEGREES}{_MINUTES}{_SECONDS}?"
_SIXTIETHS: Final = re.compile(
    rf"(?<!\w)([NS]\s?)?{_ONE}([NS])?[\s,;/]{{0,3}}([EWO]\s?)?{_ONE}([EWO](?!\w))?", re.I
)
_SPACED: Final = re.compile(
    r"(?<![\w.])([0-9]{1,2})[ :]([0-9]{1,2})(?:[ :]([0-9]{1,2}(?:\.[0-9]{1,6})?))?\s?([NS])[\s,;/]{1,3}"
    r"([0-9]{1,3})[ :]([0-9]{1,2})(?:[ :]([0-9]{1,2}(?:\.[0-9]{1,6})?))?\s?([EWO])(?!\w)",
    re.I,
)
"""52 22 12.7 N, 4 53 42.8 E: only with both letters, else these are any numbers."""

_LABEL_LAT: Final = r"(?:lat(?:itude)?|breite)\s?[:=]?\s?"
_LABEL_LON: Final = r"(?:l(?:on|ng)(?:gitude)?|long|l\u00e4nge)\s?[:=]?\s?"
_LABELLED: Final = re.compile(
    rf"\b{_LABEL_LAT}([-+]?[0-9]{{1,2}}[.,][0-9]{{2,15}})°?[\s,;/]{{1,4}}{_LABEL_LON}"
    r"([-+]?[0-9]{1,3}[.,][0-9]{2,15})",
    re.I,
)
_HEMISPHERES: Final = re.compile(
    r"(?<![\w.])(?:([NS])\s?)?([0-9]{1,2}[.,][0-9]{2,15})\s?°?\s?([NS])?[\s,;/]{1,3}"
    r"(?:([EWO])\s?)?([0-9]{1,3}[.,][0-9]{2,15})\s?°?\s?([EWO](?!\w))?",
    re.I,
)
_PAIR: Final = re.compile(
    r"(?<![\w.,+-])\(?([-+\u2212]?[0-9]{1,2}\.[0-9]{4,15})°?(?:\s?[,;/]\s?|\s{1,3})([-+\u2212]?[0-9]{1,3}\.[0-9]{4,15})"
    r"(?![0-9]|\.[0-9]|\s?[Oo]\b)"
)
_COMMA_PAIR: Final = re.compile(
    r"(?<![\w.,+-])([-+]?[0-9]{1,2},[0-9]{4,15})°?(?:\s?[;/]\s?|,?\s{1,3})([-+]?[0-9]{1,3},[0-9]{4,15})(?![0-9]|,[0-9])"
)
"""Four decimals are eleven metres: who writes them means a place. With fewer these may be any two numbers."""


_PERHAPS: Final = re.compile(
    r"[0-9][.,][0-9]{2}|[°º/]|[0-9]\s?deg|[0-9][ :][0-9]|geo:|[0-9CFGHJMPQRVWX]{2}\+",
    re.I,
)
"""Every form has one of these; most texts have none, and in a rush each costs as much as everything else."""


def read_places(text: str) -> Written:
    """What this text says of places; each once, in the order of how certain its form is."""
    if not _PERHAPS.search(text):
        return NOTHING
    rest = _Rest(text[:CHARACTERS_MAX])
    places = list(islice(_places(rest), PLACES_MAX))
    unresolved = [*rest.unresolved, *_codes_of(rest)]
    different = {(each.lat_e7, each.lon_e7): each for each in reversed(places)}
    return Written(tuple(reversed(different.values())), tuple(dict.fromkeys(unresolved))[:PLACES_MAX])


class _Rest:
    """A text of which what was understood is taken away, so that nothing is read twice."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.unresolved: list[tuple[str, str]] = []

    def take(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        found = list(pattern.finditer(self.text))
        for each in reversed(found):
            self.text = f"{self.text[: each.start()]} \x00 {self.text[each.end() :]}"
        return iter(found)


def _places(rest: _Rest) -> Iterator[Place]:
    for found in (_geo(rest), _links(rest), _sixtieths(rest), _decimals(rest), _plus_codes(rest)):
        yield from (each for each in found if each is not None)


def _geo(rest: _Rest) -> Iterator[Place | None]:
    """RFC 5870, and geo:0,0?q=… as Android writes it. Those on another planet or grid are none."""
    for found in rest.take(_GEO):
        more = unquote(found[3])
        at, exact = _GEO_AT.search(more), _GEO_EXACT.search(more)
        if ";crs=" in more.lower() and ";crs=wgs84" not in more.lower():
            continue
        latitude, longitude = (at[1], at[2]) if at else (found[1], found[2])
        yield place_of("coordinates", latitude, longitude, radius_m=exact[1] if exact else None)


def _links(rest: _Rest) -> Iterator[Place | None]:
    for found in rest.take(_LINK):
        host, path = found[1].lower(), unquote(found[2])
        if _SHORTENED.fullmatch(host + path):
            rest.unresolved.append((SHORT_LINK, found[0][:200]))
        elif _MAPS.fullmatch(host):
            for pattern in _IN_LINK:
                at = pattern.search(path)
                if at and (place := place_of("link", at[1], at[2])):
                    yield place
                    break
        elif host == "plus.codes":
            yield _of_code(path.strip("/"))
        elif words := _THREE_WORDS.search(found[0]):
            rest.unresolved.append((THREE_WORDS, f"///{words[1]}"))


def _sixtieths(rest: _Rest) -> Iterator[Place | None]:
    """Degrees, minutes, perhaps seconds: 52°22'12.7"N 4°53'42.8"E, 52°22.21' N 4°53.71' E, 52 22 N 4 53 E."""
    for found in rest.take(_SIXTIETHS):
        north, lat, lat_min, lat_sec, north_after, east, lon, lon_min, lon_sec, east_after = found.groups()
        latitude = _signed(lat, lat_min, lat_sec, north or north_after or "")
        longitude = _signed(lon, lon_min, lon_sec, east or east_after or "")
        yield place_of("coordinates", latitude, longitude)
    for found in rest.take(_SPACED):
        lat, lat_min, lat_sec, north, lon, lon_min, lon_sec, east = found.groups()
        yield place_of(
            "coordinates", _signed(lat, lat_min, lat_sec, north), _signed(lon, lon_min, lon_sec, east)
        )


def _signed(degrees: str, minutes: str, seconds: str | None, side: str) -> float | None:
    """As a number; None where minutes or seconds are sixty and more, or the side is O: east or oeste."""
    whole = finite(degrees.replace("\u2212", "-"))
    parts = [finite((each or "0").replace(",", ".")) for each in (minutes, seconds)]
    if whole is None or side.strip() in ("O", "o") or any(each is None or each >= 60 for each in parts):
        return None
    value = abs(whole) + (parts[0] or 0) / 60 + (parts[1] or 0) / 3600
    minus = degrees[0] in "-\u2212" or side.strip().upper() in ("S", "W")
    return -value if minus else value


def _decimals(rest: _Rest) -> Iterator[Place | None]:
    for found in rest.take(_LABELLED):
        yield place_of("coordinates", found[1].replace(",", "."), found[2].replace(",", "."))
    kept: list[Place | None] = []
    for found in _HEMISPHERES.finditer(rest.text):
        north, lat, north_after, east, lon, east_after = found.groups()
        side, other = north or north_after, east or east_after
        if side and other and other not in "Oo":
            signs = ["-" if each.upper() in "SW" else "" for each in (side, other)]
            kept.append(
                place_of("coordinates", signs[0] + lat.replace(",", "."), signs[1] + lon.replace(",", "."))
            )
    yield from kept
    for pattern in () if kept else (_PAIR, _COMMA_PAIR):
        for found in rest.take(pattern):
            latitude, longitude = (found[at].replace(",", ".").replace("\u2212", "-") for at in (1, 2))
            yield place_of("coordinates", latitude, longitude)


def _plus_codes(rest: _Rest) -> Iterator[Place | None]:
    for found in rest.take(FULL):
        yield _of_code(found[1])


def _of_code(code: str) -> Place | None:
    """A code of eight signs or fewer is an area: then half its diagonal is how exact it is."""
    cell = decoded(code)
    if cell is None:
        return None
    latitude, longitude, height, width = cell
    coarse = len(code.replace("+", "").rstrip("0")) <= 8
    radius = 111_320 * (height**2 + width**2) ** 0.5 / 2 if coarse else None
    return place_of("plus_code", latitude, longitude, radius_m=radius, words=code.upper())


def _codes_of(rest: _Rest) -> Iterator[tuple[str, str]]:
    for found in islice(_THREE_WORDS.finditer(rest.text), PLACES_MAX):
        yield THREE_WORDS, f"///{found[1]}"
    for found in islice(SHORT.finditer(rest.text), PLACES_MAX):
        if not found[1].replace("+", "").isdigit():
            yield SHORT_CODE, found[1]


def decimal(lat_e7: int, lon_e7: int) -> str:
    """52.370216, 4.895168: as any map takes it."""
    return f"{_fixed(lat_e7)}, {_fixed(lon_e7)}"


def sixtieths(lat_e7: int, lon_e7: int) -> str:
    """52°22'12.8"N 4°53'42.6"E: as crews say it over the radio."""
    return f"{_dms(lat_e7, 'NS')} {_dms(lon_e7, 'EW')}"


def _fixed(value_e7: int) -> str:
    micro = (abs(value_e7) + 5) // 10
    return f"{'-' if value_e7 < 0 and micro else ''}{micro // 1_000_000}.{micro % 1_000_000:06}"


def _dms(value_e7: int, sides: str) -> str:
    tenths = round(abs(value_e7) * 36_000 / E7)
    degrees, tenths = divmod(tenths, 36_000)
    minutes, tenths = divmod(tenths, 600)
    return f"{degrees}°{minutes:02}'{tenths // 10:02}.{tenths % 10}\"{sides[value_e7 < 0]}"
