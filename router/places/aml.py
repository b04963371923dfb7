"""Advanced Mobile Location: what a telephone says by itself of where it is, during an emergency call.

Two forms: a text message of keys and values (version 1, ETSI TS 103 625; version 2 as Android's emergency
location service writes it), and a form over HTTPS. Every field may be missing. A telephone that has found
nothing sends 0, 0 with no radius: then there is no place in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from router.places.place import Place, finite, place_of

MARK: Final = 'A"ML='
TEXT_MAX: Final = 1_000
"""Version 1 is at most 160 characters, version 2 a few parts of that."""

FIELDS_MAX: Final = 100

_HOW: Final = {"g": "gnss", "gps": "gnss", "w": "wifi", "wifi": "wifi", "c": "cell", "cell": "cell"}
_NO_FIX: Final = frozenset({"n", "none"})
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_WHOLE: Final = re.compile(r"A\"ML=[0-9]{1,3}(?:;[A-Za-z]{1,4}=[-+.,0-9A-Za-z]{0,40}){2,25};?")
_DIGITS: Final = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aml:
    """One report of a telephone.

    Shape: place is None where it found none. number is its own, in the form +…, empty where not told. whole:
           its length is the one it says it has; where not, something was lost on the way.
    """

    version: str
    place: Place | None
    number: str = ""
    imei: str = ""
    imsi: str = ""
    country_code: str = ""
    network_code: str = ""
    dialled: str = ""
    languages: str = ""
    whole: bool = True


def is_aml(text: str) -> bool:
    """Whether this text is a telephone's report; also one that is damaged further on."""
    return text[:40].lstrip().startswith(MARK)


def is_only_aml(text: str) -> bool:
    """Whether nothing else is in this text: then nobody's words are lost where it is taken for no message."""
    return _WHOLE.fullmatch(text.strip()) is not None


def read_sms(text: str) -> Aml | None:
    """The report in this text; None where it is none."""
    text = text.strip()
    if not is_aml(text):
        return None
    fields = _pairs(text[:TEXT_MAX])
    version = fields.get(MARK[:-1].lower(), "")
    told = fields.get("ml", "")
    whole = not told or told == str(len(text))
    return _version_2(fields, whole) if version == "2" else _version_1(fields, version, whole)


def read_form(body: bytes) -> Aml:
    """The report in a form that was posted; what is not there is empty."""
    text = body.decode("utf-8", "replace")
    try:
        form = dict(parse_qsl(text, max_num_fields=FIELDS_MAX, errors="replace"))
    except ValueError:  # more fields than any telephone sends
        form = {}
    number = form.get("device_number", "").strip()
    return Aml(
        version=form.get("v", "")[:10],
        place=_of_form(form),
        number=number if _NUMBER.fullmatch(number) else "",
        imei=_digits(form.get("device_imei", "")),
        imsi=_digits(form.get("device_imsi", "")),
        country_code=_digits(form.get("cell_home_mcc", "")),
        network_code=_digits(form.get("cell_home_mnc", "")),
        dialled=form.get("emergency_number", "")[:20],
        languages=form.get("device_languages", "")[:100],
    )


def _pairs(text: str) -> dict[str, str]:
    """Keys in small letters; of a key that comes twice the first counts."""
    found: dict[str, str] = {}
    for pair in text.split(";"):
        key, sign, value = pair.partition("=")
        if sign:
            found.setdefault(key.strip().lower(), value.strip())
    return found


def _version_1(fields: Mapping[str, str], version: str, whole: bool) -> Aml:
    how = fields.get("pm", "").lower()
    place = None
    if how not in _NO_FIX:
        place = place_of(
            "aml",
            fields.get("lt"),
            fields.get("lg"),
            radius_m=fields.get("rd"),
            fix_at_ms=_stamp_ms(fields.get("top", "")),
            confidence=fields.get("lc"),
            how=_HOW.get(how, ""),
        )
    return Aml(
        version=version[:10],
        place=place,
        imei=_digits(fields.get("ei", "")),
        imsi=_digits(fields.get("si", "")),
        country_code=_digits(fields.get("mcc", "")),
        network_code=_digits(fields.get("mnc", "")),
        whole=whole,
    )


def _version_2(fields: Mapping[str, str], whole: bool) -> Aml:
    latitude, longitude, radius, *_ = [*fields.get("lo", "").split(","), "", "", ""]
    altitude = fields.get("lz", "").split(",")[0]
    called_s, offset_s = finite(fields.get("et")), finite(fields.get("lt"))
    fix_at_ms = 0
    if called_s is not None and 0 < called_s < 1e11:
        fix_at_ms = round((called_s + (offset_s if offset_s and abs(offset_s) < 1e9 else 0)) * 1000)
    place = None
    if fields.get("ls", "").lower() not in _NO_FIX:
        place = place_of(
            "aml",
            latitude,
            longitude,
            radius_m=radius,
            fix_at_ms=fix_at_ms,
            confidence=fields.get("lc"),
            how=_HOW.get(fields.get("ls", "").lower(), ""),
            altitude_m=altitude,
        )
    network = _digits(fields.get("nc", ""))
    return Aml(
        version="2",
        place=place,
        imei=_digits(fields.get("ei", "")),
        country_code=network[:3],
        network_code=network[3:],
        dialled=fields.get("en", "")[:20],
        languages=fields.get("lg", "")[:100],
        whole=whole,
    )


def _of_form(form: Mapping[str, str]) -> Place | None:
    sure = finite(form.get("location_confidence"))
    if sure is not None and 0 < sure <= 1:
        sure *= 100  # a share in today's form, a percentage before
    how = form.get("location_source", "").strip().lower()
    if how in _NO_FIX:
        return None
    return place_of(
        "aml",
        form.get("location_latitude"),
        form.get("location_longitude"),
        radius_m=form.get("location_accuracy"),
        fix_at_ms=_whole(form.get("location_time", "")) or _whole(form.get("time", "")),
        confidence=sure if sure is not None else finite(form.get("location_certainty")),
        how=_HOW.get(how, ""),
        altitude_m=form.get("location_altitude"),
        floor=form.get("location_floor", "").strip()[:20],
    )


def _stamp_ms(text: str) -> int:
    """20130717141935, in UTC; 0 for what is no time."""
    if len(text) != 14 or not _DIGITS.fullmatch(text):
        return 0
    try:
        return round(datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return 0


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _digits(text: str) -> str:
    """As text: the zero in front of 07 belongs to it."""
    return text if _DIGITS.fullmatch(text) else ""
