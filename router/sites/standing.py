"""How a pair of sites stands, as this one knows it: one table for console and command line. Reads only."""

from collections.abc import Mapping
from typing import Any  # Any: JSON for console and command line

from config.plan import SitePlan
from router.journal.connection import Connection
from router.journal.stream import read_head
from router.sites.actions import runs, shown
from router.sites.ground import Ground
from router.sites.ownership import owner_of
from router.sites.returning import away
from router.sites.service_states import effective
from router.sites.status import CONTENT, COPY, PEER, VERIFIED, WATCH, Status, readiness_key, status_of

RUNS_SHOWN = 50


def standing(ground: Ground) -> dict[str, Any]:
    """Both sites, who serves what, the line between them, and what is under way. Raises DatabaseGone."""
    now_ms, pair = ground.clock(), ground.pair
    with ground.own.reading() as own, ground.copy.reading() as copy:
        head, theirs = read_head(own), read_head(copy)
        here = away(own, ground.peer, site=ground.site)
        return {
            "site": ground.site,
            "other": ground.peer,
            "at_ms": now_ms,
            "sites": [_site(ground, own, each) for each in pair.sites],
            "domains": [_domain(own, each.site_id) for each in pair.sites],
            "peer": _peer(own, now_ms),
            "copy": {
                **_known(status_of(own, COPY), now_ms),
                "head_seq": head.seq,
                "head_hash": head.hash.hex(),
                "of_other_seq": theirs.seq,
                "of_other_hash": theirs.hash.hex(),
                "of_other_ms": theirs.at_ms,
            },
            "verified": _known(status_of(own, VERIFIED), now_ms),
            "content": _known(status_of(own, CONTENT), now_ms),
            "foreign": {"waiting": here.waiting, "held": here.held},
            "reroutes": _reroutes(own),
            "actions": [shown(each) for each in runs(own)[:RUNS_SHOWN]],
            "policy": {
                "take_over": pair.take_over,
                "take_over_after_ms": pair.take_over_after_ms,
                "assigned_after_ms": pair.assigned_after_ms,
                "third": pair.third,
                "overflow": list(pair.overflow),
                "drill_every_days": pair.drill_every_days,
            },
            "drill": _drill(own),
        }


def _site(ground: Ground, own: Connection, site: SitePlan) -> dict[str, Any]:
    names = (
        "observed",
        "observed_why",
        "observed_ms",
        "override",
        "override_by",
        "override_why",
        "override_ms",
    )
    found = own.row(f"SELECT {', '.join(names)} FROM site_state WHERE site = :site", site=site.site_id)
    state = dict(zip(names, found or ("", "", 0, "", "", "", 0), strict=True))
    ready = status_of(own, readiness_key(site.site_id))
    return {
        "site": site.site_id,
        "name": site.name,
        "url": ground.settings.sites.get(site.site_id, site.url),
        **state,
        "effective": effective(state["observed"], state["override"]),
        "readiness": list(ready.data.get("problems", [])),
        "readiness_ms": ready.at_ms,
    }


def _domain(own: Connection, domain: str) -> dict[str, Any]:
    known = owner_of(own, domain)
    names = ("n", "mode", "with_assigned", "since_ms", "agent_id", "why", "automatic")
    return {"domain": domain, "owner": known.site, **{name: getattr(known, name) for name in names}}


def _peer(own: Connection, now_ms: int) -> dict[str, Any]:
    beat, watch = status_of(own, PEER), status_of(own, WATCH)
    names = ("agents_free", "agents_here", "waiting", "longest_wait_ms", "release", "state", "accepts")
    return {
        "heard_ms": now_ms - beat.at_ms if beat.at_ms else -1,
        "watch": watch.text("peer") or "unknown",
        "watch_fresh": watch.fresh(now_ms),
        "silent_ms": watch.number("silent_ms"),
        "clock": watch.text("clock") or "unknown",
        "skew_ms": watch.number("skew_ms"),
        "stuck_ms": beat.number("stuck_ms"),
        **{name: beat.data[name] for name in names if name in beat.data},
    }


def _known(status: Status, now_ms: int) -> Mapping[str, Any]:
    return {**status.data, "fresh": status.fresh(now_ms), "at_ms": status.at_ms}


def _reroutes(own: Connection) -> list[dict[str, Any]]:
    names = ("scope", "share_pct", "since_ms", "agent_id", "why")
    found = own.rows(f"SELECT {', '.join(names)} FROM reroute WHERE share_pct > 0 ORDER BY scope")
    return [dict(zip(names, row, strict=True)) for row in found]


def _drill(own: Connection) -> dict[str, Any] | None:
    names = ("drill_id", "began_ms", "ended_ms", "agent_id", "share_pct", "count")
    found = own.row(f"SELECT {', '.join(names)} FROM drill ORDER BY began_ms DESC LIMIT 1")
    return dict(zip(names, found, strict=True)) if found else None
