"""Texts that one site switched off are off at both: whoever writes to either is told. The later word wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.journal.connection import Connection
from router.journal.fold_sending import TEXTS_OFF
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.sites.learning_kinds import KindLearning

_THERE: Final = """
    SELECT scope, is_off, since_ms, agent_id, reason FROM text_switch WHERE scope IN {wanted}
"""
_HERE: Final = "SELECT is_off, since_ms FROM text_switch WHERE scope = :scope"
_ALARMS: Final = """
    SELECT alarm_id FROM alarm WHERE code = :code AND ref = :ref AND seen_at_ms = 0 ORDER BY alarm_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """An account or a channel as the other site has it now."""

    scope: str
    off: bool
    since_ms: int
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnSwitches:
    """Append: those that are later than what is known here. said: `<site>/<seq>`."""

    said: str
    switches: tuple[Switched, ...]

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the lock. What is as it was said is not said again, or it would be an alarm."""
        return [each for switched in self.switches for each in self._facts(db, switched)]

    def _facts(self, db: Connection, said: Switched) -> list[Fact]:
        here = db.row(_HERE, scope=said.scope) or (0, 0)
        if bool(here[0]) == said.off or here[1] >= said.since_ms:
            return []
        values = {"agent_id": said.agent_id, "command_id": "", "said_at_ms": said.since_ms}
        switched = fact(
            "text_switched", said.scope, off=said.off, reason=said.reason, learned=self.said, **values
        )
        over = [] if said.off else db.rows(_ALARMS, code=TEXTS_OFF, ref=said.scope)
        return [switched, *(fact("alarm_seen", row[0], agent_id=said.agent_id) for row in over)]


def text_learning() -> KindLearning:
    """The follower's step."""
    return KindLearning("text_switched", _learnt)


def _learnt(copy: Connection, scopes: Sequence[str], said: str) -> LearnSwitches:
    found = tuple(
        Switched(scope=scope, off=bool(off), since_ms=since_ms, agent_id=agent_id, reason=reason)
        for scope, off, since_ms, agent_id, reason in rows_in(copy, _THERE, scopes)
    )
    return LearnSwitches(said=said, switches=found)
