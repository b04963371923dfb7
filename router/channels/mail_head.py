"""The head of a mail as it arrived: its fields as bytes, and the few that decide where a mail belongs. Pure.

Not with the parser of the standard library: a Subject of 20,000 encoded words takes it eleven seconds. Here
everything is bounded and linear, so that the process that receives mail may do it. Bodies are mail_tree.py.
"""

import re
from dataclasses import dataclass
from typing import Final

from router.channels.mail_words import words_of

HEAD_BYTES_MAX: Final = 262_144
"""More than any head seen; what follows belongs to the head still, and is not looked at."""

FIELDS_MAX: Final = 1_000
VALUE_BYTES_MAX: Final = 16_384
"""Of one field; References of a conversation of years are the longest."""

SUBJECT_CHARACTERS_MAX: Final = 500
NAME_CHARACTERS_MAX: Final = 120
ADDRESS_CHARACTERS_MAX: Final = 320
"""RFC 5321 §4.5.3.1: 64 and 255, and the @ between them."""

MAILBOX_BYTES_MAX: Final = 1_000
"""Of one name and address."""

_FIELD: Final = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_ATOMS: Final = r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]+"
_ADDRESS: Final = re.compile(rf"{_ATOMS}@{_ATOMS}")
_DOMAIN: Final = re.compile(r"[^\s.@]+(?:\.[^\s.@]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Fields from the top: names in small letters, values unfolded. body_at is where the body begins."""

    fields: tuple[tuple[str, bytes], ...]
    body_at: int

    def first(self, name: str) -> bytes:
        """The topmost field of this name; empty when there is none."""
        return next((value for each, value in self.fields if each == name), b"")

    def every(self, name: str) -> list[bytes]:
        """All fields of this name, from the top."""
        return [value for each, value in self.fields if each == name]

    def has(self, *names: str) -> bool:
        """Whether there is a field of one of these names."""
        return any(each in names for each, _ in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom a mail claims to be from. address is empty where that cannot be said without guessing."""

    name: str = ""
    address: str = ""

    @property
    def domain(self) -> str:
        """What comes after the @."""
        return self.address.rpartition("@")[2]


def head_of(raw: bytes, start: int = 0, end: int | None = None) -> Head:
    """The head of the mail, or part of a mail, in these bytes. A line that is no field begins the body."""
    end = len(raw) if end is None else end
    fields: list[tuple[str, bytearray]] = []
    at = start
    while at < end:
        newline = raw.find(b"\n", at, end)
        after = end if newline < 0 else newline + 1
        line = raw[at : min(after, at + VALUE_BYTES_MAX)].rstrip(b"\r\n")
        if not line:
            return _head(fields, after)
        if at - start > HEAD_BYTES_MAX or len(fields) >= FIELDS_MAX:
            return _head(fields, _after_blank_line(raw, at, end))
        if not _add(fields, line) and not (len(fields) <= 3 and line.startswith((b"From ", b">From "))):
            # Not that first line of a mailbox file, which some programs send along below our own three.
            return _head(fields, at)
        at = after
    return _head(fields, end)


def subject_of(head: Head) -> str:
    """The subject as one line, or empty."""
    return words_of(head.first("subject"))[:SUBJECT_CHARACTERS_MAX]


def sender_of(head: Head) -> Sender:
    """Whom the From field names. Two such fields, or one that could be read in two ways, name nobody."""
    values = head.every("from")
    if len(values) != 1:
        return Sender(name=words_of(b", ".join(values[:3]))[:NAME_CHARACTERS_MAX])
    return mailbox_of(values[0])


def mailbox_of(value: bytes) -> Sender:
    """The one mailbox in this value: `Name <address>` or a bare address; nothing else is believed.

    `"alice@trusted.gov" <mallory@evil>` is mallory; `alice@x)<bob@y>`, which parsers disagree on, is nobody.
    """
    text = _uncommented(value[:MAILBOX_BYTES_MAX].decode("utf-8", "replace")).strip()
    bare = _clean_address(text)
    if bare:
        return Sender(address=bare)
    shown = words_of(value)[:NAME_CHARACTERS_MAX]
    name, opened, rest = _without_quoted(text).rpartition("<")
    address = _clean_address(rest[:-1]) if opened and rest.endswith(">") else ""
    if not address or any(sign in name for sign in '<>()[]:;,@\\"'):
        return Sender(name=shown)
    return Sender(
        name=words_of(text[: text.rfind("<")].encode()).strip(' "')[:NAME_CHARACTERS_MAX], address=address
    )


def message_id_of_head(head: Head) -> str:
    """The Message-ID without its angle brackets; empty where there is none that could be one."""
    text = head.first("message-id").decode("utf-8", "replace").strip()
    return text[1:-1] if re.fullmatch(r"<[^<>\s]{1,250}>", text) else ""


def _clean_address(text: str) -> str:
    """The address in one spelling: small letters, mail servers do not tell mailboxes apart by case."""
    address = text.strip()
    if len(address) > ADDRESS_CHARACTERS_MAX or not _ADDRESS.fullmatch(address) or "\ufffd" in address:
        return ""
    if not address.isprintable():  # Signs that nobody sees: it would look like another.
        return ""
    local, _, domain = address.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local or not _DOMAIN.fullmatch(domain):
        return ""
    return "".join(sign.lower() if sign.isascii() else sign for sign in f"{local}@") + domain.lower()


def _uncommented(text: str) -> str:
    """The text without `(remarks)`, unless something in it could be read in two ways."""
    if '"' in text or not re.fullmatch(r"[^()]*(?:\([^()<>@,;:\\]*\)[^()]*){1,3}", text):
        return text
    return re.sub(r"\([^()]*\)", " ", text)


def _without_quoted(text: str) -> str:
    """The text without its quoted strings, so that what stands in a name is no syntax."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', " ", text)


def _head(fields: list[tuple[str, bytearray]], body_at: int) -> Head:
    return Head(fields=tuple((name, bytes(value)) for name, value in fields), body_at=body_at)


def _add(fields: list[tuple[str, bytearray]], line: bytes) -> bool:
    """Note one line of a head; False when it is neither a field nor the continuation of one.

    Folded values grow in place: put together anew for each line, a head of short lines takes half a second.
    """
    if line[:1] in (b" ", b"\t"):
        if not fields:
            return False
        value = fields[-1][1]
        if len(value) + len(line) <= VALUE_BYTES_MAX:
            value += b" " + line.strip()
        return True
    found = _FIELD.match(line)
    if found is None:
        return False
    fields.append((found[1].decode("ascii").lower(), bytearray(line[found.end() :].strip())))
    return True


def _after_blank_line(raw: bytes, at: int, end: int) -> int:
    found = [place + len(blank) for blank in (b"\n\r\n", b"\n\n") if (place := raw.find(blank, at, end)) >= 0]
    return min(found, default=end)
