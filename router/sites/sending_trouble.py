"""Says, by an alarm, when the other site refuses what it is sent: nothing of that mends itself.

A site that does not answer is the watcher's to say (peer_unreachable); what is at this site only meanwhile
is healing's (single_copy). Here is what needs a person: rows that do not follow, another key, certificates.
"""

import time
from collections.abc import Callable
from typing import Final

from router.journal.committer import Committer
from router.journal.database import Database
from router.run.trouble import NoticeTrouble
from router.sites.sender import Sending

COPY_REFUSED: Final = "copy_refused"
"""Code of the alarm; its ref is `copy`, its detail says which row and why."""

PASSING: Final = frozenset({"", "no_answer", "database"})
"""Problems that end by themselves."""

HOLD_S: Final = 10.0
"""For so long it must last: a site that starts may say something else at first."""


class SendingTrouble:
    """The follower's step. Shape: state() is where sending is; clock_s a clock that nobody sets."""

    def __init__(
        self, state: Callable[[], Sending], *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._state = state
        self._clock_s = clock_s
        self._problem = ""
        self._since_s = 0.0
        self._said = False

    def step(self, committer: Committer, own: Database, copy: Database) -> None:
        """Raise the alarm once for each problem that lasts. Raises CommitUnknown."""
        state = self._state()
        if state.problem != self._problem:
            self._problem, self._since_s, self._said = state.problem, self._clock_s(), False
        lasted = self._clock_s() - self._since_s >= HOLD_S
        if state.problem in PASSING or self._said or not lasted:
            return
        detail = f"{state.problem}, row {state.at_seq}: {state.detail}"
        committer.submit(NoticeTrouble(code=COPY_REFUSED, ref="copy", detail=detail)).result()
        self._said = True
