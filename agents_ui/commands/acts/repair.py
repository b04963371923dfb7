"""`muster journal repair --from-peer`: damaged rows and content, put back as the other site has them."""

import argparse
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agents_ui.progress_line import ProgressLine
from config.settings import Settings, SettingsWrong, read_settings
from router.journal.database import Database, open_database

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.sites.recovering import PeerRows
    from router.sites.repairing import Repaired
    from router.sites.repairing_content import RepairedContent

FINE: Final = 0
LEFT: Final = 1
"""Something is damaged still."""


def add_repair(questions: "Subparsers") -> None:
    """Add the act to `muster journal`."""
    parser = questions.add_parser(
        "repair",
        help="put damaged rows and content back as the other site has them",
        description="Follows the chain of hashes, names every row that is torn, changed, missing or not at "
        "its place, and puts it back exactly as the other site has it, where the chain proves it. Then reads "
        "all words and files whose hash a row has, and puts back what is damaged or lost, where it is what "
        "the row says. Nothing else is ever changed. The site may run meanwhile. Exit status 1: something "
        "is left.",
    )
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument("--from-peer", action="store_true", help="over the line between the sites")
    ways.add_argument(
        "--from-copy", type=Path, metavar="FILE", help="from the file peer.db of the other site"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_repair)


def run_repair(arguments: argparse.Namespace) -> int:
    """Repair, say what was done; 0 or 1."""
    from router.sites.recovering import PeerGone
    from router.sites.repairing import repair
    from router.sites.repairing_content import repair_content

    settings = read_settings()
    try:
        with (
            closing(open_database(settings.database_url, unsafe=settings.unsafe)) as database,
            _peer(settings, database, arguments) as peer,
            ProgressLine() as line,
        ):
            done = repair(database, peer, line.say)
            content = repair_content(database, peer, line.say)
    except PeerGone as gone:
        raise SettingsWrong(str(gone)) from None
    _tell(done, content, as_json=arguments.json)
    return LEFT if done.left or content.left else FINE


@contextmanager
def _peer(settings: Settings, database: Database, arguments: argparse.Namespace) -> "Iterator[PeerRows]":
    from router.sites.peer_rows import plan_for, rows_over_there
    from router.sites.recovering import CopyAtHand

    if arguments.from_copy is None:
        with rows_over_there(settings, plan_for(settings, database)) as peer:
            yield peer
        return
    if not arguments.from_copy.is_file():
        raise SettingsWrong(f"{arguments.from_copy} is no file: name the other site's peer.db")
    with closing(open_database(f"sqlite:///{arguments.from_copy.absolute()}", unsafe=True)) as copy:
        yield CopyAtHand(copy)


def _tell(done: "Repaired", content: "RepairedContent", *, as_json: bool) -> None:
    if as_json:
        back = [asdict(each) for each in done.back]
        left = [{**asdict(each), "why": why} for each, why in done.left]
        fine = not done.left and not content.left
        said = {"fine": fine, "put_back": back, "left": left, "content": asdict(content)}
        print(json.dumps(said, ensure_ascii=False))
        return
    _tell_rows(done)
    _tell_content(content)


def _tell_content(done: "RepairedContent") -> None:
    for text in done.back:
        print(f"put back: {text}")
    for text, why in done.left:
        print(f"LEFT: {text} ({why})")
    gone = f"; {done.absent} not there at either site (erased, or lost)" if done.absent else ""
    if not done.back and not done.left:
        print(f"No content is damaged: {done.checked} checked{gone}.")
    elif not done.left:
        print(f"All content is what was written again: {done.checked} checked{gone}. Look at that disk.")


def _tell_rows(done: "Repaired") -> None:
    for each in done.back:
        for text in each.texts:
            print(f"put back: {text}")
    for each, why in done.left:
        for text in each.texts:
            print(f"LEFT: {text} ({why})")
    if not done.back and not done.left:
        print("Nothing is damaged: every row continues the one before it.")
    elif not done.left:
        print("Every row continues the one before it again. Look at that disk; type muster journal verify.")
