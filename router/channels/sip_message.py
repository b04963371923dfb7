"""SIP messages (RFC 3261): bytes in, fields out, and back. Loose about what comes, strict about what leaves.

What is wrong with a message is noted in `problem`, not raised: somebody calls for help, and a wrong
Content-Length is no reason not to answer. Only what is no SIP at all is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from router.channels.sip_header import NameAddress, cseq_of, listed, name_address

MESSAGE_BYTES_MAX: Final = 65_536
"""What fits into a datagram; of TCP no more is taken either."""

HEADERS_MAX: Final = 500
REASONS: Final = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 415: "Unsupported Media Type",
    420: "Bad Extension", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    482: "Loop Detected", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented",
    503: "Service Unavailable", 504: "Server Time-out", 505: "Version Not Supported", 600: "Busy Everywhere",
    603: "Decline",
}  # fmt: skip

_COMPACT: Final = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
    "e": "content-encoding", "f": "from", "i": "call-id", "j": "reject-contact", "k": "supported",
    "l": "content-length", "m": "contact", "n": "identity-info", "o": "event", "r": "refer-to",
    "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
}  # fmt: skip
"""Single letters that stand for a name: RFC 3261 section 7.3.3 and those registered since."""

_WRITTEN: Final = {
    "call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate", "rack": "RAck",
    "rseq": "RSeq", "mime-version": "MIME-Version", "min-se": "Min-SE",
}  # fmt: skip

_METHOD: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_RESPONSE: Final = re.compile(r"SIP/2\.0[ \t]+([1-6][0-9]{2})(?:[ \t]+(.*))?", re.IGNORECASE)
_VERSION: Final = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)

Headers = tuple[tuple[str, str], ...]


class NotSip(Exception):
    """These bytes are no SIP message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipMessage:
    """A request (status 0) or a response.

    Shape: names of headers in small letters, compact forms written out, values unfolded, in the order they
           came; bytes that are no UTF-8 are kept as surrogates. problem says what was wrong, in a few words.
    """

    method: str = ""
    uri: str = ""
    version: str = "SIP/2.0"
    status: int = 0
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    problem: str = ""

    @property
    def is_request(self) -> bool:
        """Whether it asks, rather than answers."""
        return self.status == 0

    def first(self, name: str) -> str:
        """The first header of this name; empty where there is none."""
        return next((value for each, value in self.headers if each == name), "")

    def every(self, name: str) -> list[str]:
        """All values of this name, those in one line with commas between them taken apart."""
        return [one for each, value in self.headers if each == name for one in listed(value)]

    def tokens(self, name: str) -> frozenset[str]:
        """All values of this name in small letters: option tags, methods."""
        return frozenset(value.lower() for value in self.every(name))

    @property
    def call_id(self) -> str:
        """Its Call-ID."""
        return self.first("call-id").strip()

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method; (-1, "") where there is none that makes sense."""
        return cseq_of(self.first("cseq")) or (-1, "")

    @property
    def sender(self) -> NameAddress:
        """From."""
        return name_address(self.first("from"))

    @property
    def recipient(self) -> NameAddress:
        """To."""
        return name_address(self.first("to"))

    @property
    def from_tag(self) -> str:
        """The tag of From."""
        return self.sender.parameters.get("tag", "")

    @property
    def to_tag(self) -> str:
        """The tag of To: there where it belongs to a dialog."""
        return self.recipient.parameters.get("tag", "")


def read_message(data: bytes) -> SipMessage:
    """What one datagram, or one message cut out of a stream, says. Raises NotSip."""
    text = data[:MESSAGE_BYTES_MAX].lstrip(b"\r\n\0")
    head, body = _parted(text)
    lines = _unfolded(head.decode("utf-8", "surrogateescape"))
    if not lines:
        raise NotSip("empty")
    message = _begun(lines[0])
    headers, problem = _headers(lines[1:])
    message = replace(message, headers=headers, problem=message.problem or problem)
    return _with_body(message, body)


def written(message: SipMessage) -> bytes:
    """The message as bytes, with the right Content-Length. Line ends in a value become spaces."""
    if message.is_request:
        lines = [f"{message.method} {message.uri} SIP/2.0"]
    else:
        lines = [f"SIP/2.0 {message.status} {message.reason or REASONS.get(message.status, 'Unknown')}"]
    lines += [f"{name_written(name)}: {value}" for name, value in message.headers if name != "content-length"]
    lines.append(f"Content-Length: {len(message.body)}")
    return (
        b"".join(_bytes(re.sub(r"[\r\n\0]+", " ", line)) + b"\r\n" for line in lines) + b"\r\n" + message.body
    )


def response_to(
    request: SipMessage,
    status: int,
    *,
    reason: str = "",
    tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> SipMessage:
    """A response with what it must take over from its request (section 8.2.6.2)."""
    kept = [(name, value) for name, value in request.headers if name == "via"]
    for name in ("from", "to", "call-id", "cseq"):
        value = request.first(name)
        if name == "to" and tag and not request.to_tag:
            value = f"{value};tag={tag}"
        if value:
            kept.append((name, value))
    if status == 100 and request.first("timestamp"):
        kept.append(("timestamp", request.first("timestamp")))
    return SipMessage(status=status, reason=reason, headers=(*kept, *headers), body=body)


def what_lacks(request: SipMessage) -> str:
    """Why a request cannot be answered at all; empty when it can."""
    number, method = request.cseq
    if not request.call_id:
        return "Call-ID is missing"
    if number < 0:
        return "CSeq is missing or wrong"
    if method != request.method:
        return "CSeq is of another method"
    for name in ("from", "to"):
        if not request.first(name):
            return f"{name.capitalize()} is missing"
    return ""


def name_written(name: str) -> str:
    """The name of a header as people write it."""
    return _WRITTEN.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def parts_of(message: SipMessage) -> list[tuple[str, bytes]]:
    """Media type and bytes of each part of the body: of emergency calls also a place (RFC 6442)."""
    kind = message.first("content-type")
    media_type = kind.split(";")[0].strip().lower()
    if not message.body:
        return []
    if not media_type.startswith("multipart/"):
        return [(media_type, message.body)]
    boundary = re.search(r"boundary\s*=\s*(\"[^\"]{1,200}\"|[^\s;,]{1,200})", kind, re.IGNORECASE)
    if boundary is None:
        return [(media_type, message.body)]
    return _cut(message.body, boundary[1].strip('"'))


def body_of(message: SipMessage, media_type: str) -> bytes:
    """The first part of this type; empty where there is none."""
    return next((body for kind, body in parts_of(message) if kind == media_type), b"")


def _cut(body: bytes, boundary: str) -> list[tuple[str, bytes]]:
    found = []
    for piece in body.split(b"--" + boundary.encode("utf-8", "surrogateescape"))[1:33]:
        if piece.startswith(b"--"):
            break
        head, content = _parted(piece.lstrip(b" \t").removeprefix(b"\r\n").removeprefix(b"\n"))
        headers, _ = _headers(_unfolded(head.decode("utf-8", "surrogateescape")))
        kind = next((value for name, value in headers if name == "content-type"), "text/plain")
        content = content.removesuffix(b"\n").removesuffix(b"\r")
        found.append((kind.split(";")[0].strip().lower(), content))
    return found


def _parted(data: bytes) -> tuple[bytes, bytes]:
    """Head and body: at the first empty line, whichever line ends were used."""
    found = re.search(rb"\r?\n\r?\n", data)
    if data.startswith((b"\r\n", b"\n")):  # A part without any header of its own.
        return b"", data.removeprefix(b"\r").removeprefix(b"\n")
    return (data[: found.start()], data[found.end() :]) if found else (data, b"")


def _unfolded(text: str) -> list[str]:
    """Lines, those that go on in the next one put together (section 7.3.1)."""
    return re.sub(r"(?:\r\n|\n)[ \t]+", " ", text.rstrip("\r\n")).replace("\r\n", "\n").split("\n")


def _begun(line: str) -> SipMessage:
    found = _RESPONSE.fullmatch(line.strip())
    if found is not None:
        return SipMessage(status=int(found[1]), reason=(found[2] or "").strip())
    parts = line.split()
    if len(parts) < 3 or not _METHOD.fullmatch(parts[0]) or not _VERSION.fullmatch(parts[-1]):
        raise NotSip("no request line and no status line")
    version, uri = parts[-1].upper(), " ".join(parts[1:-1])
    problem = "white space in the request address" if len(parts) > 3 else ""
    return SipMessage(method=parts[0], uri=uri.strip("<>"), version=version, problem=problem)


def _headers(lines: Sequence[str]) -> tuple[Headers, str]:
    found, problem = [], ""
    for line in lines[:HEADERS_MAX]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not _METHOD.fullmatch(name):
            problem = problem or ("a header line without a name" if line.strip() else "")
            continue
        found.append((_COMPACT.get(name, name), value.strip()))
    if len(lines) > HEADERS_MAX:
        problem = problem or f"more than {HEADERS_MAX} headers"
    return tuple(found), problem


def _with_body(message: SipMessage, body: bytes) -> SipMessage:
    told = message.first("content-length")
    if not told:
        return replace(message, body=body)
    length = int(told) if re.fullmatch(r"[0-9]{1,9}", told) else -1
    if length < 0:
        return replace(message, body=body, problem=message.problem or "Content-Length is wrong")
    if length > len(body):
        return replace(message, body=body, problem=message.problem or "shorter than its Content-Length")
    return replace(message, body=body[:length])


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
