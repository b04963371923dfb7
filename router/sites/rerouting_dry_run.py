"""What moving a share to the other site would do, before anybody does it. Reads only."""

from typing import Any  # Any: JSON for console and command line

from router.sites.acts import scope_problem
from router.sites.ground import Ground
from router.sites.rerouting import moving, shares_of
from router.sites.status import PEER, status_of


def reroute_dry_run(ground: Ground, scope: str, share_pct: int) -> dict[str, Any]:
    """How many would go now, and whether the other site takes them. Raises DatabaseGone."""
    with ground.own.reading() as db:
        now = shares_of(db)
        before, after = moving(db, now), moving(db, {**now, scope: share_pct})
        waiting = len(moving(db, {"all": 100}))
        beat = status_of(db, PEER)
    report = {
        "mode": "reroute",
        "scope": scope,
        "share_pct": share_pct,
        "share_now_pct": now.get(scope, 0),
        "other": ground.peer,
        "other_name": ground.name_of(ground.peer),
        "waiting": waiting,
        "moves": len(after),
        "moves_now": len(before),
        "wrong": scope_problem(ground, scope),
        "heard": beat.fresh(ground.clock()),
        "accepts": beat.data.get("accepts") is True,
        "state": beat.text("state"),
        "agents_free": beat.number("agents_free"),
        "waiting_there": beat.number("waiting"),
        "overflow": list(ground.pair.overflow),
    }
    return {**report, "lines": _lines(report)}


def _lines(report: dict[str, Any]) -> list[str]:
    if report["wrong"]:
        return [f"There is no {report['scope']!r} to move: {report['wrong']}."]
    there, share, now = report["other_name"], report["share_pct"], report["share_now_pct"]
    return [
        f"{share} % of {report['scope']} (now {now} %) would go to {there}: "
        f"{report['moves']} of {report['waiting']} that wait here now, and that share of what comes.",
        "Each keeps its place in line. What agents hold, and calls that are on the line here, stay.",
        _there(report, there),
        *(
            [f"The plan's last resort, by hand: {', '.join(report['overflow'])}."]
            if report["overflow"]
            else ["The plan names no external number as a last resort."]
        ),
    ]


def _there(report: dict[str, Any], there: str) -> str:
    if not report["heard"]:
        return f"{there} does not answer: as long as it does not, everything stays here, in line."
    figures = f"{report['agents_free']} agents free, {report['waiting_there']} waiting"
    if not report["accepts"]:
        return f"{there} takes no work ({report['state']}; {figures}): until it does, everything stays here."
    return f"{there} takes work ({figures})."
