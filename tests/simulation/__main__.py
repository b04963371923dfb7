"""`python -m tests.simulation --seed 7`: live through a seeded world and say what happened in it.

--hours H makes the world longer, --seeds K lives through K worlds, from that seed on. A failure prints the
seed and the command that repeats it, and ends with 1.
"""

import argparse
import sys
import time
from collections.abc import Mapping

from tests.simulation.audit import Broken
from tests.simulation.one_site import SimulatedSite
from tests.simulation.pair import PairWorld
from tests.simulation.world import World


def main(argv: list[str] | None = None) -> int:
    """Run the worlds that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hours", type=float, default=0.1, help="how long before the faults stop (0.1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many worlds, from that seed on (1)")
    parser.add_argument("--sites", type=int, choices=(1, 2), default=1, help="one site, or a pair (1)")
    parser.add_argument("--quiet", action="store_true", help="print the hash and failures only")
    asked = parser.parse_args(argv)
    live = _live if asked.sites == 1 else _live_pair
    for seed in range(asked.seed, asked.seed + asked.seeds):
        begun = time.monotonic()
        try:
            trace, told = live(seed, asked.hours)
        except Broken as broken:
            again = f"--seed {seed} --hours {asked.hours} --sites {asked.sites}"
            print(f"seed {seed}: {broken}", file=sys.stderr)
            print(f"repeat it: python -m tests.simulation {again}", file=sys.stderr)
            return 1
        if asked.quiet:
            print(f"seed {seed}: {trace}")
        else:
            print(f"seed {seed}: fine in {time.monotonic() - begun:.1f} s, trace {trace[:16]}\n{told}")
    return 0


def _live(seed: int, hours: float) -> tuple[str, str]:
    """The trace of a world of one site, and what happened in it."""
    world = World(seed, minutes=60 * hours)
    trace = world.run().hex()
    return trace, _told(world.site, len(world.acknowledged))


def _live_pair(seed: int, hours: float) -> tuple[str, str]:
    """The same of two sites."""
    world = PairWorld(seed, minutes=60 * hours)
    trace = world.run().hex()
    parts = [_told(half.site, len(half.site.acknowledged)) for half in world.halves]
    figures = [half.site.audit.figures for half in world.halves]
    deaths, gated = (
        sum(each) for each in zip(*((half.deaths, half.gated) for half in world.halves), strict=True)
    )
    between = (
        f"  between: {sum(each.adopted for each in figures)} adopted, "
        f"{sum(each.moved for each in figures)} moved, "
        f"{sum(each.held_as_before for each in figures)} held as before, {world.audit.dual} answered twice, "
        f"{world.audit.singles} single copies, {world.audit.healed} taken up again, "
        f"{deaths} deaths, {gated} learned before they served\n"
        f"  acts: {_counted(world.operators.counts)}; weather: {_counted(world.weather)}"
    )
    return trace, "\n".join([*parts, between, *_ending(world)])


def _ending(world: PairWorld) -> list[str]:
    """How it ended, where it did not end with both sites as they were."""
    if world.lost is not None:
        return [f"  at last {world.lost.dead.name} is dead for good; {world.lost.left} had been left to it"]
    if world.crew is not None:
        return [f"  at last {world.crew.kind} with one crew: {world.crew.waited} waited where nobody was"]
    return []


def _told(site: SimulatedSite, acknowledged: int) -> str:
    figures = site.audit.figures
    return (
        f"  {site.name}: {acknowledged} contacts, {figures.offers} offers, {figures.closed} closed, "
        f"{figures.call_backs} call-backs, {figures.refusals} refusals, {figures.commits} commits\n"
        f"  faults: {_counted(site.journal.counts)}\n  alarms: {_counted(figures.alarms)}"
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())
