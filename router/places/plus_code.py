"""Plus codes (Open Location Code): a full one is a place by itself, a short one needs a town to go with it.

Source: github.com/google/open-location-code: base 20, pairs of latitude and longitude; then
        a grid of 4 columns by 5 rows for each further sign.
"""

import re
from typing import Final

DIGITS: Final = "23456789CFGHJMPQRVWX"
PAIRS: Final = 10
"""Signs that come in pairs; what follows divides the cell as a grid."""

FULL: Final = re.compile(
    r"(?<![0-9A-Za-z+])([2-9Cc][2-9CFGHJMPQRVcfghjmpqrv](?:[2-9CFGHJMPQRVWXcfghjmpqrvwx]{6}"
    r"\+(?:[2-9CFGHJMPQRVWXcfghjmpqrvwx]{2,7})?|[2-9CFGHJMPQRVWXcfghjmpqrvwx]{4}00\+|"
    r"[2-9CFGHJMPQRVWXcfghjmpqrvwx]{2}0000\+))(?![0-9A-Za-z+])"
)
SHORT: Final = re.compile(
    r"(?<![0-9A-Za-z+])([2-9CFGHJMPQRVWX]{4,6}\+[2-9CFGHJMPQRVWX]{2,3})(?![0-9A-Za-z+])"
)
"""In capitals only, as maps write it: 2345+67 is arithmetic."""

_LAT: Final = 8_000 * 3_125
_LON: Final = 8_000 * 1_024
"""Parts of a degree: 8,000 cells of ten signs, and five further signs, each by five rows or four columns."""


def decoded(code: str) -> tuple[float, float, float, float] | None:
    """(latitude and longitude of the middle, height and width of the cell in degrees); None: no full code."""
    if FULL.fullmatch(code) is None:
        return None
    signs = code.upper().replace("+", "").rstrip("0")[:15]
    lat, lon, lat_step, lon_step = 0, 0, _LAT * 400, _LON * 400
    for at in range(0, min(PAIRS, len(signs)), 2):
        lat_step, lon_step = lat_step // 20, lon_step // 20
        lat += DIGITS.index(signs[at]) * lat_step
        lon += DIGITS.index(signs[at + 1]) * lon_step
    for sign in signs[PAIRS:]:
        lat_step, lon_step = lat_step // 5, lon_step // 4
        row, column = divmod(DIGITS.index(sign), 4)
        lat += row * lat_step
        lon += column * lon_step
    middle_lat, middle_lon = lat + lat_step / 2, lon + lon_step / 2
    return middle_lat / _LAT - 90, middle_lon / _LON - 180, lat_step / _LAT, lon_step / _LON


def encoded(lat_e7: int, lon_e7: int) -> str:
    """The code of ten signs, a cell of about 14 m, in which this point is."""
    lat = min(max(0, lat_e7 + 90 * 10_000_000), 180 * 10_000_000 - 1)
    lon = (lon_e7 + 180 * 10_000_000) % (360 * 10_000_000)
    signs = ""
    step = 20 * 10_000_000
    for _ in range(PAIRS // 2):
        signs += DIGITS[lat // step % 20] + DIGITS[lon // step % 20]
        step //= 20
    return f"{signs[:8]}+{signs[8:]}"
