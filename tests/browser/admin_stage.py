"""Believable answers of the admin routes, for a page whose requests are answered in the browser itself."""

import json
from dataclasses import dataclass, field
from typing import Any  # JSON on the wire

from playwright.sync_api import Page, Route

from config.plan import Plan
from tests.browser.fake import now_ms
from tests.browser.sites_stage import sites

Json = dict[str, Any]

MINUTE = 60_000
TROUBLE = "timeout"


@dataclass
class FakeAdmin:
    """Answers by path, and what was asked."""

    plan: Plan
    role: str = "admin"
    answers: dict[str, tuple[int, Json]] = field(default_factory=dict)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    away: bool = False

    def serve(self, page: Page) -> None:
        """Answer this page's requests."""
        page.route("**/api/admin/**", self._answer)

    def _answer(self, route: Route) -> None:
        path = route.request.url.split("/api/admin/")[1]
        if self.away:
            route.abort()
            return
        body = route.request.post_data
        self.asked.append((path, json.loads(body) if body else {}))
        status, value = self.answers.get(path) or (200, self._usual(path))
        route.fulfill(status=status, body=json.dumps(value), content_type="application/json")

    def _usual(self, path: str) -> Json:
        return {
            "me": {
                "agent_id": "ada",
                "name": "Ada Brandt",
                "role": self.role,
                "site": self.plan.site.name,
                "time_zone": self.plan.site.time_zone,
            },
            "health": health(self.plan),
            "plan": plan_answer(self.plan),
            "people": people(self.plan),
            "sessions": {"sessions": _sessions()},
            "texts": texts(),
            "sites": sites(),
            "audit": {"records": _records(), "next": 4711, "scanned": 200},
        }.get(path, {"ok": True})


def texts(**changes: Any) -> Json:
    """One account whose texts are switched off, and what is said then."""
    usual = {"off": False, "since_ms": 0, "agent_id": "", "name": "", "reason": "", "told": 0}
    off = {"off": True, "since_ms": now_ms() - 40 * MINUTE, "agent_id": "sofia", "name": "Sofia Lindgren"}
    off |= {"reason": "The provider is down.", "told": 31}
    return {
        "switches": [
            {**usual, **off, "scope": "account", "id": "county-texts"},
            {**usual, "scope": "account", "id": "county-whatsapp"},
            {**usual, "scope": "channel", "id": "sms"},
        ],
        "words": [
            {"language": "en", "text": "Texts cannot be answered now. In an emergency CALL 911."},
            {"language": "ar", "text": "لا يمكن حالياً الرد على الرسائل النصية. اتصل بالرقم 911."},
        ],
    } | changes


def health(plan: Plan, **changes: Any) -> Json:
    """A site that mostly works."""
    roles = [("router", -1), ("web", 2), ("worker", 1), ("mail", 1)]
    return {
        "now_ms": now_ms(),
        "database": {"dialect": "sqlite", "reachable": True, "took_ms": 4},
        "redis": {"configured": True, "reachable": False, "took_ms": 1000},
        "disk": {"free_bytes": 212_400_000_000, "total_bytes": 480_000_000_000, "load": 70},
        "feed_lag_ms": 3,
        "roles": [
            {"role": role, "ok": True, "count": count, "behind": 0, "behind_since_ms": 0}
            for role, count in roles
        ],
        "journal": {"site": "lowen", "incarnation": "1", "seq": "1284402", "at_ms": now_ms() - 300,
                    "hash": "9f2c71aa04be" * 5, "router_read": "1284401"},
        "plan": {"version": 3, "at_ms": now_ms() - 3_000 * MINUTE, "by": "ada", "digest": plan.digest},
        "connections": {"desk": 9, "customer": 14},
        "alarms": 0,
        "accounts": [
            account("county-texts", "sms", "twilio", "+15550100911", circuit="retrying", waiting=3,
                    trouble=TROUBLE, oldest_ms=now_ms() - 40_000),
            account("county-mail", "mail", "smtp", "help@lowen.example", secret="missing",
                    secret_at="MUSTER_SECRET_COUNTY_MAIL or /srv/muster/secrets/county-mail", failed=2),
            account("", "chat", "", "", secret="none", ours=True, last_out_ms=0),
        ],
        "watch": watch(),
        "copy": copy(),
    } | changes  # fmt: skip


def copy(**changes: Any) -> Json:
    """The other site catches up: it was away for ten minutes."""
    began_ms = now_ms() - 10 * MINUTE
    return {
        "name": "Birch House",
        "acked_through": "1271930",
        "behind_rows": 12_472,
        "behind_ms": 10 * MINUTE,
        "single_copies": 341,
        "oldest": [
            {"at_ms": began_ms + n * 1_700, "interaction_id": f"7d0c8c52-5a0e-5b1e-9f63-0b1f9f6a4{n:03}"}
            for n in range(20)
        ],
        "since_ms": began_ms,
        "runs": True,
        "there_hash": "41be09d2c7f3" * 5,
        "problem": "",
        "detail": "",
        "rows_per_s": 5_210,
        "left_s": 3,
    } | changes


