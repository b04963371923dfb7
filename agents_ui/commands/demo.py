"""`muster demo`: a believable stream of chats to a running centre, and agents who answer if wanted."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from agents_ui.commands import Subparsers
from config.settings import read_settings

if TYPE_CHECKING:
    from collections import Counter

    from agents_ui.demo.stream import Options
    from config.settings import Settings


def add_to(subparsers: Subparsers) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "demo",
        help="send a believable stream of chats to a running centre",
        description="Sends invented customers through the public chat page: several languages, urgent "
        "and not, silent ones, some who give up. Never point it at a centre that serves real people.",
    )
    option = parser.add_argument
    option("--url", help="address of the centre (default: the one that MUSTER_HOST and MUSTER_PORT name)")
    option("--rate", type=float, default=6.0, metavar="N", help="customers a minute (default 6)")
    option("--agents", type=int, default=0, metavar="N", help="demo agents who answer (default 0)")
    option("--seconds", type=float, default=0, metavar="S", help="stop after S (default: at Ctrl-C)")
    option("--seed", type=int, default=1, metavar="N", help="another seed, other customers")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the stream until its time is over or Ctrl-C."""
    from agents_ui.demo.stream import DemoFailed, Options
    from router.run.family import address

    settings = read_settings()
    options = Options(
        url=(arguments.url or address(settings)).rstrip("/"),
        data_dir=settings.data_dir,
        rate_per_minute=min(max(arguments.rate, 0.01), 6_000),
        agents=arguments.agents,
        seconds=arguments.seconds,
        seed=arguments.seed,
    )
    try:
        outcomes = asyncio.run(_play(settings, options))
    except DemoFailed as failed:
        sys.stderr.write(f"muster: {failed}\n")
        return 2
    _say(", ".join(f"{count} {what}" for what, count in sorted(outcomes.items())))
    return 0


async def _play(settings: "Settings", options: "Options") -> "Counter[str]":
    from agents_ui.demo.stream import run_demo
    from agents_ui.demo.ways import open_ways

    async with open_ways(settings) as ways:
        _say(f"demo people write by {', '.join(dict.fromkeys(ways.channels()))}")
        return await run_demo(options, _say, ways=ways)


def _say(line: str) -> None:
    print(line, flush=True)
