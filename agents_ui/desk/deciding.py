"""One request as an append, and the router's decision on it as its answer. Desks and walls ask alike."""

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from agents_ui.desk import requests
from agents_ui.desk.answers import DECIDED_WITHIN_S, DONE, SLOW, Answer, Answers, refused
from agents_ui.desk.desk import SESSION_ENDED, Desk
from router import refusals
from router.journal.committer import Committer

REMEMBERED_MAX: Final = 2_000
"""Decided commands whose answer is kept for a page that lost its connection and asks again."""

FOREIGN: Final = frozenset({"not_found", refusals.NOT_YOURS, refusals.OFFER_ENDED})
"""Refusals that may mean that somebody tries what is not theirs: they are logged."""

_log = logging.getLogger("muster.desk")


class Deciding:
    """What the pages of one web process ask the journal, and of it the router."""

    def __init__(self, committer: Committer, answers: Answers) -> None:
        self._committer = committer
        self._answers = answers
        self._decided: OrderedDict[tuple[str, str], Answer] = OrderedDict()

    async def decided(self, desk: Desk, command_id: str, decide: requests.Decide) -> Answer:
        """The router's decision on the command. A repeat gets the answer it would have got."""
        key = (desk.person.agent_id, command_id)
        known = self._decided.get(key)
        if known is not None:
            return known
        answer = await self._wait(desk, command_id, decide)
        if answer is not SLOW:
            self._decided[key] = answer
            if len(self._decided) > REMEMBERED_MAX:
                self._decided.popitem(last=False)
        return answer

    async def append(self, desk: Desk, decide: requests.Decide) -> Answer | None:
        """None when it is on disk (or was before), else the refusal."""
        return self._refusal(desk, await self._asked(desk, decide))

    async def _asked(self, desk: Desk, decide: requests.Decide) -> requests.Request:
        request = requests.Request(desk.person, decide)
        await self._committer.append(request)
        return request

    def _refusal(self, desk: Desk, request: requests.Request) -> Answer | None:
        if request.refused in FOREIGN:
            _log.info("not theirs agent=%s code=%s", desk.person.agent_id, request.refused)
        if request.refused == "session_ended":
            desk.close(SESSION_ENDED)
        return refused(request.refused) if request.refused else None

    async def _wait(self, desk: Desk, command_id: str, decide: requests.Decide) -> Answer:
        with self._answers.expecting(command_id) as decision:
            request = await self._asked(desk, decide)
            no = self._refusal(desk, request)
            if no is not None:
                return no
            if request.repeated:
                return DONE  # decided before, perhaps by way of another process
            try:
                return await asyncio.wait_for(decision, DECIDED_WITHIN_S)
            except TimeoutError:
                return SLOW
