"""Files that a page shows or plays in place: pictures, sound, video. All others are saved (downloads.py).

Shown is what its first bytes say, never what somebody called it, and only kinds in which nothing can run: no
SVG, no HTML, no PDF. A picture that unpacks to more than a screen can use is not shown: a few kilobytes can
be gigabytes. Parts of a file (Range) are given one at a time: nobody can go to a place in a video without.
"""

import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from agents_ui.downloads import disposition

HEAD_BYTES: Final = 65_536
"""Enough of a picture to know how large it is: photographs carry a preview before that."""

PIXELS_MAX: Final = 60_000_000
"""The largest cameras of telephones; four bytes each while it is shown."""

PIECE_BYTES_MAX: Final = 4_194_304
"""Given at once of what a player asks for without an end; it asks again for the rest."""

SHOWS: Final = {
    "image/png": "image",
    "image/jpeg": "image",
    "image/gif": "image",
    "image/webp": "image",
    "audio/ogg": "audio",
    "audio/mpeg": "audio",
    "audio/wav": "audio",
    "audio/mp4": "audio",
    "audio/flac": "audio",
    "audio/webm": "audio",
    "video/mp4": "video",
    "video/webm": "video",
    "video/3gpp": "video",
    "video/quicktime": "video",
}
"""How a page shows each kind."""

_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS\0", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"fLaC\0", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_BRANDS: Final = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime"}
_NOT_VIDEO: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}
)

_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Piece:
    """From this byte, so many of a file."""

    start: int
    length: int


def shows(media_type: str) -> str:
    """image, audio, video, or empty: how a page would show what is called so. Bytes are looked at later."""
    return SHOWS.get(media_type.partition(";")[0].strip().lower(), "")


def shown_type(head: bytes) -> str:
    """What these first bytes are, if a page may show it; else empty."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _NOT_VIDEO:
            return ""
        return "video/3gpp" if brand[:3] in (b"3gp", b"3g2") else _BRANDS.get(brand, "video/mp4")
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    return ""


def may_be_shown(head: bytes) -> str:
    """The type of what a page may show, by its first HEAD_BYTES; empty: it is only saved."""
    media_type = shown_type(head)
    if not media_type.startswith("image/"):
        return media_type
    width, height = _size(media_type, head)
    return media_type if 0 < width * height <= PIXELS_MAX else ""


def piece_of(header: str, size: int) -> Piece | None:
    """What of a file of this size is asked for; None: all. Raises ValueError where there is no such part.

    Several ranges at once are answered with the whole: ten thousand of them cost a server its memory (B-12).
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        start = size - length
    else:
        start = int(found[1])
        end = min(int(found[2]), size - 1) if found[2] else min(size - 1, start + PIECE_BYTES_MAX - 1)
        length = end - start + 1
    if length <= 0 or start >= size:
        raise ValueError(f"no such part of {size} bytes")
    return Piece(start, length)


def shown(body: bytes, *, media_type: str, file_name: str, size: int, piece: Piece | None) -> Response:
    """The answer that gives out a file, or a piece of it, to be shown in place and nowhere else."""
    headers = {
        "Content-Disposition": disposition("inline", file_name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "bytes",
    }
    if piece is not None:
        headers["Content-Range"] = f"bytes {piece.start}-{piece.start + piece.length - 1}/{size}"
    return Response(body, 200 if piece is None else 206, headers=headers, media_type=media_type)


def no_such_part(size: int) -> Response:
    """The answer to a range beyond the end."""
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})


def _size(media_type: str, head: bytes) -> tuple[int, int]:
    """Width and height as the picture itself says; 0, 0 where it does not."""
    if media_type == "image/png":
        return _number(head[16:20], "big"), _number(head[20:24], "big")
    if media_type == "image/gif":
        return _number(head[6:8], "little"), _number(head[8:10], "little")
    if media_type == "image/webp":
        return _size_of_webp(head)
    return _size_of_jpeg(head)


def _size_of_webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return _number(head[24:27], "little") + 1, _number(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = _number(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _number(head[26:28], "little") & 0x3FFF, _number(head[28:30], "little") & 0x3FFF
    return 0, 0


def _size_of_jpeg(head: bytes) -> tuple[int, int]:
    """Of the first frame: segments follow each other, each with its length, until there is one."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        kind = head[at + 1]
        if kind == 0xFF:
            at += 1  # a filler before the marker
        elif 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return _number(head[at + 7 : at + 9], "big"), _number(head[at + 5 : at + 7], "big")
        elif kind == 0x01 or 0xD0 <= kind <= 0xD9:
            at += 2
        else:
            at += 2 + max(2, _number(head[at + 2 : at + 4], "big"))
    return 0, 0


def _number(part: bytes, order: str) -> int:
    return int.from_bytes(part, "big" if order == "big" else "little")
