"""Calls of voice processes that died: they are over, and the next process says so where the router cannot.

The router says it of every connection of a dead process. This is for what it did not get to: a call must not
go on for ever in the tables.
"""

from collections.abc import Sequence
from typing import Final

from router.channels.ingest import disconnected
from router.journal.connection import Connection
from router.records import Fact
from router.run.lease import NOW_MS
from router.run.voice.record import ENDED, LOST, Record
from router.run.voice.untyped import untyped

_LOST: Final = """
    SELECT c.call_id, c.interaction_id, c.account, c.direction, c.voice_id, c.agent_id, c.text FROM call c
    LEFT JOIN lease ON lease.name = 'web/' || c.voice_id
    WHERE c.ended_ms = 0 AND c.voice_id <> :own AND (lease.name IS NULL OR lease.until_ms < {now})
        AND c.voice_id NOT LIKE 'provider/%'
    ORDER BY c.call_id LIMIT 500
"""


class EndLost:
    """Append: the calls of processes that live no longer have ended. Read `ended` after the commit."""

    def __init__(self, voice_id: str) -> None:
        self.ended: tuple[str, ...] = ()
        self._voice_id = voice_id

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Two for each, and what could not be typed any more."""
        facts: list[Fact] = []
        rows = lost(db, self._voice_id)
        for call_id, interaction_id, account, direction, voice_id, agent_id, text in rows:
            record = Record(
                call_id=call_id,
                interaction_id=interaction_id,
                account=account,
                direction=direction,
                voice_id=voice_id,
                state=ENDED,
                why=LOST,
                agent_id=agent_id,
                text=bool(text),
            )
            facts += [record.changed(), disconnected(interaction_id, call_id, voice_id)]
            facts += untyped(db, interaction_id) if text else []
        self.ended = tuple(row[0] for row in rows)
        return facts


def lost(db: Connection, own: str) -> list[tuple[str, str, str, str, str, str, int]]:
    """Calls that have no end and no process."""
    return [tuple(row) for row in db.rows(_LOST.format(now=NOW_MS[db.dialect]), own=own)]
