"""Between a browser's description and aiortc's: what we take from one, what we change in the other."""

import re
from dataclasses import dataclass
from typing import Final

from router.run.media.leg import BadSdp
from router.run.media.opus import PARAMETERS

CHARACTERS_MAX: Final = 20_000
"""Of a description; browsers' have 2,000 to 6,000 with one stream."""

_NEEDED: Final = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:")
_THEIR_ADDRESSES: Final = ("a=candidate:", "a=end-of-candidates", "a=remote-candidates:", "a=ice-options:")
_OPUS: Final = re.compile(r"a=rtpmap:(\d{1,3}) opus/48000/2", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """A browser's offer without the addresses in it."""

    sdp: str
    they_speak: bool


def read_offer(sdp: str) -> Offer:
    """Raises BadSdp for anything but one stream of sound that we can send to."""
    if len(sdp) > CHARACTERS_MAX:
        raise BadSdp(f"an offer of more than {CHARACTERS_MAX} characters")
    lines = [line.strip() for line in sdp.replace("\r", "\n").split("\n") if line.strip()]
    streams = [line for line in lines if line.startswith("m=")]
    if len(streams) != 1 or not streams[0].startswith("m=audio "):
        raise BadSdp("an offer has one stream, of audio")
    missing = [needed for needed in _NEEDED if not any(line.startswith(needed) for line in lines)]
    if missing:
        raise BadSdp(f"no {missing[0][2:-1]} in the offer")
    if not any(_OPUS.fullmatch(line) for line in lines):
        raise BadSdp("no Opus in the offer")
    if "a=sendonly" in lines or "a=inactive" in lines:
        raise BadSdp("the offer does not want to hear anything")
    kept = [line for line in lines if not line.startswith(_THEIR_ADDRESSES)]
    return Offer("\r\n".join(kept) + "\r\n", "a=recvonly" not in lines)


def written_answer(sdp: str, *, speaks: bool) -> str:
    """aiortc's answer, which only sends, as the page shall see it. All candidates are in it."""
    lines = []
    for line in sdp.splitlines():
        if line.startswith("a=fmtp:"):
            continue
        lines.append("a=sendrecv" if speaks and line == "a=sendonly" else line)
        opus = _OPUS.fullmatch(line)
        if opus is not None:
            lines.append(f"a=fmtp:{opus[1]} {PARAMETERS}")
    return "\r\n".join(lines) + "\r\n"
