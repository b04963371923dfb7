"""What an act on the pair would do, in the sentences of `muster site dry-run`. Reads only."""

from typing import Any  # Any: the answer is a JSON value

from agents_ui.admin.site_bodies import SiteQuestion
from agents_ui.site_words import override_line
from router.sites.acts import domains_of
from router.sites.drills import COUNT
from router.sites.dry_run import dry_run
from router.sites.ground import Ground
from router.sites.rerouting_dry_run import reroute_dry_run
from router.sites.returning import return_dry_run

Value = dict[str, Any]


def answered(ground: Ground, asked: SiteQuestion) -> Value:
    """`lines`, and `refusals` with what to do about each. Raises DatabaseGone, NoStream."""
    if asked.act == "take-over":
        with ground.own.reading() as own, ground.copy.reading() as copy:
            domains = (asked.domain,) if asked.domain else domains_of(ground, own, copy)
        return _without_refusals(dry_run(ground, domains))
    if asked.act == "return":
        return _without_refusals(return_dry_run(ground, asked.domain or ground.peer))
    if asked.act == "reroute":
        return {**reroute_dry_run(ground, asked.scope, asked.share_pct or 0), "refusals": []}
    if asked.act == "override":
        return {
            "lines": [override_line(ground, asked.site or ground.site, asked.state)],
            "refusals": [],
        }
    return {"lines": _drill_lines(ground, asked), "refusals": []}


def _without_refusals(report: Value) -> Value:
    """The page shows them by themselves: they are the last lines."""
    count = len(report["refusals"]) if report["lines"][-1].startswith("REFUSED") else 0
    return {**report, "lines": report["lines"][: len(report["lines"]) - count]}


def _drill_lines(ground: Ground, asked: SiteQuestion) -> list[str]:
    share = ground.pair.drill_share_pct if asked.share_pct is None else asked.share_pct
    there = ground.name_of(ground.peer)
    return [
        f"{COUNT} contacts of our own go in by the front doors of every way that can be tried.",
        f"{share} % of them are handed to {there}, lined up there, and ended.",
        "They ring at no desk, and count in no statistics. It takes at most three minutes.",
    ]
