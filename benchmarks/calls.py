"""Sound: how long a word takes from a caller's mouth to an agent's ear, and how many can talk at once.

One process has the calls, another is all telephones and browsers. Calls are added in steps; after each step,
when nothing is being set up any more, two seconds are counted. It was too many when more than one frame in a
hundred came 40 ms late or more (receivers hide less than that), or more than two packets in a hundred did not
arrive. Each call is recorded.
"""

import shutil
import tempfile
import time
from statistics import median

from benchmarks.parts import Part

STEP = 10
CALLS_MAX = 150
"""Enough to know; the two processes for the ends would need more than the machine has."""

SETTLE_S = 1.5
COUNT_S = 2.0
LATE_MAX = 0.01
LOST_MAX = 0.02
RUN_S = 26.0
"""Of adding calls: with the rest it is below 40 s."""

MARKS = 9
PER_S = 50


def calls() -> dict[str, float]:
    """`mouth_to_ear_ms` with one call, then `bridged_calls`, and what one of them costs the processor."""
    folder = tempfile.mkdtemp(prefix="muster-calls-")
    try:
        with Part("benchmarks.call_switch", folder) as switch, Part("benchmarks.call_ends") as ends:
            _begin(switch, ends, "listen")
            time.sleep(SETTLE_S)
            delays = ends.ask("delays", count=MARKS)
            most, cpu_pct = _until_late(switch, ends)
            switch.ask("close")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "mouth_to_ear_ms": median(delays),
        "mouth_to_ear_max_ms": max(delays),
        "bridged_calls": float(most),
        "bridged_call_cpu_pct": cpu_pct,
    }


def _begin(switch: Part, ends: Part, how: str) -> None:
    ends.ask("talk", **switch.ask("join", **ends.ask(how)))


def _until_late(switch: Part, ends: Part) -> tuple[int, float]:
    """How many calls went well, and the share of a core that each took when ten did."""
    number, well, cpu_pct, began = 1, 0, 0.0, time.monotonic()
    while number < CALLS_MAX and time.monotonic() - began < RUN_S:
        for _ in range(STEP - number % STEP):
            _begin(switch, ends, "call")
            number += 1
        time.sleep(SETTLE_S)
        fine, used_pct = _counted(switch, ends, number)
        cpu_pct = cpu_pct or used_pct
        # Once more: something else may have wanted the machine just then.
        if not fine and not _counted(switch, ends, number)[0]:
            break
        well = number
    return well, cpu_pct


def _counted(switch: Part, ends: Part, number: int) -> tuple[bool, float]:
    """Whether all went well for a while, and the share of a core that each call took."""
    before, heard_before, at = switch.ask("count"), ends.ask("count"), time.monotonic()
    time.sleep(COUNT_S)
    after, heard, length_s = switch.ask("count"), ends.ask("count"), time.monotonic() - at
    late = (after["late"] - before["late"]) / (after["beats"] - before["beats"])
    least = min(heard[side] - heard_before[side] for side in heard)
    counted = number - 1  # the page of the first decodes instead of counting
    cpu_pct = (after["cpu_s"] - before["cpu_s"]) / length_s / number * 100
    return late <= LATE_MAX and least >= (1 - LOST_MAX) * counted * PER_S * length_s, cpu_pct
