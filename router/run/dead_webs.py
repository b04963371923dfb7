"""What follows from a web process that died: its desks have left, its customers are disconnected.

A web that closes in order says so itself. For one that died the router does: the one process that is always
there exactly once.
"""

from collections.abc import Sequence
from typing import Final

from router.journal.connection import Connection
from router.records import Fact, fact
from router.run.web_lease import silent_webs

FACTS_MAX: Final = 500
"""In one commit; the rest follows in the next turn."""

LOOK_MS: Final = 1_000

_CONNECTIONS: Final = """
    SELECT kind, connection_id, owner_id FROM connection
    WHERE web_id = :web_id ORDER BY connection_id LIMIT :limit
"""


class DeadWebs:
    """Notices webs that stopped renewing, and says what has to be appended for them.

    A web must be silent on two looks in a row: after the database or the machine stood still for a while,
    every lease looks old, and a web that lives renews within a second.
    """

    def __init__(self) -> None:
        self._suspects: frozenset[str] = frozenset()
        self._looked_at_ms = 0

    def facts(self, db: Connection, now_ms: int) -> Sequence[Fact]:
        """Facts about connections of dead webs; nothing until it is time to look again."""
        if abs(now_ms - self._looked_at_ms) < LOOK_MS:
            return ()
        self._looked_at_ms = now_ms
        silent = silent_webs(db)
        dead = [web_id for web_id in silent if web_id in self._suspects]
        self._suspects = frozenset(silent)
        found: list[Fact] = []
        for web_id in dead:
            rows = db.rows(_CONNECTIONS, web_id=web_id, limit=FACTS_MAX - len(found))
            found += [_gone(kind, connection_id, owner_id, web_id) for kind, connection_id, owner_id in rows]
        return found


def _gone(kind: str, connection_id: str, owner_id: str, web_id: str) -> Fact:
    if kind == "desk":
        return fact("desk_left", owner_id, desk_id=connection_id, web_id=web_id)
    return fact("customer_disconnected", owner_id, connection_id=connection_id, web_id=web_id)
