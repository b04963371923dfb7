"""The program `muster`: finds the command that was asked for, runs it, and says in one line what is wrong.

Only the chosen command is imported: `muster check` must not pay for a web server, and one command that does
not load must not take the others with it. What a command does is in agents_ui/commands/.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from agents_ui.commands import Subparsers

COMMANDS: Final[Mapping[str, str]] = {
    "up": "start everything on this machine and stay until Ctrl-C",
    "prepare": "make tables, plan and people for roles started apart",
    "web": "the role that serves desks, customers and the API",
    "router": "the role that decides; one is active, others stand by",
    "worker": "the role that delivers and does slow chores",
    "mail": "the role that takes mail by SMTP",
    "voice": "the role that has the calls",
    "peer": "the role that talks with the other site",
    "demo": "send a believable stream of chats to a running centre",
    "check": "list every contradiction in a plan, with file and line",
    "triage": "show which rule a message meets, and why",
    "people": "list, add and remove people, reset passwords, end sessions",
    "two": "start two whole sites on this machine, and stay until Ctrl-C",
    "site": "how two sites stand; take over, return, reroute",
    "hooks": "list refused requests, and look at them once more",
    "journal": "verify, repair, replay; list affected customers",
    "backup": "make one verified file of the whole database",
    "restore": "make an empty database what a backup says",
    "recover": "get this site's journal back from the other site",
    "why": "explain an offer: who was passed over, and for which reason",
}
"""Every command and its one line, in the order people need them (tested against agents_ui/commands/)."""

MODULES: Final[Mapping[str, str]] = {"site": "two_sites"}
"""Where a command's module has another name: Python itself has one that is called `site`."""

EXIT_WRONG: Final = 2
"""Something the person can put right: a setting, the plan, the way it was typed. argparse uses 2 as well."""

EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, what shells report for Ctrl-C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_WRONG
    except Exception as error:
        if not isinstance(error, _errors_of_people()):
            raise
        sys.stderr.write(f"muster: {error}\n")
        return EXIT_WRONG


def _run(words: list[str]) -> int:
    parser, subparsers = _parser()
    chosen = next((word for word in words if not word.startswith("-")), "")
    for name, line in COMMANDS.items():
        if name == chosen:
            importlib.import_module(f"agents_ui.commands.{MODULES.get(name, name)}").add_to(subparsers)
        else:
            subparsers.add_parser(name, help=line)
    arguments = parser.parse_args(words)
    if "run" not in arguments:
        parser.print_help()
        return EXIT_WRONG if words else 0
    status: int = arguments.run(arguments)
    return status


def _parser() -> tuple[argparse.ArgumentParser, Subparsers]:
    parser = argparse.ArgumentParser(
        prog="muster",
        description="Muster is a contact centre for emergencies. `muster up` starts one on this machine.",
        epilog="`muster COMMAND --help` says more. Settings are environment variables; README.md lists them.",
    )
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND")


def _errors_of_people() -> tuple[type[Exception], ...]:
    """Errors whose message already says what to type. Imported only when something was raised."""
    from config.problems import PlanWrong
    from config.settings import SettingsWrong
    from router.journal.connection import DatabaseGone, DatabaseUnsafe
    from router.journal.restore import NoPlan
    from router.journal.stream import NoStream

    return (SettingsWrong, PlanWrong, DatabaseUnsafe, DatabaseGone, NoPlan, NoStream)


if __name__ == "__main__":
    sys.exit(main())
