"""Files that customers and agents send: their names, what they really are, how they are given out.

Nobody's claim is believed: the type comes from the first bytes, the name loses everything that could mean a
path or another line, and a browser is told to save it, never to show it on our site.
"""

import unicodedata
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

OCTETS: Final = "application/octet-stream"

FILES_AT_ONCE: Final = 4
"""Files read from the database at a time; more wait. They share threads with customers and desks that open
(web_role.READERS), and megabytes take long."""

NAME_CHARACTERS_MAX: Final = 120
NAME_BYTES_MAX: Final = 200
"""File systems take 255 bytes; a browser may want to add a number."""

_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"%PDF-", "application/pdf"),
)
"""(offset, bytes, type) of what people photograph, record and forward; anything else is just bytes."""


def media_type_of(body: bytes) -> str:
    """What these bytes begin like."""
    for offset, signature, media_type in _SIGNATURES:
        if body.startswith(signature, offset) and (offset != 8 or body.startswith(b"RIFF")):
            return media_type
    return OCTETS


def clean_name(name: str) -> str:
    """A file name that is only a name: no path, no control or direction signs, not too long, not empty."""
    normal = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    last = normal.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C" and sign not in '<>:"|?*')
    stem, dot, ending = " ".join(kept.split()).strip(". ").rpartition(".")
    if not dot or len(ending) > 16:
        stem, ending = (stem + dot + ending), ""
    short = _cut(stem[:NAME_CHARACTERS_MAX]) + (f".{ending}" if ending else "")
    return short.strip(". ") or "file"


def download(body: bytes, *, media_type: str, file_name: str) -> Response:
    """The answer that gives out a file: to be saved, not shown; whole, whatever Range asks for (B-12)."""
    return Response(
        body,
        media_type=media_type if media_type in {known for _, _, known in _SIGNATURES} else OCTETS,
        headers={
            "Content-Disposition": disposition("attachment", file_name),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
            "Accept-Ranges": "none",
        },
    )


def disposition(how: str, file_name: str) -> str:
    """Content-Disposition with this name, for browsers old and new (RFC 6266)."""
    name = clean_name(file_name)
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_").replace("\\", "_")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _cut(stem: str) -> str:
    return stem.encode()[:NAME_BYTES_MAX].decode("utf-8", "ignore")
