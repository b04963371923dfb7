"""Carries out what a desk asks: role, append, and, where the router decides, its answer."""

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from agents_ui.access.table import may_command
from agents_ui.desk import requests, shapes
from agents_ui.desk.answers import DECIDED_WITHIN_S, DONE, SLOW, Answer, refused
from agents_ui.desk.desk import SESSION_ENDED, Desk
from agents_ui.desk.entities import Value, messages_by_id
from agents_ui.desk.fan import Fan
from agents_ui.desk.history import load_history
from agents_ui.services import Services
from agents_ui.typing_marks import AGENT
from router import refusals
from router.journal.committer import CommitUnknown

REMEMBERED_MAX: Final = 2_000
"""Decided commands whose answer is kept for a page that lost its connection and asks again."""

HISTORIES_AT_ONCE: Final = 4
"""Read at a time; more wait. They share threads with customers and desks that open (web_role.READERS)."""

FOREIGN: Final = frozenset({"not_found", refusals.NOT_YOURS, refusals.OFFER_ENDED})
"""Refusals that may mean that somebody tries what is not theirs: they are logged."""

_log = logging.getLogger("muster.desk")

Decided = (
    shapes.Accept
    | shapes.Decline
    | shapes.Presence
    | shapes.End
    | shapes.Dispose
    | shapes.Transfer
    | shapes.Urgency
)

Asked = Decided | shapes.Reply | shapes.Note | shapes.History | shapes.AlarmSeen


class Commands:
    """What the desks of one web process ask for."""

    def __init__(self, services: Services, fan: Fan) -> None:
        self._services = services
        self._fan = fan
        self._decided: OrderedDict[tuple[str, str], Answer] = OrderedDict()
        self._histories = asyncio.Semaphore(HISTORIES_AT_ONCE)

    async def answer(self, desk: Desk, command: shapes.Command) -> Answer | None:
        """Do it, or say why not. None where no answer is due."""
        kind = shapes.kind_of(command)
        if not may_command(desk.person.role, kind):
            _log.info("not allowed agent=%s role=%s command=%s", desk.person.agent_id, desk.person.role, kind)
            return refused("not_allowed")
        if isinstance(command, shapes.Typing):
            if self._fan.holds(desk.person.agent_id, command.interaction_id):
                self._services.typing.publish(command.interaction_id, AGENT)
            return None
        try:
            return await self._do(desk, command)
        except CommitUnknown:
            return refused("not_saved")

    async def _do(self, desk: Desk, command: Asked) -> Answer:
        if isinstance(command, shapes.Reply | shapes.Note):
            return await self._say(desk, command)
        if isinstance(command, shapes.History):
            return await self._history(desk, command)
        if isinstance(command, shapes.AlarmSeen):
            return await self._append(desk, requests.alarm_seen(desk.person, command)) or DONE
        return await self._once(desk, command)

    async def _once(self, desk: Desk, command: Decided) -> Answer:
        """The router's decision on the command. A repeat gets the answer it would have got."""
        key = (desk.person.agent_id, command.command_id)
        known = self._decided.get(key)
        if known is not None:
            return known
        answer = await self._decide(desk, command)
        if answer is not SLOW:
            self._decided[key] = answer
            if len(self._decided) > REMEMBERED_MAX:
                self._decided.popitem(last=False)
        return answer

    async def _decide(self, desk: Desk, command: Decided) -> Answer:
        with self._fan.answers.expecting(command.command_id) as decision:
            no = await self._append(desk, self._request(desk, command))
            if no is not None:
                return no
            try:
                return await asyncio.wait_for(decision, DECIDED_WITHIN_S)
            except TimeoutError:
                return SLOW

    def _request(self, desk: Desk, command: Decided) -> requests.Decide:
        person, plan = desk.person, self._services.plan()
        match command:
            case shapes.Accept():
                return requests.accept(person, command)
            case shapes.Decline():
                return requests.decline(person, command)
            case shapes.Presence():
                return requests.presence(person, command, plan)
            case shapes.End():
                return requests.end(person, command)
            case shapes.Dispose():
                return requests.dispose(person, command, plan)
            case shapes.Transfer():
                return requests.transfer(person, command, plan)
            case shapes.Urgency():
                return requests.urgency(person, command)

    async def _say(self, desk: Desk, command: shapes.Reply | shapes.Note) -> Answer:
        """Done when it is on disk; the message comes back with the answer, also for a repeat."""
        plan = self._services.plan()
        if isinstance(command, shapes.Reply):
            decide = requests.reply(desk.person, command, plan)
        else:
            decide = requests.note(desk.person, command, plan)
        no = await self._append(desk, decide)
        if no is not None:
            return no
        message_id = requests.message_id(desk.person, command.interaction_id, command.client_id)
        return Answer(ok=True, value=await asyncio.to_thread(self._message, message_id))

    async def _history(self, desk: Desk, command: shapes.History) -> Answer:
        no = await self._append(desk, requests.look_back(desk.person, command))
        if no is not None:
            return no
        database = self._services.database
        async with self._histories:
            found = await asyncio.to_thread(load_history, database, command.customer_id)
        return Answer(ok=True, value=found)

    async def _append(self, desk: Desk, decide: requests.Decide) -> Answer | None:
        """None when it is on disk (or was before), else the refusal."""
        request = requests.Request(desk.person, decide)
        await self._services.committer.append(request)
        if request.refused in FOREIGN:
            _log.info("not theirs agent=%s code=%s", desk.person.agent_id, request.refused)
        if request.refused == "session_ended":
            desk.close(SESSION_ENDED)
        return refused(request.refused) if request.refused else None

    def _message(self, message_id: str) -> Value | None:
        with self._services.database.reading() as db:
            return next(iter(messages_by_id(db, [message_id])), None)
