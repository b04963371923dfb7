"""A believable evening on the wall of a fake centre: what the wall's browser tests start from."""

from typing import Any  # JSON on the wire

from config.plan import Plan
from config.words import MANUAL_QUEUE
from tests.browser.fake import FakeCentre, now_ms

Json = dict[str, Any]

MINUTE = 60_000
DAY = {
    "emergency": (212, 9, 6_200, 962, 981),
    "medical": (148, 4, 8_900, 884, 931),
    "non-emergency": (96, 12, 74_000, 910, 910),
}
"""Answered, abandoned, mean wait, and the two levels in thousandths, by queue."""


def set_wall(centre: FakeCentre, plan: Plan) -> None:
    """Fill the fake's wall before any page connects; the fake's desk must be set before."""
    skills = [{"id": skill.skill_id, "name": skill.name} for skill in plan.skills]
    centre.wall_words = {**centre.words, "skills": skills}
    centre.wall_entities = {
        "urgent": {each["interaction_id"]: each for each in _urgent()},
        "queue": {each["queue_id"]: each for each in _queues(plan)},
        "agent": {each["agent_id"]: each for each in _agents(plan)},
        "alarm": {},
        "site": {plan.site.site_id: site(plan)},
    }


def site(plan: Plan, **changes: Any) -> Json:
    """The whole centre in figures."""
    return {
        "site_id": plan.site.site_id,
        "name": plan.site.name,
        "contacts": {"waiting": 9, "offered": 1, "engaged": 5, "wrap-up": 1, "parked": 0},
        "not_real": 0,
        "urgent": 4,
        "urgent_ids": [each["interaction_id"] for each in _urgent()],
        "agents": {"left": 1, "offered": 1, "engaged": 3, "wrap-up": 1, "idle": 2, "away": 2, "absent": 0},
        "occupancy_pm": 571,
        "alarms": 0,
        "roles": [
            {"role": role, "ok": True, "count": 1, "behind": 0, "behind_since_ms": 0}
            for role in ("router", "web", "worker")
        ],
        "since_ms": now_ms() - 14 * 60 * MINUTE,
        "answered": 456,
        "abandoned": 25,
        "abandoned_pm": 51,
        "asa_ms": 21_400,
        "levels": [
            level("Nine in ten within 15 seconds", 90, 15_000, 931, 360),
            level("Nineteen in twenty within 20 seconds", 95, 20_000, 943, 360),
        ],
    } | changes


def urgent(number: int, **changes: Any) -> Json:
    """An urgent contact with nobody attending to it."""
    return {
        "interaction_id": f"{number:08x}-aaaa-5bbb-8ccc-000000000000",
        "alone": "waiting",
        "channel": "chat",
        "urgency": 2,
        "queue_id": "emergency",
        "accepted_at_ms": now_ms() - 9_000,
        "alarm_at_ms": now_ms() + 11_000,
        "agent_id": "",
        "deadline_ms": 0,
        "offers": 0,
        "language": "en",
        "reading": "read",
        "follows": "",
        "traffic": "real",
    } | changes


def level(name: str, percent: int, within_ms: int, met_pm: int | None, due: int) -> Json:
    """One service level against its promise."""
    return {
        "name": name,
        "percent": percent,
        "within_ms": within_ms,
        "within": 0 if met_pm is None else met_pm * due // 1000,
        "due": due,
        "met_pm": met_pm,
        "answered_only_pm": met_pm,
        "held": None if met_pm is None else met_pm >= percent * 10,
    }


def agent(agent_id: str, name: str, group: str, minutes: float, *holds: Json, **changes: Any) -> Json:
    """One agent in a group since so many minutes."""
    since_ms = now_ms() - int(minutes * MINUTE)
    return {
        "agent_id": agent_id,
        "name": name,
        "role": "agent",
        "group": group,
        "since_ms": since_ms,
        "available": group not in ("away", "absent"),
        "reason": "break" if group == "away" else "",
        "presence_since_ms": since_ms,
        "desks": 0 if group in ("left", "absent") else 1,
        "grace_until_ms": now_ms() + 22_000 if group == "left" else 0,
        "load": 33 * len(holds),
        "holds": list(holds),
    } | changes


def hold(number: int, channel: str, urgency: int, activity: str, minutes: float) -> Json:
    """Something an agent holds."""
    return {
        "interaction_id": f"{number:08x}-dddd-5eee-8fff-000000000000",
        "channel": channel,
        "urgency": urgency,
        "queue_id": "emergency",
        "activity": activity,
        "since_ms": now_ms() - int(minutes * MINUTE),
        "traffic": "real",
    }


