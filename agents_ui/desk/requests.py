"""Commands as appends: each decides under the counter's lock, from the tables of that moment, what to append.

Refusals are values, not exceptions: an exception would make the committer take its whole batch apart.
What the router has to decide (accept, end, transfer …) is only checked here for whose it is; the router
checks again.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Final

from agents_ui.access.person import Person
from agents_ui.access.sessions import is_live
from agents_ui.access.sight import may_see
from agents_ui.access.table import DESK, MAY_LOWER_URGENCY
from agents_ui.desk import reply_rules, shapes
from agents_ui.desk.leaving import send_order
from config.plan import Plan
from config.words import MANUAL_QUEUE, URGENCIES
from router import refusals
from router.channels.consent import REPLY
from router.channels.ids import message_id_of
from router.channels.text import kept
from router.journal.database import Connection
from router.records import Fact, fact

Decide = Callable[[Connection, int], Sequence[Fact] | str]
"""Given the tables and the journal's time: the facts, nothing for a repeat, or the code of a refusal."""

SALT_BYTES: Final = 16

UNSEEN: Final = "unseen"
"""Refusal: the customer has said something more."""

TEXT: Final = "text/plain; charset=utf-8"


class Request:
    """One command as an append. Read `refused` after the commit, and only then."""

    def __init__(self, person: Person, decide: Decide) -> None:
        self.refused = ""
        self.repeated = False
        """Nothing was appended, because it had been before."""
        self._person = person
        self._decide = decide

    def write_content(self, db: Connection) -> None:
        """Nothing: what is refused must leave no words behind, so facts() writes them."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """What the command leads to, if its session still holds."""
        live = is_live(db, self._person.session_hash, at_ms)
        decided = self._decide(db, at_ms) if live else "session_ended"
        self.refused = decided if isinstance(decided, str) else ""
        self.repeated = not decided
        return () if isinstance(decided, str) else decided


def accept(person: Person, command: shapes.Accept) -> Decide:
    """Press Accept on one's own offer, outstanding or just missed."""
    return _press("accept_pressed", person, command)


def decline(person: Person, command: shapes.Decline) -> Decide:
    """Press Decline on one's own offer."""
    return _press("decline_pressed", person, command)


def _press(kind: str, person: Person, command: shapes.Accept | shapes.Decline) -> Decide:
    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        row = db.row("SELECT agent_id FROM offer WHERE offer_id = :o", o=command.offer_id)
        if row is None or row[0] != person.agent_id:
            return refusals.OFFER_ENDED
        return [fact(kind, command.offer_id, agent_id=person.agent_id, command_id=command.command_id)]

    return decide


def presence(person: Person, command: shapes.Presence, plan: Plan) -> Decide:
    """Declare one's own presence, with a reason of the plan when not available."""
    known = {reason.reason_id for reason in plan.reasons}

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if (command.reason not in known) if not command.available else command.reason:
            return "unknown_reason"
        values = {"available": command.available, "reason": command.reason, "by": person.agent_id}
        return [fact("presence_declared", person.agent_id, command_id=command.command_id, **values)]

    return decide


