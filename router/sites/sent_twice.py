"""What left at both sites: one of them was thought to be dead, or its answer was lost. People are told.

It cannot be undone, and to wait until it is certain that it cannot happen would mean that it does not leave
at all. Each site says so at its own message, once both streams say that a provider took it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.records import Fact, Row, fact

TOLD: Final = "maybe_twice"
_LEFT: Final = '"left":true'
"""In the canonical data of a try after which a provider had it."""

_SENT: Final = """
    SELECT outbox.outbox_id, message.interaction_id, message.message_id, message.trouble
    FROM message JOIN outbox ON outbox.message_id = message.message_id
    WHERE outbox.left_ms > 0 AND message.interaction_id IN {wanted}
"""
_OF: Final = "SELECT DISTINCT interaction_id FROM outbox WHERE outbox_id IN {wanted}"


def sent_at_both(ours: Connection, theirs: Connection, ids: Sequence[str], *, peer: str) -> list[Fact]:
    """What of these interactions left here and there, and does not say so here yet."""
    here = [row for row in rows_in(ours, _SENT, ids) if row[3] != TOLD]
    there = {row[0] for row in rows_in(theirs, _SENT, sorted({row[1] for row in here}))} if here else set()
    return [
        fact("sent_twice", ref, message_id=message_id, outbox_id=outbox_id, other_site=peer)
        for outbox_id, ref, message_id, _ in sorted(here)
        if outbox_id in there
    ]


def sent_in(db: Connection, rows: Iterable[Row]) -> set[str]:
    """The interactions in which something left, by these rows of this database's stream."""
    sent = sorted({row.ref for row in rows if row.kind == "send_tried" and _LEFT in row.data})
    return {str(row[0]) for row in rows_in(db, _OF, sent)} if sent else set()