def explained(interaction_id: str, **changes: Any) -> Json:
    """The value of `explain`."""
    return {
        "interaction_id": interaction_id,
        "state": "waiting",
        "urgency": 1,
        "queue_id": "medical",
        "agent_id": "",
        "until_ms": 0,
        "step": 1,
        "asks": [{"all": [["medical", 3], ["lang-es", 3]], "one_of": [], "none": []}],
        "tried": [
            {
                "agent_id": "ben",
                "outcome": "ring_no_answer",
                "offered_at_ms": now_ms() - 30_000,
                "ended_at_ms": now_ms() - 22_000,
            }
        ],
        "groups": [
            {"reason": "could", "count": 1, "agent_ids": ["ana"]},
            {"reason": "no_capacity", "count": 2, "agent_ids": ["chen", "femke"]},
            {"reason": "lacks_skill", "count": 12, "agent_ids": ["ben", "hannah", "ivan"]},
        ],
    } | changes


def _urgent() -> list[Json]:
    return [
        urgent(
            0x7F2A0001,
            urgency=1,
            queue_id="medical",
            accepted_at_ms=now_ms() - 41_000,
            alarm_at_ms=now_ms() - 21_000,
            offers=1,
            language="es",
        ),
        urgent(0xC41D0002, accepted_at_ms=now_ms() - 17_000, alone="orphaned", agent_id="ivan"),
        urgent(
            0x19E80003,
            accepted_at_ms=now_ms() - 9_000,
            alone="offered",
            agent_id="dalia",
            deadline_ms=now_ms() + 6_500,
            offers=1,
        ),
        urgent(0x33B00004, accepted_at_ms=now_ms() - 4_000, follows="earlier"),
    ]


def _queues(plan: Plan) -> list[Json]:
    waiting = {"emergency": [0, 1, 2, 0, 0], "medical": [1, 0, 1, 0, 0], "non-emergency": [0, 0, 1, 3, 1]}
    found = []
    for queue_id in [*(queue.queue_id for queue in plan.queues), MANUAL_QUEUE]:
        answered, abandoned, asa_ms, one, two = DAY.get(queue_id, (0, 0, None, None, None))
        targets = [each for each in plan.targets if queue_id in each.queues]
        counts = waiting.get(queue_id, [0] * 5)
        found.append(
            {
                "queue_id": queue_id,
                "waiting": counts,
                "oldest_at_ms": now_ms() - 41_000 if sum(counts) else 0,
                "since_ms": now_ms() - 14 * 60 * MINUTE,
                "answered": answered,
                "abandoned": abandoned,
                "abandoned_pm": 1000 * abandoned // (answered + abandoned) if answered else None,
                "asa_ms": asa_ms,
                "levels": [
                    level(each.name, each.percent, each.within_ms, (one, two)[index % 2], answered)
                    for index, each in enumerate(targets)
                ],
            }
        )
    return found


def _agents(plan: Plan) -> list[Json]:
    names = {person.agent_id: person.name for person in plan.people}
    made = [
        agent("ana", names["ana"], "idle", 1.2),
        agent("ben", names["ben"], "away", 11, reason="break"),
        agent(
            "chen",
            names["chen"],
            "engaged",
            4.5,
            hold(1, "chat", 2, "engaged", 4.5),
            hold(2, "chat", 4, "engaged", 2),
        ),
        agent("dalia", names["dalia"], "offered", 0.1, hold(3, "chat", 2, "offered", 0.1)),
        agent("elena", names["elena"], "engaged", 12.7, hold(4, "chat", 1, "engaged", 12.7)),
        agent("femke", names["femke"], "wrap-up", 0.8, hold(5, "chat", 3, "wrap-up", 0.8)),
        agent("gabriel", names["gabriel"], "engaged", 1.6, hold(6, "chat", 3, "engaged", 1.6)),
        agent("hannah", names["hannah"], "away", 63, reason="not responding"),
        agent("ivan", names["ivan"], "left", 0.3, hold(7, "chat", 2, "engaged", 6)),
    ]
    others = [each for each in plan.people if each.agent_id not in {one["agent_id"] for one in made}]
    absent = [
        agent(each.agent_id, each.name, "absent", 0, since_ms=0) for each in others if each.role != "auditor"
    ]
    return made + absent
