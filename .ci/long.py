"""Runs the tests of `make test-long`: the ordinary ones, the long ones, and last those that want to be alone.

A line for each finished long test says how long it took; the end says what became of each part. A part that
fails keeps none of the others from running: whoever comes back after hours wants to know everything.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import tests as ordinary  # tests.py beside this file

NOTHING_CHOSEN: Final = 5
"""pytest's exit status when none of the tests that were named is of this part."""

LONG: Final = ["-v", "-n", "2", "--dist", "loadgroup", "-m", "long and not timed"]
ALONE: Final = ["-v", "-n", "0", "-m", "long and timed"]

PARTS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "those of make test": ordinary.main,
    "long ones, two at a time": lambda arguments: ordinary.pytest(*LONG, *arguments),
    "long ones that hold promises about time, alone": lambda arguments: ordinary.pytest(*ALONE, *arguments),
}


def main(arguments: Sequence[str]) -> int:
    """Run all parts; the exit status. Arguments go to pytest, e.g. a folder."""
    os.environ["HYPOTHESIS_PROFILE"] = "explore"
    said, worst = [], 0
    for name, part in PARTS.items():
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        status = part(arguments)
        status = 0 if status == NOTHING_CHOSEN else status
        worst = worst or status
        became = "passed" if status == 0 else "FAILED"
        said.append(f"== {became} in {(time.monotonic() - began) / 60:.1f} min: {name}")
    print("\n" + "\n".join(said), flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
