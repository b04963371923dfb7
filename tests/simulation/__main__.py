"""`python -m tests.simulation --seed 7`: live through a seeded world and say what happened in it.

--hours H makes the world longer, --seeds K lives through K worlds, from that seed on. A failure prints the
seed and the command that repeats it, and ends with 1.
"""

import argparse
import sys
import time

from tests.simulation.audit import Broken
from tests.simulation.world import World


def main(argv: list[str] | None = None) -> int:
    """Run the worlds that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hours", type=float, default=0.1, help="how long before the faults stop (0.1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many worlds, from that seed on (1)")
    parser.add_argument("--quiet", action="store_true", help="print the hash and failures only")
    asked = parser.parse_args(argv)
    for seed in range(asked.seed, asked.seed + asked.seeds):
        if not _live(seed, asked.hours, quiet=asked.quiet):
            return 1
    return 0


def _live(seed: int, hours: float, *, quiet: bool) -> bool:
    begun = time.monotonic()
    world = World(seed, minutes=60 * hours)
    try:
        trace = world.run().hex()
    except Broken as broken:
        print(f"seed {seed}: {broken}", file=sys.stderr)
        print(f"repeat it: python -m tests.simulation --seed {seed} --hours {hours}", file=sys.stderr)
        return False
    if quiet:
        print(f"seed {seed}: {trace}")
        return True
    figures = world.audit.figures
    faults = ", ".join(f"{what} {count}" for what, count in sorted(world.journal.counts.items())) or "none"
    alarms = ", ".join(f"{code} {count}" for code, count in sorted(figures.alarms.items())) or "none"
    print(
        f"seed {seed}: fine in {time.monotonic() - begun:.1f} s, trace {trace[:16]}\n"
        f"  {len(world.acknowledged)} contacts, {figures.offers} offers, {figures.closed} closed, "
        f"{figures.call_backs} call-backs, {figures.refusals} refusals, {figures.commits} commits\n"
        f"  faults: {faults}\n  alarms: {alarms}"
    )
    return True


if __name__ == "__main__":
    sys.exit(main())
