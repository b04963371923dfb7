"""Carries out what a desk asks: role, append, and, where the router decides, its answer."""

import asyncio
import logging
from typing import Final

from agents_ui.access.person import Person
from agents_ui.access.table import may_command
from agents_ui.desk import call_backs, customers_requests, requests, sending_requests, shapes
from agents_ui.desk.answers import DONE, Answer, refused
from agents_ui.desk.calls import Asked as CallAsked
from agents_ui.desk.calls import CallCommands
from agents_ui.desk.deciding import Deciding
from agents_ui.desk.desk import Desk
from agents_ui.desk.entities import messages_by_id
from agents_ui.desk.fan import Fan
from agents_ui.desk.history import load_history
from agents_ui.desk.messages import Value
from agents_ui.services import Services
from agents_ui.typing_marks import AGENT
from router.journal.committer import CommitUnknown

HISTORIES_AT_ONCE: Final = 4
"""Read at a time; more wait. They share threads with customers and desks that open (web_role.READERS)."""

_log = logging.getLogger("muster.desk")

Decided = (
    shapes.Accept
    | shapes.Decline
    | shapes.Presence
    | shapes.End
    | shapes.Dispose
    | shapes.Transfer
    | shapes.Urgency
    | shapes.CallBack
    | shapes.CallBackChange
    | shapes.CallBackCancel
)
"""What the router decides."""

Noted = (
    shapes.AlarmSeen
    | shapes.Claim
    | shapes.Link
    | shapes.Merge
    | shapes.Split
    | shapes.UndoMove
    | shapes.NameCustomer
    | shapes.Consent
)
"""What is done when it is on disk."""

Asked = Decided | Noted | CallAsked | shapes.Reply | shapes.Template | shapes.Note | shapes.History


class Commands:
    """What the desks of one web process ask for."""

    def __init__(self, services: Services, fan: Fan) -> None:
        self._services = services
        self._fan = fan
        self._deciding = Deciding(services.committer, fan.answers)
        self._calls = CallCommands(services)
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
        if isinstance(command, shapes.Reply | shapes.Template | shapes.Note):
            return await self._say(desk, command)
        if isinstance(command, shapes.History):
            return await self._history(desk, command)
        if isinstance(command, CallAsked):
            return await self._calls.answer(desk, command)
        if isinstance(command, Noted):
            return await self._deciding.append(desk, _noted(desk.person, command)) or DONE
        return await self._deciding.decided(desk, command.command_id, self._request(desk, command))

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
            case shapes.CallBack():
                return call_backs.ask(person, command, plan)
            case shapes.CallBackChange():
                return call_backs.change(person, command, plan)
            case shapes.CallBackCancel():
                return call_backs.cancel(person, command, plan)

    async def _say(self, desk: Desk, command: shapes.Reply | shapes.Template | shapes.Note) -> Answer:
        """Done when it is on disk; the message comes back with the answer, also for a repeat."""
        plan = self._services.plan()
        if isinstance(command, shapes.Reply):
            decide = requests.reply(desk.person, command, plan)
        elif isinstance(command, shapes.Template):
            decide = sending_requests.template(desk.person, command, plan)
        else:
            decide = requests.note(desk.person, command, plan)
        no = await self._deciding.append(desk, decide)
        if no is not None:
            return no
        self._services.deliver()
        message_id = requests.message_id(desk.person, command.interaction_id, command.client_id)
        return Answer(ok=True, value=await asyncio.to_thread(self._message, message_id))

    async def _history(self, desk: Desk, command: shapes.History) -> Answer:
        no = await self._deciding.append(desk, requests.look_back(desk.person, command))
        if no is not None:
            return no
        database = self._services.database
        async with self._histories:
            there = await asyncio.to_thread(self._services.whereabouts.copy.database)
            found = await asyncio.to_thread(load_history, database, command.customer_id, there)
        return Answer(ok=True, value=found)

    def _message(self, message_id: str) -> Value | None:
        with self._services.database.reading() as db:
            return next(iter(messages_by_id(db, [message_id])), None)


def _noted(person: Person, command: Noted) -> requests.Decide:
    match command:
        case shapes.AlarmSeen():
            return requests.alarm_seen(person, command)
        case shapes.Claim():
            return customers_requests.claim(person, command)
        case shapes.Link():
            return customers_requests.link(person, command)
        case shapes.Merge():
            return customers_requests.merge(person, command)
        case shapes.Split():
            return customers_requests.split(person, command)
        case shapes.UndoMove():
            return customers_requests.undo_move(person, command)
        case shapes.Consent():
            return sending_requests.consent(person, command)
        case shapes.NameCustomer():
            return customers_requests.name_customer(person, command)
