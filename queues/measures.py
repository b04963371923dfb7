"""Service level, average speed of answer, abandonment, occupancy: what they mean, in one place.

Figures for people: nothing is ranked or decided by them. What counts at all (real traffic, since when, which
contacts are arrivals) is the reader's choice, see README.md; here is only how counts become a measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

NENA_TARGETS: Final = ((90, 15_000), (95, 20_000))
"""(percent, milliseconds): 90 % answered within 15 s shall be held, 95 % within 20 s should be, both from the
arrival of the call. NENA-STA-020.1-2020. Used where a plan names no target."""


def service_level(waits_ms: Sequence[int], abandoned_late: int, threshold_ms: int) -> float | None:
    """Share of contacts answered within the threshold.

    Shape:  waits_ms has one wait per answered contact; abandoned_late counts customers who left after the
            threshold. None when nobody was due an answer.
    Units:  milliseconds from accepted_at to the first accept; the result is 0.0 to 1.0.
    Source: targets from NENA-STA-020.1-2020 (0.90 at 15 s, 0.95 at 20 s); leaving out early abandons is our
            choice, see README.md.
    """
    return share(sum(wait <= threshold_ms for wait in waits_ms), len(waits_ms) + abandoned_late)


def average_speed_of_answer(wait_ms_sum: int, answered: int) -> int | None:
    """Mean wait of the contacts that were answered, to the millisecond below; None when none was.

    Source: ASA as centres report it. It says nothing about those who left: never show it without abandonment.
    """
    return wait_ms_sum // answered if answered else None


def abandonment(answered: int, abandoned: int) -> float | None:
    """Share of contacts whose customer left before any agent accepted, 0.0 to 1.0.

    Shape: of all that came to an end of their wait, either way; None when none did. Early leavers count.
    """
    return share(abandoned, answered + abandoned)


def occupancy(busy: int, staffed: int) -> float | None:
    """Share of the staffed capacity that is at work, 0.0 to 1.0; None when nobody is staffed.

    Shape: busy is engaged or wrapping up, staffed is busy or available. Both in agents (at one moment), or
           both in agent milliseconds (over a time): the quotient means the same.
    """
    return share(busy, staffed)


def share(part: int, whole: int) -> float | None:
    """The quotient, or None where there is no whole to have a part of."""
    return part / whole if whole else None


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts from which the measures follow, one contact at a time.

    Shape: within and left_late have one count for each of thresholds_ms, in its order: answered within it,
           and abandoned after it.
    """

    thresholds_ms: tuple[int, ...] = ()
    answered: int = 0
    wait_ms_sum: int = 0
    abandoned: int = 0
    within: list[int] = field(default_factory=list)
    left_late: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.within = self.within or [0] * len(self.thresholds_ms)
        self.left_late = self.left_late or [0] * len(self.thresholds_ms)

    def answer(self, wait_ms: int) -> None:
        """An agent accepted a contact for the first time, after this wait."""
        self.answered += 1
        self.wait_ms_sum += wait_ms
        for index, threshold_ms in enumerate(self.thresholds_ms):
            self.within[index] += wait_ms <= threshold_ms

    def abandon(self, wait_ms: int) -> None:
        """A customer left, after this wait, before any agent accepted."""
        self.abandoned += 1
        for index, threshold_ms in enumerate(self.thresholds_ms):
            self.left_late[index] += wait_ms > threshold_ms

    def add(self, other: "Tally") -> None:
        """Count everything that another tally with the same thresholds has counted."""
        self.answered += other.answered
        self.wait_ms_sum += other.wait_ms_sum
        self.abandoned += other.abandoned
        self.within = [one + more for one, more in zip(self.within, other.within, strict=True)]
        self.left_late = [one + more for one, more in zip(self.left_late, other.left_late, strict=True)]

    def service_level(self, threshold_ms: int) -> float | None:
        """As the function of this name, for one of thresholds_ms. Raises ValueError for another."""
        index = self.thresholds_ms.index(threshold_ms)
        return share(self.within[index], self.answered + self.left_late[index])

    def held(self, percent: int, threshold_ms: int) -> bool | None:
        """Whether at least this percentage was answered in time; None when nobody was due an answer.

        In whole numbers: 57 of 100 is 57 %, whatever 0.57 is in binary. Raises ValueError as service_level.
        """
        index = self.thresholds_ms.index(threshold_ms)
        due = self.answered + self.left_late[index]
        return self.within[index] * 100 >= percent * due if due else None

    @property
    def asa_ms(self) -> int | None:
        """Average speed of answer."""
        return average_speed_of_answer(self.wait_ms_sum, self.answered)

    @property
    def abandonment(self) -> float | None:
        """Share of those who left."""
        return abandonment(self.answered, self.abandoned)
