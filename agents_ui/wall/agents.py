"""Agents as the wall shows them: what they do, since when, and what they hold on which channel."""

from collections.abc import Collection
from typing import Any, Final  # Any: entity values are JSON objects

from agents_ui.desk.activity import activity_of, load_of
from agents_ui.wall.rows import Agent, Contact, Ring
from config.plan import Plan

Value = dict[str, Any]

GROUPS: Final = ("left", "offered", "engaged", "wrap-up", "idle", "away", "absent")
"""In the order a wall shows them: who is gone but expected first, who is not there last."""

BUSY: Final = frozenset({"engaged", "wrap-up"})
STAFFED: Final = BUSY | {"offered", "idle"}
"""Whom occupancy counts: at work, or ready for it."""


def agent_value(
    plan: Plan, person: tuple[str, str], agent: Agent, held: Collection[tuple[Contact, Ring | None]]
) -> Value:
    """One agent. `held` is what is offered to or held by the agent now."""
    name, role = person
    activity = activity_of((each.state, each.wrap_up_since_ms) for each, _ in held)
    holds = sorted((_hold(*each) for each in held), key=lambda one: (one["since_ms"], one["interaction_id"]))
    group = _group(agent, activity, bool(held))
    return {
        "agent_id": agent.agent_id,
        "name": name,
        "role": role,
        "group": group,
        "since_ms": _since(agent, group, holds),
        "available": bool(agent.available),
        "reason": agent.reason,
        "presence_since_ms": agent.presence_since_ms,
        "desks": agent.desks,
        "grace_until_ms": agent.grace_until_ms,
        "load": load_of(plan, (each.channel for each, _ in held)),
        "holds": holds,
    }


def _group(agent: Agent, activity: str, holds: bool) -> str:
    """left: no desk open, yet available, holding something or expected back. absent: none of these."""
    if not agent.desks:
        return "left" if agent.available or agent.grace_until_ms or holds else "absent"
    if activity != "idle":
        return activity
    return "idle" if agent.available else "away"


def _since(agent: Agent, group: str, holds: list[Value]) -> int:
    """Since when the agent does what the group says."""
    if group in ("engaged", "offered", "wrap-up"):
        since: int = min(each["since_ms"] for each in holds if each["activity"] == group)
        return since
    if group == "idle":
        return max(agent.idle_since_ms, agent.presence_since_ms)
    return agent.presence_since_ms


def _hold(contact: Contact, ring: Ring | None) -> Value:
    activity = activity_of([(contact.state, contact.wrap_up_since_ms)])
    offered_at_ms = ring.offered_at_ms if ring else 0
    since_ms = {"offered": offered_at_ms, "wrap-up": contact.wrap_up_since_ms}
    return {
        "interaction_id": contact.interaction_id,
        "channel": contact.channel,
        "urgency": contact.urgency,
        "queue_id": contact.queue_id,
        "activity": activity,
        "since_ms": since_ms.get(activity, contact.assigned_at_ms),
        "traffic": contact.traffic,
    }
