"""What `muster site` prints: sentences for somebody who has never done it, in the words of the console."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any  # Any: JSON of router/sites/standing.py and its kin

from router.sites.dry_run_words import seconds


def standing_lines(report: Mapping[str, Any]) -> list[str]:
    """How the pair stands."""
    names = {each["site"]: each["name"] for each in report["sites"]}
    return [
        *(line for each in report["sites"] for line in _site_lines(each, report["site"])),
        *(_domain_line(each, names) for each in report["domains"]),
        _peer_line(report, names[report["other"]]),
        _copy_line(report["copy"], names[report["other"]]),
        *_foreign_lines(report, names[report["other"]]),
        *(
            f"Moved to the other site: {each['share_pct']} % of {each['scope']}, since "
            f"{clock(each['since_ms'])} by {each['agent_id']} ({each['why']})."
            for each in report["reroutes"]
        ),
        *(run_line(each) for each in report["actions"] if each["status"] != "done"),
    ]


def problem_lines(problems: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each problem, and under it what to do."""
    return [line for each in problems for line in (f"- {each['text']}", f"    {each['todo']}")]


def run_line(run: Mapping[str, Any]) -> str:
    """One action."""
    words = {"due": "not done yet", "done": "done", "failed": "FAILED"}
    tries = f", {run['attempts']} tries" if run["attempts"] else ""
    return (
        f"Provider {run['run_id']}: {words[run['status']]}{tries}{': ' * bool(run['detail'])}{run['detail']}"
    )


def first_line(domain: str, first: Mapping[str, Any]) -> str:
    """Who did it before."""
    who = "by itself" if first["automatic"] else f"by {first['agent_id'] or 'somebody'}"
    why = f" ({first['why']})" if first["why"] else ""
    return f"Site {domain}: this was done at {clock(first['since_ms'])} {who}{why}; nothing changes."


def clock(at_ms: int) -> str:
    """A moment as people say it to each other on the telephone, with its zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _site_lines(site: Mapping[str, Any], here: str) -> list[str]:
    mark = " (this site)" if site["site"] == here else ""
    why = f" ({site['observed_why']})" if site["observed_why"] else ""
    seen = f"observed {site['observed'] or 'nothing yet'}{why}"
    found = [f"{site['name']}, site {site['site']}{mark}: {site['effective']}; {seen}"]
    if site["override"]:
        said = f"{site['override_by']} said {site['override']} at {clock(site['override_ms'])}"
        found.append(f"  {said}: {site['override_why']}")
    if not site["readiness_ms"]:
        return [*found, "  readiness: not known"]
    count = len(site["readiness"])
    things = "ready" if not count else f"{count} {'thing is' if count == 1 else 'things are'} not ready"
    return [*found, f"  {things} (asked at {clock(site['readiness_ms'])}; `muster site readiness`)"]


def _domain_line(domain: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if not domain["n"]:
        return f"Traffic of {names[domain['domain']]}: served at home."
    who = "by itself" if domain["automatic"] else f"by {domain['agent_id'] or 'somebody'}"
    return (
        f"Traffic of {names[domain['domain']]}: served by {names[domain['owner']]} since "
        f"{clock(domain['since_ms'])}, {who} ({domain['why'] or 'no reason given'})."
    )


def _peer_line(report: Mapping[str, Any], other: str) -> str:
    peer = report["peer"]
    heard = "was never heard here" if peer["heard_ms"] < 0 else f"was heard {seconds(peer['heard_ms'])} ago"
    watcher = "" if peer["watch_fresh"] else "; the role `peer` does not run here, so this is old"
    suspect = "; CLOCK SUSPECT" if peer["clock"] == "suspect" else ""
    return f"{other} {heard} and counts as {peer['watch']}{suspect}{watcher}."


def _copy_line(copy: Mapping[str, Any], other: str) -> str:
    here = f"here are {copy['of_other_seq']} rows of {other}"
    if "behind_rows" not in copy:
        return f"Copies: {here}; how far {other} has ours is not known."
    lag = f"{other} is behind by {copy['behind_rows']} rows ({seconds(copy['behind_ms'])})"
    return f"Copies: {here}; {lag}; {copy['single_copies']} contacts are at this site only."


def _foreign_lines(report: Mapping[str, Any], other: str) -> list[str]:
    foreign = report["foreign"]
    if not foreign["waiting"] and not foreign["held"]:
        return []
    return [f"Of {other} are here: {foreign['waiting']} waiting, {foreign['held']} with agents."]
