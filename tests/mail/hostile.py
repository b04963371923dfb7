"""Mails that nobody would write by hand: built from parts that are legal, wrong or hostile, then damaged.

A number makes a mail: the same number makes the same mail, so that a failure can be looked at again.
"""

import base64
import quopri
from random import Random
from typing import Final

CHARSETS: Final = (
    *(
        "utf-8",
        "us-ascii",
        "iso-8859-1",
        "windows-1252",
        "utf-16",
        "utf-7",
        "iso-2022-jp",
        "gb2312",
        "koi8-r",
    ),
    *("klingon", "rot13", "", "utf-8\0", "idna", "unicode_escape", "hz", "big5", "shift_jis", "x" * 300),
)
TYPES: Final = (
    *("text/plain", "text/html", "multipart/mixed", "multipart/alternative", "multipart/related"),
    *("multipart/report", "message/rfc822", "message/delivery-status", "message/partial", "image/png"),
    *(
        "application/ms-tnef",
        "application/pkcs7-mime",
        "application/zip",
        "text/calendar",
        "text/rfc822-headers",
    ),
    *("/", "text", "", "multipart/", "TEXT/PLAIN", "text/plain; text/html", "\0/\0"),
)
ENCODINGS: Final = (
    "",
    "7bit",
    "8bit",
    "base64",
    "quoted-printable",
    "x-uuencode",
    "BASE64 ",
    "klingon",
    "\0",
)
WORDS: Final = (
    *(
        "my house is on fire",
        "помогите",
        "救命",
        "لا يتنفس",
        "🔥",
        "\0",
        "\ud800",
        "\u202e",
        "a" * 5_000,
        "\r\n.\r\n",
    ),
    *(
        "<script>alert(1)</script>",
        "<a href='//evil'>x",
        "<" * 500,
        "&#" * 200,
        "é" * 300,
        "\u0301" * 800,
        "",
    ),
)
NAMES: Final = (
    *(
        "Subject",
        "From",
        "To",
        "Reply-To",
        "Message-ID",
        "References",
        "Date",
        "Received",
        "List-Id",
        "X-Loop",
    ),
    *(
        "Auto-Submitted",
        "Precedence",
        "Authentication-Results",
        "Return-Path",
        "Delivered-To",
        "X-Muster-Received",
    ),
    *("Content-Disposition", "X" * 200, "Sub ject", "", ":", "Ünï"),
)
VALUES: Final = (
    *(
        "hello",
        "=?utf-8?b?8J+UpQ==?=",
        "=?utf-8?q?=00?=",
        "=?x?y?z?=",
        "=?utf-8?b?!!?=" * 50,
        "<a@b>",
        "a@b, c@d",
    ),
    *(
        '"a@b" <c@d>',
        "a@x)<b@y>",
        "(((((",
        '"' * 300,
        "<" * 300,
        "\r\n folded",
        "\nBcc: x@y",
        "auto-replied",
        "bulk",
    ),
    *(
        "r." + "a" * 42 + "@x",
        "mx.lowen.example; dmarc=pass",
        "dmarc=fail;" * 40,
        "year 10000",
        "\x1b[2J",
        "\0",
        "",
    ),
    *(
        'attachment; filename="../../x\0.exe"',
        "attachment; filename*=utf-8''%00%ff",
        "a; filename*0=x; filename*9=y",
    ),
)


def mail_of(number: int) -> bytes:
    """The mail of this number."""
    chance = Random(number)
    raw = _part(chance, depth=0)
    for _ in range(chance.choice((0, 0, 0, 1, 3, 20))):
        raw = _damaged(chance, raw)
    return raw


def _part(chance: Random, *, depth: int) -> bytes:
    kind = chance.choice(TYPES)
    boundary = chance.choice(("b", "=_x", "b" * 70, "", " ", "--", "ü", "b\0", str(depth)))
    head = [_field(chance) for _ in range(chance.choice((0, 1, 3, 12, 60)))]
    parameters = chance.choice(
        (
            f'; charset="{chance.choice(CHARSETS)}"; boundary="{boundary}"',
            f"; boundary={boundary}",
            f"; charset={chance.choice(CHARSETS)}; name*0={chance.choice(VALUES)}",
            "; boundary",
            ";" * 30,
            "",
        )
    )
    encoding = chance.choice(ENCODINGS)
    head.append(f"Content-Type: {kind}{parameters}")
    head.append(f"Content-Transfer-Encoding: {encoding}")
    chance.shuffle(head)
    newline = chance.choice(("\r\n", "\r\n", "\r\n", "\n", "\r"))
    top = newline.join(head).encode("utf-8", "surrogatepass") + newline.encode() * chance.choice(
        (2, 2, 2, 1, 3)
    )
    return top + _body(chance, kind, boundary, encoding, depth=depth)


def _body(chance: Random, kind: str, boundary: str, encoding: str, *, depth: int) -> bytes:
    if kind.startswith("message/rfc822") and depth < 12:
        return _part(chance, depth=depth + 1)
    if kind.startswith("multipart") and depth < 12:
        sign = b"--" + boundary.encode("utf-8", "surrogatepass")
        count = chance.choice((0, 1, 2, 3)) if depth else chance.choice((1, 2, 5, 300))
        inner = 1 if count == 300 else depth + 1
        parts = [_part(chance, depth=max(inner, 11 if count == 300 else 0)) for _ in range(count)]
        end = chance.choice((b"--\r\n", b"--", b"", b"x"))
        return b"".join(sign + b"\r\n" + part + b"\r\n" for part in parts) + sign + end
    words = " ".join(chance.choice(WORDS) for _ in range(chance.choice((0, 1, 3, 30))))
    body = words.encode(chance.choice(("utf-8", "utf-16", "latin-1")), "ignore")
    if encoding.strip().lower() == "base64":
        return base64.encodebytes(body) if chance.random() < 0.7 else body
    if encoding == "quoted-printable":
        return quopri.encodestring(body) if chance.random() < 0.7 else body
    return body


def _field(chance: Random) -> str:
    value = " ".join(chance.choice(VALUES) for _ in range(chance.choice((1, 1, 1, 4, 40))))
    return f"{chance.choice(NAMES)}: {value}"


def _damaged(chance: Random, raw: bytes) -> bytes:
    """Cut, doubled, flipped, or stuffed with what does not belong there."""
    if not raw:
        return raw
    at = chance.randrange(len(raw))
    size = chance.choice((1, 1, 2, 10, 400))
    match chance.randrange(5):
        case 0:
            return raw[:at] + raw[at + size :]
        case 1:
            return raw[:at] + raw[at : at + size] * chance.choice((2, 30)) + raw[at:]
        case 2:
            return raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :]
        case 3:
            return (
                raw[:at] + chance.choice((b"\0", b"\r\n", b"\n\n", b"--b\r\n", b"=?", b"\xff\xfe")) + raw[at:]
            )
        case _:
            return raw[:at]
