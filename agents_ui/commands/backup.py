"""`muster backup FILE`: one file of everything a site knows, made while the site runs, and verified."""

import argparse
import json
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.settings import SettingsWrong, read_settings

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.journal.backup import Backup
    from router.journal.database import Database

FINE: Final = 0
DAMAGED: Final = 1
"""The backup was made, but the journal in it is damaged."""


def add_to(subparsers: "Subparsers") -> None:
    """Add `muster backup`."""
    parser = subparsers.add_parser(
        "backup",
        help="make one verified file of the whole database, while everything runs",
        description="Copies one moment of the database, SQLite or PostgreSQL, into one SQLite file while "
        "everything runs; checks every row's hash and every table; only then gives it its name. `muster "
        "restore FILE` makes a database of it again. Secrets and Redis are not in it. Exit status 1: the "
        "journal is damaged; the file ends in `.damaged`, and `muster journal verify` says where.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file to make, or a folder to make it in")
    parser.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="in a folder: remove all but the newest N of this site",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make it and say what it is; 0 or 1."""
    from agents_ui.progress_line import ProgressLine
    from router.journal.backup import back_up, prune
    from router.journal.clock import wall_ms
    from router.journal.database import open_database

    settings = read_settings()
    if arguments.keep and not arguments.file.is_dir():
        raise SettingsWrong(f"--keep removes old backups from a folder, and {arguments.file} is none")
    now_ms = wall_ms()
    try:
        with closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database:
            path = _path(arguments.file, database, now_ms)
            with ProgressLine() as line:
                made = back_up(database, path, release=version("muster"), now_ms=now_ms, say=line.say)
        removed = (
            prune(path.parent, made.manifest.site, arguments.keep) if arguments.keep and made.fine else ()
        )
    except OSError as problem:
        raise SettingsWrong(
            f"cannot write {arguments.file} ({problem.strerror}): name a folder with room for it"
        ) from None
    _tell(made, [str(each) for each in removed], as_json=arguments.json)
    return FINE if made.fine else DAMAGED


def _path(wanted: Path, database: "Database", now_ms: int) -> Path:
    """In a folder a name that sorts by time."""
    from router.journal.stream import read_head

    if not wanted.is_dir():
        return wanted
    with database.reading() as db:
        head = read_head(db)
    return wanted / f"{head.site}-{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%dT%H%M%SZ}-{head.seq}.db"


def _tell(made: "Backup", removed: list[str], *, as_json: bool) -> None:
    about = made.manifest
    if as_json:
        said = {"fine": made.fine, "file": str(made.path), "bytes": made.bytes, "removed": removed}
        head = {"site": about.site, "incarnation": about.incarnation, "seq": about.seq, "hash": about.hash}
        print(json.dumps({**said, **head, "at_ms": about.at_ms}))
        return
    print(f"{made.path}: {made.bytes / 1e6:.1f} MB, site {about.site}, {about.seq} rows, head {about.hash}")
    if made.fine:
        print("Verified: the journal in it is whole and its tables say the same.")
    else:
        print(f"The journal is damaged ({made.report.problem_count} things are not as written).")
        print(
            "This file is kept, but do not rely on it: type muster journal verify, and muster journal repair."
        )
    for each in removed:
        print(f"removed {each}")
