"""Puts on record which conversations an agent was shown: once for each, by each web process."""

import logging
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Final

from agents_ui.access.person import Person
from agents_ui.access.sight import Looked
from router.journal.committer import Closed, Committer
from router.records import Row

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
        try:
            looked = Looked(person=person, refs=tuple(new), what=what)
            self._committer.submit(looked).add_done_callback(_log_failure)
        except Closed:
            _log.error("not on record who looked agent=%s", agent_id)


def _log_failure(done: "Future[tuple[Row, ...]]") -> None:
    if not done.cancelled() and (problem := done.exception()) is not None:
        _log.error("not on record who looked error=%s", type(problem).__name__)
