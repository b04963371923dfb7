"""`muster prepare`: makes the database ready for roles that are started one by one, and ends."""

import argparse
from typing import TYPE_CHECKING, Final

from config.settings import read_settings

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers

PREPARE: Final = "prepare"
"""Who activated a plan that was found changed in its file."""


def add_to(subparsers: "Subparsers") -> None:
    """Add the command; its settings are environment variables."""
    parser = subparsers.add_parser(
        PREPARE,
        help="make tables, plan and people for roles started apart",
        description="Makes the tables of DATABASE_URL, or adds to those of an older release what this one "
        "needs; puts MUSTER_PLAN in force, if it has changed; adds people who are new and prints their "
        "one-time passwords. Typed again it changes nothing. `muster up` does all this by itself.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare; 0, or an error in one line."""
    from agents_ui.preparation import prepare, show_sign_ins

    plan, sign_ins = prepare(read_settings(), say=print, by=PREPARE)
    show_sign_ins(sign_ins, say=print)
    print(f"the database of {plan.site.name} is ready for its roles")
    return 0
