"""`muster check [FILE]`: every contradiction of a plan at once, each with its line."""

import argparse
import json
import sys
from pathlib import Path

from agents_ui.commands import Subparsers
from config.plan import Plan
from config.plan_file import PlanWrong, Problem, parse_plan
from config.settings import read_settings


def add_to(subparsers: Subparsers) -> None:
    """Add `muster check`."""
    words = "list every contradiction of a plan, with file and line"
    parser = subparsers.add_parser("check", help=words, description=words)
    parser.add_argument(
        "file", nargs="?", type=Path, help="the plan (default: MUSTER_PLAN, else the built-in one)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the plan and print what is wrong. 0: nothing; 1: something; 2: there is no such file."""
    file: Path = arguments.file or read_settings().plan_file
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{file}: cannot be read: {error}", file=sys.stderr)
        return 2
    try:
        plan = parse_plan(text, str(file))
    except PlanWrong as wrong:
        _print_problems(file, wrong.problems, as_json=arguments.json)
        return 1
    _print_fine(file, plan, as_json=arguments.json)
    return 0


def _print_problems(file: Path, problems: tuple[Problem, ...], *, as_json: bool) -> None:
    if as_json:
        listed = [{"file": each.file, "line": each.line, "text": each.text} for each in problems]
        print(json.dumps({"file": str(file), "fine": False, "problems": listed}, ensure_ascii=False))
        return
    for problem in problems:
        print(problem)
    print(f"{len(problems)} {'thing' if len(problems) == 1 else 'things'} to put right.")


def _print_fine(file: Path, plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"file": str(file), "fine": True, "problems": [], "digest": plan.digest}))
        return
    print(f"{file}: nothing contradicts anything.")
    print(
        f"{plan.site.name}: {len(plan.queues)} queues, {len(plan.rules)} rules, {len(plan.people)} people, "
        f"{len(plan.channels)} channels, languages {', '.join(plan.site.languages)}."
    )
