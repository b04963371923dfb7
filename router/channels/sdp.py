"""Session descriptions (RFC 4566, RFC 3264): what the other side can send and hear, and our offer or answer.

Only what a telephone call needs: one stream of audio (G.711, key presses by RFC 4733) and one of real-time
text (RFC 4103). Every other stream is answered with port 0, as RFC 3264 section 6 asks. Lines about ICE and
DTLS are ignored: a trunk has neither. No I/O; browsers' descriptions are aiortc's business.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

SDP_TYPE: Final = "application/sdp"
SDP_CHARACTERS_MAX: Final = 65_536
"""More than fits into a datagram; a longer one says nothing that a call needs."""

LINES_MAX: Final = 2_000
STREAMS_MAX: Final = 32
DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
PROTOCOLS: Final = ("RTP/AVP", "RTP/AVPF")
"""What we can speak: plain RTP. Encrypted profiles need keys, which plain signalling shows to everybody."""

_TOKEN: Final = re.compile(r"[!#-'*+.\-0-9A-Z^-~]{1,40}")
_STATIC: Final = {
    0: ("PCMU", 8_000),
    3: ("GSM", 8_000),
    8: ("PCMA", 8_000),
    9: ("G722", 8_000),
    18: ("G729", 8_000),
}
"""Payload numbers that mean something without an rtpmap (RFC 3551 section 6)."""


class SdpWrong(ValueError):
    """The description cannot be used; the message says why in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One format of a stream: `name` as in rtpmap, compared without regard to case."""

    payload: int
    name: str
    rate: int
    channels: int = 1
    parameters: str = ""
    """What stands in fmtp."""

    def is_like(self, other: "Codec") -> bool:
        """Whether both are the same format, whatever their payload numbers."""
        return (self.name.casefold(), self.rate, self.channels) == (
            other.name.casefold(),
            other.rate,
            other.channels,
        )


PCMU: Final = Codec(payload=0, name="PCMU", rate=8_000)
PCMA: Final = Codec(payload=8, name="PCMA", rate=8_000)
KEYS: Final = Codec(payload=101, name="telephone-event", rate=8_000, parameters="0-15")
"""Key presses; 0-15 are the sixteen keys, the only events that every gateway knows."""

T140: Final = Codec(payload=98, name="t140", rate=1_000)
RED: Final = Codec(payload=99, name="red", rate=1_000, parameters="98/98/98")
"""Real-time text with two earlier generations in each packet (RFC 4103 section 5.2)."""

AUDIO: Final = (PCMU, PCMA, KEYS)
TEXT: Final = (RED, T140)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One m-line of the other side, with what is said about it.

    Shape: port 0: refused, or nothing that we could read. `address` is where its media shall go: its own
           c-line, else that of the session. direction is theirs: sendonly means that they send and we listen.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    codecs: tuple[Codec, ...] = ()
    address: str = ""
    direction: str = "sendrecv"
    ptime_ms: int = 20

    def codec(self, wanted: Codec) -> Codec | None:
        """Their entry for this format, with their payload number and parameters."""
        return next((each for each in self.codecs if each.is_like(wanted)), None)

    @property
    def on_hold(self) -> bool:
        """Whether they will not hear what we send: the call is held by them."""
        return self.direction in ("sendonly", "inactive") or self.address in ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A whole session description of the other side."""

    origin: str
    """The o-line: as long as it does not change, nothing else did (RFC 3264 section 8)."""

    streams: tuple[Stream, ...]

    def first(self, kind: str) -> Stream | None:
        """Their first usable stream of this kind (audio, text) that is not refused."""
        return next((each for each in self.streams if _usable(each, kind)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStream:
    """What we can do on one stream. port 0: we refuse it."""

    port: int
    codecs: Sequence[Codec]
    direction: str = "sendrecv"
    ptime_ms: int = 20


def read_sdp(text: str) -> Description:
    """What a description says. Raises SdpWrong when there is no stream in it at all.

    Tolerant: unknown lines, bare line feeds, white space and a missing v-line are no reason to lose a call.
    """
    origin, session, streams = "", _Block(), list[_Block]()
    for line in text[:SDP_CHARACTERS_MAX].replace("\r", "\n").split("\n")[:LINES_MAX]:
        kind, equals, value = line.strip().partition("=")
        if not equals:
            continue
        kind, value = kind.strip().lower(), value.strip()
        if kind == "m":
            streams.append(_Block(first=value))
        elif kind == "o" and not streams:
            origin = value
        else:
            (streams[-1] if streams else session).take(kind, value)
    if not streams:
        raise SdpWrong("no stream in the session description")
    if len(streams) > STREAMS_MAX:
        raise SdpWrong(f"more than {STREAMS_MAX} streams in the session description")
    return Description(origin=origin, streams=tuple(_stream(each, session) for each in streams))


def offer_sdp(
    *,
    address: str,
    session_id: int,
    version: int = 1,
    audio: LocalStream,
    text: LocalStream | None = None,
) -> str:
    """Our offer. version counts up with every description of one session that differs from the last."""
    lines = _head(address, session_id, version)
    lines += _written("audio", "RTP/AVP", audio, audio.codecs)
    if text is not None:
        lines += _written("text", "RTP/AVP", text, text.codecs)
    return _joined(lines)


def answer_sdp(
    offer: Description,
    *,
    address: str,
    session_id: int,
    version: int = 1,
    audio: LocalStream,
    text: LocalStream | None = None,
) -> str:
    """Our answer: as many streams as were offered, in their order, with their payload numbers.

    Raises SdpWrong when the audio has no format in common: then there is no call (488).
    """
    lines, ours = _head(address, session_id, version), {"audio": audio, "text": text}
    for stream in offer.streams:
        mine = ours.get(stream.kind) if _usable(stream, stream.kind) else None
        shared = agreed_codecs(stream, mine.codecs) if mine is not None and mine.port else ()
        if mine is None or not shared:
            lines.append(_refused(stream))
            continue
        ours[stream.kind] = None  # The first one of each kind; a second one is refused.
        said = replace(mine, direction=answered_direction(stream, mine.direction))
        lines += _written(stream.kind, stream.protocol, said, shared)
    if ours["audio"] is not None:
        raise SdpWrong("no audio format in common")
    return _joined(lines)


def agreed_codecs(stream: Stream, ours: Sequence[Codec]) -> tuple[Codec, ...]:
    """The formats of theirs that we have as well, in their order; none if only key presses would be left."""
    shared = tuple(each for each in stream.codecs if any(each.is_like(mine) for mine in ours))
    if all(each.is_like(KEYS) for each in shared):
        return ()
    if stream.kind == "text" and not any(each.is_like(T140) for each in shared):
        return ()  # Redundancy of nothing: RFC 4103 needs t140 below it.
    return shared


def answered_direction(stream: Stream, wanted: str = "sendrecv") -> str:
    """What we say to the direction that they offered (RFC 3264 section 6.1), where we would like `wanted`."""
    they_send = stream.direction in ("sendrecv", "sendonly")
    they_hear = stream.direction in ("sendrecv", "recvonly") and not stream.on_hold
    return _direction(
        sends=they_hear and wanted in ("sendrecv", "sendonly"),
        hears=they_send and wanted in ("sendrecv", "recvonly"),
    )


def red_parameters(payload: int) -> str:
    """What fmtp says of red over this payload: it and two generations before."""
    return "/".join([str(payload)] * 3)


class _Block:
    """The lines of one stream, or those before the first."""

    def __init__(self, first: str = "") -> None:
        self.first = first
        self.address = ""
        self.direction = ""
        self.ptime_ms = 0
        self.maps: dict[int, tuple[str, int, int]] = {}
        self.parameters: dict[int, str] = {}

    def take(self, kind: str, value: str) -> None:
        """One line."""
        if kind == "c":
            parts = value.split()
            self.address = parts[2].split("/")[0] if len(parts) > 2 else self.address
        elif kind == "a":
            name, _, told = value.partition(":")
            self._attribute(name.strip().lower(), told.strip())

    def _attribute(self, name: str, told: str) -> None:
        if name in DIRECTIONS:
            self.direction = name
        elif name == "ptime":
            self.ptime_ms = _whole(told.split(".")[0], 200)
        elif name in ("rtpmap", "fmtp"):
            number, _, rest = told.partition(" ")
            payload = _whole(number, 127, wrong=-1)
            if payload >= 0 and name == "fmtp":
                self.parameters[payload] = rest.strip()
            elif payload >= 0:
                parts = [*rest.strip().split("/"), "", ""]
                self.maps[payload] = (
                    parts[0].strip(),
                    _whole(parts[1], 1_000_000),
                    _whole(parts[2], 16) or 1,
                )


def _stream(block: _Block, session: _Block) -> Stream:
    parts = [*block.first.split(), "", "", ""]
    kind = parts[0].lower() if _TOKEN.fullmatch(parts[0]) else "unknown"
    protocol = parts[2].upper() if re.fullmatch(r"[\w./-]{1,60}", parts[2]) else "RTP/AVP"
    formats = tuple(each for each in parts[3:] if re.fullmatch(r"[\w.*-]{1,60}", each))
    codecs = tuple(
        codec for each in formats if (codec := _codec(_whole(each, 127, wrong=-1), block)) is not None
    )
    return Stream(
        kind=kind,
        port=_whole(parts[1].split("/")[0], 65_535),
        protocol=protocol,
        formats=formats or ("0",),
        codecs=codecs,
        address=block.address or session.address,
        direction=block.direction or session.direction or "sendrecv",
        ptime_ms=block.ptime_ms or session.ptime_ms or 20,
    )


def _codec(payload: int, block: _Block) -> Codec | None:
    if payload < 0:
        return None
    name, rate, channels = block.maps.get(payload) or (*_STATIC.get(payload, ("", 0)), 1)
    parameters = block.parameters.get(payload, "")
    return Codec(payload=payload, name=name, rate=rate, channels=channels, parameters=parameters)


def _usable(stream: Stream, kind: str) -> bool:
    wanted = (PCMU, PCMA) if kind == "audio" else (T140,)
    return (
        stream.kind == kind in ("audio", "text")
        and stream.port > 0
        and bool(stream.address)
        and stream.protocol in PROTOCOLS
        and any(stream.codec(each) for each in wanted)
    )


def _head(address: str, session_id: int, version: int) -> list[str]:
    family = "IP6" if _is_ip6(address) else "IP4"
    return [
        "v=0",
        f"o=muster {session_id} {version} IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
    ]


def _written(kind: str, protocol: str, stream: LocalStream, codecs: Sequence[Codec]) -> list[str]:
    lines = [f"m={kind} {stream.port} {protocol} {' '.join(str(each.payload) for each in codecs)}"]
    text = next((each.payload for each in codecs if each.is_like(T140)), None)
    for each in codecs:
        channels = f"/{each.channels}" if each.channels > 1 else ""
        lines.append(f"a=rtpmap:{each.payload} {each.name}/{each.rate}{channels}")
        if each.is_like(RED) and text is not None:
            lines.append(f"a=fmtp:{each.payload} {red_parameters(text)}")
        elif each.is_like(KEYS):
            lines.append(f"a=fmtp:{each.payload} {KEYS.parameters}")
    if kind == "audio":
        lines.append(f"a=ptime:{stream.ptime_ms}")
    return [*lines, f"a={stream.direction}"]


def _refused(stream: Stream) -> str:
    return f"m={stream.kind} 0 {stream.protocol} {' '.join(stream.formats)}"


def _direction(*, sends: bool, hears: bool) -> str:
    if sends:
        return "sendrecv" if hears else "sendonly"
    return "recvonly" if hears else "inactive"


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _whole(text: str, most: int, *, wrong: int = 0) -> int:
    """The number in a text, or `wrong` where none makes sense (isdigit knows too many digits)."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and int(text) <= most else wrong


def _is_ip6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False
