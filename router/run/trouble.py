"""Says once that something fails which no decision of the router's tells: a mailbox, a way in, a role."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.journal.appends import storable
from router.journal.database import Connection
from router.records import Fact, fact

AGAIN_MS: Final = 600_000
"""What is still in trouble after somebody has seen to its alarm raises the next one this much later."""

DETAIL_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTrouble:
    """Append: an alarm. Nothing while one of this code and subject stands, or was raised a moment ago."""

    code: str
    ref: str
    detail: str = ""

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One fact, or none."""
        known = db.row(
            "SELECT 1 FROM alarm WHERE code = :code AND ref = :ref"
            " AND (seen_at_ms = 0 OR at_ms > :recent_ms)",
            code=self.code,
            ref=self.ref,
            recent_ms=at_ms - AGAIN_MS,
        )
        detail = storable(self.detail[:DETAIL_MAX])
        return () if known else [fact("trouble_noticed", self.ref, code=self.code, detail=detail)]
