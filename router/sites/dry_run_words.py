"""The sentences of a dry run, in the order in which a person decides. Pure."""

from collections.abc import Mapping
from typing import Any, Final  # Any: JSON for console and command line

_URGENCIES: Final = {1: "immediate", 2: "emergency", 3: "urgent", 4: "routine", 5: "low", 0: "not read yet"}


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report in sentences, in the order in which a person decides."""
    other, here = report["other_name"], report["name"]
    return [
        *_lines_of_past(report),
        f"{here} would serve what {other} served until now.",
        *_lines_of_work(report, other, here),
        *_lines_of_loss(report, other),
        *_lines_of_people(other, here),
        *(f"Provider: {each['action_id']}: {each['what']}." for each in report["actions"]),
        *([] if report["actions"] else ["Providers: the plan has nothing to tell any of them."]),
        *(f"Not ready here: {each['text']} — {each['todo']}" for each in report["readiness"]),
        *(f"REFUSED: {each['text']}. What to do: {each['todo']}." for each in report["refusals"]),
    ]


def _lines_of_past(report: Mapping[str, Any]) -> list[str]:
    heard = report["peer"]["heard_ms"]
    when = "was never heard by this site" if heard < 0 else f"was heard last {seconds(heard)} ago"
    found = [f"{report['other_name']} {when}; it counts as {report['peer']['state']}."]
    for each in report["domains"]:
        if each["already"]:
            done = each["already"]
            who = "by itself" if done["automatic"] else f"by {done['agent_id'] or 'somebody'}"
            ago = seconds(report["at_ms"] - done["at_ms"])
            found.append(f"Taken over already: site {each['domain']}, {who}, {ago} ago ({done['why']}).")
    return found


def _lines_of_work(report: Mapping[str, Any], other: str, here: str) -> list[str]:
    states, assigned = report["by_state"], report["assigned"]
    found = [
        f"{report['adopted_now']} interactions come to {here} now, each at its place in line"
        f"{':' if report['adopted_now'] else '.'}"
    ]
    channels = ", ".join(f"{count} {name}" for name, count in report["by_channel"].items())
    urgencies = ", ".join(
        f"{count} {_URGENCIES.get(int(name), name)}" for name, count in report["by_urgency"].items()
    )
    if report["adopted_now"]:
        found += [f"  by channel: {channels}", f"  by urgency: {urgencies}"]
    waiting = ", ".join(f"{count} {name}" for name, count in states.items() if name != "assigned")
    if waiting:
        found.append(f"  by state at {other}: {waiting} (what was offered there is offered anew here)")
    for each in report["oldest"][:1]:
        found.append(f"  the oldest has waited {seconds(each['waits_ms'])}.")
    if unsent := report["unsent"]:
        found.append(
            f"{unsent} answer{'s' if unsent > 1 else ''} of conversations that are over, or here already, "
            f"had not left {other} yet: {here} sends {'them' if unsent > 1 else 'it'}."
        )
    held = sum(each["count"] for each in assigned)
    if held:
        who = ", ".join(f"{each['name']} ({each['count']})" for each in assigned)
        found.append(f"{held} are with agents of {other}: {who}.")
        found.append("  They stay there unless you say so (--assigned): they may be talking at this moment.")
    return found


def _lines_of_loss(report: Mapping[str, Any], other: str) -> list[str]:
    copy = report["copy"]
    if report["peer"]["heard_ms"] < 0:
        return [f"How much is at {other} only, nobody here knows: it has not said how far it is."]
    if not copy["missing_rows"] and not copy["single_copies"]:
        return [f"Nothing is known to be at {other} only."]
    return [
        f"{copy['missing_rows']} rows of {other} have not come here, and {copy['single_copies']} stretches "
        f"were at {other} only. What is in them comes back with {other}; `muster journal affected` names "
        "the customers."
    ]


def _lines_of_people(other: str, here: str) -> list[str]:
    return [
        f"Agents of {other}: their desks notice within 5 s and come to {here}, still signed in.",
        "Customers: chats reconnect by themselves, and whoever waits keeps their place. Calls in progress at "
        f"{other} are asked for at their provider.",
    ]


def seconds(ms: int) -> str:
    """A span as people say it."""
    whole = max(0, ms) // 1000
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7_200 else f"{whole // 3600} h {whole % 3600 // 60} min"
