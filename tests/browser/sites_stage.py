"""Believable answers about a pair of sites: Birch House looks at Alder House."""

from typing import Any  # JSON on the wire

from tests.browser.fake import now_ms

Json = dict[str, Any]
MINUTE = 60_000
WHY = "<b>smoke</b> in the room \u202e"


def sites(**changes: Any) -> Json:
    """Both live; two things are not ready, half of the chats are moved, one drill was held."""
    at_ms = now_ms()
    return {
        "pair": True, "may_act": True, "now_ms": at_ms, "at_ms": at_ms, "site": "b", "other": "a",
        "sites": [site("a", "Alder House"), site("b", "Birch House", readiness=_READINESS)],
        "domains": [domain("a", "a"), domain("b", "b")],
        "peer": peer(),
        "copy": {"fresh": True, "behind_rows": 0, "behind_ms": 0, "single_copies": 0, "head_seq": 812,
                 "of_other_seq": 4_204, "of_other_ms": at_ms - 900},
        "content": {"own": {"checked": 640, "damaged": 0}, "copy": {"checked": 3_981, "damaged": 0}},
        "figures": {"a": _figures(6, 4), "b": _figures(9, 7)},
        "foreign": {"waiting": 0, "held": 0},
        "reroutes": [{"scope": "channel/chat", "share_pct": 50, "since_ms": at_ms - 9 * MINUTE,
                      "agent_id": "ada", "why": WHY}],
        "actions": [run("a/1/dns", "failed", attempts=60, detail="401: unauthorized"),
                    run("a/1/texts", "due", attempts=2, due_at_ms=at_ms + 40_000, detail="no answer"),
                    run("a/1/switch", "done", attempts=1)],
        "policy": {"take_over": "manual", "take_over_after_ms": 30_000, "assigned_after_ms": 600_000,
                   "third": "", "overflow": ["+1 555 010 0999"], "drill_every_days": 30},
        "names": {"ada": "Ada Brandt"}, "fits": "", "affected": None, "act": None, "drill_share_pct": 10,
        "drills": [_DRILL | {"began_ms": at_ms - 2_000 * MINUTE}],
        "scopes": [{"scope": "all", "kind": "all", "name": ""},
                   {"scope": "channel/chat", "kind": "channel", "name": "chat"}],
        "states": ["Normal", "Partial", "Down"],
    } | changes  # fmt: skip


def dead(**changes: Any) -> Json:
    """Alder House has been silent for four minutes."""
    at_ms = now_ms()
    return sites(
        sites=[site("a", "Alder House", observed="Unreachable", effective="Unreachable"),
               site("b", "Birch House", readiness=_READINESS)],
        peer=peer(watch="unreachable", heard_ms=4 * MINUTE),
        fits="take-over",
        affected={"from_ms": at_ms - 4 * MINUTE, "until_ms": at_ms, "contacts": 3,
                  "reasons": [{"reason": "delayed", "words": "waited longer than the target", "count": 3}]},
    ) | changes  # fmt: skip


def taken(**changes: Any) -> Json:
    """Birch House has taken over."""
    act = {"command_id": "c", "act": "take-over", "agent_id": "ada", "state": "done", "done": 12, "of": 12,
           "began_ms": now_ms() - 2_000, "refusals": [],
           "lines": ["Birch House serves the traffic of Alder House. 12 came here."]}  # fmt: skip
    claimed = domain("a", "b", n=1, since_ms=now_ms() - 2_000, agent_id="ada", why="no light there")
    return dead(domains=[claimed, domain("b", "b")], act=act, fits="") | changes


def asked(*lines: str, refusals: tuple[Json, ...] = ()) -> Json:
    """What an act would do."""
    return {"lines": list(lines or ("Birch House would serve what Alder House served until now.",)),
            "refusals": list(refusals)}  # fmt: skip


def site(site_id: str, name: str, **changes: Any) -> Json:
    """One of the two, well."""
    return {"site": site_id, "name": name, "url": f"https://{site_id}.example", "observed": "Normal",
            "observed_why": "", "observed_ms": now_ms() - 60 * MINUTE, "override": "", "override_by": "",
            "override_why": "", "override_ms": 0, "effective": "Normal", "readiness": [],
            "readiness_ms": now_ms() - 20_000} | changes  # fmt: skip


def peer(**changes: Any) -> Json:
    """The other one, as it is heard."""
    return {"heard_ms": 400, "watch": "there", "watch_fresh": True, "silent_ms": 0, "clock": "fine",
            "skew_ms": 3} | changes  # fmt: skip


def domain(domain_id: str, owner: str, **changes: Any) -> Json:
    """Who serves a site's traffic."""
    return {"domain": domain_id, "owner": owner, "n": 0, "mode": "", "with_assigned": False, "since_ms": 0,
            "agent_id": "", "why": "", "automatic": False} | changes  # fmt: skip


def run(run_id: str, status: str, **changes: Any) -> Json:
    """One action."""
    return {"run_id": run_id, "action_id": "", "domain": "a", "mode": "take_over", "status": status,
            "attempts": 0, "due_at_ms": 0, "at_ms": now_ms(), "detail": ""} | changes  # fmt: skip


def _figures(here: int, free: int) -> Json:
    return {"agents_here": here, "agents_free": free, "waiting": 2, "longest_wait_ms": 9_000}


_READINESS = [
    {"code": "no_way_over", "text": "nothing brings what comes by county-texts to the other site",
     "todo": "give the provider the other site's address as its fallback"},
    {"code": "drill_due", "text": "the last drill was 41 days ago",
     "todo": "hold one: `muster site drill`, or *Hold a drill* among the Sites of the page /admin"},
]  # fmt: skip
_DRILL = {"drill_id": "d", "ended_ms": 1, "agent_id": "schedule", "share_pct": 10, "count": 20,
          "report": {"failed": ["3 were not seen to end at the other site"]},
          "lines": ["20 were sent through the front doors."]}  # fmt: skip
