"""How busy this machine is besides the trial, so that promises about time are judged fairly."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Final

INGEST_S: Final = 0.25
"""docs/promises.md: a message is acknowledged."""

CROWDED: Final = 1.5
"""Where a process that only computes gets less than two thirds of a core, others use this machine too."""

CROWDED_MAX: Final = 4.0
"""More than this is not allowed for."""

_SPIN: Final = """
import time
began = time.perf_counter()
while time.process_time() < 0.2: pass
print((time.perf_counter() - began) / 0.2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The machine before a fault: answers (p99, seconds), and how much slower than alone it computes."""

    p99_s: float
    crowding: float

    @property
    def answer_s(self) -> float:
        """What counts as an answer in time: what is promised, where it is kept without a fault."""
        return INGEST_S if self.p99_s <= INGEST_S else 2 * self.p99_s


def crowding() -> float:
    """How much longer than alone a process takes to compute something here and now."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _SPIN], capture_output=True, text=True, check=True
    )
    return float(done.stdout)
