"""`muster journal affected`: the list for welfare calls, in words, as CSV or JSON. Every look is recorded."""

import argparse
import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from agents_ui.moments import moment_ms
from agents_ui.progress_line import ProgressLine
from config.settings import Settings, SettingsWrong, read_settings
from router.journal.database import Database, open_database

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from config.plan import Plan
    from router.sites.affected import Affected

FINE: Final = 0

LOOKS_AT_ONCE: Final = 500
"""Facts of one append: a list of thousands must not hold the counter for long."""

COLUMNS: Final = (
    "urgency", "arrived", "waited_s", "reasons", "name", "addresses", "channel", "account", "language",
    "queue", "state", "answered", "agent", "disposition", "interaction",
)  # fmt: skip

_FORMULA: Final = ("=", "-", "@", "\t", "\r")
"""What a spreadsheet would compute. A plus sign is of a telephone number, and stays where digits follow."""


def add_affected(questions: "Subparsers") -> None:
    """Add the question to `muster journal`."""
    parser = questions.add_parser(
        "affected",
        help="list the customers whose contact suffered, for welfare calls",
        description="Lists whose contact was delayed, at one site only, answered twice, adopted, given up, "
        "lost, or answered by what did not arrive: most urgent first, with name and address. Each line is "
        "recorded as a look at that customer. Times are local to the site: 2026-11-22, or 2026-11-22T03:40.",
    )
    parser.add_argument("--from", dest="begins", required=True, metavar="TIME", help="when the trouble began")
    parser.add_argument("--to", dest="ends", required=True, metavar="TIME", help="when it was over")
    parser.add_argument(
        "--longer-than",
        type=int,
        default=0,
        metavar="S",
        help="what counts as delayed, instead of targets",
    )
    parser.add_argument(
        "--of-peer", action="store_true", help="what the other site had, from its copy at this one"
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON object")
    shape.add_argument("--csv", action="store_true", help="print a table for a spreadsheet")
    parser.set_defaults(run=run_affected)


def run_affected(arguments: argparse.Namespace) -> int:
    """Find them, record the looks, print them."""
    from router.journal.clock import wall_ms
    from router.run.plan_activation import plan_in_force
    from router.sites.affected import affected

    settings = read_settings()
    with closing(open_database(settings.database_url, unsafe=settings.unsafe)) as own:
        with own.reading() as db:
            in_force = plan_in_force(db)
        if in_force is None:
            raise SettingsWrong("no plan is in force: type `muster up` once")
        plan = in_force[1]
        zone = plan.site.time_zone
        from_ms, until_ms = moment_ms(arguments.begins, zone), moment_ms(arguments.ends, zone)
        if from_ms >= until_ms:
            raise SettingsWrong(f"--from {arguments.begins} is not before --to {arguments.ends}")
        with closing(_source(settings, of_peer=arguments.of_peer)) as source, source.reading() as db:
            found = affected(
                db,
                plan,
                from_ms=from_ms,
                until_ms=until_ms,
                now_ms=wall_ms(),
                longer_than_ms=arguments.longer_than * 1_000,
            )
        _record(own, found)
    _print(found, plan, arguments)
    return FINE


def _source(settings: Settings, *, of_peer: bool) -> Database:
    if not of_peer:
        return open_database(settings.database_url, unsafe=settings.unsafe)
    from router.sites.copies import open_copy

    return open_copy(settings)


def _record(own: Database, found: "Sequence[Affected]") -> None:
    """First on record, then shown: whoever cannot be recorded as looking is shown nothing."""
    from router.journal.appends import FactsAppend
    from router.journal.committer import Committer
    from router.sites.affected import looks
    from router.sites.ground import person_here

    facts = looks(found, person_here())
    committer = Committer(own)
    try:
        with ProgressLine() as line:
            for at in range(0, len(facts), LOOKS_AT_ONCE):
                line.say("recording look", at, len(facts))
                part = tuple(facts[at : at + LOOKS_AT_ONCE])
                committer.submit(FactsAppend(facts_to_append=part)).result()
    finally:
        committer.close()


def _print(found: "Sequence[Affected]", plan: "Plan", arguments: argparse.Namespace) -> None:
    if arguments.json:
        customers = [{**asdict(each), "accepted_at": _utc(each.accepted_at_ms)} for each in found]
        print(json.dumps({"count": len(found), "affected": customers}, ensure_ascii=False))
    elif arguments.csv:
        print(csv_of(found, plan), end="")
    else:
        _print_words(found, plan)


def csv_of(found: "Sequence[Affected]", plan: "Plan") -> str:
    """The table for a spreadsheet, in which nothing that a customer wrote is computed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in found:
        writer.writerow([_cell(value) for value in _row(each, plan)])
    return text.getvalue()


def _row(each: "Affected", plan: "Plan") -> list[str]:
    addresses = " ".join(address for _, address in each.addresses)
    return [
        str(each.urgency) if each.urgency else "unread",
        _local(each.accepted_at_ms, plan),
        str(each.waited_ms // 1_000),
        " ".join(each.reasons),
        each.name,
        addresses,
        each.channel,
        each.account,
        each.language,
        each.queue_id,
        each.closed_why or each.state,
        _local(each.answered_at_ms, plan) if each.answered_at_ms else "",
        each.agent_id,
        each.disposition,
        each.interaction_id,
    ]


def _cell(value: str) -> str:
    plus = value.startswith("+") and not value[1:2].isdigit()
    return f"'{value}" if value.startswith(_FORMULA) or plus else value


def _print_words(found: "Sequence[Affected]", plan: "Plan") -> None:
    if found:
        print(f"Times are those of {plan.site.time_zone}.")
    for each in found:
        for line in _words(each, plan):
            print(line)
    count = f"{len(found)} contact was" if len(found) == 1 else f"{len(found)} contacts were"
    print(f"{count} affected; each look is recorded.")


def _words(each: "Affected", plan: "Plan") -> tuple[str, str, str]:
    from router.sites.affected import WORDS

    who = each.name or "name not known"
    where = ", ".join(address for _, address in each.addresses) or "no address known"
    urgency = f"urgency {each.urgency}" if each.urgency else "nobody had read it"
    language = f", speaks {each.language}" if each.language else ""
    why = "; ".join(WORDS[reason] for reason in each.reasons)
    return (
        f"{_local(each.accepted_at_ms, plan)}  {urgency}  {who}  {where}  ({each.channel}{language})",
        f"    {why}; waited {each.waited_ms // 1_000} s; {each.closed_why or each.state}",
        f"    {each.interaction_id}",
    )


def _local(at_ms: int, plan: "Plan") -> str:
    return datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(plan.site.time_zone)).strftime("%Y-%m-%d %H:%M:%S")


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat()
