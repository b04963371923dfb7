"""`muster site`: how two sites stand, what a take-over would do, and the acts themselves.

Everything works on the two databases alone: with Redis, the web, sign-in and the peer role dead. Each act
asks once on a terminal (type the site's name), or wants --yes.
"""

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final  # Any: JSON

from config.settings import SettingsWrong, read_settings

if TYPE_CHECKING:
    from agents_ui.commands import Subparsers
    from router.sites.ground import Ground

DRILL_S: Final = 240.0
"""Longer than any drill goes on."""

FINE: Final = 0
FOUND: Final = 1
"""Refused, not ready, or an action that is not done: what was printed says which."""

Act = Callable[["Ground", argparse.Namespace], int]


def add_to(subparsers: "Subparsers") -> None:
    """Add `muster site` and everything that can be asked of it."""
    parser = subparsers.add_parser(
        "site",
        help="how two sites stand; take over, return, reroute",
        description="The pair of sites that this one belongs to. Works on databases alone: Redis, the web "
        "and sign-in may be dead. Exit status 1: it was refused, or something is not ready.",
    )
    things = parser.add_subparsers(title="things", metavar="THING", required=True)
    _add(things, "status", _status, "who serves what, what is observed of both sites, how far the copies are")
    _add(things, "readiness", _readiness, "what would be in the way of a take-over, and what to do about it")
    dry = _add(things, "dry-run", _dry_run, "what a take-over or a return would do; changes nothing")
    dry.add_argument("act", nargs="?", choices=("take-over", "return"), default="take-over")
    taking = _add(things, "take-over", _take_over, "serve what the other site served: it is gone")
    taking.add_argument("--assigned", action="store_true", help="also what agents there hold")
    taking.add_argument("--anyway", action="store_true", help="although it is refused; this is recorded")
    home = _add(things, "return", _return, "give the other site's traffic back to it: it is there again")
    for each in (dry, taking, home):
        each.add_argument(
            "domain", nargs="?", default="", metavar="SITE", help="whose traffic; the other site's"
        )
    moving = _add(things, "reroute", _reroute, "give a share of what waits here to the other site")
    moving.add_argument("scope", help="all, urgency/<1 to 5>, channel/<id> or queue/<id>")
    moving.add_argument("share", type=int, help="0 (no more), 10, 20 … 100 percent")
    moving.add_argument("--dry-run", action="store_true", help="say what it would do; change nothing")
    saying = _add(things, "override", _override, "say what a site's state is, beside what is observed")
    saying.add_argument("state", help="a word of NENA's, e.g. Down; `none` takes it back")
    saying.add_argument("--site", default="", help="which site; this one when left out")
    actions = _add(things, "actions", _actions, "what providers are told, and how far that is")
    actions.add_argument("--run", action="store_true", dest="run_due", help="try now whatever is due")
    actions.add_argument("--again", default="", metavar="RUN", help="make this one due again, and try it")
    for each in (taking, home, moving, saying):
        each.add_argument("--why", default="", help="for the record, and for whoever comes second")
        each.add_argument("--yes", action="store_true", help="do not ask")
    drill = _add(things, "drill", _drill, "rehearse: contacts of our own go the whole way, a share there")
    drill.add_argument("--share", type=int, default=-1, help="percent of them; the plan's when left out")
    drill.add_argument("--count", type=int, default=20, help="how many are sent (20)")
    drill.add_argument("--list", action="store_true", help="only show what came of earlier drills")
    keys = things.add_parser("keys", help="make the key and the certificates of the pair")
    keys.add_argument("folder", type=Path, help="where the folders of both sites are made")
    keys.add_argument("sites", nargs="*", metavar="SITE", help="their ids; those of the plan when left out")
    keys.add_argument("--json", action="store_true", help="print one JSON object")
    keys.set_defaults(run=_keys)


