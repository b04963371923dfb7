"""What moving a share to the other site would do, before anybody does it. Reads only.

Everything that waits here is in one of its numbers: what goes, what does not, and how that would go as well.
"""

from dataclasses import replace
from typing import Any, Final  # Any: JSON for console and command line

from config.words import ELSEWHERE
from queues.lifecycle import PARKED
from router.journal.connection import Connection
from router.sites.acts import scope_problem
from router.sites.ground import Ground
from router.sites.out_of_use import out_of_use, refuses
from router.sites.overflow import targets_of
from router.sites.rerouting import calls_moving, moving
from router.sites.shares import ALL, ALL_OF_IT, JUST_NOW, Share, Shares, serves, shares_of
from router.sites.status import PEER, status_of

_NOT_YET: Final = """
    SELECT state, named_agent_id, count(*) FROM interaction
    WHERE closed_seq = 0 AND traffic NOT IN ('probe', 'rehearsal')
        AND (state = 'parked' OR (state IN ('waiting', 'offered') AND named_agent_id <> ''))
    GROUP BY state, named_agent_id
"""
_EVERYTHING: Final = {ALL: Share(share_pct=ALL_OF_IT, since_seq=JUST_NOW)}


def reroute_dry_run(ground: Ground, scope: str, share_pct: int) -> dict[str, Any]:
    """How many would go now, and whether the other site takes them. Raises DatabaseGone."""
    with ground.own.reading() as db:
        now = shares_of(db, site=ground.site, peer=ground.peer)
        serves_it = serves(db, ground.peer, by=ground.site)
        before, after = moving(db, now), _asked(now, scope, share_pct, since_seq=0 if serves_it else JUST_NOW)
        goes = moving(db, after)
        report = {
            "waiting": len(moving(db, _EVERYTHING)),
            "moves": len(goes),
            "moves_now": len(before),
            "stays": stays(db, after),
            "not_yet": _not_yet(db),
            "calls": len(calls_moving(db, after)),
            "served_there": serves(db, ground.site, by=ground.peer),
            "served_here": serves_it,
        }
        beat, said = status_of(db, PEER), out_of_use(db, ground.peer)
        refusal = refuses(db, ground.peer, ground.clock())
    report |= {
        "mode": "reroute",
        "scope": scope,
        "share_pct": share_pct,
        "share_now_pct": now[scope].share_pct if scope in now else 0,
        "site": ground.site,
        "name": ground.name_of(ground.site),
        "other": ground.peer,
        "other_name": ground.name_of(ground.peer),
        "wrong": scope_problem(ground, scope),
        "heard": beat.fresh(ground.clock()),
        "accepts": beat.data.get("accepts") is True and not said,
        "state": said or beat.text("state"),
        "agents_free": beat.number("agents_free"),
        "waiting_there": beat.number("waiting"),
        "sent_on_to": [each.shown for each in targets_of(ground.pair, peer=ground.peer, refusal=refusal)],
        "overflow": list(ground.pair.overflow),
    }
    return {**report, "lines": _lines(report)}


def stays(db: Connection, shares: Shares) -> int:
    """How many belong to these shares, and stay all the same: they came from there (shares.py)."""
    anew = {scope: replace(share, since_seq=JUST_NOW) for scope, share in shares.items()}
    return len(moving(db, anew)) - len(moving(db, shares))


def stays_lines(report: dict[str, Any]) -> list[str]:
    """That they do, and what sends them."""
    count, there, scope, share = (report[key] for key in ("stays", "other_name", "scope", "share_pct"))
    if not count:
        return []
    if report["served_here"]:
        return [
            f"{count} that came from {there} stay, because {report['name']} serves its traffic. "
            "To send these back: `muster site return`."
        ]
    again = f"`muster site reroute {scope} 0`, then `muster site reroute {scope} {share}`"
    return [f"{count} that came from {there} since this was asked for stay. To send these as well: {again}."]


def _asked(now: Shares, scope: str, share_pct: int, *, since_seq: int) -> Shares:
    """Asked for again, what is so stays as it is."""
    if scope in now and now[scope].share_pct == share_pct:
        return now
    return {**now, scope: Share(share_pct=share_pct, since_seq=since_seq)}


def _not_yet(db: Connection) -> dict[str, int]:
    """What does not wait for anybody who is free: how many, by why."""
    found = {"asked": 0, "named": 0, "parked": 0}
    for state, named, count in db.rows(_NOT_YET):
        elsewhere = str(named).startswith(ELSEWHERE)
        found["parked" if state == PARKED else "asked" if elsewhere else "named"] += int(count)
    return found


def _lines(report: dict[str, Any]) -> list[str]:
    if report["wrong"]:
        return [f"There is no {report['scope']!r} to move: {report['wrong']}."]
    there, share, scope = report["other_name"], report["share_pct"], report["scope"]
    return [
        f"{share} % of {scope} (now {report['share_now_pct']} %) would go to {there}: {_how_many(report)}, "
        "and that share of what comes.",
        *(
            [f"{there} serves the traffic of {report['name']}: all of it goes there already."]
            * report["served_there"]
        ),
        *stays_lines(report),
        *_not_yet_lines(report["not_yet"]),
        "Each keeps its place in line. What agents hold stays.",
        _there(report, there),
        _calls(report),
    ]


def _how_many(report: dict[str, Any]) -> str:
    if not report["waiting"]:
        return "nobody waits here for the next free agent now"
    return f"{report['moves']} of {report['waiting']} that wait here now"


def _not_yet_lines(counts: dict[str, int]) -> list[str]:
    said = {
        "asked": "that the other site is being asked to take at this moment",
        "named": "that wait for one agent each, as somebody asked: each goes if that one does not take it",
        "parked": "that wait for a time of their own (call-backs): each goes when it has come",
    }
    return [f"Not among them: {counts[why]} {words}." for why, words in said.items() if counts[why]]


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
