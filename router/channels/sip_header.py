"""Values of SIP headers: lists, parameters, names with addresses, URIs, Via. Read loosely, never raising.

Source: RFC 3261 section 25. Looser where a peer's mistake would cost a call: white space anywhere, unknown
        schemes, addresses without angle brackets.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

SIP_PORT: Final = 5060
VALUE_CHARACTERS_MAX: Final = 8_192
"""Of one value more is not looked at."""

VALUES_MAX: Final = 200

_VIA: Final = re.compile(
    r"\s*SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z-]{1,20})\s+"
    r"(?P<host>\[[0-9A-Fa-f:.]{1,60}\]|[^\s:;,\[\]]{1,255})\s*(?::\s*(?P<port>[0-9]{1,5}))?\s*(?P<rest>;.*)?",
    re.DOTALL,
)
_HOST: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]{1,60}\]|[A-Za-z0-9._-]{1,255})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<parameters>;[^?]*)?(?P<headers>\?.*)?",
    re.DOTALL,
)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}):(.*)", re.DOTALL)
_CSEQ: Final = re.compile(r"\s*([0-9]{1,12})\s+(\S{1,64})\s*")
_PHONE: Final = re.compile(r"\+?[0-9*#]{1,32}")

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """An address: sip:user@host:port;parameters. port 0: none was said. Other schemes are all user."""

    scheme: str
    user: str = ""
    host: str = ""
    port: int = 0
    parameters: Parameters = field(default_factory=dict)

    @property
    def is_sip(self) -> bool:
        """Whether something can be sent there."""
        return self.scheme in ("sip", "sips") and bool(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAddress:
    """`"Name" <uri>;parameters`, as in From, To, Contact, Route."""

    name: str
    uri: str
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """Where the answer to a request goes."""

    transport: str
    host: str
    port: int
    parameters: Parameters


def listed(value: str) -> list[str]:
    """The values in a header with commas between them; commas in quotes and angle brackets are no ends."""
    return [each for each in _split(value, ",") if each][:VALUES_MAX]


def parameters_of(text: str) -> dict[str, str]:
    """`;name=value;name2` by name in small letters, quotes taken off. The first of a name counts."""
    found: dict[str, str] = {}
    for each in _split(text, ";"):
        name, _, value = each.partition("=")
        if name.strip():
            found.setdefault(name.strip().lower(), unquoted(value.strip()))
    return found


def name_address(value: str) -> NameAddress:
    """One name with its address. What cannot be read is all in `uri`."""
    text = value.strip()[:VALUE_CHARACTERS_MAX]
    name, rest = "", text
    if text.startswith('"'):
        end = _end_of_quote(text)
        name, rest = (unquoted(text[:end]), text[end:].strip()) if end else ("", text[1:])
    opened = rest.find("<")
    if opened >= 0:
        name = name or " ".join(rest[:opened].split())
        uri, _, after = rest[opened + 1 :].partition(">")
        return NameAddress(name=name, uri=uri.strip(), parameters=parameters_of(after))
    uri, _, after = rest.partition(";")  # Without brackets, parameters are the header's (section 20.10).
    return NameAddress(name=name, uri=uri.strip(), parameters=parameters_of(after))


def uri_of(text: str) -> Uri | None:
    """An address taken apart; None where not even a scheme can be seen."""
    found = _SCHEME.fullmatch(text.strip()[:VALUE_CHARACTERS_MAX])
    if found is None:
        return None
    scheme, rest = found[1].lower(), found[2]
    if scheme == "tel":
        user, _, parameters = rest.partition(";")
        return Uri(scheme=scheme, user=user, parameters=parameters_of(parameters))
    if scheme not in ("sip", "sips"):
        return Uri(scheme=scheme, user=rest)
    for user, place in _places(rest):
        if (host := _HOST.fullmatch(place)) is not None:
            return Uri(
                scheme=scheme,
                user=user,
                host=host["host"].strip("[]"),
                port=_port(host["port"]),
                parameters=parameters_of(host["parameters"] or ""),
            )
    return Uri(scheme=scheme, user=rest)


def via_of(value: str) -> Via | None:
    """One Via; None where it cannot be read."""
    found = _VIA.fullmatch(value[:VALUE_CHARACTERS_MAX])
    if found is None:
        return None
    return Via(
        transport=found["transport"].lower(),
        host=found["host"].strip("[]"),
        port=_port(found["port"]),
        parameters=parameters_of(found["rest"] or ""),
    )


def cseq_of(value: str) -> tuple[int, str] | None:
    """Number and method; None where there is none, or the number is not below 2^31 (section 8.1.1.5)."""
    found = _CSEQ.fullmatch(value)
    if found is None or int(found[1]) >= 2**31:
        return None
    return int(found[1]), found[2]


def number_of(uri: str) -> str:
    """The telephone number in an address, without what only makes it easier to read; else user@host.

    Source: visual separators are those of RFC 3966 section 5.1.1. Parameters inside the user part (verstat,
            routing numbers) are no part of the number.
    """
    found = uri_of(uri)
    if found is None:
        return ""
    if found.scheme not in ("sip", "sips", "tel"):
        return uri.strip()[:200]  # urn:service:sos and its kind
    user = unquote(found.user.split(";")[0].split(":")[0])
    digits = re.sub(r"[-.() ]", "", user)
    if _PHONE.fullmatch(digits):
        return digits
    return f"{user}@{found.host}" if user and found.host else user


def quoted(text: str) -> str:
    """A text as a quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    """A text without the quotes around it, and without the backslashes inside them."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def _split(text: str, at: str) -> list[str]:
    """The pieces between a sign that stands neither in quotes nor in angle brackets."""
    if at not in text:
        return [text.strip()]
    pieces, begin, quote, angle, escaped = [], 0, False, False, False
    for index, sign in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            quote, escaped = sign != '"', sign == "\\"
        elif sign == '"':
            quote = True
        elif sign in "<>":
            angle = sign == "<"
        elif sign == at and not angle:
            pieces.append(text[begin:index].strip())
            begin = index + 1
    pieces.append(text[begin:].strip())
    return pieces


def _end_of_quote(text: str) -> int:
    """Where the quotes that it begins with end; 0: nowhere."""
    index = 1
    while index < len(text):
        if text[index] == "\\":
            index += 1
        elif text[index] == '"':
            return index + 1
        index += 1
    return 0


def _places(rest: str) -> Iterator[tuple[str, str]]:
    """What may be user and host: at each @ from the first, because users may hold nearly every other sign."""
    if "@" not in rest:
        yield "", rest
    pieces = rest.split("@")
    for index in range(1, min(len(pieces), 8)):
        yield "@".join(pieces[:index]), "@".join(pieces[index:])


def _port(text: str | None) -> int:
    number = int(text or 0)
    return number if number <= 65_535 else 0