def _add(things: Any, name: str, act: Act, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = things.add_parser(
        name, help=words, description=words[0].upper() + words[1:] + "."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=lambda arguments: _on_ground(act, arguments))
    return parser


def _on_ground(act: Act, arguments: argparse.Namespace) -> int:
    """Refusals are printed with what to do; an act that broke off says that the same command goes on."""
    from router.journal.committer import CommitUnknown
    from router.sites.acts import ActRefused
    from router.sites.ground import open_ground

    try:
        with open_ground(read_settings()) as ground:
            return act(ground, arguments)
    except ActRefused as refused:
        if arguments.json:
            _print_json({"refused": [asdict(each) for each in refused.refusals]})
        for each in refused.refusals:
            sys.stderr.write(f"Refused: {each.text}.\n  What to do: {each.todo}.\n")
        return FOUND
    except CommitUnknown as problem:
        raise SettingsWrong(
            f"the database did not say whether it was written ({problem}): type the same once more"
        ) from None


def _status(ground: "Ground", arguments: argparse.Namespace) -> int:
    from agents_ui.site_words import standing_lines
    from router.sites.standing import standing

    report = standing(ground)
    _print(arguments, report, standing_lines(report))
    return FINE


def _readiness(ground: "Ground", arguments: argparse.Namespace) -> int:
    """What the peer role found within the last two minutes; else asked here, with this shell's secrets."""
    from importlib.metadata import version

    from agents_ui.site_words import problem_lines
    from router.run.housekeeping import disk_used_pct
    from router.sites.readiness import EVERY_MS, Machine, problems
    from router.sites.status import readiness_key, status_of

    with ground.own.reading() as db:
        kept = status_of(db, readiness_key(ground.site))
        other = status_of(db, readiness_key(ground.peer))
    if kept.fresh(ground.clock(), 2 * EVERY_MS):
        found = list(kept.data.get("problems", []))
    else:
        data_dir = ground.settings.data_dir
        machine = Machine(release=version("muster"), disk_used_pct=lambda: disk_used_pct(data_dir))
        found = [asdict(each) for each in problems(ground, machine)]
    theirs = list(other.data.get("problems", []))
    here, there = ground.name_of(ground.site), ground.name_of(ground.peer)
    lines = [f"{here} is ready." if not found else f"{here} is not ready:", *problem_lines(found)]
    if other.at_ms:
        lines += [f"{there} said that it is ready." if not theirs else f"{there} said that it is not ready:"]
        lines += problem_lines(theirs)
    _print(arguments, {"site": ground.site, "problems": found, "other": theirs}, lines)
    return FOUND if found else FINE


def _dry_run(ground: "Ground", arguments: argparse.Namespace) -> int:
    report = _report(ground, arguments.domain, arguments.act)
    _print(arguments, report, report["lines"])
    return FOUND if report["refusals"] else FINE


def _report(ground: "Ground", domain: str, act: str) -> dict[str, Any]:
    from router.sites.acts import domains_of
    from router.sites.dry_run import dry_run
    from router.sites.returning import return_dry_run

    if act == "return":
        return return_dry_run(ground, domain or ground.peer)
    with ground.own.reading() as own, ground.copy.reading() as copy:
        domains = (domain,) if domain else domains_of(ground, own, copy)
    return dry_run(ground, domains)


def _take_over(ground: "Ground", arguments: argparse.Namespace) -> int:
    from agents_ui.progress_line import ProgressLine
    from agents_ui.site_actions import run_due_actions
    from agents_ui.site_words import taken_lines
    from router.sites.acts import take_over
    from router.sites.ground import person_here

    _ask(ground, arguments, _report(ground, arguments.domain, "take-over")["lines"])
    with ProgressLine() as line:
        taken = take_over(
            ground,
            who=person_here(),
            why=arguments.why,
            command_id=uuid.uuid4().hex,
            domains=(arguments.domain,) if arguments.domain else (),
            with_assigned=arguments.assigned,
            anyway=arguments.anyway,
            progress=lambda done, of: line.say("taking over", done, of),
        )
    runs = asyncio.run(run_due_actions(ground))
    first = {domain: asdict(owner) for domain, owner in taken.first.items()}
    report = {
        "domains": list(taken.domains),
        "first": first,
        "adopted": taken.adopted,
        "known": taken.known,
        "orders": taken.orders,
        "took_ms": taken.took_ms,
        "actions": runs,
    }
    _print(arguments, report, [*taken_lines(ground, taken), *_run_lines(runs)])
    return FINE


def _return(ground: "Ground", arguments: argparse.Namespace) -> int:
    from agents_ui.site_actions import run_due_actions
    from agents_ui.site_words import returned_lines
    from router.sites.ground import person_here
    from router.sites.returning import return_home

    domain = arguments.domain or ground.peer
    _ask(ground, arguments, _report(ground, domain, "return")["lines"])
    done = return_home(
        ground, domain=domain, who=person_here(), why=arguments.why, command_id=uuid.uuid4().hex
    )
    runs = asyncio.run(run_due_actions(ground))
    first = asdict(done.first) if done.first else None
    report = {"domain": domain, "first": first, **asdict(done.left), "actions": runs}
    _print(arguments, report, [*returned_lines(ground, done), *_run_lines(runs)])
    return FINE


def _reroute(ground: "Ground", arguments: argparse.Namespace) -> int:
    from agents_ui.site_words import rerouted_line
    from router.sites.acts import reroute
    from router.sites.ground import person_here
    from router.sites.rerouting_dry_run import reroute_dry_run, stays_lines

    there, share, scope = ground.name_of(ground.peer), arguments.share, arguments.scope
    report = reroute_dry_run(ground, scope, share)
    if arguments.dry_run:
        _print(arguments, report, report["lines"])
        return FOUND if report["wrong"] else FINE
    _ask(ground, arguments, report["lines"])
    changed = reroute(
        ground,
        scope=scope,
        share_pct=share,
        who=person_here(),
        why=arguments.why,
        command_id=uuid.uuid4().hex,
    )
    said = rerouted_line(there, scope, share, changed=changed)
    _print(arguments, {"changed": changed, "stays": report["stays"]}, [said, *stays_lines(report)])
    return FINE


def _override(ground: "Ground", arguments: argparse.Namespace) -> int:
    from agents_ui.site_words import overridden_line, override_line
    from router.sites.acts import override
    from router.sites.ground import person_here

    site = arguments.site or ground.site
    state = "" if arguments.state.lower() == "none" else arguments.state
    _ask(ground, arguments, [override_line(ground, site, state)])
    changed = override(
        ground, site=site, state=state, who=person_here(), why=arguments.why, command_id=uuid.uuid4().hex
    )
    said = overridden_line(ground.name_of(site), state, changed=changed)
    _print(arguments, {"changed": changed}, [said])
    return FINE


def _drill(ground: "Ground", arguments: argparse.Namespace) -> int:
    """Waits for the report: the web sends, the peer role hands over."""
    from router.sites.drills import BeginDrill, DrillRefused, drill_lines, drills_of, report_of
    from router.sites.ground import person_here

    if arguments.list:
        with ground.own.reading() as db:
            found = drills_of(db)
        lines = [line for each in found if each["report"] for line in (*drill_lines(each["report"]), "")]
        _print(arguments, {"drills": found}, lines or ["There was no drill yet."])
        return FINE
    share = ground.pair.drill_share_pct if arguments.share < 0 else arguments.share
    drill_id, count = str(uuid.uuid4()), arguments.count
    begin = BeginDrill(drill_id=drill_id, who=person_here(), share_pct=share, count=count)
    try:
        ground.committer.submit(begin).result()
    except DrillRefused as refused:
        raise SettingsWrong(str(refused)) from None
    give_up_s = time.monotonic() + DRILL_S
    while time.monotonic() < give_up_s:
        with ground.own.reading() as db:
            report = report_of(db, drill_id)
        if report is not None:
            _print(arguments, report, drill_lines(report))
            return FOUND if report["failed"] else FINE
        time.sleep(0.2)
    raise SettingsWrong(
        "no report came: is the role `peer` running? `muster site drill --list` shows it later"
    )


def _actions(ground: "Ground", arguments: argparse.Namespace) -> int:
    from agents_ui.site_actions import run_due_actions
    from router.journal.appends import FactsAppend
    from router.sites.actions import again_fact, runs, shown

    if arguments.again:
        with ground.own.reading() as db:
            wanted = [each for each in runs(db) if each.run_id == arguments.again]
        if not wanted:
            raise SettingsWrong(f"there is no action {arguments.again!r}: `muster site actions` lists them")
        ground.committer.submit(FactsAppend(facts_to_append=(again_fact(wanted[0]),))).result()
    if arguments.run_due or arguments.again:
        asyncio.run(run_due_actions(ground))
    with ground.own.reading() as db:
        found = [shown(each) for each in runs(db)]
    lines = _run_lines(found) or ["Nothing had to be told to any provider."]
    _print(arguments, {"actions": found}, lines)
    return FOUND if any(each["status"] != "done" for each in found) else FINE


def _keys(arguments: argparse.Namespace) -> int:
    from router.sites.site_keys import KeysThere, make_keys

    sites = arguments.sites or _sites_of_plan()
    if len(sites) != 2:
        raise SettingsWrong(f"a pair is two sites, not {len(sites)}: `muster site keys FOLDER a b`")
    try:
        places = make_keys(arguments.folder, (sites[0], sites[1]))
    except KeysThere as problem:
        raise SettingsWrong(str(problem)) from None
    lines = [f"{place}: copy what is in it into the data folder of site {place.name}" for place in places]
    _print(arguments, {"folders": [str(each) for each in places]}, lines)
    return FINE


def _sites_of_plan() -> Sequence[str]:
    from config.plan_file import parse_plan

    path = read_settings().plan_file
    pair = parse_plan(path.read_text(encoding="utf-8"), path.name).pair
    return [each.site_id for each in pair.sites] if pair else []


def _run_lines(runs: Sequence[dict[str, Any]]) -> list[str]:
    from agents_ui.site_words import run_line

    return [run_line(each) for each in runs]


def _ask(ground: "Ground", arguments: argparse.Namespace, lines: Sequence[str]) -> None:
    """Shows what would happen and has the site's name typed: nobody does this by an arrow key and Enter."""
    from agents_ui.site_words import is_this_site

    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise SettingsWrong("this changes who serves whom: add --yes where nobody can be asked")
    for line in lines:
        sys.stderr.write(f"{line}\n")
    name = ground.name_of(ground.site)
    sys.stderr.write(f"Type the name of this site, {name} (or {ground.site}), and Enter to do it: ")
    sys.stderr.flush()
    if not is_this_site(ground, sys.stdin.readline()):
        raise SettingsWrong("nothing was done: that is not this site's name")


def _print(arguments: argparse.Namespace, report: Any, lines: Sequence[str]) -> None:
    if arguments.json:
        _print_json(report)
        return
    for line in lines:
        print(line)


def _print_json(report: Any) -> None:
    print(json.dumps(report, ensure_ascii=False))
