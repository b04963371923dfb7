"""`muster recover`: gets this site's own journal back from the other site, or goes on without what is lost.

The site must be stopped meanwhile; what is pulled and checked, and how, is router/sites/recovering.py.
"""

import argparse
import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agents_ui.progress_line import ProgressLine
from config.settings import Settings, SettingsWrong, read_settings, site_id_of

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.journal.database import Database
    from router.records import Row
    from router.sites.recovering import PeerRows, Pulled

FINE: Final = 0

RECOVERED: Final = "recovered"
ALONE: Final = "alone"
"""Why an incarnation begins: with everything the other site had, or with what was here only."""


def add_to(subparsers: "Subparsers") -> None:
    """Add `muster recover`."""
    parser = subparsers.add_parser(
        "recover",
        help="get this site's journal back from the other site",
        description="For a site whose database is lost, or older than what the other site has of it. Pulls "
        "every row that is missing here, checks that each follows, and begins a new incarnation of the "
        "journal. Nothing that is here is changed. The site must be stopped; the other one may run. It is "
        "repeated where it was interrupted.",
    )
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument("--from-peer", action="store_true", help="over the line between the sites")
    ways.add_argument(
        "--from-copy",
        type=Path,
        metavar="FILE",
        help="from the file peer.db of the other site, brought on a disk",
    )
    ways.add_argument(
        "--alone",
        action="store_true",
        help="emergency: start with what is here, although the other site may have more; it keeps that apart",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Recover, begin the next incarnation, say so."""
    from router.journal.database import open_database
    from router.run.ground import own_folder
    from router.sites.recovering import CannotRecover, PeerGone
    from router.sites.standstill import StillRunning, wait_until_still

    settings = read_settings()
    lock = own_folder(settings.data_dir)
    try:
        with closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database:
            wait_until_still(database)
            pulled = _pulled(database, settings, arguments)
            begun = _begun(database, alone=pulled is None)
    except (CannotRecover, PeerGone, StillRunning) as problem:
        raise SettingsWrong(str(problem)) from None
    finally:
        os.close(lock)
    _tell(pulled, begun, as_json=arguments.json)
    return FINE


def pull_all(database: "Database", settings: Settings) -> "Pulled":
    """What the other site has more, into a database that is being made again. Raises SettingsWrong."""
    from router.sites.peer_rows import plan_for, rows_over_there
    from router.sites.recovering import CannotRecover, PeerGone, pull

    try:
        with rows_over_there(settings, plan_for(settings, database)) as peer, ProgressLine() as line:
            return pull(database, peer, lambda seq, of: line.say("recovering row", seq, of))
    except (CannotRecover, PeerGone) as problem:
        raise SettingsWrong(str(problem)) from None


def _pulled(database: "Database", settings: Settings, arguments: argparse.Namespace) -> "Pulled | None":
    from router.journal.database import open_database
    from router.sites.peer_rows import plan_for, rows_over_there
    from router.sites.recovering import CopyAtHand

    if arguments.alone:
        return None
    if arguments.from_copy is not None:
        if not arguments.from_copy.is_file():
            raise SettingsWrong(f"{arguments.from_copy} is no file: name the other site's peer.db")
        url = f"sqlite:///{arguments.from_copy.absolute()}"
        with closing(open_database(url, unsafe=True)) as copy:
            return _recover(database, settings, CopyAtHand(copy))
    with rows_over_there(settings, plan_for(settings, database)) as peer:
        return _recover(database, settings, peer)


def _recover(database: "Database", settings: Settings, peer: "PeerRows") -> "Pulled":
    from router.journal.clock import wall_ms
    from router.sites.peer_rows import plan_for
    from router.sites.recovering import recover

    site = site_id_of(settings, plan_for(settings, database))
    with ProgressLine() as line:
        return recover(
            database,
            peer,
            site=site,
            now_ms=wall_ms(),
            say=lambda seq, of: line.say("recovering row", seq, of),
        )


def _begun(database: "Database", *, alone: bool) -> "Row":
    from router.journal.clock import wall_ms
    from router.journal.restoring import finish
    from router.journal.unfinished import BACKUP, unfinished

    with database.reading() as db:
        made_of = unfinished(db)
    if made_of == BACKUP:
        raise SettingsWrong("a restore into this database did not end: repeat muster restore FILE first")
    return finish(database, why=ALONE if alone else RECOVERED, now_ms=wall_ms())


def _tell(pulled: "Pulled | None", begun: "Row", *, as_json: bool) -> None:
    if as_json:
        rows, of = (pulled.rows, pulled.of) if pulled else (0, 0)
        said = {"site": begun.site, "from_peer": rows, "peer_has": of, "alone": pulled is None}
        print(json.dumps({**said, "seq": begun.seq, "incarnation": begun.incarnation}))
        return
    if pulled is None:
        print("Nothing was asked of the other site: it keeps apart what it has more than this site.")
    elif pulled.rows:
        print(f"{pulled.rows} rows came back from the other site, which has {pulled.of} of this site.")
    else:
        print(f"Nothing was missing here: the other site has {pulled.of} rows of this site.")
    print(f"Incarnation {begun.incarnation} begins with row {begun.seq}. Type muster up to start the site.")