def watch(**changes: Any) -> Json:
    """Every way in, well, but for texts: their secret is an old one."""
    at_ms = now_ms()
    usual = {"through_ms": at_ms - 20_000, "real_ms": at_ms - 9 * MINUTE, "probe_ms": at_ms - 20_000}
    usual |= {"problem": "", "refused": 0, "quarantine": 0, "quarantine_since_ms": 0, "reason": ""}
    refused = {"refused": 14, "quarantine": 41, "quarantine_since_ms": at_ms - 18 * MINUTE}
    refused |= {"reason": "the signature is of another body, address or secret"}
    return {
        "every_ms": 60_000,
        "troubles": [{"code": "signatures_refused", "ref": "county-texts", "detail": "14"}],
        "ways": [
            {**usual, "watched": "/chat", "channel": "chat"},
            {**usual, **refused, "watched": "county-texts", "channel": "sms"},
            {**usual, "watched": "county-mail", "channel": "mail", "problem": "no_connection"},
        ],
    } | changes


def account(account_id: str, channel: str, provider: str, address: str, **changes: Any) -> Json:
    """One account, well and quiet."""
    return {
        "ours": False,
        "account_id": account_id,
        "channel": channel,
        "provider": provider,
        "address": address,
        "secret": "present",
        "secret_at": "",
        "last_in_ms": now_ms() - 2 * MINUTE,
        "last_out_ms": now_ms() - 5 * MINUTE,
        "waiting": 0,
        "oldest_ms": 0,
        "failed": 0,
        "circuit": "well",
        "trouble": "",
    } | changes


def plan_answer(plan: Plan) -> Json:
    """The plan in force and two before it."""
    earlier = [
        {
            "version": version,
            "at_ms": now_ms() - (4 - version) * 3_000 * MINUTE,
            "by": "ada",
            "digest": plan.digest,
        }
        for version in (3, 2, 1)
    ]
    return {**earlier[0], "text": plan.text, "earlier": earlier}


def people(plan: Plan) -> Json:
    """Everybody of the plan."""
    found = [
        {
            "agent_id": each.agent_id,
            "name": each.name,
            "role": each.role,
            "active": each.agent_id != "ivan",
            "must_change": each.agent_id == "femke",
            "sessions": 0 if each.agent_id in ("ivan", "femke") else 1,
            "desks": 0,
        }
        for each in plan.people
    ]
    admin = {"agent_id": "ada", "name": "Ada Brandt", "role": "admin", "active": True}
    found = [each for each in found if each["agent_id"] != "ada"]
    found.append({**admin, "must_change": False, "sessions": 1, "desks": 0})
    return {"people": found, "roles": ["agent", "supervisor", "admin", "auditor"]}


def _sessions() -> list[Json]:
    begun = now_ms() - 200 * MINUTE
    names = [("ada", "Ada Brandt", "admin"), ("ana", "Ana Rivera", "agent"), ("ben", "Ben Carter", "agent")]
    return [
        {
            "session": f"{index:016x}",
            "own": agent_id == "ada",
            "agent_id": agent_id,
            "name": name,
            "role": role,
            "begun_at_ms": begun,
            "expires_at_ms": begun + 720 * MINUTE,
        }
        for index, (agent_id, name, role) in enumerate(names)
    ]


def _records() -> list[Json]:
    customer = "1733ca14-b966-563c-9e8a-fbce5fa95546"
    rows: list[tuple[str, str, str, str, Json]] = [
        ("viewed", "ana", "Ana Rivera", customer, {"what": "history"}),
        ("urgency_declared", "sue", "Sue Lindqvist", customer, {"urgency": 4}),
        ("person_changed", "ada", "Ada Brandt", "", {"role": "agent", "active": False, "password": False}),
        ("plan_activated", "ada", "Ada Brandt", "9f2c71aa04be", {"version": 3}),
        ("session_begun", "ben", "Ben Carter", "", {}),
        ("identity_moved", "sue", "Sue Lindqvist", customer, {"why": "merge", "to_customer_id": "c2"}),
        ("viewed", "olga", "Olga Novak", "audit", {"what": "audit"}),
    ]
    return [
        {
            "seq": str(5_000 - index),
            "at_ms": now_ms() - index * MINUTE,
            "kind": kind,
            "agent_id": agent_id,
            "name": name,
            "about": "ivan" if kind == "person_changed" else "",
            "ref": ref,
            "refs": [ref],
            "details": details,
        }
        for index, (kind, agent_id, name, ref, details) in enumerate(rows)
    ]
