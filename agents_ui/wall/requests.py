"""A supervisor's acts as appends: each a fact with the supervisor's name, decided by the router.

The shapes are those of agents_ui/desk/requests.py; to say how urgent something is, is the same there. What is
in the way (gone, nobody at that desk, being read) the core says; here is only what the tables rule out.
"""

from collections.abc import Sequence
from typing import Final

from agents_ui.access.person import Person
from agents_ui.access.sight import may_see
from agents_ui.access.table import DESK
from agents_ui.desk.requests import Decide
from agents_ui.wall import shapes
from config.plan import Plan
from config.words import MANUAL_QUEUE
from router import refusals
from router.journal.database import Connection
from router.records import Fact, fact

_GOES_ON: Final = "SELECT 1 FROM call WHERE interaction_id = :i AND ended_ms = 0"


def move(person: Person, command: shapes.Move, plan: Plan) -> Decide:
    """Give it to a queue of the plan."""
    queues = {MANUAL_QUEUE, *(queue.queue_id for queue in plan.queues)}

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if command.to_queue_id not in queues:
            return refusals.UNKNOWN_QUEUE
        return _step_in(db, person, command.interaction_id, command.command_id, queue=command.to_queue_id)

    return decide


def assign(person: Person, command: shapes.Assign, plan: Plan) -> Decide:
    """Give it to one agent of the plan."""
    agents = {each.agent_id for each in plan.people if each.role in DESK}

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if command.to_agent_id not in agents:
            return refusals.UNKNOWN_AGENT
        return _step_in(db, person, command.interaction_id, command.command_id, agent=command.to_agent_id)

    return decide


def take_away(person: Person, command: shapes.TakeAway) -> Decide:
    """Take it from whoever holds it."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        return _step_in(db, person, command.interaction_id, command.command_id)

    return decide


def presence(person: Person, command: shapes.Presence, plan: Plan) -> Decide:
    """Say what another agent counts as, with a reason of the plan when not available."""
    reasons = {reason.reason_id for reason in plan.reasons}
    agents = {each.agent_id for each in plan.people if each.role in DESK}

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if command.agent_id not in agents:
            return refusals.UNKNOWN_AGENT
        if (command.reason not in reasons) if not command.available else command.reason:
            return "unknown_reason"
        return [
            fact(
                "presence_declared",
                command.agent_id,
                available=command.available,
                reason=command.reason,
                by=person.agent_id,
                hand_back=command.hand_back and not command.available,
                command_id=command.command_id,
            )
        ]

    return decide


def look(person: Person, command: shapes.Look) -> Decide:
    """Put the look at what was said on record, before anything is shown."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if not may_see(db, person, interaction_id=command.interaction_id):
            return "not_found"
        return [fact("viewed", command.interaction_id, agent_id=person.agent_id, what="wall")]

    return decide


def listen(person: Person, command: shapes.CallListen) -> Decide:
    """Put on record that somebody listens, before anything is heard."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if not may_see(db, person, interaction_id=command.interaction_id):
            return "not_found"
        if db.row(_GOES_ON, i=command.interaction_id) is None:
            return "no_call"
        return [fact("viewed", command.interaction_id, agent_id=person.agent_id, what="listen")]

    return decide


def _step_in(
    db: Connection, person: Person, interaction_id: str, command_id: str, *, queue: str = "", agent: str = ""
) -> Sequence[Fact] | str:
    if not may_see(db, person, interaction_id=interaction_id):
        return "not_found"
    return [
        fact(
            "transfer_asked",
            interaction_id,
            agent_id=person.agent_id,
            command_id=command_id,
            to_queue_id=queue,
            to_agent_id=agent,
            steps_in=True,
        )
    ]
