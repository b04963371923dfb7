"""The commands of `muster`, one module each.

A module NAME.py (or as cli.MODULES calls it) has `add_to(subparsers) -> None`, which adds the parser NAME and
sets its default `run=function(arguments) -> int`, the exit status. cli.py imports only the one asked for.
"""

import argparse
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What add_to is given. argparse has no public name for it."""
