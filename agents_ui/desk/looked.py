"""Puts on record which conversations an agent was shown: once for each, by each web process."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Final

from agents_ui.access.person import Person
from router.journal.appends import FactsAppend
from router.journal.committer import Closed, Committer
from router.records import Fact, Row, fact

REMEMBERED_MAX: Final = 10_000
"""Conversations remembered as on record for their agent; forgetting one repeats a line in the record."""

_log = logging.getLogger("muster.desk")


class LookRecord:
    """Appends `viewed` when somebody is shown a conversation for the first time.

    The showing does not wait for it: that the agent got the conversation is in the journal already.
    """

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._looks: list[Fact] = []

    def shown(self, person: Person, refs: Iterable[str], what: str = "conversation") -> None:
        """This person is shown these conversations (or customers) now."""
        agent_id = person.agent_id
        new = [each for each in refs if (each, agent_id) not in self._known]
        if not new:
            return
        for each in new:
            self._known[each, agent_id] = None
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        if not self._looks:  # what is shown in one go is one append: a burst of looks must not hold up offers
            asyncio.get_running_loop().call_soon(self._append)
        self._looks += [fact("viewed", each, agent_id=agent_id, what=what) for each in new]

    def _append(self) -> None:
        looks, self._looks = tuple(self._looks), []
        try:
            self._committer.submit(FactsAppend(facts_to_append=looks)).add_done_callback(_log_failure)
        except Closed:
            _log.error("not on record who looked count=%d", len(looks))


def _log_failure(done: "Future[tuple[Row, ...]]") -> None:
    if not done.cancelled() and (problem := done.exception()) is not None:
        _log.error("not on record who looked error=%s", type(problem).__name__)
