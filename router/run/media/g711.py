"""G.711: u-law and A-law, by tables (ITU-T G.711). The standard library lost its audioop in Python 3.13."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from router.run.media.frame import Frame

ULAW_SILENCE: Final = 0xFF
ALAW_SILENCE: Final = 0xD5
"""The byte for zero; A-law has none, its smallest step is the nearest."""

_BIAS: Final = 0x84
_CLIP: Final = 32_635
"""What u-law adds before it looks for the segment, and the most that leaves room for it."""


class Law:
    """One of the two: both directions are a look into a table."""

    def __init__(self, decoded: npt.NDArray[np.int16], encoded: npt.NDArray[np.uint8], silence: int) -> None:
        self._decoded, self._encoded, self.silence = decoded, encoded, silence

    def decode(self, payload: bytes) -> Frame:
        """One sample a byte."""
        return self._decoded[np.frombuffer(payload, np.uint8)]

    def encode(self, frame: Frame) -> bytes:
        """One byte a sample."""
        return self._encoded[frame.view(np.uint16)].tobytes()


@cache
def ulaw() -> Law:
    """PCMU."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = ((mantissa << 3) + _BIAS << exponent) - _BIAS
    decoded = np.where(code & 0x80, -size, size).astype(np.int16)

    sample = _every_sample()
    size = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = _top_bit(size) - 7
    encoded = ~(np.where(sample < 0, 0x80, 0) | exponent << 4 | size >> exponent + 3 & 15)
    return Law(decoded, encoded.astype(np.uint8), ULAW_SILENCE)


@cache
def alaw() -> Law:
    """PCMA: every second bit is turned, and its sign bit says positive."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = np.where(exponent > 0, (mantissa << 4) + 0x108 << np.maximum(exponent - 1, 0), (mantissa << 4) + 8)
    decoded = np.where(code & 0x80, size, -size).astype(np.int16)

    sample = _every_sample()
    size = np.where(sample < 0, -sample - 1, sample)
    exponent = np.maximum(_top_bit(np.maximum(size, 1)) - 7, 0)
    mantissa = np.where(exponent > 0, size >> exponent + 3, size >> 4) & 15
    encoded = (np.where(sample < 0, 0, 0x80) | exponent << 4 | mantissa) ^ 0x55
    return Law(decoded, encoded.astype(np.uint8), ALAW_SILENCE)


def _every_sample() -> npt.NDArray[np.int32]:
    """Each 16 bit sample at the place of its bits read without a sign."""
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _top_bit(size: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.floor(np.log2(size)).astype(np.int32)
