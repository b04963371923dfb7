"""Commands about call-backs at a chosen time, as appends; the router decides (router/call_backs.py)."""

from collections.abc import Mapping, Sequence

from agents_ui.access.person import Person
from agents_ui.access.sight import may_see
from agents_ui.access.table import DESK, WATCH
from agents_ui.desk import shapes
from agents_ui.desk.requests import Decide, not_held, with_note
from config.plan import Plan
from config.words import MANUAL_QUEUE, URGENCIES
from router import refusals
from router.call_backs import AHEAD_MS_MAX, id_of
from router.journal.database import Connection
from router.records import Fact, fact

Values = Mapping[str, str | int]


def ask(person: Person, command: shapes.CallBack, plan: Plan) -> Decide:
    """Call the customer back later: by its holder, also in wrap-up, or by a supervisor."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if refused := _unclear(command, plan, at_ms):
            return refused
        if command.urgency and command.urgency not in URGENCIES:
            return refusals.UNKNOWN_URGENCY
        steps_in = bool(not_held(db, person, command.interaction_id))
        if steps_in and not (
            person.role in WATCH and may_see(db, person, interaction_id=command.interaction_id)
        ):
            return refusals.NOT_YOURS
        opened = id_of(command.interaction_id, command.command_id)
        if db.row("SELECT 1 FROM interaction WHERE interaction_id = :i", i=opened):
            return ()
        values: Values = {**_where(command), "urgency": command.urgency, "steps_in": steps_in}
        asked = _fact("call_back_asked", person, command.interaction_id, command.command_id, values)
        return [*with_note(db, at_ms, person, command), asked]

    return decide


def change(person: Person, command: shapes.CallBackChange, plan: Plan) -> Decide:
    """Another time for a call-back before its time."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if refused := _unclear(command, plan, at_ms) or _not_scheduled(db, person, command.interaction_id):
            return refused
        return [
            _fact("call_back_changed", person, command.interaction_id, command.command_id, _where(command))
        ]

    return decide


def cancel(person: Person, command: shapes.CallBackCancel, plan: Plan) -> Decide:
    """End a call-back before its time, with an outcome of the plan."""
    known = {disposition.reason_id for disposition in plan.dispositions}

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if command.disposition not in known:
            return refusals.UNKNOWN_DISPOSITION
        if refused := _not_scheduled(db, person, command.interaction_id):
            return refused
        values = {"disposition": command.disposition}
        return [_fact("call_back_cancelled", person, command.interaction_id, command.command_id, values)]

    return decide


def _unclear(command: shapes.CallBack | shapes.CallBackChange, plan: Plan, at_ms: int) -> str:
    """The code of what is wrong with time or place; empty when nothing is."""
    if not 0 < command.due_at_ms <= at_ms + AHEAD_MS_MAX:
        return refusals.UNKNOWN_TIME
    if command.to_queue_id and command.to_agent_id:
        return refusals.TRANSFER_UNCLEAR
    queues = {"", MANUAL_QUEUE, *(queue.queue_id for queue in plan.queues)}
    if command.to_queue_id not in queues:
        return refusals.UNKNOWN_QUEUE
    agents = {"", *(each.agent_id for each in plan.people if each.role in DESK)}
    return "" if command.to_agent_id in agents else refusals.UNKNOWN_AGENT


def _not_scheduled(db: Connection, person: Person, interaction_id: str) -> str:
    if not may_see(db, person, interaction_id=interaction_id):
        return "not_found"
    row = db.row(
        "SELECT 1 FROM interaction WHERE interaction_id = :i AND state = 'parked' AND queue_id <> ''"
        " AND closed_seq = 0",
        i=interaction_id,
    )
    return "" if row else refusals.NOT_SCHEDULED


def _where(command: shapes.CallBack | shapes.CallBackChange) -> dict[str, str | int]:
    return {
        "due_at_ms": command.due_at_ms,
        "to_queue_id": command.to_queue_id,
        "to_agent_id": command.to_agent_id,
    }


def _fact(kind: str, person: Person, ref: str, command_id: str, values: Values) -> Fact:
    return fact(kind, ref, agent_id=person.agent_id, command_id=command_id, **values)
