"""Carries out what a wall asks: role, append, and, where the router decides, its answer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from agents_ui.access.table import may_command_wall
from agents_ui.desk import requests as desk_requests
from agents_ui.desk.answers import DONE, Answer, refused
from agents_ui.desk.deciding import Deciding
from agents_ui.desk.desk import Desk
from agents_ui.desk.entities import conversation_messages, interactions
from agents_ui.services import Services
from agents_ui.voice.door import VoiceRefused
from agents_ui.wall import requests, shapes
from agents_ui.wall.explain import Value, explain
from agents_ui.wall.fan import WallFan
from router.journal.committer import CommitUnknown

READS_AT_ONCE: Final = 2
"""Explanations and looks at a time; more wait. They share threads with customers and desks that open."""

_log = logging.getLogger("muster.wall")


class WallCommands:
    """What the walls of one web process ask for."""

    def __init__(self, services: Services, fan: WallFan) -> None:
        self._services = services
        self._fan = fan
        self._deciding = Deciding(services.committer, fan.answers)
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def answer(self, wall: Desk, command: shapes.Command) -> Answer | None:
        """Do it, or say why not."""
        kind = str(command.__struct_config__.tag)
        if not may_command_wall(wall.person.role, kind):
            _log.info("not allowed agent=%s role=%s command=%s", wall.person.agent_id, wall.person.role, kind)
            return refused("not_allowed")
        try:
            return await self._do(wall, command)
        except CommitUnknown:
            return refused("not_saved")

    async def _do(self, wall: Desk, command: shapes.Command) -> Answer:
        if isinstance(command, shapes.AlarmSeen):
            seen = desk_requests.alarm_seen(wall.person, command)
            return await self._deciding.append(wall, seen) or DONE
        if isinstance(command, shapes.Explain):
            return await self._explain(command)
        if isinstance(command, shapes.Look):
            no = await self._deciding.append(wall, requests.look(wall.person, command))
            return no or await self._read(lambda: self._said(command.interaction_id))
        if isinstance(command, shapes.CallListen):
            return await self._listen(wall, command)
        return await self._deciding.decided(wall, command.command_id, self._request(wall, command))

    def _request(
        self,
        wall: Desk,
        command: shapes.Move | shapes.Assign | shapes.TakeAway | shapes.Urgency | shapes.Presence,
    ) -> desk_requests.Decide:
        person, plan = wall.person, self._services.plan()
        match command:
            case shapes.Move():
                return requests.move(person, command, plan)
            case shapes.Assign():
                return requests.assign(person, command, plan)
            case shapes.TakeAway():
                return requests.take_away(person, command)
            case shapes.Urgency():
                return desk_requests.urgency(person, command)
            case shapes.Presence():
                return requests.presence(person, command, plan)

    async def _listen(self, wall: Desk, command: shapes.CallListen) -> Answer:
        """On record first: a look that fails afterwards is still one that somebody wanted."""
        no = await self._deciding.append(wall, requests.listen(wall.person, command))
        if no is not None:
            return no
        body = {"agent_id": wall.person.agent_id, "sdp": command.sdp}
        try:
            found = await self._services.voice.ask("POST", f"/calls/{command.interaction_id}/listen", body)
        except VoiceRefused as why:
            return refused(why.code)
        return Answer(ok=True, value={"sdp": found["sdp"]})

    async def _explain(self, command: shapes.Explain) -> Answer:
        """No customer's data: who could serve it, and what keeps the others."""
        database, plan, now_ms = self._services.database, self._services.plan(), self._fan.clock()
        answer = await self._read(lambda: explain(database, plan, command.interaction_id, now_ms))
        return answer if answer.value is not None else refused("not_explained")

    async def _read(self, question: Callable[[], Value | None]) -> Answer:
        async with self._reads:
            return Answer(ok=True, value=await asyncio.to_thread(question))

    def _said(self, interaction_id: str) -> Value:
        """The words of a contact, as its agent would see them."""
        with self._services.database.reading() as db:
            found = interactions(db, [interaction_id]).get(interaction_id)
            messages = conversation_messages(db, found) if found is not None else []
        return {"interaction_id": interaction_id, "messages": messages}
