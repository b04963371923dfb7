"""The parts of a mail: where each begins and ends, what it claims to be, its body decoded. Pure, linear.

Limits instead of trust: parts, depth and boundaries are counted, and what lies beyond is left in the raw
mail, which is always there. The parser of the standard library looks at every line; this one searches
for boundaries, so that 25 MB of photographs take a tenth of a second.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from router.channels.mail_head import Head, head_of
from router.channels.mail_words import text_of, unbase64, words_of

PARTS_MAX: Final = 200
"""Leaves that are looked at. Mails of people have some tens at most."""

DEPTH_MAX: Final = 20
BOUNDARIES_MAX: Final = 5_000
"""Places looked at for one boundary: most may turn out to be another, longer one."""

PARAMETER_CHARACTERS_MAX: Final = 1_000

_TYPE: Final = re.compile(r"\s*([A-Za-z0-9!#$&^_.+\-]{1,100})/([A-Za-z0-9!#$&^_.+\-]{1,100})\s*(?:;|$)")
_PARAMETER: Final = re.compile(
    r';\s*([A-Za-z0-9!#$%&+\-^_`{|}~.*]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One part without parts of its own (a mail inside the mail is one, and its parts follow it).

    Shape: group is the alternative it belongs to, 0 for none; nested counts the mails around it; report:
           one of the parts around it is a delivery report; body is decoded.
    """

    media_type: str
    charset: str
    file_name: str
    attached: bool
    group: int
    nested: int
    report: bool
    body: bytes


@dataclass(slots=True, kw_only=True)
class _Open:
    """A stretch of the raw bytes that is still to be looked at."""

    start: int
    end: int
    depth: int
    group: int
    nested: int
    report: bool


