"""A form with a file in it (multipart/form-data, RFC 7578), as providers take files. Pure."""

import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from router.channels.port import OutFile
from router.channels.text import sendable


def form_of(fields: Mapping[str, str], *, file_field: str, file: OutFile) -> tuple[str, bytes]:
    """(content type, body). The boundary follows from what is in it, so that every attempt is the same."""
    boundary = "muster-" + hashlib.sha256(repr(sorted(fields.items())).encode() + file.body).hexdigest()[:40]
    parts = []
    for name, value in fields.items():
        head = f'Content-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'
        parts.append(head.encode() + sendable(value).encode())
    head = (
        f'Content-Disposition: form-data; name="{_quoted(file_field)}"; filename="{_quoted(file.name)}"\r\n'
        f"Content-Type: {_type(file.media_type)}\r\n\r\n"
    )
    parts.append(head.encode() + file.body)
    lines = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return f"multipart/form-data; boundary={boundary}", lines + b"--%s--\r\n" % boundary.encode()


def _quoted(name: str) -> str:
    """As browsers write it: the three signs that would end it in their percent form."""
    clean = "".join(sign for sign in sendable(name) if sign.isprintable() or sign in "\r\n")
    return "".join(quote(sign) if sign in '"\r\n' else sign for sign in clean)


def _type(media_type: str) -> str:
    kind, slash, detail = media_type.partition("/")
    plain = slash and all(
        each.isascii() and each.replace("-", "").replace("+", "").replace(".", "").isalnum()
        for each in (kind, detail)
    )
    return media_type if plain else "application/octet-stream"
