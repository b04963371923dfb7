"""Key presses on a telephone: as events beside the sound (RFC 4733), or as the two tones themselves.

Reading: one press is one timestamp. It counts at the first packet of it that arrives, whichever that is, so
lost beginnings and the three equal end packets make no difference. Writing: one packet in 20 ms for the
length of the press, its end three times.
"""

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.run.media.frame import FRAME_MS, RATE, SAMPLES, Frame
from router.run.media.rtp import RtpPacket

KEYS: Final = "0123456789*#ABCD"
"""Their place is their event number (RFC 4733, 3.2)."""

PRESS_MS: Final = 100
PAUSE_MS: Final = 80
"""Well above the 40 ms each that every receiver must recognise (ITU-T Q.24)."""

END_PACKETS: Final = 3
VOLUME: Final = 10
"""-10 dBm0, what gateways use."""

WAITING_MAX: Final = 64
"""Longer than any number; more presses than that are refused."""

INFO_BYTES_MAX: Final = 1_000
"""Of the body of an INFO; they have about thirty."""

SEGMENT: Final = 0xFFFF
"""A press longer than this many samples goes on under a new timestamp (RFC 4733, 2.5.1.3)."""

_ROWS: Final = (("123A", 697), ("456B", 770), ("789C", 852), ("*0#D", 941))
_COLUMNS: Final = (("147*", 1209), ("2580", 1336), ("369#", 1477), ("ABCD", 1633))
LOW_HZ: Final = {key: hz for keys, hz in _ROWS for key in keys}
HIGH_HZ: Final = {key: hz for keys, hz in _COLUMNS for key in keys}
"""Each key is two tones, of its row and of its column (ITU-T Q.23)."""

TONE_PEAK: Final = 6_000

_EVENT: Final = struct.Struct("!BBH")


def checked_digits(digits: str) -> str:
    """The digits, in capitals. Raises ValueError for anything that is no key, or for too many."""
    wanted = digits.upper()
    if not wanted or len(wanted) > WAITING_MAX or not all(key in KEYS for key in wanted):
        raise ValueError(f"only 1 to {WAITING_MAX} of {KEYS} can be sent as digits")
    return wanted


def info_digits(content_type: str, body: bytes) -> str:
    """The key in an INFO: `application/dtmf-relay` (Signal=5) or `application/dtmf` (5); empty: none."""
    kind = content_type.partition(";")[0].strip().lower()
    text = body[:INFO_BYTES_MAX].decode("ascii", "replace")
    if kind == "application/dtmf-relay":
        pairs = (line.partition("=") for line in text.splitlines())
        text = next((value for name, _, value in pairs if name.strip().lower() == "signal"), "")
    elif kind != "application/dtmf":
        return ""
    key = text.strip().upper()
    if key.isascii() and key.isdigit() and int(key) < len(KEYS):
        return KEYS[int(key)]  # Some say 10 and 11 for * and #, as events are numbered.
    return key if len(key) == 1 and key in KEYS else ""


class DigitReader:
    """Events of one source in, each press once."""

    def __init__(self) -> None:
        self._seen: deque[int] = deque(maxlen=16)
        self._last = (-1, 0, False)

    def read(self, packet: RtpPacket) -> str:
        """The key that begins to be pressed with this packet; empty for all others."""
        if len(packet.payload) < _EVENT.size:
            return ""
        event, flags, _ = _EVENT.unpack_from(packet.payload)
        before, at, ended = self._last
        if packet.timestamp == at and before == event:
            self._last = (event, at, ended or flags > 0x7F)
            return ""
        if packet.timestamp in self._seen:
            return ""
        self._seen.append(packet.timestamp)
        goes_on = before == event and not ended and (packet.timestamp - at) & 0xFFFFFFFF == SEGMENT
        self._last = (event, packet.timestamp, flags > 0x7F)
        return "" if goes_on or event >= len(KEYS) else KEYS[event]


@dataclass(frozen=True, slots=True)
class EventPacket:
    """What to send now instead of sound. `age` is how many samples ago the press began: its timestamp."""

    payload: bytes
    marker: bool
    age: int


class DigitWriter:
    """Presses out, a packet at a time, asked once in 20 ms."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._sent = 0

    def send(self, digits: str) -> None:
        """Press these, after those that wait. ValueError: not keys, or too many."""
        wanted = checked_digits(digits)
        if len(self._waiting) + len(wanted) > WAITING_MAX:
            raise ValueError("too many digits wait to be sent")
        self._waiting.extend(wanted)

    @property
    def busy(self) -> bool:
        """Whether a press, or the pause after one, is going on."""
        return bool(self._waiting)

    def next(self) -> list[EventPacket]:
        """What is due in these 20 ms: a packet, the end three times, or nothing in the pause."""
        key, self._sent = self._waiting[0], self._sent + 1
        elapsed_ms = self._sent * FRAME_MS
        if elapsed_ms > PRESS_MS:
            self._after_pause(elapsed_ms)
            return []
        last = elapsed_ms == PRESS_MS
        length = elapsed_ms * RATE // 1_000
        payload = _EVENT.pack(KEYS.index(key), VOLUME | (0x80 if last else 0), length)
        packet = EventPacket(payload, marker=self._sent == 1, age=length - SAMPLES)
        return [packet] * (END_PACKETS if last else 1)

    def next_tone(self) -> Frame | None:
        """The same as sound, for a side that knows no events."""
        key, begin = self._waiting[0], self._sent * SAMPLES
        self._sent += 1
        elapsed_ms = self._sent * FRAME_MS
        if elapsed_ms > PRESS_MS:
            self._after_pause(elapsed_ms)
            return None
        at = np.arange(begin, begin + SAMPLES) * (2 * np.pi / RATE)
        tone: Frame = (TONE_PEAK * (np.sin(LOW_HZ[key] * at) + np.sin(HIGH_HZ[key] * at))).astype(np.int16)
        return tone

    def _after_pause(self, elapsed_ms: int) -> None:
        if elapsed_ms >= PRESS_MS + PAUSE_MS:
            self._waiting.popleft()
            self._sent = 0
