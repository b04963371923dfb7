"""`muster journal verify` and `muster journal replay`: is it whole, and would the core decide the same?

Its other questions are in modules of their own: acts/affected.py, acts/repair.py, acts/single_copies.py.
"""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Final

from agents_ui.commands import Subparsers
from agents_ui.commands.acts.affected import add_affected
from agents_ui.commands.acts.repair import add_repair
from agents_ui.commands.acts.single_copies import add_single_copies
from config.settings import Settings, read_settings
from router.journal.database import Database, open_database
from router.journal.replay import Replayed, replay
from router.journal.verify import Contents, Report, verify
from router.records import Fact

FINE: Final = 0
FOUND: Final = 1


def add_to(subparsers: Subparsers) -> None:
    """Add `muster journal` and what can be asked of it."""
    words = "verify, repair or replay the journal; list affected customers"
    parser = subparsers.add_parser("journal", help=words, description=words)
    questions = parser.add_subparsers(title="questions", metavar="QUESTION", required=True)
    verify = questions.add_parser(
        "verify",
        help="check every row's hash, all content, and every table against the journal",
        description="Follows the chain of hashes row by row, compares words and files with the hashes that "
        "rows have of them, then fills an empty database from the journal and compares all tables. Names "
        "each damaged row, each damaged content and each difference. "
        "Exit status 1: something was found.",
    )
    verify.add_argument(
        "--of-peer", action="store_true", help="the copy of the other site that is kept at this one"
    )
    verify.set_defaults(run=run_verify)
    replay = questions.add_parser(
        "replay",
        help="let the core decide everything again and compare",
        description="Shows the journal to a fresh core exactly as the router did, and compares every "
        "decision byte for byte. Stops at the first difference. Exit status 1: there is one.",
    )
    replay.set_defaults(run=run_replay)
    add_single_copies(questions)
    add_affected(questions)
    add_repair(questions)
    for each in (verify, replay):
        each.add_argument("--json", action="store_true", help="print one JSON object")


def run_verify(arguments: argparse.Namespace) -> int:
    """Verify, say what was found; 0 or 1."""
    settings = read_settings()
    with closing(_journal(settings, of_peer=arguments.of_peer)) as database, database.reading() as db:
        report: Report = verify(db, _progress("row"))
    fine = not report.problem_count and not report.contents.damaged
    if arguments.json:
        print(json.dumps({"fine": fine, **asdict(report)}, ensure_ascii=False))
        return FINE if fine else FOUND
    for problem in report.problems:
        print(f"{problem.where}: {problem.text}")
    for text in report.contents.texts:
        print(f"content: {text}")
    tables = ", ".join(f"{count} {name}" for name, count in sorted(report.compared.items()) if count)
    print(
        f"Site {report.site}, incarnation {report.incarnation}: {report.rows} rows up to {report.head_seq}."
    )
    print(f"Compared with the tables: {tables or 'all are empty'}.")
    print(_contents(report.contents))
    count = report.problem_count + report.contents.damaged
    more = count - len(report.problems) - len(report.contents.texts)
    tail = f" ({more} more not listed)" if more else ""
    print("The journal is whole and the tables say the same." if fine else f"{_things(count)}{tail}.")
    return FINE if fine else FOUND


def _journal(settings: Settings, *, of_peer: bool) -> Database:
    if not of_peer:
        return open_database(settings.database_url, unsafe=settings.unsafe)
    from router.sites.copies import open_copy

    return open_copy(settings)


def _contents(found: Contents) -> str:
    """One line: what could be checked, and what could not."""
    return (
        f"Content checked: {found.checked}, damaged: {found.damaged}; "
        f"not there (erased, or lost): {found.absent}; named without a hash: {found.unhashed}."
    )


def run_replay(arguments: argparse.Namespace) -> int:
    """Replay, say what differs; 0 or 1."""
    settings = read_settings()
    seen = Replayed()
    progress = _progress("row")
    with (
        closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database,
        database.reading() as db,
    ):
        for seen in replay(db):
            progress(seen.rows)
    fine = seen.difference is None
    if arguments.json:
        print(json.dumps({"fine": fine, **asdict(seen)}, ensure_ascii=False))
        return FINE if fine else FOUND
    print(f"{seen.rows} rows, {seen.groups} groups, {seen.decisions} decisions.")
    if seen.passed_over:
        print(f"{seen.passed_over} groups of safe mode were passed over: the core did not decide them.")
    if seen.difference is None:
        print("The core decides the same again, byte for byte.")
        return FINE
    found = seen.difference
    print(
        f"First difference at row {found.seq} (group {found.group_seq}, decided by release {found.release}):"
    )
    print(f"  recorded: {_fact(found.recorded)}")
    print(f"  replayed: {_fact(found.replayed)}")
    return FOUND


def _fact(found: Fact | None) -> str:
    return "nothing" if found is None else f"{found.kind} {found.ref} {found.data}"


def _things(count: int) -> str:
    return f"{count} {'thing is' if count == 1 else 'things are'} not as written"


def _progress(what: str) -> Callable[[int], None]:
    """Says on a terminal how far a long check has come; says nothing into a pipe."""
    if not sys.stderr.isatty():
        return lambda count: None

    def say(count: int) -> None:
        sys.stderr.write(f"\r{what} {count}\r")
        sys.stderr.flush()

    return say
