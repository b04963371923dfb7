"""The one shape of sound between legs: 20 ms of mono, 16 bits, 8 kHz. None stands for silence.

What telephones carry. Browsers are brought to it by Opus itself, which encodes from 8 kHz, and by one cheap
filter on the way in; everything between is whole frames.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.int16]

RATE: Final = 8_000
FRAME_MS: Final = 20
FRAME_S: Final = FRAME_MS / 1_000
SAMPLES: Final = RATE * FRAME_MS // 1_000

NOISE_FLOOR: Final = 200
"""Root mean square below which a frame counts as silent: -44 dB of full scale. Quiet speech on a telephone is
above -40 dB, the noise of a line and of a room below -50 dB."""


def mixed(*frames: Frame | None) -> Frame | None:
    """All of them at once, clipped, not wrapped around; None when all are silent."""
    heard = [frame for frame in frames if frame is not None]
    if len(heard) < 2:
        return heard[0] if heard else None
    total = heard[0].astype(np.int32)
    for frame in heard[1:]:
        total += frame
    clipped: Frame = np.clip(total, -32_768, 32_767).astype(np.int16)
    return clipped


def loudness(frame: Frame) -> int:
    """Root mean square, in the units of the samples (0 to 32767)."""
    wide = frame.astype(np.float32)  # precise enough, and the dot product of floats is a tenth of the work
    return int((float(np.dot(wide, wide)) / len(wide)) ** 0.5)


def is_silent(frame: Frame | None) -> bool:
    """Whether nothing above the noise is in it."""
    return frame is None or loudness(frame) < NOISE_FLOOR
