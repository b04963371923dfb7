"""`muster journal single-copies`: which contacts are at this site only, should it burn down now."""

import argparse
import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from config.settings import read_settings
from router.journal.clock import wall_ms
from router.journal.database import Connection, open_database
from router.sites.copy_gaps import SingleCopies, acked_through, behind, has_peer, single_copies

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

LISTED: Final = 1_000

NONE: Final = 0
SOME: Final = 1


def add_single_copies(questions: "Subparsers") -> None:
    """Add the question to `muster journal`."""
    parser = questions.add_parser(
        "single-copies",
        help="list the contacts that the other site does not have",
        description="Lists the contacts that were acknowledged although the other site did not have them in "
        "time, and has not got them since: when each came, and its interaction. "
        "Exit status 1: there are some.",
    )
    parser.add_argument("--limit", type=int, default=LISTED, help=f"list at most so many ({LISTED})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_single_copies)


def run_single_copies(arguments: argparse.Namespace) -> int:
    """Print them; 0: there are none, 1: there are some."""
    settings = read_settings()
    with (
        closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database,
        database.reading() as db,
    ):
        return _print(db, arguments)


def _print(db: Connection, arguments: argparse.Namespace) -> int:
    count = SingleCopies().count(db)
    listed = single_copies(db, limit=max(0, arguments.limit))
    rows, ms = behind(db, wall_ms()) if has_peer(db) else (0, 0)
    if arguments.json:
        contacts = [
            {"seq": each.seq, "at": _time(each.at_ms), "interaction_id": each.interaction_id}
            for each in listed
        ]
        found = {"count": count, "acked_through": acked_through(db), "behind_rows": rows, "behind_ms": ms}
        print(json.dumps({**found, "contacts": contacts}, ensure_ascii=False))
        return SOME if count else NONE
    for each in listed:
        print(f"{_time(each.at_ms)}  row {each.seq}  {each.interaction_id}")
    if len(listed) < count:
        print(f"… and {count - len(listed)} more (--limit)")
    print(_sum(db, count, rows, ms))
    return SOME if count else NONE


def _sum(db: Connection, count: int, rows: int, ms: int) -> str:
    if not has_peer(db):
        return "This is one site alone: there is no other one that could have a second copy."
    lag = f"It is {rows} rows behind, the oldest {ms / 1000:.1f} s old." if rows else "It has everything."
    what = {0: "No contact is", 1: "1 contact is"}.get(count, f"{count} contacts are")
    return f"{what} at this site only. The other site has row {acked_through(db)}. {lag}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
