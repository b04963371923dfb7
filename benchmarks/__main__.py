"""`make bench`: floors and product alternately. RESULTS.md is for people, results.json for machines.

The old results are removed first: a run that fails leaves none, rather than those of another day.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median

from benchmarks import results

ROUNDS = 3
INGEST_ROUNDS = 2
"""Each starts a centre and a floor: with more, all of it would take longer than a quarter of an hour."""

TAKE_OVERS = 2
"""Each fills a site with 10,000 conversations first, which takes longer than taking it over."""

IDLE_S = 60.0
PARTS = [
    "core",
    "lines",
    "reply",
    "ingest",
    "minute",
    "webhooks",
    "rebuild",
    "desktop",
    "calls",
    "standby",
    "take_over",
    "second_copy",
    "catch_up",
]


def main() -> int:
    """Measure, print what was found, write it down. With --strict 1 when something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--strict", action="store_true", help="fail when something is not as promised")
    arguments = parser.parse_args()
    wanted = arguments.only or PARTS
    results.remove()
    began, load_before = time.monotonic(), os.getloadavg()[0]
    samples = _measure(wanted, arguments.rounds)
    found = {name: median(values) for name, values in samples.items()}
    found |= {"bench_s": time.monotonic() - began, "load_before": load_before}
    results.write(found, samples, rounds=arguments.rounds)
    sys.stdout.write("\n" + results.table(found) + "\n")
    return 1 if arguments.strict and not results.all_met(found) else 0


def _measure(wanted: list[str], rounds: int) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        if "core" in wanted:
            _take(samples, "core", number, _core)
        if "lines" in wanted:
            _take(samples, "lines", number, _lines(number))
        if "reply" in wanted:
            _take(samples, "reply", number, _reply)
        if "ingest" in wanted and number < INGEST_ROUNDS:
            _take(samples, "ingest", number, _ingest)
    if "minute" in wanted:
        _take(samples, "minute", 0, _minute)
    if "webhooks" in wanted:
        _take(samples, "webhooks", 0, _webhooks)
    if "rebuild" in wanted:
        _take(samples, "rebuild", 0, lambda: _rebuild(rounds))
    if "desktop" in wanted:
        _take(samples, "desktop", 0, _desktop)
    if "calls" in wanted:
        _take(samples, "calls", 0, _calls)
    if "standby" in wanted:
        _take(samples, "standby", 0, _standby)
    if "take_over" in wanted:
        _take(samples, "take_over", 0, lambda: _take_over(min(rounds, TAKE_OVERS)))
    if "second_copy" in wanted:
        _take(samples, "second_copy", 0, _second_copy)
    if "catch_up" in wanted:
        _take(samples, "catch_up", 0, _catch_up)
    return samples


def _take(
    samples: dict[str, list[float]], name: str, number: int, measurement: Callable[[], dict[str, float]]
) -> None:
    """Run one measurement, add what it found, and show that something is going on."""
    began = time.monotonic()
    found = measurement()
    for key, value in found.items():
        samples[key].append(value)
    figures = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
    print(f"{name} {number + 1} ({time.monotonic() - began:.0f} s): {figures}", flush=True)


# Each is imported when it is wanted: one that cannot run does not stop the others.


def _core() -> dict[str, float]:
    from benchmarks.core import core_over_floor

    return core_over_floor()


def _lines(number: int) -> Callable[[], dict[str, float]]:
    from benchmarks.lines import round_of_lines

    return lambda: round_of_lines(idle_s=0 if number else IDLE_S)


def _reply() -> dict[str, float]:
    from benchmarks.reply import round_of_replies

    return round_of_replies()


def _ingest() -> dict[str, float]:
    from benchmarks.ingest import round_of_ingest

    return round_of_ingest()


def _minute() -> dict[str, float]:
    from benchmarks.ingest import minute_of_ingest

    return minute_of_ingest()


def _webhooks() -> dict[str, float]:
    from benchmarks.webhooks import webhooks

    return webhooks()


def _rebuild(times: int) -> dict[str, float]:
    from benchmarks.rebuild import rebuild

    return rebuild(times)


def _second_copy() -> dict[str, float]:
    from benchmarks.second_copy import second_copy

    return second_copy()


def _catch_up() -> dict[str, float]:
    from benchmarks.catch_up import catch_up

    return catch_up()


def _take_over(times: int) -> dict[str, float]:
    from benchmarks.take_over import take_over

    return take_over(times)


def _desktop() -> dict[str, float]:
    from benchmarks.desktop import desktop

    return desktop()


def _calls() -> dict[str, float]:
    from benchmarks.calls import calls

    return calls()


def _standby() -> dict[str, float]:
    from benchmarks.standby import standby

    return standby()


if __name__ == "__main__":
    sys.exit(main())
