"""How the pair stands, for the page: as `muster site status`, with figures, drills, who was affected."""

from typing import Any, Final  # Any: the answer is a JSON value

from config.plan import Plan
from config.words import URGENCIES
from router.journal.connection import Connection
from router.sites.affected import WORDS, affected
from router.sites.beat_content import figures_of
from router.sites.drills import drill_lines, drills_of
from router.sites.ground import Ground
from router.sites.service_states import OVERRIDES, takes_work
from router.sites.standing import standing
from router.sites.watching import PEER_UNREACHABLE, THERE, UNREACHABLE

Value = dict[str, Any]

DRILLS_SHOWN: Final = 5
DAY_MS: Final = 86_400_000
AFFECTED_MS: Final = 30_000
"""The list of who was affected looks at every contact of an outage: at most this often."""

_TROUBLES: Final = (
    "SELECT coalesce(min(at_ms), 0) FROM alarm WHERE code = :silent AND at_ms > :after_ms",
    "SELECT coalesce(min(since_ms), 0) FROM domain WHERE since_ms > :after_ms",
    "SELECT coalesce(min(began_ms), 0) FROM copy_gap WHERE healed_ms = 0 OR healed_ms > :after_ms",
)
"""Moments since which something may have gone wrong for somebody: silence, a claim, contacts at one site."""


class SiteView:
    """The answer of GET /api/admin/sites. Blocks; for any thread."""

    def __init__(self) -> None:
        self._affected: tuple[tuple[int, int], int, Value | None] = ((0, 0), 0, None)

    def of(self, ground: Ground) -> Value:
        """Everything. Raises DatabaseGone, DatabaseBusy, NoStream."""
        report = standing(ground)
        with ground.own.reading() as own:
            names = dict(own.rows("SELECT agent_id, name FROM person"))
            drills = [_drill(each) for each in drills_of(own, limit=DRILLS_SHOWN)]
            here = figures_of(own, now_ms=report["at_ms"])
        there = {name: report["peer"][name] for name in here if name in report["peer"]}
        return {
            **report,
            "pair": True,
            "now_ms": report["at_ms"],
            "figures": {ground.site: here, ground.peer: there or None},
            "names": names,
            "fits": fitting(report),
            "drills": drills,
            "affected": self._affected_since(ground, report),
            "scopes": scopes_of(ground.plan),
            "states": list(OVERRIDES),
            "drill_share_pct": ground.pair.drill_share_pct,
        }

    def _affected_since(self, ground: Ground, report: Value) -> Value | None:
        """How many were affected by the trouble of now, by reason; None where there is none."""
        now_ms = report["at_ms"]
        with ground.own.reading() as own:
            from_ms = _trouble_since(own, report)
            if not from_ms:
                return None
            about = (from_ms, sum(each["n"] for each in report["domains"]))  # a claim changes the list
            known_about, known_at, known = self._affected
            if known_about == about and now_ms - known_at < AFFECTED_MS:
                return known
            found = affected(own, ground.plan, from_ms=from_ms, until_ms=now_ms + 1, now_ms=now_ms)
        counts = [
            {"reason": reason, "words": words, "count": sum(reason in each.reasons for each in found)}
            for reason, words in WORDS.items()
        ]
        value = {
            "from_ms": from_ms,
            "until_ms": now_ms,
            "contacts": len(found),
            "reasons": [each for each in counts if each["count"]],
        }
        self._affected = (about, now_ms, value)
        return value


def fitting(report: Value) -> str:
    """Which act is for what is seen now: take-over, hand-over, return; empty where nothing has to be done."""
    here, other = report["site"], report["other"]
    owner_of = {each["domain"]: each["owner"] for each in report["domains"]}
    effective = {each["site"]: each["effective"] for each in report["sites"]}
    peer = report["peer"]
    if peer["watch"] == UNREACHABLE or (peer["watch"] == THERE and peer.get("stuck_ms")):
        return "" if owner_of[other] == here else "take-over"
    if owner_of[other] == here:
        return "return" if peer["watch"] == THERE else ""
    said = next((each["override"] for each in report["sites"] if each["site"] == other), "")
    takes = peer.get("accepts") and (not said or takes_work(said))
    return "hand-over" if takes and not takes_work(effective[here]) else ""


def scopes_of(plan: Plan) -> list[Value]:
    """What can be moved in shares: everything, an urgency, a channel, a queue."""
    return [
        {"scope": "all", "kind": "all", "name": ""},
        *({"scope": f"urgency/{each}", "kind": "urgency", "name": str(each)} for each in URGENCIES),
        *(
            {"scope": f"channel/{each.channel_id}", "kind": "channel", "name": each.channel_id}
            for each in plan.channels
        ),
        *({"scope": f"queue/{each.queue_id}", "kind": "queue", "name": each.name} for each in plan.queues),
    ]


def _trouble_since(own: Connection, report: Value) -> int:
    """Since when something has been out of order, or was moved within a day; 0: nothing."""
    now_ms, peer = report["at_ms"], report["peer"]
    found = [now_ms - peer["heard_ms"] if peer["watch"] == UNREACHABLE and peer["heard_ms"] > 0 else 0]
    for sql in _TROUBLES:
        values = {"after_ms": now_ms - DAY_MS} | ({"silent": PEER_UNREACHABLE} if ":silent" in sql else {})
        found += [int(row[0]) for row in own.rows(sql, **values)]
    return min((each for each in found if each), default=0)


def _drill(drill: Value) -> Value:
    return {**drill, "lines": drill_lines(drill["report"]) if drill["report"] else []}
