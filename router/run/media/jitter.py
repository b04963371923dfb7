"""Puts sound back into the order and pace in which it was said. No clock: it is asked once in 20 ms.

Samples are written where their timestamp says, so packets that come reordered, twice, in other sizes than
20 ms or after a pause need no case of their own. The reading place follows some way behind the newest sample:
far enough for packets that come late, no farther than they need. Both clocks drift: when packets keep coming
earlier than needed a frame is left out, best a silent one; when they come too late one is put in.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from router.run.media.frame import FRAME_MS, SAMPLES, Frame, is_silent

BEHIND: Final = 2 * SAMPLES
"""40 ms: one packet in hand while the next is on its way."""

BEHIND_MAX: Final = 12 * SAMPLES
"""240 ms. What comes later than that is lost: with more delay people talk over each other."""

PUT_IN_MAX: Final = 2
"""Frames of waiting that one late packet adds; a single slow one shall not slow down the conversation."""

ROOM: Final = 50 * SAMPLES
"""One second. A packet farther ahead than half of it means that the sender began a new count."""

HURRY: Final = 2 * BEHIND_MAX
"""With so much in hand nobody asked for a while (a busy machine): what is too old is left out at once."""

LATE_IN_A_ROW_MAX: Final = 10
"""After so many the sender's count has gone back (a pause that it did not count): begin anew."""

LOOK: Final = 50
"""Frames (a second) in which no packet needed all of the waiting, before some of it is left out."""

PATIENCE: Final = 5 * LOOK
"""As long as it takes until sound, not silence, is left out."""

SPARE_MAX: Final = 4
"""With so many frames more than are needed nobody waits for silence."""

CONCEALED_MAX: Final = 3
"""Missing frames that sound like the one before them, fading; after 60 ms it would be a robot's voice."""

_WRAP: Final = 1 << 32


class JitterBuffer:
    """Takes what arrives, gives one frame at a time."""

    def __init__(self) -> None:
        self._samples = np.zeros(ROOM, np.int16)
        self._written = np.zeros(ROOM, np.bool_)
        self._last: Frame | None = None
        self.late = self.concealed = self.left_out = self.put_in = 0
        self.restart()

    def restart(self) -> None:
        """Another source, or another count of timestamps, begins with the next packet."""
        self._written[:] = False
        self._read: int | None = None
        self._newest = 0
        self._gap = 0
        self._late_in_a_row = 0
        self._seen: deque[int] = deque(maxlen=ROOM // SAMPLES)
        self._slack, self._looked = ROOM, 0

    @property
    def behind_ms(self) -> int:
        """How much sound is in hand."""
        return 0 if self._read is None else max(0, self._newest - self._read) * FRAME_MS // SAMPLES

    def put(self, timestamp: int, samples: Frame | None, *, length: int = SAMPLES) -> None:
        """What a packet holds, at its timestamp of 32 bits. None: the packet says that there is silence."""
        length = length if samples is None else len(samples)
        if not 0 < length <= ROOM // 2:
            return
        at, read = self._placed(timestamp)
        if at + length <= read:
            if at in self._seen:
                return  # It came twice.
            moved = self._came_late(at, length, read)
            if moved is None:
                return
            read = moved
        else:
            self._late_in_a_row = 0
        self._slack = min(self._slack, at - read)
        self._seen.append(at)
        self._newest = max(self._newest, at + length)
        begin = max(at, read)
        places = _places(begin, at + length - begin)
        self._samples[places] = 0 if samples is None else samples[begin - at :]
        self._written[places] = True

    def next(self) -> Frame | None:
        """The next 20 ms; None is silence."""
        if self._read is None:
            return None
        self._keep_pace(self._read)
        frame = self._taken(self._read)
        self._read += SAMPLES
        return frame

    def _placed(self, timestamp: int) -> tuple[int, int]:
        """The timestamp beyond 32 bits, and the place that is read next."""
        if self._read is not None:
            at = self._newest + ((timestamp - self._newest + _WRAP // 2) % _WRAP - _WRAP // 2)
            if at - self._read <= ROOM // 2:
                return at, self._read
            self.restart()
        self._newest, self._read = timestamp, timestamp - BEHIND
        return timestamp, self._read

    def _came_late(self, at: int, length: int, read: int) -> int | None:
        """More will: wait longer from now on. The place that is read next; None: this one is lost."""
        self.late += 1
        self._late_in_a_row += 1
        if self._late_in_a_row > LATE_IN_A_ROW_MAX:
            self.restart()
            self._newest, self._read = at, at - BEHIND
            return self._read
        if self._newest - read < BEHIND_MAX:
            frames = min(PUT_IN_MAX, -(-(read - at) // SAMPLES))
            self._read = read = read - frames * SAMPLES
            self.put_in += frames
            self._slack, self._looked = ROOM, 0
        return read if at + length > read else None

    def _keep_pace(self, read: int) -> None:
        """Once in a while: did all packets come earlier than they had to?"""
        self._looked += 1
        if self._newest - read > HURRY:
            self._leave_out(read, (self._newest - BEHIND - read) // SAMPLES)
            return
        if self._looked < LOOK or self._slack == ROOM:
            return
        spare = (self._slack - BEHIND) // SAMPLES
        half = max(1, spare // 2)
        if spare < 1:
            self._slack, self._looked = ROOM, 0
        elif is_silent(self._samples[_places(read, half * SAMPLES)]):
            self._leave_out(read, half)
        elif self._looked >= PATIENCE or spare >= SPARE_MAX:
            self._leave_out(read, 1)

    def _leave_out(self, read: int, frames: int) -> None:
        self._written[_places(read, frames * SAMPLES)] = False
        self._read = read + frames * SAMPLES
        self.left_out += frames
        self._slack, self._looked = ROOM, 0

    def _taken(self, at: int) -> Frame | None:
        places = _places(at, SAMPLES)
        written = self._written[places]
        if not written.any():
            return self._concealed(at)
        frame: Frame = self._samples[places].copy()
        if not written.all():
            frame[~written] = 0
        self._written[places] = False
        self._last, self._gap = frame, 0
        return frame

    def _concealed(self, at: int) -> Frame | None:
        """Nothing came for this place: it sounds like the last one, fading."""
        self._gap += 1
        if self._last is None or self._gap > CONCEALED_MAX:
            return None
        if self._newest > at:
            self.concealed += 1
        return self._last >> self._gap


def _places(at: int, length: int) -> slice | npt.NDArray[np.int64]:
    """Where in the ring; a slice, which is much cheaper, wherever it does not go around."""
    begin = at % ROOM
    if begin + length <= ROOM:
        return slice(begin, begin + length)
    return np.arange(begin, begin + length) % ROOM
