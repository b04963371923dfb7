"""Words out of the bytes of a mail: charsets claimed, wrong or missing; encoded words; HTML. Pure.

Nothing here raises, everything is linear in what it is given, and what comes out is text that any database,
screen and JSON takes: no NUL, no half characters.
"""

import binascii
import codecs
import html
import re
from typing import Final

from router.channels.text import NUL_SHOWN

FIELD_BYTES_MAX: Final = 8_192
"""Of one field of a head, to decode."""

HTML_CHARACTERS_MAX: Final = 500_000
"""Of all pages of a mail together: half a second at worst."""

_CHARSET: Final = re.compile(
    r"(utf|iso|cp|koi|gb|big5|euc|shift|mac|tis|hz|johab|kz|ptcp|ascii|latin)[a-z0-9_\-]*"
)
"""Codecs that are charsets by what Python calls them. Python also has rot13, zip, punycode, idna …"""

_LATIN: Final = "cp1252"
"""What is really meant by ASCII and Latin-1 with other bytes in it, as browsers have it."""

_ENCODED: Final = re.compile(
    rb"=\?([A-Za-z0-9_.:+\-]{1,60})(?:\*[A-Za-z0-9\-]{0,20})?\?([BbQq])\?([^?\s]*)\?="
)
_TURNING: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of what follows: in one line they can only mislead."""

_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def text_of(body: bytes, charset: str) -> tuple[str, bool]:
    """(the text, whether it had to be guessed at). A wrong charset costs characters, never words."""
    codec = codec_of(charset)
    if codec in ("", "ascii", "iso8859-1", "utf-8", "utf_8_sig"):
        try:
            return _clean(body.decode("utf-8-sig")), False
        except UnicodeDecodeError:
            guessed = codec in ("", "utf-8", "utf_8_sig")
            fallback = "utf-8" if codec.startswith("utf") else _LATIN
            return _clean(body.decode(fallback, "replace")), guessed
    try:
        return _clean(body.decode(codec)), False
    except (UnicodeError, LookupError):
        return _clean(body.decode(codec, "replace")), True


def codec_of(charset: str) -> str:
    """Python's name for this charset; empty where there is none that we want to decode by."""
    try:
        name = codecs.lookup(charset.strip()[:60]).name
    except (LookupError, ValueError, ImportError):
        return ""
    return name if _CHARSET.fullmatch(name) else ""


def words_of(value: bytes) -> str:
    """A field of a head as one line of text, its encoded words (RFC 2047) decoded, also badly made ones."""
    value = value[:FIELD_BYTES_MAX]
    words: list[str] = []
    pending, charset, at = b"", "", 0
    for found in _ENCODED.finditer(value):
        between = value[at : found.start()]
        this = found[1].decode("ascii").lower()
        apart = bool(between.strip()) or (this != charset and bool(charset))
        if apart:
            words.append(text_of(pending, charset)[0])
            pending = b""
        if between.strip() or not charset:
            words.append(text_of(between, "")[0])
        # Kept as bytes until the charset changes: many programs split a character over two encoded words.
        pending, charset, at = pending + _decoded(found[2], found[3]), this, found.end()
    words.append(text_of(pending, charset)[0])
    words.append(text_of(value[at:], "")[0])
    return " ".join(_TURNING.sub("", "".join(words)).split())


def text_of_html(page: str) -> str:
    """The words of a page, with line breaks where blocks end. A link is followed by where it leads.

    No parser of HTML: each `<` is looked at once, what is no tag is text, and nothing is ever shown as HTML.
    """
    words: list[str] = []
    at = 0
    while (opened := page.find("<", at)) >= 0:
        words.append(html.unescape(page[at:opened]))
        at, word = _past_tag(page, opened)
        words.append(word)
    words.append(html.unescape(page[at:]))
    lines = (" ".join(line.split()) for line in _clean("".join(words)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def without_quotes(text: str) -> str:
    """The text without the lines that quote what was said before (`> …`), unless there is nothing else."""
    said = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
    return said if said.strip() else text


_TAG: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9]{0,20})")
_HREF: Final = re.compile(r"""href\s{0,9}=\s{0,9}["']?(https?://[^\s"'<>]{1,300})""", re.IGNORECASE)
_ALT: Final = re.compile(r"""\salt\s{0,9}=\s{0,9}(?:"([^"]{1,300})"|'([^']{1,300})')""", re.IGNORECASE)
_UNSHOWN: Final = ("script", "style", "template", "title")
_BLOCKS: Final = re.compile(
    "address|article|aside|blockquote|br|center|dd|div|dl|dt|fieldset|footer|form|h[1-6]|header|hr|li|main|nav"
    "|ol|p|pre|section|table|td|th|tr|ul"
)


def _past_tag(page: str, opened: int) -> tuple[int, str]:
    """(where the text goes on, what stands for the tag that opens here)."""
    if page.startswith("<!--", opened):
        closed = page.find("-->", opened + 4)
        return (len(page), page[opened + 4 :]) if closed < 0 else (closed + 3, "")
    found = _TAG.match(page, opened)
    if found is None:
        closed = (
            page.find(">", opened, opened + 2_000) if page[opened + 1 : opened + 2] in ("!", "?", "/") else -1
        )
        return (opened + 1, "<") if closed < 0 else (closed + 1, "")
    closed = page.find(">", opened)
    if closed < 0:
        return len(page), html.unescape(page[opened:])
    name, tag = found[1].lower(), page[opened : min(closed, opened + 4_000)]
    if name in _UNSHOWN and tag[1] != "/":
        ended = re.compile(f"</{name}", re.IGNORECASE).search(page, closed)
        after = -1 if ended is None else page.find(">", ended.end())
        return (len(page) if after < 0 else after + 1), ""
    return closed + 1, _stands_for(name, tag)


def _stands_for(name: str, tag: str) -> str:
    if name == "a" and (link := _HREF.search(tag)) is not None:
        return f" <{html.unescape(link[1])}> "
    if name == "img" and (alt := _ALT.search(tag)) is not None:
        return f" {html.unescape(alt[1] or alt[2])} "
    return "\n" if _BLOCKS.fullmatch(name) else ""


def _decoded(how: bytes, body: bytes) -> bytes:
    if how in b"Qq":
        return binascii.a2b_qp(body, header=True)
    return unbase64(body)


def unbase64(body: bytes) -> bytes:
    """The bytes behind base64, as far as they can be had: foreign signs and a missing end are passed over."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        signs = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        whole = signs[: len(signs) - (len(signs) % 4 == 1)]
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _clean(text: str) -> str:
    """Text that may go anywhere."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", NUL_SHOWN)
    return _UNSEEN.sub(" ", text).encode("utf-8", "replace").decode("utf-8")
