"""`muster hooks`: requests that were refused as not genuine, and how they are looked at once more.

Works on the database alone: with the secrets that this shell finds, and without any web process.
"""

import argparse
import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agents_ui.commands.acts.sweep import add_sweep
from config.settings import Settings, SettingsWrong, read_settings
from router.journal.database import Database, open_database

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from agents_ui.hooks.replaying import Replayed

FINE: Final = 0
STILL_REFUSED: Final = 1
"""Some are still not genuine, or could not be kept now."""


def add_to(subparsers: "Subparsers") -> None:
    """Add `muster hooks quarantine list` and `… replay`, and `muster hooks sweep`."""
    words = "list refused requests, and look at them once more"
    parser = subparsers.add_parser("hooks", help=words, description=words)
    things = parser.add_subparsers(title="things", metavar="THING", required=True)
    quarantine = things.add_parser(
        "quarantine",
        help="requests whose signature was wrong",
        description="Requests that were refused because their signature was wrong, kept for a week.",
    )
    add_sweep(things)
    acts = quarantine.add_subparsers(title="acts", metavar="ACT", required=True)
    listing = acts.add_parser("list", help="how many, of which account, since when, and why")
    listing.add_argument("--json", action="store_true", help="for machines")
    listing.set_defaults(run=_list)
    replay = acts.add_parser(
        "replay",
        help="look at them once more, once the secret is right",
        description="Checks each again with the secret of now and keeps what is genuine. Safe to repeat.",
    )
    replay.add_argument("account", nargs="*", help="accounts of the plan; all of them when left out")
    replay.set_defaults(run=_replay)


def _list(arguments: argparse.Namespace) -> int:
    from agents_ui.hooks.quarantine import quarantined

    database = _opened(read_settings())
    try:
        with database.reading() as db:
            found = quarantined(db)
    finally:
        database.close()
    if arguments.json:
        print(json.dumps(found))
        return FINE
    if not found:
        print("nothing is in quarantine")
    for each in found:
        size = f"{each['bytes'] / 1e6:.1f} MB"
        since, until = _time(each["oldest_ms"]), _time(each["newest_ms"])
        print(f"{each['account']:20} {each['count']:5} {size:>9}  {since} to {until}  {each['reason']}")
    return FINE


def _replay(arguments: argparse.Namespace) -> int:
    settings = read_settings()
    database = _opened(settings)
    try:
        told = asyncio.run(_replayed(settings, database, arguments.account))
    finally:
        database.close()
    if not told:
        print("nothing is in quarantine")
    for account, one in told.items():
        left = f", {one.left} could not be kept or checked now" if one.left else ""
        print(f"{account}: {one.genuine} genuine and kept, {one.refused} still refused{left}")
    return STILL_REFUSED if any(one.refused or one.left for one in told.values()) else FINE


async def _replayed(settings: Settings, database: Database, wanted: list[str]) -> "dict[str, Replayed]":
    from agents_ui.hooks.accounts import HookedAccounts
    from agents_ui.hooks.keeping import Keeping
    from agents_ui.hooks.quarantine import quarantined
    from agents_ui.hooks.replaying import Replaying
    from router.channels.ingest import Keeper
    from router.journal.committer import Committer
    from router.journal.stream import read_head
    from router.run.hints import Hints
    from router.run.plan_activation import plan_in_force

    with database.reading() as db:
        in_force, site = plan_in_force(db), read_head(db).site
        there = [each["account"] for each in quarantined(db)]
    if in_force is None:
        raise SettingsWrong("no plan is in force: type `muster up` once")
    unknown = sorted(set(wanted) - set(there))
    if unknown:
        raise SettingsWrong(f"nothing of {', '.join(unknown)} is in quarantine")
    plan, hints = in_force[1], Hints(settings.redis_url, site)
    committer = Committer(database, after_commit=hints.publish)
    limits = plan.limits
    keeper = Keeper(
        web_id="",
        read_within_ms=limits.read_within_ms,
        text_off_window_ms=limits.text_off_window_ms,
    )
    keeping = Keeping(committer=committer, keeper=lambda: keeper, count=lambda *_: None)
    accounts = HookedAccounts(lambda: plan, settings).every()
    replaying = Replaying(database, keeping, accounts)
    try:
        return {each: await replaying.replay(each) for each in wanted or there}
    finally:
        await asyncio.to_thread(committer.close)
        await hints.close()


def _opened(settings: Settings) -> Database:
    return open_database(settings.database_url, unsafe=settings.unsafe)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