class Tree:
    """The leaves of one mail. left_out is true once something was beyond a limit."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._groups = 0
        self.left_out = False

    def leaves(self) -> Iterator[Leaf]:
        """In the order of the mail."""
        todo = [_Open(start=0, end=len(self._raw), depth=0, group=0, nested=0, report=False)]
        count = 0
        while todo:
            part = todo.pop()
            head = head_of(self._raw, part.start, part.end)
            media_type, parameters = _type_of(head)
            inside = self._inside(part, head, media_type, parameters)
            if inside is not None:
                todo.extend(reversed(inside))
            if inside is None or media_type == "message/rfc822":
                count += 1
                if count > PARTS_MAX:
                    self.left_out = True
                    return
                yield self._leaf(part, head, media_type, parameters)

    def _inside(
        self, part: _Open, head: Head, media_type: str, parameters: dict[str, str]
    ) -> list[_Open] | None:
        """The parts of this part; None for a leaf."""
        family, _, kind = media_type.partition("/")
        boundary = parameters.get("boundary", "").encode("utf-8", "surrogateescape")
        whole = family == "multipart" and bool(boundary)
        if not (whole or media_type == "message/rfc822"):
            return None
        if part.depth >= DEPTH_MAX:
            self.left_out = True
            return None
        report = part.report or (whole and kind == "report")
        group = part.group
        if whole and kind == "alternative":
            self._groups += 1
            group = self._groups
        stretches = self._split(head.body_at, part.end, boundary) if whole else [(head.body_at, part.end)]
        if not stretches:
            return None
        return [
            _Open(
                start=start,
                end=end,
                depth=part.depth + 1,
                group=group if whole else 0,
                nested=part.nested + (not whole),
                report=report,
            )
            for start, end in stretches
        ]

    def _split(self, start: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
        """Where the parts between these boundaries are; none when the boundary never comes."""
        raw, sign, stretches = self._raw, b"--" + boundary, []
        opened, at, looked_at = -1, start, 0
        while at < end:
            if (
                raw.startswith(sign, at, end)
                and (after := _past_boundary(raw, at + len(sign), end)) is not None
            ):
                if opened >= 0:
                    stretches.append((opened, _before_newline(raw, opened, at)))
                opened = after[0]
                if after[1] or len(stretches) > PARTS_MAX:
                    self.left_out |= not after[1]
                    opened = -1
                    break
            found = raw.find(b"\n" + sign, at, end)
            looked_at += 1
            if found < 0 or looked_at > BOUNDARIES_MAX:
                self.left_out |= found >= 0
                break
            at = found + 1
        if opened >= 0:
            stretches.append((opened, end))
        return stretches

    def _leaf(self, part: _Open, head: Head, media_type: str, parameters: dict[str, str]) -> Leaf:
        disposition, named = _value_and_parameters(head.first("content-disposition"))
        return Leaf(
            media_type="text/plain" if media_type.startswith("multipart/") else media_type,
            charset=parameters.get("charset", ""),
            file_name=(named.get("filename") or parameters.get("name") or "")[:PARAMETER_CHARACTERS_MAX],
            attached=disposition.strip().lower() == "attachment",
            group=part.group,
            nested=part.nested,
            report=part.report,
            body=_decoded(self._raw[head.body_at : part.end], head.first("content-transfer-encoding")),
        )


def _past_boundary(raw: bytes, at: int, end: int) -> tuple[int, bool] | None:
    """(where the part begins, whether this was the last boundary); None when it was a longer boundary."""
    newline = raw.find(b"\n", at, min(end, at + 200))
    line = raw[at : end if newline < 0 else newline].strip(b" \t\r")
    if line[:2] == b"--":
        return end, True
    if line or (newline < 0 and end - at > 200):
        return None
    return (end if newline < 0 else newline + 1), False


def _before_newline(raw: bytes, start: int, at: int) -> int:
    """The line break before a boundary belongs to the boundary."""
    if at > start and raw[at - 1 : at] == b"\n":
        at -= 1
        if at > start and raw[at - 1 : at] == b"\r":
            at -= 1
    return at


def _type_of(head: Head) -> tuple[str, dict[str, str]]:
    """What the part claims to be, in small letters; a claim that is none is plain text (RFC 2045 §5.2)."""
    value = head.first("content-type")
    found = _TYPE.match(value.decode("utf-8", "surrogateescape"))
    if found is None:
        return "text/plain", {}
    return f"{found[1]}/{found[2]}".lower(), _value_and_parameters(value)[1]


def _value_and_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    """`attachment; filename=x` taken apart: also parameters in pieces and with charsets (RFC 2231)."""
    text = value.decode("utf-8", "surrogateescape")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, bytes]] = {}
    coded: set[str] = set()
    for name, quoted, bare in _PARAMETER.findall(text)[:100]:
        given = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        stem, star, number = name.lower().partition("*")
        if not star:
            plain.setdefault(stem, given)
            continue
        is_coded = name.endswith("*")
        number = number.rstrip("*")
        raw = given.encode("utf-8", "surrogateescape")
        pieces.setdefault(stem, {})[int(number) if number.isdecimal() and len(number) < 4 else 0] = (
            unquote_to_bytes(raw) if is_coded else raw
        )
        if is_coded:
            coded.add(stem)
    found = {name: _shown(given) if name in ("name", "filename") else given for name, given in plain.items()}
    for stem, parts in pieces.items():
        found[stem] = _joined(b"".join(parts[number] for number in sorted(parts)), coded=stem in coded)
    return text.partition(";")[0], found


def _joined(value: bytes, *, coded: bool) -> str:
    charset, _, rest = value.split(b"'", 2) if coded and value.count(b"'") >= 2 else (b"", b"", value)
    return text_of(rest, charset.decode("ascii", "replace"))[0]


def _shown(given: str) -> str:
    """A name that programs write as an encoded word, although they should not."""
    return words_of(given.encode("utf-8", "surrogateescape"))


def _decoded(body: bytes, encoding: bytes) -> bytes:
    """The body as its encoding says; one that nobody knows leaves it as it is."""
    how = encoding.strip().lower()
    if how == b"base64":
        return unbase64(body)
    return binascii.a2b_qp(body) if how == b"quoted-printable" else body
