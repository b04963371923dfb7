"""Why nobody serves a contact now: who could, and what keeps every other agent. Worked out by the core.

A small centre is restored from the tables: this one interaction, all agents, what they hold. So skills,
widening, capacity and cool-downs are judged by the code that decides, and not a second time here.
"""

from typing import Any, Final  # Any: the answer is a JSON value

from agents_ui.wall.rows import contacts
from config.plan import Plan
from queues.interaction import Interaction
from router.agent import Agent
from router.centre import Centre
from router.core import Core
from router.journal.database import Connection, Database
from router.journal.restore import load_around
from skills.match import Need

Value = dict[str, Any]

NAMED_MAX: Final = 100
"""Agents named for one reason; the count is always whole."""

NOT_HERE: Final = "not_signed_in"
REASONS: Final = ("could", "cooling_down", "no_capacity", "not_available", "no_desk", NOT_HERE, "lacks_skill")
"""Nearest to serving it first."""


def explain(database: Database, plan: Plan, interaction_id: str, now_ms: int) -> Value | None:
    """State, requirement and everybody by reason; None for what is not open, or no router has read yet."""
    with database.reading() as db:
        contact = contacts(db, [interaction_id]).get(interaction_id)
        state = load_around(db, interaction_id)
        tried = _tried(db, interaction_id)
    centre = Core.restore(plan, state).centre
    interaction = centre.interactions.get(interaction_id)
    if contact is None or interaction is None:
        return None
    return {
        "interaction_id": interaction_id,
        "state": contact.state,
        "urgency": contact.urgency,
        "queue_id": contact.queue_id,
        "agent_id": contact.agent_id or contact.named_agent_id,
        "until_ms": contact.named_until_ms or contact.parked_until_ms,
        "step": interaction.step,
        "asks": [_asked(need) for need in centre.ask_of(interaction).audience.needs],
        "tried": tried,
        "groups": _groups(centre, plan, interaction, now_ms),
    }


def _groups(centre: Centre, plan: Plan, interaction: Interaction, now_ms: int) -> list[Value]:
    """Everybody of the plan who may sit at a desk, by reason; empty reasons left out."""
    found: dict[str, list[str]] = {reason: [] for reason in REASONS}
    audience = centre.ask_of(interaction).audience
    for person in plan.people:
        agent, crew = centre.agents.get(person.agent_id), centre.crew_of(person.agent_id)
        if crew is None:
            continue
        if audience not in crew.serves:
            found["lacks_skill"].append(person.agent_id)
        else:
            found[_reason(centre, agent, interaction, now_ms)].append(person.agent_id)
    return [
        {"reason": reason, "count": len(ids), "agent_ids": ids[:NAMED_MAX]}
        for reason, ids in found.items()
        if ids
    ]


def _reason(centre: Centre, agent: Agent | None, interaction: Interaction, now_ms: int) -> str:
    """What keeps somebody who has the skills, in the order in which router/explain.py asks."""
    if agent is None or not agent.signed_in:
        return NOT_HERE
    if not agent.desk_ids:
        return "no_desk"
    if not agent.available:
        return "not_available"
    if interaction.kind not in agent.ready:
        return "no_capacity"
    return "cooling_down" if centre.blocked(interaction, agent, now_ms) else "could"


def _asked(need: Need) -> Value:
    """One alternative of what is asked: all of these, one of each of those, none of the last."""
    return {
        "all": [list(pair) for pair in need.require],
        "one_of": [[list(pair) for pair in group] for group in need.any_groups],
        "none": list(need.forbid),
    }


def _tried(db: Connection, interaction_id: str) -> list[Value]:
    """The latest offer of it to each agent, newest first."""
    rows = db.rows(
        "SELECT agent_id, outcome, offered_at_ms, ended_at_ms FROM offer WHERE interaction_id = :i"
        " ORDER BY offered_at_ms DESC, agent_id LIMIT :n",
        i=interaction_id,
        n=NAMED_MAX,
    )
    return [
        {"agent_id": row[0], "outcome": row[1], "offered_at_ms": row[2], "ended_at_ms": row[3]}
        for row in rows
    ]
