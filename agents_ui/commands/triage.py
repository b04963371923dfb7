"""`muster triage "text" --channel chat`: what the plan's rules make of a text, and why."""

import argparse
import json
import sys
import time

import msgspec

from agents_ui.commands import Subparsers
from config.plan import Plan
from config.plan_file import PlanWrong, parse_plan
from config.settings import read_settings
from skills.requirement import Requirement
from skills.triage import CHANNEL_RULE, Contact, Reading, Triage, Tried


def add_to(subparsers: Subparsers) -> None:
    """Add `muster triage`."""
    words = "print what the rules make of a text, and why"
    parser = subparsers.add_parser("triage", help=words, description=words)
    parser.add_argument("text", help="what the customer writes")
    parser.add_argument("--channel", required=True, help="the id of a channel of the plan, e.g. chat")
    parser.add_argument("--address", default="", help="where it comes from")
    parser.add_argument("--language", default="", help="the language of the customer's earlier messages")
    parser.add_argument("--repeats", type=int, default=1, help="contacts of this customer in the last hour")
    parser.add_argument("--plan", help="a plan (default: MUSTER_PLAN, else the built-in one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the text by the plan and print the result. 0: done; 1: the plan is wrong; 2: wrong arguments."""
    file = arguments.plan or str(read_settings().plan_file)
    try:
        with open(file, encoding="utf-8") as opened:
            plan = parse_plan(opened.read(), file)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{file}: cannot be read: {error}", file=sys.stderr)
        return 2
    except PlanWrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    mistake = _mistake(plan, arguments)
    if mistake:
        print(mistake, file=sys.stderr)
        return 2
    triage = Triage(plan)
    contact = Contact(
        channel=arguments.channel,
        text=arguments.text,
        at_ms=time.time_ns() // 1_000_000,
        address=arguments.address,
        earlier_language=arguments.language,
        repeats=arguments.repeats,
    )
    _print(plan, triage.read(contact), triage.tried(contact), as_json=arguments.json)
    return 0


def _mistake(plan: Plan, arguments: argparse.Namespace) -> str:
    channels = [channel.channel_id for channel in plan.channels]
    if arguments.channel not in channels:
        return f"there is no channel {arguments.channel!r}: give one of {', '.join(channels)}"
    if arguments.language and arguments.language not in plan.site.languages:
        return f"{arguments.language!r} is not served: give one of {', '.join(plan.site.languages)}"
    return ""


def _print(plan: Plan, reading: Reading, tried: tuple[Tried, ...], *, as_json: bool) -> None:
    if as_json:
        values = msgspec.to_builtins(reading) | {"tried": msgspec.to_builtins(tried)}
        print(json.dumps(values, ensure_ascii=False))
        return
    queue = next(queue for queue in plan.queues if queue.queue_id == reading.queue_id)
    rule = "no rule: the channel's own" if reading.rule_id == CHANNEL_RULE else f"rule {reading.rule_id}"
    print(f"urgency {reading.urgency} in queue {queue.name} ({rule})")
    print(f"  because    {'; '.join(reading.hits) or 'no rule matched'}")
    print(f"  language   {reading.language or 'too little text to tell'}")
    print(f"  the agent  {_asked(reading.requirement)}")
    passed = [each.rule_id for each in tried if not each.matched]
    print(f"  tried      {', '.join(passed) or 'nothing'} before it")


def _asked(requirement: Requirement) -> str:
    """A requirement in words, without what the queue asks on top."""
    parts = [f"{skill} {level} or more" for skill, level in requirement.require]
    if requirement.require_any:
        parts.append("one of " + ", ".join(f"{skill} {level}" for skill, level in requirement.require_any))
    parts += [f"without {skill}" for skill in requirement.forbid]
    parts += [f"rather with {skill} {level}" for skill, level in requirement.prefer]
    return "; ".join(parts) or "anybody the queue allows"
