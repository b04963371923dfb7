"""What calls want in the journal, one after the other for each call, until it is there.

A database that is away for a minute loses nothing that happened on a call: it is written when it is back, in
its order. Whoever must not go on before something is on disk appends it itself.
"""

import asyncio
import logging
from typing import Final

from router.journal.appends import FactsAppend
from router.journal.committer import Append, Closed, Committer, CommitUnknown
from router.records import Fact

RETRY_S: Final = 0.5

_log = logging.getLogger("muster.voice")


class Book:
    """Appends in the background."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._last: dict[str, asyncio.Task[None]] = {}

    @property
    def pending(self) -> int:
        """Calls that have something to write yet."""
        return len(self._last)

    def note(self, call_id: str, *facts: Fact) -> None:
        """These facts, in one transaction, after what the call noted before."""
        self.append(call_id, FactsAppend(facts_to_append=facts))

    def append(self, call_id: str, append: Append) -> None:
        """This append, after what the call noted before. It must be harmless when it is written twice."""
        task = asyncio.create_task(self._after(self._last.get(call_id), append))
        self._last[call_id] = task
        task.add_done_callback(lambda done: self._forget(call_id, done))

    async def settle(self) -> None:
        """Wait until everything is written."""
        while self._last:
            await asyncio.wait(self._last.values())

    async def settled(self, call_id: str) -> None:
        """Wait until everything of this call is written."""
        while (task := self._last.get(call_id)) is not None:
            await asyncio.wait((task,))

    async def _after(self, before: "asyncio.Task[None] | None", append: Append) -> None:
        if before is not None:
            await asyncio.wait((before,))
        while True:
            try:
                await self._committer.append(append)
                return
            except Closed:
                return  # The process ends; the router says what is left to say.
            except CommitUnknown:
                await asyncio.sleep(RETRY_S)
            except Exception:  # noqa: BLE001 - our own mistake must not stop what this call says later
                _log.exception("not written append=%s", type(append).__name__)
                return

    def _forget(self, call_id: str, done: "asyncio.Task[None]") -> None:
        if self._last.get(call_id) is done:
            del self._last[call_id]
