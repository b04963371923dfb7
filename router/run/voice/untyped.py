"""What an agent wrote into a call that was over before it could be typed: it failed, and its agent sees it.

Only the voice process knows what was typed. A call may end, or its process die, while the words are on their
way through the journal; whoever writes the end of such a call says this as well.
"""

from collections.abc import Sequence

from router.journal.connection import Connection
from router.records import Fact, fact

_UNTYPED = """
    SELECT message_id FROM message
    WHERE interaction_id = :interaction_id AND direction = 'out' AND status = '' ORDER BY message_id
"""


def untyped(db: Connection, interaction_id: str) -> list[Fact]:
    """A fact for each message of this interaction that nobody will type any more."""
    found = db.rows(_UNTYPED, interaction_id=interaction_id)
    return [fact("delivered", message_id, status="failed") for (message_id,) in found]


class EndTyping:
    """Append: this interaction's call is over, in the tables as well; nothing more is accepted for it."""

    def __init__(self, interaction_id: str) -> None:
        self._interaction_id = interaction_id

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """None where all was typed, or another call of it goes on."""
        live = "SELECT 1 FROM call WHERE interaction_id = :i AND ended_ms = 0"
        if db.row(live, i=self._interaction_id) is not None:
            return ()
        return untyped(db, self._interaction_id)
