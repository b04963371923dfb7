"""Calls at the desk: the entity beside a conversation, and the commands that the voice process carries out.

Nothing here is a fact of its own: what became of a command is what the voice process appends. The holder is
asked for again at every command: a call is as much a customer's data as anything that is said in it.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final  # Any: columns of a row

from agents_ui.access.person import Person
from agents_ui.access.sessions import is_live
from agents_ui.desk import shapes
from agents_ui.desk.answers import DONE, Answer, refused
from agents_ui.desk.desk import SESSION_ENDED, Desk
from agents_ui.desk.entities import Interaction
from agents_ui.desk.messages import Value, chunks
from agents_ui.desk.requests import not_held
from agents_ui.services import Services
from agents_ui.voice.door import AWAY, VoiceRefused
from agents_ui.voice.ways import VOICE, account_of
from config.plan import Plan
from router.channels.web_call import SIP, TWILIO_VOICE, dialable
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Connection

TALKING: Final = ("connected", "held")
NO_CALL: Final = ("", "out", "", "", 0, 0, 0, 0)
"""Of a call-back that nobody has dialled yet."""

Asked = (
    shapes.CallConnect
    | shapes.CallDial
    | shapes.CallHold
    | shapes.CallDtmf
    | shapes.CallForward
    | shapes.CallRecord
)

_CALLS: Final = """
    SELECT i.interaction_id, i.account, a.address, c.call_id, c.direction, c.state, c.why, c.since_ms,
        c.connected_ms, c.recording, c.silent
    FROM interaction i
    LEFT JOIN address a ON a.address_hash = i.address_hash AND a.kind = 'phone' AND i.address_hash <> ''
    LEFT JOIN call c ON c.interaction_id = i.interaction_id
    WHERE i.interaction_id IN ({names}) ORDER BY c.begun_ms, c.call_id
"""
"""Of several calls of one interaction the newest comes last, and is the one that is shown."""


def calls(db: Connection, plan: Plan, held: Iterable[Interaction]) -> dict[str, Value]:
    """The newest call of each of these conversations that is one, by interaction_id."""
    return {
        row[0]: _call(plan, row)
        for names, values in chunks(each.interaction_id for each in held if each.channel == VOICE)
        for row in db.rows(_CALLS.format(names=names), **values)
    }


def _call(plan: Plan, row: tuple[Any, ...]) -> Value:
    interaction_id, account_id, address, *found = row
    known = NO_CALL if found[0] is None else found
    call_id, direction, state, why, since_ms, connected_ms, recording, silent = known
    value = {
        "interaction_id": interaction_id,
        "call_id": call_id,
        "direction": direction,
        "state": state,
        "why": why,
        "since_ms": since_ms,
        "connected_ms": connected_ms,
        "recording": bool(recording),
        "silent": bool(silent),
        "address": address or "",
    }
    return {**value, **_can(plan, account_id, state, address or "")}


def _can(plan: Plan, account_id: str, state: str, address: str) -> Value:
    """What can be done with it now; the voice process has the last word."""
    account = account_of(plan, account_id)
    held = account is not None and account.provider == TWILIO_VOICE
    # A call that a provider holds comes to us by one of our trunks.
    trunk = held or (account is not None and account.provider == SIP)
    recordable = account is not None and dict(account.options).get("recording") != "off"
    talking = state in TALKING
    able = dialable(address)
    can = {
        "hold": talking,
        "dtmf": trunk and state == "connected",
        "forward": trunk and talking,
        "record": recordable and talking,
        "dial": trunk and able and state in ("", "ended"),
    }
    return {"dialable": able, "can": can}


class CallCommands:
    """What desks ask of calls. Refused before the voice process is asked unless the agent holds the call."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, desk: Desk, command: Asked) -> Answer:
        """Do it, or say why not."""
        try:
            no = await asyncio.to_thread(self._not_theirs, desk.person, command.interaction_id)
        except (DatabaseBusy, DatabaseGone):
            return refused(AWAY)
        if no == "session_ended":
            desk.close(SESSION_ENDED)
        if no:
            return refused(no)
        path, body = _asked(desk.person.agent_id, command)
        try:
            values = await self._services.voice.ask("POST", f"/calls/{command.interaction_id}/{path}", body)
        except VoiceRefused as why:
            return refused(why.code)
        return Answer(ok=True, value={"sdp": values["sdp"]}) if "sdp" in values else DONE

    def _not_theirs(self, person: Person, interaction_id: str) -> str:
        with self._services.database.reading() as db:
            if not is_live(db, person.session_hash, time.time_ns() // 1_000_000):
                return "session_ended"
            return not_held(db, person, interaction_id, talking=True)


def _asked(agent_id: str, command: Asked) -> tuple[str, Mapping[str, object]]:
    """The path below the call's own, and the body."""
    who = {"agent_id": agent_id}
    match command:
        case shapes.CallConnect():
            line = {"desk_id": command.window, "take": command.take, "sdp": command.sdp}
            return "connect", who | line
        case shapes.CallDial():
            return "dial", who | {"desk_id": command.window, "sdp": command.sdp}
        case shapes.CallHold():
            return "control", who | {"act": "hold" if command.held else "resume"}
        case shapes.CallDtmf():
            return "control", who | {"act": "dtmf", "digits": command.digits}
        case shapes.CallForward():
            return "control", who | {"act": "forward", "to": command.to}
        case shapes.CallRecord():
            return "control", who | {"act": "record", "on": command.on}
