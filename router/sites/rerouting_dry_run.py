"""What moving a share to the other site would do, before anybody does it. Reads only."""

from typing import Any  # Any: JSON for console and command line

from router.sites.acts import scope_problem
from router.sites.ground import Ground
from router.sites.overflow import refusal_of, targets_of
from router.sites.rerouting import calls_moving, moving, shares_of
from router.sites.status import PEER, status_of


def reroute_dry_run(ground: Ground, scope: str, share_pct: int) -> dict[str, Any]:
    """How many would go now, and whether the other site takes them. Raises DatabaseGone."""
    with ground.own.reading() as db:
        now = shares_of(db)
        before, after = moving(db, now), moving(db, {**now, scope: share_pct})
        waiting = len(moving(db, {"all": 100}))
        calls = len(calls_moving(db, {**now, scope: share_pct}))
        beat = status_of(db, PEER)
    refusal = refusal_of(beat, ground.clock())
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
        "calls": calls,
        "sent_on_to": [each.shown for each in targets_of(ground.pair, peer=ground.peer, refusal=refusal)],
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
        "Each keeps its place in line. What agents hold stays.",
        _there(report, there),
        _calls(report),
    ]


def _calls(report: dict[str, Any]) -> str:
    """What becomes of who is on the line."""
    count = f"Calls that wait on the line here ({report['calls']} of that share now)"
    if not report["sent_on_to"]:
        return f"{count} stay: the plan names no sip of the other site, and no external number (overflow)."
    targets = ", then ".join(report["sent_on_to"])
    return f"{count} are sent on to {targets}; each that is answered there leaves a call-back here."


def _there(report: dict[str, Any], there: str) -> str:
    if not report["heard"]:
        return f"{there} does not answer: as long as it does not, everything stays here, in line."
    figures = f"{report['agents_free']} agents free, {report['waiting_there']} waiting"
    if not report["accepts"]:
        return f"{there} takes no work ({report['state']}; {figures}): until it does, everything stays here."
    return f"{there} takes work ({figures})."
