"""`muster restore FILE`: an empty database becomes what a backup says, in a new incarnation."""

import argparse
import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agents_ui.progress_line import ProgressLine
from config.settings import Settings, SettingsWrong, read_settings

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.journal.backup import Manifest
    from router.journal.database import Database
    from router.journal.verify import Report

FINE: Final = 0
DAMAGED: Final = 1
"""What was restored is not whole: nothing starts on it, unless `--anyway` is said."""


def add_to(subparsers: "Subparsers") -> None:
    """Add `muster restore`."""
    parser = subparsers.add_parser(
        "restore",
        help="make an empty database what a backup says",
        description="Fills an empty database, SQLite or PostgreSQL (DATABASE_URL), from a file that `muster "
        "backup` made, verifies it, and begins a new incarnation of the site's journal. It never writes over "
        "anything, and is repeated where it was interrupted. Exit status 1: the backup is damaged.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="what `muster backup` made")
    parser.add_argument(
        "--with-peer",
        action="store_true",
        help="go on with what the other site has of this site's journal after the backup",
    )
    parser.add_argument("--anyway", action="store_true", help="also from a damaged backup")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Restore, verify, begin; 0 or 1."""
    from router.journal.backup import NoBackup
    from router.journal.database import open_database
    from router.journal.restoring import NotEmpty
    from router.run.ground import own_folder
    from router.sites.standstill import StillRunning, wait_until_still

    settings = read_settings()
    if not arguments.file.is_file():
        raise SettingsWrong(f"{arguments.file} is no file: name one that `muster backup` made")
    lock = own_folder(settings.data_dir)
    try:
        with closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database:
            wait_until_still(database)
            return _restore(database, settings, arguments)
    except (NoBackup, NotEmpty, StillRunning) as problem:
        raise SettingsWrong(str(problem)) from None
    finally:
        os.close(lock)


def _restore(database: "Database", settings: Settings, arguments: argparse.Namespace) -> int:
    from router.journal.clock import wall_ms
    from router.journal.restoring import finish, restore_backup
    from router.journal.verify import verify

    with ProgressLine() as line:
        manifest = restore_backup(
            database,
            arguments.file,
            now_ms=wall_ms(),
            say=lambda table, rows: line.say(f"{table}, row", rows),
        )
        with database.reading() as db:
            report = verify(db, lambda seq: line.say("verifying row", seq, manifest.seq))
    if report.problem_count and not arguments.anyway:
        _tell_damage(report)
        return DAMAGED
    if report.contents.damaged and not arguments.json:
        print(f"{report.contents.damaged} words or files of it are damaged: type muster journal repair.")
    pulled = _from_peer(database, settings) if arguments.with_peer else 0
    begun = finish(database, why="restored", now_ms=wall_ms())
    _tell(manifest, pulled, begun.seq, begun.incarnation, as_json=arguments.json)
    return FINE


def _from_peer(database: "Database", settings: Settings) -> int:
    from agents_ui.commands.recover import pull_all

    return pull_all(database, settings).rows


def _tell_damage(report: "Report") -> None:
    for problem in report.problems:
        print(f"{problem.where}: {problem.text}")
    print(
        "The backup is damaged, and nothing starts on what was made of it. Take another backup, or repeat "
        "with --anyway."
    )


def _tell(manifest: "Manifest", pulled: int, seq: int, incarnation: str, *, as_json: bool) -> None:
    if as_json:
        said = {"site": manifest.site, "backup_seq": manifest.seq, "from_peer": pulled}
        print(json.dumps({**said, "seq": seq, "incarnation": incarnation}))
        return
    print(f"Site {manifest.site}: {manifest.seq} rows from the backup, verified.")
    if pulled:
        print(f"{pulled} later rows from the other site.")
    print(f"Incarnation {incarnation} begins with row {seq}. Type muster up to start the site.")