def end(person: Person, command: shapes.End) -> Decide:
    """End the conversation; wrap-up begins."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if refused := not_held(db, person, command.interaction_id) or _unseen(db, command):
            return refused
        return [_asked("conversation_ended", person, command, {})]

    return decide


def dispose(person: Person, command: shapes.Dispose, plan: Plan) -> Decide:
    """Finish with an outcome of the plan; the note, if any, in the same transaction."""
    known = {disposition.reason_id for disposition in plan.dispositions}

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if command.disposition not in known:
            return refusals.UNKNOWN_DISPOSITION
        if refused := not_held(db, person, command.interaction_id) or _unseen(db, command):
            return refused
        asked = _asked("disposition_given", person, command, {"disposition": command.disposition})
        return [*with_note(db, at_ms, person, command), asked]

    return decide


def transfer(person: Person, command: shapes.Transfer, plan: Plan) -> Decide:
    """Give it to a queue or to somebody else; the note, if any, in the same transaction."""
    queues = {MANUAL_QUEUE, *(queue.queue_id for queue in plan.queues)}
    agents = {each.agent_id for each in plan.people if each.role in DESK} - {person.agent_id}
    to_queue, to_agent = command.to_queue_id, command.to_agent_id

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if bool(to_queue) == bool(to_agent):
            return refusals.TRANSFER_UNCLEAR
        if to_queue not in queues and to_agent not in agents:
            return refusals.UNKNOWN_QUEUE if to_queue else refusals.UNKNOWN_AGENT
        if refused := not_held(db, person, command.interaction_id):
            return refused
        asked = _asked("transfer_asked", person, command, {"to_queue_id": to_queue, "to_agent_id": to_agent})
        return [*with_note(db, at_ms, person, command), asked]

    return decide


def urgency(person: Person, command: shapes.Urgency) -> Decide:
    """Say how urgent it is; whether lowering is allowed goes with it."""
    may_lower = person.role in MAY_LOWER_URGENCY

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if command.urgency not in URGENCIES:
            return refusals.UNKNOWN_URGENCY
        if not may_see(db, person, interaction_id=command.interaction_id):
            return "not_found"
        return [
            _asked("urgency_declared", person, command, {"urgency": command.urgency, "may_lower": may_lower})
        ]

    return decide


def alarm_seen(person: Person, command: shapes.AlarmSeen) -> Decide:
    """Say that somebody looks after the alarm. A repeat changes nothing."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        row = db.row("SELECT seen_at_ms FROM alarm WHERE alarm_id = :i", i=command.alarm_id)
        if row is None:
            return "not_found"
        return () if row[0] else [fact("alarm_seen", command.alarm_id, agent_id=person.agent_id)]

    return decide


def look_back(person: Person, command: shapes.History) -> Decide:
    """Put the look at a customer's earlier interactions on record, before anything is shown."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if not may_see(db, person, customer_id=command.customer_id):
            return "not_found"
        return [fact("viewed", command.customer_id, agent_id=person.agent_id, what="history")]

    return decide


def reply(person: Person, command: shapes.Reply, plan: Plan) -> Decide:
    """Words for the customer, if this person holds the conversation at this moment."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        return _say(db, at_ms, person, command, plan, direction="out")

    return decide


def note(person: Person, command: shapes.Note, plan: Plan) -> Decide:
    """Words for agents only; also while wrapping up."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        return _say(db, at_ms, person, command, plan, direction="note")

    return decide


def message_id(person: Person, interaction_id: str, client_id: str) -> str:
    """The id of an agent's message: the same for a repeat."""
    return message_id_of("desk", person.agent_id, f"{interaction_id}/{client_id}")


def _say(
    db: Connection,
    at_ms: int,
    person: Person,
    command: shapes.Reply | shapes.Note,
    plan: Plan,
    *,
    direction: str,
) -> Sequence[Fact] | str:
    body = kept(command.text)
    found = db.row(
        "SELECT c.body FROM message m LEFT JOIN content c ON c.content_id = m.content_id"
        " WHERE m.message_id = :m",
        m=message_id(person, command.interaction_id, command.client_id),
    )
    if found is not None:
        return () if found[0] is None or bytes(found[0]) == body else "id_taken"
    if not command.text.strip():
        return "empty"
    refused = not_held(db, person, command.interaction_id, talking=direction == "out")
    if refused:
        return refused
    if len(command.text) > _characters_max(db, plan, command.interaction_id):
        return "too_long"
    order = _order(db, at_ms, person, command, plan) if direction == "out" else ()
    if isinstance(order, str):
        return order
    return [
        message_fact(db, at_ms, person, command.interaction_id, command.client_id, body, direction),
        *order,
    ]


