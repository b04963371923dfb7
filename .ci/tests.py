"""Runs the tests of `make test`, three at a time; a few that fail so get a second run, alone, and are named.

Tests of real processes and browsers share two cores here with each other. One that fails beside others and
passes by itself is impatient, not a broken promise: it is printed as such, to be mended, and does not stop
everybody else's work. More than a few, or one that fails twice, do. docs/decisions/0022 says why, and why
three on two cores.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
BESIDE_OTHERS = ["-q", "-n", "3", "--dist", "loadgroup", "-m", "not long"]
ALONE = ["-q", "-n", "0", "-m", "not long"]

SECOND_CHANCES = 3
TESTS_FAILED = 1
"""pytest's exit status when all ran and some failed; any other is no verdict on a test."""


def main(arguments: Sequence[str]) -> int:
    """Run them; the exit status. Arguments go to pytest."""
    FAILED.unlink(missing_ok=True)
    status = pytest(*BESIDE_OTHERS, *arguments)
    failed = _failed()
    if status != TESTS_FAILED or not 0 < len(failed) <= SECOND_CHANCES:
        return status
    print(f"\n== failed beside others, now by itself: {', '.join(failed)}", flush=True)
    status = pytest(*ALONE, *failed)
    if status == 0:
        print(f"== IMPATIENT, to be mended: {', '.join(failed)}", flush=True)
    return status


def pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


def _failed() -> list[str]:
    """Their ids; none where something else than a test failed."""
    try:
        found = json.loads(FAILED.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return sorted(map(_without_group, found)) if all("::" in each for each in found) else []


def _without_group(test: str) -> str:
    """Its own id: pytest-xdist writes after it which group it is of."""
    own, at, _ = test.rpartition("@")
    return own if at and "]" not in test[len(own) :] else test


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