def _order(
    db: Connection, at_ms: int, person: Person, command: shapes.Reply | shapes.Note, plan: Plan
) -> Sequence[Fact] | str:
    """The order to send it, in the same transaction; or why it cannot be sent, now or ever."""
    despite = isinstance(command, shapes.Reply) and command.emergency
    category = "" if despite else REPLY
    refused = reply_rules.refused(
        db,
        plan,
        interaction_id=command.interaction_id,
        body=kept(command.text),
        at_ms=at_ms,
        category=category,
    )
    if refused:
        return refused
    new_id = message_id(person, command.interaction_id, command.client_id)
    return send_order(
        db, interaction_id=command.interaction_id, message_id=new_id, at_ms=at_ms, category=category
    )


def with_note(
    db: Connection, at_ms: int, person: Person, command: shapes.Dispose | shapes.Transfer | shapes.CallBack
) -> Sequence[Fact]:
    """The note of a command as a message, unless there is none or a repeat brought it before."""
    interaction_id, client_id = command.interaction_id, command.command_id
    known = db.row(
        "SELECT 1 FROM message WHERE message_id = :m", m=message_id(person, interaction_id, client_id)
    )
    if known is not None or not command.note.strip():
        return ()
    return [message_fact(db, at_ms, person, interaction_id, client_id, kept(command.note), "note")]


def message_fact(
    db: Connection,
    at_ms: int,
    person: Person,
    interaction_id: str,
    client_id: str,
    body: bytes,
    direction: str,
    *,
    media_type: str = TEXT,
    file_name: str = "",
) -> Fact:
    """Writes the words, or the file where it has a name, and gives the fact of the message."""
    new_id = message_id(person, interaction_id, client_id)
    salt = os.urandom(SALT_BYTES)
    db.run(
        "INSERT INTO content (content_id, media_type, file_name, salt, body, at_ms)"
        " VALUES (:content_id, :media_type, :file_name, :salt, :body, :at_ms)",
        content_id=new_id,
        media_type=media_type,
        file_name=file_name,
        salt=salt,
        body=body,
        at_ms=at_ms,
    )
    return fact(
        "message_added",
        interaction_id,
        message_id=new_id,
        content_id=new_id,
        content_hash=hashlib.sha256(salt + body).hexdigest(),
        client_id=client_id,
        direction=direction,
        author_id=person.agent_id,
        message_kind="attachment" if file_name else "text",
        reading="read",
    )


def not_held(db: Connection, person: Person, interaction_id: str, *, talking: bool = False) -> str:
    """'' when this person holds it (and, if asked, still talks), else the code of why not.

    An interaction of somebody else and one that is not there give the same answer.
    """
    row = db.row(
        "SELECT wrap_up_since_ms FROM interaction WHERE interaction_id = :i AND state = 'assigned'"
        " AND closed_seq = 0 AND agent_id = :a",
        i=interaction_id,
        a=person.agent_id,
    )
    if row is None:
        return refusals.NOT_YOURS
    return refusals.ALREADY_ENDED if talking and row[0] else ""


def _unseen(db: Connection, command: shapes.End | shapes.Dispose) -> str:
    """'' unless the customer has said something that this page did not show yet.

    It was acknowledged and joined this conversation; once that is over, nobody would ever look at it.
    """
    if not command.seen:
        return ""
    row = db.row(
        "SELECT 1 FROM message WHERE interaction_id = :i AND direction = 'in' AND seq > :seen LIMIT 1",
        i=command.interaction_id,
        seen=int(command.seen),
    )
    return UNSEEN if row is not None else ""


def _characters_max(db: Connection, plan: Plan, interaction_id: str) -> int:
    """The channel's limit; of a channel the plan no longer knows, the strictest."""
    row = db.row("SELECT channel FROM interaction WHERE interaction_id = :i", i=interaction_id)
    limits = {channel.channel_id: channel.message_characters_max for channel in plan.channels}
    return limits.get(row[0] if row else "", min(limits.values(), default=0))


def _asked(
    kind: str,
    person: Person,
    command: shapes.End | shapes.Dispose | shapes.Transfer | shapes.Urgency,
    values: dict[str, str | int | bool],
) -> Fact:
    return fact(
        kind, command.interaction_id, agent_id=person.agent_id, command_id=command.command_id, **values
    )
